"""What keeps the rows. Engines differ; the promises here do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from adjourn_mock.sessions import Filter, Page, Session
from adjourn_spec import SessionKey

__all__ = ["Store"]


class Store(Protocol):
    """Sessions by environment. Every method is atomic and sees no other environment.

    `environment` is the id of an environment; rows go in and come out as immutable values.
    """

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        """The session that `key` means, or None (clauses id.exact, id.no-fallback)."""

    async def insert(self, environment: str, session: Session) -> Session:
        """Keep a new session, unless its externalId is taken.

        Returns the row that has the externalId afterwards: `session` or the one before it.
        """

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        """Replace a row by what `change` makes of it; `change` may run more than once.

        Returns the row afterwards, or None where there is no such session.
        """

    async def close_once(self, environment: str, session_id: str, reason: str | None, now: str) -> Session | None:
        """Close a session unless it is closed (clause close.atomic).

        Returns the row of the first close, whoever made it, or None where there is no such session.
        """

    async def page(
        self, environment: str, keep: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        """Up to `size` sessions, newest first, older than the id `after` or newer than the id `before`."""

    async def snapshot(self, environment: str) -> Sequence[Session]:
        """All sessions of an environment, oldest first."""

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        """Keep these sessions and no others in an environment; it is done wholly or not at all."""
