"""What happened in an environment: the last exchanges, as they came and went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal_filter import JournalFilter

__all__ = ["DEFAULT_ENTRIES", "Journal", "News", "Tail"]

DEFAULT_ENTRIES = 500


class Journal(Protocol):
    """The last exchanges of an environment, oldest first; it knows how many there were in all."""

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        """Note an exchange that is over; `at` is in milliseconds since 1970."""

    async def read(self) -> Sequence[Entry]:
        """What is kept, oldest first."""

    async def count(self) -> int:
        """How many there were, those that are forgotten included."""

    async def dropped_since(self, mark: int) -> int:
        """How many exchanges with a number above `mark` were noted and are no longer kept.

        Where it is 0, `read` has every exchange after the mark, and counts made from it are exact.
        """

    async def count_dropped(self, wanted: JournalFilter) -> int | None:
        """How many exchanges match that are no longer stored; None where that is not known."""

    async def clear(self) -> None:
        """Forget everything, the count included."""

    async def changed(self, timeout_seconds: float) -> None:
        """Return when an exchange may have been noted, or when the time is over.

        Raises:
            ValueError: too many wait already.
        """


@dataclass(frozen=True, slots=True)
class News:
    """What a journal has had since it was last polled.

    Attributes:
        entries: the newest exchanges, oldest first.
        skipped: how many more there were, which are not among `entries`.
        is_cleared: whether the journal was cleared meanwhile.
    """

    entries: Sequence[Entry] = ()
    skipped: int = 0
    is_cleared: bool = False


class Tail:
    """Reads the end of a journal, each exchange once.

    Args:
        journal: the journal to read.
        last_seen: the number of the last exchange that the reader knows.
    """

    def __init__(self, journal: Journal, last_seen: int = 0) -> None:
        self.journal, self._last_seen = journal, last_seen

    async def poll(self, limit: int) -> News:
        """The exchanges since the last poll, up to `limit` of the newest."""
        count = await self.journal.count()
        is_cleared = count < self._last_seen
        if is_cleared:
            self._last_seen = 0
        if count == self._last_seen:
            return News(is_cleared=is_cleared)
        unseen = [entry for entry in await self.journal.read() if entry.number > self._last_seen]
        # Exchanges may have been added between the two reads.
        newest = max(count, unseen[-1].number) if unseen else count
        total = newest - self._last_seen
        self._last_seen = newest
        entries = unseen[-limit:]
        return News(entries, total - len(entries), is_cleared)
