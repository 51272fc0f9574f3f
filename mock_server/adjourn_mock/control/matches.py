"""What a journal has that matches a filter."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.exchanges.journal_filter import JournalFilter

__all__ = ["Matches", "find_matches", "wait_for_matches"]


@dataclass(frozen=True, slots=True)
class Matches:
    """The exchanges of a journal that match a filter.

    Attributes:
        entries: those that are stored, oldest first.
        total: how many match, those that are no longer stored included; None where that is not known.
        count: how many exchanges of any kind there were.
        dropped: how many exchanges of any kind are no longer stored.
    """

    entries: Sequence[Entry]
    total: int | None
    count: int
    dropped: int

    @property
    def at_least(self) -> int:
        """How many match for certain."""
        return len(self.entries) if self.total is None else self.total


async def find_matches(journal: Journal, wanted: JournalFilter) -> Matches:
    """What matches now."""
    stored = await journal.read()
    count, dropped = await journal.count(), await journal.dropped_since(0)
    entries = [entry for entry in stored if wanted.matches(entry)]
    if dropped <= (wanted.since or 0):
        forgotten: int | None = 0
    elif wanted.since:
        forgotten = None
    else:
        forgotten = await journal.count_dropped(wanted)
    return Matches(entries, None if forgotten is None else forgotten + len(entries), count, dropped)


async def wait_for_matches(
    journal: Journal, wanted: JournalFilter, *, at_least: int, timeout_seconds: float
) -> Matches:
    """What matches, as soon as there are `at_least` matches, or when the time is over.

    Raises:
        ValueError: too many wait already.
    """
    found = await find_matches(journal, wanted)
    if found.at_least >= at_least:
        return found
    # The event loop's own timer: tests freeze the clocks of the module `time` while they wait.
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_seconds):
            while found.at_least < at_least:
                await journal.changed(timeout_seconds)
                found = await find_matches(journal, wanted)
    return found
