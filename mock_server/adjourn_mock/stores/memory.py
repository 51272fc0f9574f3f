"""The default store: rows in this process's memory."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter

from sortedcontainers import SortedList

from adjourn_mock.domain.sessions import Filter, Page, Session, size_bytes
from adjourn_mock.exchanges.memory_journal import MemoryBudget, MemoryJournal
from adjourn_mock.stores.channels import MemoryChannels
from adjourn_mock.stores.list_index import candidate_terms, index_terms
from adjourn_mock.stores.run_index import RunIndex
from adjourn_mock.stores.store import MAX_MEGABYTES, MEGABYTE_BYTES, IdTakenError, StoreFullError
from adjourn_spec import ChannelRule, FriendlyId, SessionKey

__all__ = ["MAX_SESSIONS", "MemoryStore"]

MAX_SESSIONS = 1_000_000
# The place of a session in the order of creation: when it was created, a number that counts up, its id.
Place = tuple[str, float, str]
_FIRST: Place = ("", 0, "")
_LAST: Place = ("\U0010ffff", 0, "")


class _EnvironmentRows:
    """The rows of one environment, by id, by externalId, and in order of creation under each of their terms.

    Attributes:
        rows: by friendly id.
        ids: friendly ids by externalId.
        size_bytes: about how much memory the rows take.
    """

    def __init__(self) -> None:
        self.size_bytes = 0
        self.rows: dict[str, Session] = {}
        self.ids: dict[str, str] = {}
        self._runs = RunIndex()
        self._places: dict[str, Place] = {}
        self._index: SortedList = SortedList()
        self._counts: Counter[str] = Counter()

    def add(self, session: Session) -> None:
        if session.external_id is not None:
            self.ids[session.external_id] = session.id
        self.rows[session.id] = session
        self._runs.add(session.current_run_id, session.id)
        self.size_bytes += size_bytes(session)
        self._places[session.id] = place = (session.created_at, len(self._places), session.id)
        for term in index_terms(session):
            self._add_term(term, place)

    def put(self, session: Session) -> None:
        """Put a row in place of the one with its id."""
        before = self.rows[session.id]
        self.rows[session.id] = session
        if before.current_run_id != session.current_run_id:
            self._runs.remove(before.current_run_id, session.id)
            self._runs.add(session.current_run_id, session.id)
        if (before.closed_at is None) == (session.closed_at is None) and before.tags == session.tags:
            return
        place, old, new = self._places[session.id], index_terms(before), index_terms(session)
        for term in old:
            if term not in new:
                self._remove_term(term, place)
        for term in new:
            if term not in old:
                self._add_term(term, place)

    def of_run(self, run_id: str) -> Session | None:
        """The newest session that has a run."""
        newest = max(self._runs.of(run_id), key=self._places.__getitem__, default=None)
        return None if newest is None else self.rows[newest]

    def _add_term(self, term: str, place: Place) -> None:
        # Thousands of sessions share a term: one text for all.
        self._index.add((sys.intern(term), place))
        self._counts[term] += 1

    def _remove_term(self, term: str, place: Place) -> None:
        self._index.remove((term, place))
        self._counts[term] -= 1
        if not self._counts[term]:
            del self._counts[term]

    def place(self, session_id: str) -> Place | None:
        """The place of a session in the order of creation."""
        return self._places.get(session_id)

    def after(self, place: Place, wanted: Filter, *, newer: bool) -> Iterator[Session]:
        """The rows beyond a place that a filter may keep, newest first or, for `newer`, oldest first."""
        if wanted.external_id is not None:
            session_id = self.ids.get(wanted.external_id, "")
            own = self.place(session_id)
            is_beyond = own is not None and (own > place if newer else own < place)
            return iter([self.rows[session_id]] if is_beyond else [])
        groups = candidate_terms(wanted)
        if len(groups) > 1:
            groups.sort(key=lambda group: sum(self._counts[term] for term in group))
        group = groups[0]
        if len(group) == 1:
            # Nothing to merge, as in most lists.
            return (self.rows[own[2]] for _, own in self._under(group[0], place, wanted, newer=newer))
        found = (self._under(term, place, wanted, newer=newer) for term in group)
        places = merge(*found, key=itemgetter(1), reverse=not newer)
        return (self.rows[own[2]] for own, _ in groupby(places, itemgetter(1)))

    def _under(self, term: str, place: Place, wanted: Filter, *, newer: bool) -> Iterator[tuple[str, Place]]:
        """The term and the places under it that lie beyond `place` and within the period of a filter."""
        first = _FIRST if wanted.created_from is None else (wanted.created_from, 0, "")
        last = _LAST if wanted.created_to is None else (wanted.created_to, float("inf"), "")
        # Where the place itself is a bound, it is left out; a bound of the period belongs to it.
        if newer:
            low, high = (first, last) if place < first else (place, last)
            inclusive = (place < first, True)
        else:
            low, high = (first, last) if place > last else (first, place)
            inclusive = (True, place > last)
        found: Iterator[tuple[str, Place]] = self._index.irange((term, low), (term, high), inclusive, reverse=not newer)
        return found


_EVERYTHING = Filter()


class MemoryStore:
    """A store for one process. No method awaits, so each is atomic in an event loop.

    Args:
        limit: the most sessions that it keeps, of all environments together.
        megabytes: about how much memory they may take.
    """

    def __init__(self, limit: int = MAX_SESSIONS, megabytes: float = MAX_MEGABYTES) -> None:
        self._environments: dict[str, _EnvironmentRows] = {}
        self._limit, self._megabytes = limit, megabytes
        self._count, self._left_bytes = 0, megabytes * MEGABYTE_BYTES
        self._journals = MemoryBudget()

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        rows_of = self._environments.get(environment)
        if rows_of is None:
            return None
        session_id = key.value if type(key) is FriendlyId else rows_of.ids.get(key.value)
        return None if session_id is None else rows_of.rows.get(session_id)

    async def of_run(self, environment: str, run_id: str) -> Session | None:
        rows_of = self._environments.get(environment)
        return None if rows_of is None else rows_of.of_run(run_id)

    async def insert(self, environment: str, session: Session) -> Session:
        rows_of = self._environments.get(environment)
        if rows_of is None:
            rows_of = self._environments[environment] = _EnvironmentRows()
        holder = None if session.external_id is None else rows_of.ids.get(session.external_id)
        if holder is not None:
            return rows_of.rows[holder]
        if session.id in rows_of.rows:
            raise IdTakenError(session.id)
        self._make_room(1, size_bytes(session))
        rows_of.add(session)
        return session

    def _make_room(self, count: int, more_bytes: int) -> None:
        if self._count + count > self._limit:
            raise StoreFullError(f"the mock keeps {self._limit} sessions at most; see --max-sessions")
        if self._left_bytes < more_bytes > 0:
            raise StoreFullError(f"the mock keeps {self._megabytes:g} MB of sessions at most; see --max-megabytes")
        self._count += count
        self._left_bytes -= more_bytes

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        rows_of = self._environments.get(environment)
        if rows_of is None or session_id not in rows_of.rows:
            return None
        before = rows_of.rows[session_id]
        session = change(before)
        if session is not before:
            growth_bytes = size_bytes(session) - size_bytes(before)
            self._make_room(0, growth_bytes)
            rows_of.put(session)
            rows_of.size_bytes += growth_bytes
        return session

    async def page(
        self, environment: str, wanted: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        rows_of = self._environments.get(environment) or _EnvironmentRows()
        place = rows_of.place(cursor) if (cursor := after or before) else _LAST
        if place is None:
            return Page((), has_older=False, has_newer=False)
        rows = rows_of.after(place, wanted, newer=before is not None)
        if wanted != _EVERYTHING:
            rows = (row for row in rows if wanted.matches(row, now))
        return Page.of(list(islice(rows, size + 1)), size=size, after=after, before=before)

    async def count(self, environment: str) -> int:
        rows_of = self._environments.get(environment)
        return 0 if rows_of is None else len(rows_of.rows)

    def channels(self, rule: ChannelRule) -> MemoryChannels:
        return MemoryChannels(rule)

    def journal(self, environment: str) -> MemoryJournal:  # noqa: ARG002 - each is one of its own
        return MemoryJournal(self._journals)

    async def snapshot(self, environment: str) -> Sequence[Session]:
        rows_of = self._environments.get(environment) or _EnvironmentRows()
        return list(rows_of.after(_FIRST, Filter(), newer=True))

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        self.load(environment, rows)

    def load(self, environment: str, rows: Sequence[Session]) -> None:
        """`replace`, for callers that are not asynchronous."""
        before = self._environments.get(environment)
        had, had_bytes = (0, 0) if before is None else (len(before.rows), before.size_bytes)
        self._make_room(len(rows) - had, sum(map(size_bytes, rows)) - had_bytes)
        self._environments.pop(environment, None)
        if rows:
            rows_of = self._environments[environment] = _EnvironmentRows()
            for session in rows:
                rows_of.add(session)
