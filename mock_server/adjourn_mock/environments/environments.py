"""Environments: the unit of isolation, one secret key each (clause env.isolation)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from adjourn_mock.domain.clock import Clock, SettableClock
from adjourn_mock.domain.errors import LimitError, UserError
from adjourn_mock.domain.ids import IdGenerator
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.active_faults import ActiveFaults
from adjourn_mock.environments.agent import AgentScript
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.exchanges.memory_journal import MemoryJournal
from adjourn_spec import Contract

__all__ = ["DEFAULT_KEYS", "Environment", "Environments", "KeyFormatError", "TooManyError", "masked"]

DEFAULT_KEYS = ("tr_dev_adjourn", "tr_stg_adjourn", "tr_prod_adjourn")
MAX_ENVIRONMENTS = 10_000
MAX_NAME_CHARACTERS = 128
# What follows the prefix of a named key.
_NAMED = "sk_"


class KeyFormatError(UserError):
    """A secret key is malformed or duplicated."""


class TooManyError(LimitError):
    """The limit is reached."""


@dataclass(eq=False, slots=True)
class Environment:
    """What belongs to one secret key.

    Attributes:
        id: as tokens name it.
        name: for people; no two environments have the same.
        kind: dev, stg, prod or preview.
        dialect: how it answers in the grey zones.
        id_seed: where it is set, the ids are the same each time.
        seed: the sessions that it has from the start and after each reset.
        frozen_at: where its clock is frozen at the start, in milliseconds since 1970; None for a running clock.
        faults: what is switched on.
        journal: what happened.
        agent: what its agent answers.
        first_agent: what it answers from the start and after each reset.
        runs: the states of runs that a test has set, by run id.
        counts: how often something happened in this process, such as a rule of the agent.
        key_scopes: what tokens made with its key may grant; None where the key has no limits.
        spent: the tokens for one request that this process has seen, oldest first.
    """

    id: str
    name: str
    kind: str
    secret_key: str = field(repr=False)
    dialect: str
    ids: IdGenerator = field(repr=False)
    clock: SettableClock = field(repr=False)
    id_seed: int | None = None
    frozen_at: int | None = None
    seed: Sequence[Session] = field(default=(), repr=False)
    faults: ActiveFaults = field(default_factory=ActiveFaults, repr=False)
    journal: Journal = field(default_factory=MemoryJournal, repr=False)
    agent: AgentScript = field(default_factory=AgentScript, repr=False)
    first_agent: AgentScript = field(default_factory=AgentScript, repr=False)
    runs: dict[str, str] = field(default_factory=dict, repr=False)
    counts: dict[str, int] = field(default_factory=dict, repr=False)
    key_scopes: tuple[str, ...] | None = None
    spent: dict[str, None] = field(default_factory=dict, repr=False)

    @property
    def shown_key(self) -> str:
        """The key, where it is one of those that every mock has by default; else how it starts."""
        return self.secret_key if self.secret_key in DEFAULT_KEYS else masked(self.secret_key)

    def restart(self) -> None:
        """Make clock, ids and faults what they were at the start."""
        self.clock.reset()
        if self.frozen_at is not None:
            self.clock.freeze(self.frozen_at)
        self.ids.restart()
        self.faults.clear()
        self.agent, self.runs, self.counts = self.first_agent, {}, {}


class EnvironmentObserver(Protocol):
    """Whoever follows which environments a server has."""

    def added(self, environment: Environment) -> None:
        """An environment was added."""

    def removed(self, environment: Environment) -> None:
        """An environment was removed; its key is unknown by now."""


class Environments:
    """All environments of a server, by key, by id and in the order they were added.

    Args:
        contract: says how secret keys start.
        dialect: of environments that ask for none.
        id_seed: likewise.
        clock: the source of time where an environment's clock is not set.
        limit: the upper limit of environments.
        journals: makes the journal of the environment with an id.

    Attributes:
        with_authorization: the environment of an Authorization header that has the plainest
            form, or None, so that most need no parsing.
        observers: those that are called when an environment is added or removed.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        dialect: str = "documented",
        id_seed: int | None = None,
        clock: Clock | None = None,
        limit: int = MAX_ENVIRONMENTS,
        journals: Callable[[str], Journal] = lambda _: MemoryJournal(),
    ) -> None:
        self._contract, self._dialect, self._id_seed, self._clock = contract, dialect, id_seed, clock
        self._limit, self._journals = limit, journals
        self._by_key: dict[bytes, Environment] = {}
        self._by_authorization: dict[bytes, Environment] = {}
        self._by_id: dict[str, Environment] = {}
        self._by_name: dict[str, Environment] = {}
        self.observers: list[EnvironmentObserver] = []
        # The method of the dict itself: each request asks once or twice.
        self.with_authorization: Callable[[bytes], Environment | None] = self._by_authorization.get

    def add(
        self,
        secret_key: str | None = None,
        *,
        kind: str = "dev",
        name: str | None = None,
        dialect: str | None = None,
        id_seed: int | None = None,
        frozen_at: int | None = None,
        key_scopes: Sequence[str] | None = None,
    ) -> Environment:
        """Register a key, or make one.

        Args:
            secret_key: it decides the kind; None for a fresh one.
            kind: dev, stg, prod or preview, for a fresh key.
            name: the kind and a number by default.
            dialect: the server's by default.
            id_seed: makes the ids the same on every run; the server's by default.
            frozen_at: the moment at which the clock is frozen, in milliseconds since 1970; by default it goes.
            key_scopes: what tokens made with the key may grant, for a named key; without limits by default.

        Raises:
            KeyFormatError: the key does not start as a secret key must, has other than
                visible ASCII characters, is there already, or has scopes and is not a named key.
            ValueError: there is no such kind, or the name is taken or too long.
            TooManyError: the limit of environments is reached.
        """
        if len(self._by_id) >= self._limit:
            raise TooManyError(f"there are {self._limit} environments, which is the limit; delete some")
        secret_key = secret_key or self._fresh_key(kind, is_named=key_scopes is not None)
        kind = self._kind(secret_key)
        named = self._contract.key_prefixes[kind] + _NAMED
        if key_scopes is not None and not secret_key.startswith(named):
            raise KeyFormatError(f"the secret key {masked(secret_key)} has scopes, so it must start with {named}")
        if secret_key.encode() in self._by_key:
            raise KeyFormatError(f"the secret key {masked(secret_key)} is given twice")
        name = self._free_name(kind, name)
        source = f"{self._id_seed} {name}" if self._id_seed is not None else None
        environment_id = "c" + hashlib.sha256(f"environment {secret_key}".encode()).hexdigest()[:24]
        environment = Environment(
            id=environment_id,
            name=name,
            kind=kind,
            secret_key=secret_key,
            dialect=dialect or self._dialect,
            ids=IdGenerator(self._contract, source if id_seed is None else str(id_seed)),
            clock=SettableClock(self._clock),
            id_seed=self._id_seed if id_seed is None else id_seed,
            frozen_at=frozen_at,
            key_scopes=None if key_scopes is None else tuple(key_scopes),
            journal=self._journals(environment_id),
        )
        environment.restart()
        self._by_key[secret_key.encode()] = self._by_id[environment.id] = environment
        self._by_name[environment.name] = environment
        self._by_authorization[b"Bearer " + secret_key.encode()] = environment
        for observer in self.observers:
            observer.added(environment)
        return environment

    def remove(self, environment: Environment) -> None:
        """Forget an environment; its key is then unknown."""
        secret_key = environment.secret_key.encode()
        self._by_key.pop(secret_key, None)
        self._by_authorization.pop(b"Bearer " + secret_key, None)
        self._by_id.pop(environment.id, None)
        self._by_name.pop(environment.name, None)
        for observer in self.observers:
            observer.removed(environment)

    def with_key(self, key: bytes) -> Environment | None:
        """The environment of exactly this key (clause auth.unknown-key)."""
        # Found by its hash, which is seeded anew in each process: the time reveals nothing of other keys.
        return self._by_key.get(key)

    def with_id(self, environment_id: str) -> Environment | None:
        return self._by_id.get(environment_id)

    def named(self, name: str) -> Environment | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Environment]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def _fresh_key(self, kind: str, *, is_named: bool) -> str:
        prefix = self._contract.key_prefixes.get(kind)
        if prefix is None:
            raise UserError(f"there is no kind {kind!r}; there are {', '.join(self._contract.key_prefixes)}")
        return prefix + (_NAMED if is_named else "") + secrets.token_hex(12)

    def _free_name(self, kind: str, name: str | None) -> str:
        if name is not None:
            if name in self._by_name or name in self._by_id:
                raise UserError(f"there is an environment {name!r} already")
            if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or "/" in name:
                raise UserError(
                    f"a name is 1 to {MAX_NAME_CHARACTERS} printable characters without a slash, not {ascii(name)[:40]}"
                )
            return name
        number = len(self._by_id) + 1
        if kind not in self._by_name:
            return kind
        while f"{kind}-{number}" in self._by_name:
            number += 1
        return f"{kind}-{number}"

    def _kind(self, secret_key: str) -> str:
        prefixes = self._contract.key_prefixes
        for kind, prefix in prefixes.items():
            if secret_key.startswith(prefix) and len(secret_key) > len(prefix):
                if not all("!" <= character <= "~" for character in secret_key):
                    break
                return kind
        raise KeyFormatError(
            f"the secret key {masked(secret_key)} is not one: it must start with"
            f" {', '.join(prefixes.values())} and go on with visible ASCII characters"
        )


def masked(secret_key: str) -> str:
    """A key as it may be shown: how it starts, and no more."""
    shown = secret_key[: min(len(secret_key) // 2, 8)]
    return ascii(shown)[1:-1] + "..."
