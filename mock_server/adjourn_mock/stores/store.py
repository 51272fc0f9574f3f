"""What an engine must do to keep the state of a mock: sessions, and what else is shared by its processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from adjourn_mock.domain import sessions
from adjourn_mock.domain.errors import LimitError, UnavailableError, UserError
from adjourn_mock.domain.sessions import Filter, Page, Session
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.stores.channels import Channels
from adjourn_spec import ChannelRule, SessionKey

__all__ = [
    "MAX_MEGABYTES",
    "MEGABYTE_BYTES",
    "POLL_SECONDS",
    "IdTakenError",
    "SharedStore",
    "Store",
    "StoreError",
    "StoreFullError",
    "StoreUnavailable",
    "close_once",
]

MAX_MEGABYTES, MEGABYTE_BYTES = 2048, 1024 * 1024
# What another process writes to a shared journal is noticed after so long; what this process writes, at once.
POLL_SECONDS = 0.1


class StoreError(UserError):
    """A store cannot be used: a foreign or damaged file, a wrong address."""


class StoreUnavailable(UnavailableError):  # noqa: N818 - it may come back
    """The store does not answer at the moment."""


class StoreFullError(LimitError):
    """The store keeps as many sessions as it may, or as large ones."""


class IdTakenError(Exception):
    """Another session has the friendly id already; draw another."""


class Store(Protocol):
    """Sessions by environment. Every method is atomic and sees no other environment.

    `environment` is the id of an environment; rows go in and come out as immutable values.
    Every method may raise `StoreUnavailable`.
    """

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        """The session that `key` means, or None (clauses id.exact, id.no-fallback)."""

    async def of_run(self, environment: str, run_id: str) -> Session | None:
        """The session whose current run it is, the newest of several, or None (clause run.row)."""

    async def insert(self, environment: str, session: Session) -> Session:
        """Keep a new session, unless its externalId is taken.

        Returns the row that has the externalId afterwards: `session` or the one before it.

        Raises:
            IdTakenError: another session has its friendly id.
            StoreFullError: it keeps as many as it may; one that has the externalId is found all the same.
        """

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        """Replace a row by what `change` makes of it; `change` may run more than once.

        Returns the row afterwards, or None where there is no such session.

        Raises:
            StoreFullError: there is no room for what it grew by.
        """

    async def page(
        self, environment: str, wanted: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        """Up to `size` sessions, newest first, older than the id `after` or newer than the id `before`."""

    async def count(self, environment: str) -> int:
        """How many sessions an environment has."""

    async def snapshot(self, environment: str) -> Sequence[Session]:
        """All sessions of an environment, oldest first."""

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        """Keep these sessions and no others in an environment; it is done wholly or not at all.

        Raises:
            StoreFullError: they are more than it may keep.
        """

    def channels(self, rule: ChannelRule) -> Channels:
        """The records of the sessions' channels, which live where the sessions do."""

    def journal(self, environment: str) -> Journal:
        """The journal of an environment."""


async def close_once(store: Store, environment: str, session_id: str, reason: str | None, now: str) -> Session | None:
    """Close a session unless it is closed (clause close.atomic).

    Returns the row of the first close, whoever made it, or None where there is no such session.
    """
    return await store.amend(environment, session_id, lambda session: sessions.close(session, reason, now))


class SharedStore(Store, Protocol):
    """A store that several processes share, or that outlives them: it keeps the environments too.

    What is kept of an environment is a text, its record; `EnvironmentSync` writes and reads it.
    """

    async def changes_since(self, since: int) -> tuple[int, Mapping[str, str] | None]:
        """The state's version, and all records by environment where it is not `since`."""

    async def create_environment(self, environment: str, record: str) -> bool:
        """Keep a record unless there is one; whether there was none."""

    async def put_environment(self, environment: str, record: str) -> None:
        """Keep a record in place of the one there is."""

    async def delete_environment(self, environment: str) -> None:
        """Forget an environment: its record, sessions, journal and counters."""

    async def increment(self, environment: str, counter: str) -> int:
        """Add one to a counter of an environment, and return it."""

    async def counters(self, environment: str) -> Mapping[str, int]:
        """All counters of an environment."""

    async def close(self) -> None:
        """Let go of the engine."""
