"""The default store: rows in this process's memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from adjourn_mock import sessions
from adjourn_mock.journal import MemoryJournal
from adjourn_mock.sessions import Filter, Page, Session
from adjourn_mock.store import IdTakenError, StoreFullError
from adjourn_spec import FriendlyId, SessionKey

__all__ = ["MemoryStore"]


MAX_SESSIONS = 1_000_000


@dataclass(slots=True)
class _Shelf:
    """The rows of one environment, by id, by externalId and in order of creation."""

    rows: dict[str, Session] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def created_at(self, session_id: str) -> str:
        return self.rows[session_id].created_at

    def position(self, session_id: str) -> int | None:
        """Where a session stands in `order`."""
        if session_id not in self.rows:
            return None
        start = bisect_left(self.order, self.created_at(session_id), key=self.created_at)
        return self.order.index(session_id, start)

    def span(self, keep: Filter) -> tuple[int, int]:
        """The part of `order` that a filter can keep: where it begins and ends."""
        if keep.external_id is not None:
            place = self.position(self.ids.get(keep.external_id, ""))
            return (0, 0) if place is None else (place, place + 1)
        first = 0 if keep.created_from is None else bisect_left(self.order, keep.created_from, key=self.created_at)
        last = (
            len(self.order)
            if keep.created_to is None
            else bisect_right(self.order, keep.created_to, key=self.created_at)
        )
        return first, last


class MemoryStore:
    """A store for one process. No method awaits, so each is atomic in an event loop.

    Args:
        limit: the most sessions that it keeps, of all environments together.
    """

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._shelves: dict[str, _Shelf] = {}
        self._limit, self._count = limit, 0

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        shelf = self._shelves.get(environment)
        if shelf is None:
            return None
        session_id = key.value if type(key) is FriendlyId else shelf.ids.get(key.value)
        return None if session_id is None else shelf.rows.get(session_id)

    async def insert(self, environment: str, session: Session) -> Session:
        shelf = self._shelves.setdefault(environment, _Shelf())
        holder = None if session.external_id is None else shelf.ids.get(session.external_id)
        if holder is not None:
            return shelf.rows[holder]
        if session.id in shelf.rows:
            raise IdTakenError(session.id)
        self._make_room(1)
        self._insert(shelf, session)
        return session

    def _make_room(self, count: int) -> None:
        if self._count + count > self._limit:
            raise StoreFullError(f"the mock keeps {self._limit} sessions at most; see --max-sessions")
        self._count += count

    def _insert(self, shelf: _Shelf, session: Session) -> None:
        if session.external_id is not None:
            shelf.ids[session.external_id] = session.id
        shelf.rows[session.id] = session
        insort_right(shelf.order, session.id, key=shelf.created_at)

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        shelf = self._shelves.get(environment)
        if shelf is None or session_id not in shelf.rows:
            return None
        session = shelf.rows[session_id] = change(shelf.rows[session_id])
        return session

    async def close_once(self, environment: str, session_id: str, reason: str | None, now: str) -> Session | None:
        shelf = self._shelves.get(environment)
        session = None if shelf is None else shelf.rows.get(session_id)
        if shelf is None or session is None or session.closed_at is not None:
            return session
        shelf.rows[session_id] = session = sessions.close(session, reason, now)
        return session

    async def page(
        self, environment: str, keep: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        shelf = self._shelves.get(environment, _Shelf())
        position = shelf.position(cursor) if (cursor := after or before) else len(shelf.order)
        if position is None:
            return Page((), has_older=False, has_newer=False)

        def matching(ids: Iterable[str], count: int) -> list[Session]:
            return list(islice((row for row in map(shelf.rows.__getitem__, ids) if keep.keeps(row, now)), count))

        first, last = shelf.span(keep)
        older = (shelf.order[index] for index in range(min(position, last) - 1, first - 1, -1))
        newer = (shelf.order[index] for index in range(max(position + 1, first), last))
        if before is not None:
            found = matching(newer, size + 1)
            return Page(tuple(reversed(found[:size])), has_older=True, has_newer=len(found) > size)
        found = matching(older, size + 1)
        return Page(tuple(found[:size]), has_older=len(found) > size, has_newer=after is not None)

    async def count(self, environment: str) -> int:
        shelf = self._shelves.get(environment)
        return 0 if shelf is None else len(shelf.rows)

    def journal(self, environment: str) -> MemoryJournal:  # noqa: ARG002 - each is one of its own
        return MemoryJournal()

    async def snapshot(self, environment: str) -> Sequence[Session]:
        shelf = self._shelves.get(environment, _Shelf())
        return [shelf.rows[session_id] for session_id in shelf.order]

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        self.load(environment, rows)

    def load(self, environment: str, rows: Sequence[Session]) -> None:
        """`replace`, for callers that are not asynchronous."""
        before = self._shelves.get(environment, _Shelf())
        self._make_room(len(rows) - len(before.rows))
        self._shelves.pop(environment, None)
        if rows:
            shelf = self._shelves[environment] = _Shelf()
            for session in rows:
                self._insert(shelf, session)
