"""A journal in this process's memory, and the bytes that all of them may take together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from weakref import WeakSet

from adjourn_mock.exchanges.entry import Entry, StoredExchange
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal import DEFAULT_ENTRIES
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.exchanges.signal import Signal
from adjourn_mock.exchanges.tally import MAX_NAMES, Tally

__all__ = ["MemoryBudget", "MemoryJournal"]

DEFAULT_BYTES = 8 * 1024 * 1024
ALL_BYTES = 256 * 1024 * 1024
_EXCHANGE_BYTES = 1024


class MemoryBudget:
    """What the journals of a process may take together.

    Args:
        limit_bytes: when they take more, the largest forgets half of what it has.
    """

    def __init__(self, limit_bytes: int = ALL_BYTES) -> None:
        self._limit_bytes, self._taken_bytes = limit_bytes, 0
        self._journals: WeakSet[MemoryJournal] = WeakSet()

    def register(self, journal: MemoryJournal) -> None:
        self._journals.add(journal)

    def charge(self, size_bytes: int) -> None:
        """Note that a journal has become larger, or smaller where it is negative."""
        self._taken_bytes += size_bytes
        if self._taken_bytes > self._limit_bytes:
            self._relieve()

    def _relieve(self) -> None:
        journals = sorted(self._journals, key=lambda journal: journal.size_bytes)
        # Those that went away gave nothing back.
        self._taken_bytes = sum(journal.size_bytes for journal in journals)
        while self._taken_bytes > self._limit_bytes and journals:
            self._taken_bytes -= journals.pop().halve()


class MemoryJournal:
    """A journal in this process's memory.

    Args:
        budget: what it shares with others.
        size: the most exchanges that are kept.
        limit_bytes: about the most that they may take.
        max_names: how many sessions are counted one by one once their exchanges are dropped.

    Attributes:
        size_bytes: about how much memory it takes.
    """

    def __init__(
        self,
        budget: MemoryBudget | None = None,
        *,
        size: int = DEFAULT_ENTRIES,
        limit_bytes: int = DEFAULT_BYTES,
        max_names: int = MAX_NAMES,
    ) -> None:
        self._exchanges: deque[StoredExchange] = deque()
        self._size, self._limit_bytes, self.size_bytes = size, limit_bytes, 0
        self._budget = budget or MemoryBudget()
        self._budget.register(self)
        self._changed = Signal()
        self._tally = Tally(max_names)
        self._count = 0

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        self._count += 1
        # The row before it, where another came out, is as large as the one in the answer, about.
        size_bytes = _EXCHANGE_BYTES + request.head_bytes + len(request.body) + 2 * len(answer.body)
        self._exchanges.append(StoredExchange(at, request, answer, size_bytes))
        before_bytes = self.size_bytes
        self.size_bytes += size_bytes
        if len(self._exchanges) > self._size:
            # As `_forget`, once for each request of a server at full load.
            oldest = self._exchanges.popleft()
            self._tally.add(oldest)
            self.size_bytes -= oldest.size_bytes
        while self.size_bytes > self._limit_bytes:
            self._forget()
        # Exchanges of a steady load are of one size: then the budget need not be asked.
        if self.size_bytes != before_bytes:
            self._budget.charge(self.size_bytes - before_bytes)
        self._changed.send()

    def _forget(self) -> int:
        """Forget the oldest exchange; how many bytes it took."""
        exchange = self._exchanges.popleft()
        self._tally.add(exchange)
        self.size_bytes -= exchange.size_bytes
        return exchange.size_bytes

    def halve(self) -> int:
        """Forget the older half; how many bytes it took."""
        return sum(self._forget() for _ in range((len(self._exchanges) + 1) // 2))

    async def clear(self) -> None:
        self._exchanges.clear()
        self._budget.charge(-self.size_bytes)
        self._count = self.size_bytes = 0
        self._tally.clear()

    async def count_dropped(self, wanted: JournalFilter) -> int | None:
        return self._tally.count(wanted)

    async def read(self) -> Sequence[Entry]:
        return list(self)

    async def count(self) -> int:
        return self._count

    async def dropped_since(self, mark: int) -> int:
        return max(0, self._count - len(self._exchanges) - mark)

    def __iter__(self) -> Iterator[Entry]:
        exchanges = tuple(self._exchanges)
        first = self._count - len(exchanges) + 1
        for number, record in enumerate(exchanges, first):
            yield record.as_entry(number)

    async def changed(self, timeout_seconds: float) -> None:
        await self._changed.wait(timeout_seconds)
