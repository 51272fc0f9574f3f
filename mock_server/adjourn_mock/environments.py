"""Environments: the unit of isolation, one secret key each (clause env.isolation)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from adjourn_mock.identifiers import IdSource
from adjourn_mock.instants import Clock, SystemClock
from adjourn_mock.journal import Journal
from adjourn_spec import Contract

__all__ = ["DEFAULT_KEYS", "Environment", "Environments", "KeyFormatError", "masked"]

DEFAULT_KEYS = ("tr_dev_adjourn", "tr_stg_adjourn", "tr_prod_adjourn")


class KeyFormatError(ValueError):
    """A secret key has not the form of one, or stands there twice."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What belongs to one secret key. `kind` is dev, stg, prod or preview."""

    id: str
    name: str
    kind: str
    secret_key: str = field(repr=False)
    ids: IdSource = field(repr=False)
    clock: Clock = field(default_factory=SystemClock, repr=False)
    journal: Journal = field(default_factory=Journal, repr=False)


class Environments:
    """All environments of a server, by key, by id and in the order they were added."""

    def __init__(self, contract: Contract, *, id_seed: int | None = None, clock: Clock | None = None) -> None:
        self._contract, self._id_seed, self._clock = contract, id_seed, clock or SystemClock()
        self._by_key: dict[bytes, Environment] = {}
        self._by_authorization: dict[bytes, Environment] = {}
        self._by_id: dict[str, Environment] = {}

    def add(self, secret_key: str) -> Environment:
        """Register a key.

        Raises:
            KeyFormatError: it does not start as a secret key must, has other than
                visible ASCII characters, or is there already.
        """
        kind = self._kind(secret_key)
        if secret_key.encode() in self._by_key:
            raise KeyFormatError(f"the secret key {masked(secret_key)} is given twice")
        count = sum(1 for other in self if other.kind == kind) + 1
        environment = Environment(
            id="c" + hashlib.sha256(f"environment {secret_key}".encode()).hexdigest()[:24],
            name=kind if count == 1 else f"{kind}-{count}",
            kind=kind,
            secret_key=secret_key,
            ids=IdSource(self._contract, None if self._id_seed is None else f"{self._id_seed} {secret_key}"),
            clock=self._clock,
        )
        self._by_key[secret_key.encode()] = self._by_id[environment.id] = environment
        self._by_authorization[b"Bearer " + secret_key.encode()] = environment
        return environment

    def with_authorization(self, value: bytes) -> Environment | None:
        """The environment of a header that has the plainest form, so that most need no parsing."""
        return self._by_authorization.get(value)

    def with_key(self, key: bytes) -> Environment | None:
        """The environment of exactly this key (clause auth.unknown-key)."""
        # Found by its hash, which is seeded anew in each process: the time tells nothing of other keys.
        return self._by_key.get(key)

    def with_id(self, environment_id: str) -> Environment | None:
        return self._by_id.get(environment_id)

    def named(self, name: str) -> Environment | None:
        return next((environment for environment in self if environment.name == name), None)

    def __iter__(self) -> Iterator[Environment]:
        return iter(self._by_id.values())

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
