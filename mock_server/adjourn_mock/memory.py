"""The default store: rows in this process's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sortedcontainers import SortedKeyList

from adjourn_mock import sessions
from adjourn_mock.journal import MemoryJournal
from adjourn_mock.sessions import Filter, Page, Session
from adjourn_mock.store import IdTakenError, StoreFullError
from adjourn_spec import FriendlyId, SessionKey

__all__ = ["MAX_SESSIONS", "MemoryStore"]

MAX_SESSIONS = 1_000_000
Place = tuple[str, float]
_FIRST: Place = ("", 0)
_LAST: Place = ("\U0010ffff", 0)


class _Shelf:
    """The rows of one environment, by id, by externalId, and in order of creation: all, the open and the closed ones.

    Attributes:
        rows: by friendly id.
        ids: friendly ids by externalId.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Session] = {}
        self.ids: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        self._all, self._open, self._closed = (SortedKeyList(key=self._places.__getitem__) for _ in range(3))

    def add(self, session: Session) -> None:
        if session.external_id is not None:
            self.ids[session.external_id] = session.id
        self.rows[session.id] = session
        self._places[session.id] = (session.created_at, len(self._places))
        self._all.add(session.id)
        self._of(session).add(session.id)

    def put(self, session: Session) -> None:
        """Put a row in place of the one with its id."""
        before, after = self._of(self.rows[session.id]), self._of(session)
        self.rows[session.id] = session
        if before is not after:
            before.remove(session.id)
            after.add(session.id)

    def _of(self, session: Session) -> SortedKeyList:
        return self._open if session.closed_at is None else self._closed

    def place(self, session_id: str) -> Place | None:
        """Where a session stands in the order of creation."""
        return self._places.get(session_id)

    def beyond(self, place: Place, keep: Filter, *, newer: bool) -> Iterator[Session]:
        """The rows beyond a place that a filter may keep, newest first or, for `newer`, oldest first."""
        if keep.external_id is not None:
            session_id = self.ids.get(keep.external_id, "")
            own = self.place(session_id)
            is_beyond = own is not None and (own > place if newer else own < place)
            return iter([self.rows[session_id]] if is_beyond else [])
        order = self._all
        if keep.statuses:
            if "CLOSED" not in keep.statuses:
                order = self._open
            elif len(keep.statuses) == 1:
                order = self._closed
        first = _FIRST if keep.created_from is None else (keep.created_from, 0)
        last = _LAST if keep.created_to is None else (keep.created_to, float("inf"))
        if newer:
            found = order.irange_key(max(place, first), last, (max(place, first) != place, True))
        else:
            found = order.irange_key(first, min(place, last), (True, min(place, last) != place), reverse=True)
        return map(self.rows.__getitem__, found)


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
        shelf = self._shelves.get(environment)
        if shelf is None:
            shelf = self._shelves[environment] = _Shelf()
        holder = None if session.external_id is None else shelf.ids.get(session.external_id)
        if holder is not None:
            return shelf.rows[holder]
        if session.id in shelf.rows:
            raise IdTakenError(session.id)
        self._make_room(1)
        shelf.add(session)
        return session

    def _make_room(self, count: int) -> None:
        if self._count + count > self._limit:
            raise StoreFullError(f"the mock keeps {self._limit} sessions at most; see --max-sessions")
        self._count += count

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        shelf = self._shelves.get(environment)
        if shelf is None or session_id not in shelf.rows:
            return None
        session = change(shelf.rows[session_id])
        shelf.put(session)
        return session

    async def close_once(self, environment: str, session_id: str, reason: str | None, now: str) -> Session | None:
        return await self.amend(environment, session_id, lambda session: sessions.close(session, reason, now))

    async def page(
        self, environment: str, keep: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        shelf = self._shelves.get(environment) or _Shelf()
        place = shelf.place(cursor) if (cursor := after or before) else _LAST
        if place is None:
            return Page((), has_older=False, has_newer=False)
        rows = (row for row in shelf.beyond(place, keep, newer=before is not None) if keep.keeps(row, now))
        found = list(islice(rows, size + 1))
        if before is not None:
            return Page(tuple(reversed(found[:size])), has_older=True, has_newer=len(found) > size)
        return Page(tuple(found[:size]), has_older=len(found) > size, has_newer=after is not None)

    async def count(self, environment: str) -> int:
        shelf = self._shelves.get(environment)
        return 0 if shelf is None else len(shelf.rows)

    def journal(self, environment: str) -> MemoryJournal:  # noqa: ARG002 - each is one of its own
        return MemoryJournal()

    async def snapshot(self, environment: str) -> Sequence[Session]:
        shelf = self._shelves.get(environment) or _Shelf()
        return list(shelf.beyond(_FIRST, Filter(), newer=True))

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        self.load(environment, rows)

    def load(self, environment: str, rows: Sequence[Session]) -> None:
        """`replace`, for callers that are not asynchronous."""
        before = self._shelves.get(environment)
        self._make_room(len(rows) - (0 if before is None else len(before.rows)))
        self._shelves.pop(environment, None)
        if rows:
            shelf = self._shelves[environment] = _Shelf()
            for session in rows:
                shelf.add(session)
