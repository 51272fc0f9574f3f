"""The server under test: how to reach it, what it lacks, and what the check has created there."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from adjourn_contract.engine.numbering import Numbering, current
from adjourn_contract.engine.outcomes import NotApplicable, NotChecked
from adjourn_contract.transport.exchange import Exchange
from adjourn_contract.transport.wire import Wire
from adjourn_spec import Contract

__all__ = ["CHAT", "Target"]

CHAT: dict[str, Any] = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}


@dataclass
class Target:
    """One server, its keys, and what the check knows of it.

    Attributes:
        wire: the connection to it.
        contract: what it is held to.
        key: the secret key; `other_key` one of another environment, or None.
        dialect: require this dialect's answers in the grey zones, or None to accept either answer.
        tag: the run's id, part of every externalId that it makes.
        pool: sessions made beforehand, for a server without create.
        lacks: why an operation cannot be checked, by operationId.
        known_operations: what was found out about operations that a server may lack.
        asking: a lock, taken while one test finds out for all whether the server has an operation, or has gone away.
        updates_after_create: whether updatedAt moves by itself for a while after create.
        internal_ids: ids of the caller's environment that no answer may show.
        echoed_secrets: secrets that a request had as data.
        account: members of triggerConfig that name things which the account has, such as its region.
        numbering: the numbers for names outside every test.
        task: taskIdentifier of the sessions that are created, instead of the example's.
        is_gone: whether the server was seen to accept no connections any more.
        token: a public access token that create answered.
        list_lag_seconds: how long after a write a list may not show it yet.
        observed_list_lag_seconds: the longest time that a list lagged behind a write, None where none was
            measured.
    """

    wire: Wire
    contract: Contract
    key: str
    other_key: str | None
    dialect: str | None
    tag: str
    pool: list[dict[str, Any]] = field(default_factory=list)
    unsupported: dict[str, str] = field(default_factory=dict)
    known_operations: set[str] = field(default_factory=set)
    asking: Any = field(default_factory=threading.RLock)
    updates_after_create: bool = False
    internal_ids: set[str] = field(default_factory=set)
    echoed_secrets: set[str] = field(default_factory=set)
    is_gone: bool = False
    task: str | None = None
    account: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    list_lag_seconds: float = 3.0
    observed_list_lag_seconds: float | None = None
    numbering: Numbering = field(default_factory=Numbering)
    _open: dict[tuple[str, str], None] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def name(self, what: str = "") -> str:
        """An unknown externalId; its number is of the test and case that run."""
        return f"adjourn-{self.tag}-{current(self.numbering).next()}{'-' + what if what else ''}"

    def random(self, what: str) -> Random:
        """Chance that the run's tag and the test decide; another when a test is played again."""
        return Random(f"{self.tag} {current(self.numbering).scope}{what}")

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*(key for key in (self.key, self.other_key) if key), *self.internal_ids)

    def note_sent_secrets(self, exchange: Exchange) -> None:
        """What a request has as data, as a generated reason may be a key, may lawfully appear in rows."""
        path = exchange.target.partition("?")[0]
        for secret in self.secrets:
            if secret in path or (exchange.body is not None and secret.encode() in exchange.body):
                self.echoed_secrets.add(secret)

    def note_no_answer(self) -> None:
        """Find out whether the server has gone away; one test alone reports that, whichever comes first.

        Raises:
            NotChecked: another test reports it.
        """
        with self.asking:
            if self.is_gone:
                raise NotChecked("the server accepts no connections any more")
            self.is_gone = not self.wire.accepts()

    def need(self, *operations: str) -> None:
        """Raise NotChecked where the server lacks an operation."""
        for operation in operations:
            if operation in self.unsupported:
                raise self.lack_of(operation)

    def lack_of(self, operation: str) -> NotChecked:
        """The outcome of a test that needs an operation which the server lacks, to be raised."""
        reason = self.unsupported[operation]
        # A server may lack list and update; without create most of the contract cannot be asked about.
        if operation == "createSession":
            return NotChecked(reason, remedy="--session-pool")
        return NotApplicable(reason)

    def need_other_key(self) -> str:
        if self.other_key is None:
            raise NotChecked("a key of a second environment is missing", remedy="--other-secret-key")
        return self.other_key

    @property
    def example(self) -> dict[str, Any]:
        """The body of a create with nothing but the required members."""
        return CHAT if self.task is None else {**CHAT, "taskIdentifier": self.task}

    def note_list_lag(self, seconds: float) -> None:
        """A list showed a write after so many seconds, 0 where it did so at once."""
        with self._lock:
            self.observed_list_lag_seconds = max(self.observed_list_lag_seconds or 0.0, seconds)

    # paths

    @property
    def collection(self) -> str:
        return self.contract.operations["createSession"].template

    def path(self, key: str) -> str:
        return self.raw_path(_quoted(key))

    def raw_path(self, segment: str) -> str:
        return self.contract.operations["retrieveSession"].template.replace("{session}", segment)

    def close_path(self, key: str) -> str:
        return self.raw_close_path(_quoted(key))

    def raw_close_path(self, segment: str) -> str:
        return self.contract.operations["closeSession"].template.replace("{session}", segment)

    # what is left open

    def remember(self, key: str, created: Exchange) -> None:
        if isinstance(created.value, dict) and isinstance(created.value.get("id"), str):
            with self._lock:
                self._open[(key, created.value["id"])] = None
                self._made.add(created.value["id"])

    def is_ours(self, session_id: str) -> bool:
        """Whether the run has made a session with this friendly id."""
        with self._lock:
            return session_id in self._made

    def forget(self, key: str, session_id: str) -> None:
        with self._lock:
            self._open.pop((key, session_id), None)


def _quoted(key: str) -> str:
    return quote(key, safe="")
