"""Counts of the exchanges that a journal no longer stores."""

from __future__ import annotations

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.entry import StoredExchange
from adjourn_mock.exchanges.journal_filter import JournalFilter

__all__ = ["MAX_NAMES", "Tally"]

MAX_NAMES = 100_000
# Operation, method, status, clause, and whether a fault applied: the contract has few combinations of them.
_Kind = tuple[str | None, str, int, str | None, bool]


class Tally:
    """How many exchanges of each kind there were, and how many of them were about each session.

    It is exact for every filter but `path` and `since`. Its memory grows with the number of sessions, not with the
    number of exchanges.

    Args:
        max_names: how many sessions, and paths to sessions that do not exist, are counted one by one; beyond it no
            count is known by session.
    """

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self._max_names = max_names
        self._numbers: dict[_Kind, int] = {}
        self._by_kind: list[int] = []
        self._by_session: dict[str, dict[int, int]] = {}
        self._by_path: dict[str, dict[int, int]] = {}
        self._ids: dict[str, tuple[str, ...]] = {}
        self._has_all_names = True

    def add(self, exchange: StoredExchange) -> None:
        """Count an exchange. A server at full load does so for each request."""
        request, answer = exchange.request, exchange.answer
        faults = request.faults
        kind = (request.operation, request.method, answer.status, answer.clause, bool(faults))
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = len(self._by_kind)
            self._by_kind.append(0)
        self._by_kind[number] += 1
        session = answer.session
        if session is None:
            key = exchange.key
            if key is not None:
                self._count_path(key, number)
            return
        counts = self._by_session.get(session.id)
        if counts is None:
            counts = self._counts_of(session)
        counts[number] = counts.get(number, 0) + 1
        # Without a fault the path names the session that is answered.
        if faults and (key := exchange.key) not in (None, session.id, session.external_id):
            self._count_path(str(key), number)

    def _count_path(self, name: str, number: int) -> None:
        counts = self._by_path.get(name)
        if counts is None:
            if self._is_full():
                return
            counts = self._by_path[name] = {}
        counts[number] = counts.get(number, 0) + 1

    def _counts_of(self, session: Session) -> dict[int, int]:
        """The counts of a session that is seen for the first time."""
        if self._is_full():
            return {}
        if session.external_id is not None:
            # A seed may put another session under the same externalId.
            self._ids[session.external_id] = (*self._ids.get(session.external_id, ()), session.id)
        counts: dict[int, int] = {}
        self._by_session[session.id] = counts
        return counts

    def _is_full(self) -> bool:
        """Whether no further name is counted; then what is asked by name is not known any more."""
        if len(self._by_session) + len(self._by_path) < self._max_names:
            return False
        self._has_all_names = False
        return True

    def count(self, wanted: JournalFilter) -> int | None:
        """How many of them match; None where that is not known. `since` is left out of account."""
        if wanted.path is not None or (wanted.session is not None and not self._has_all_names):
            return None
        numbers = [number for kind, number in self._numbers.items() if wanted.matches_kind(*kind)]
        if wanted.session is None:
            return sum(self._by_kind[number] for number in numbers)
        ids = (wanted.session, *self._ids.get(wanted.session, ()))
        found = [self._by_path.get(wanted.session, {}), *(self._by_session.get(each, {}) for each in ids)]
        return sum(counts.get(number, 0) for counts in found for number in numbers)

    def clear(self) -> None:
        """Count from 0 again."""
        self._numbers.clear()
        self._by_kind.clear()
        self._by_session.clear()
        self._by_path.clear()
        self._ids.clear()
        self._has_all_names = True
