"""Journals: what an entry knows, what is dropped, what a tail reads, which entries a filter matches."""

from __future__ import annotations

import pytest

from adjourn_mock.control.matches import wait_for_matches
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal import Tail
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.exchanges.memory_journal import MemoryBudget, MemoryJournal

pytestmark = pytest.mark.asyncio


def request(method: str = "POST", path: bytes = b"/sessions/a/close", **members: object) -> Request:
    return Request(method, path, b"", [], {}, **members)  # type: ignore[arg-type]


async def filled(count: int, **limits: int) -> MemoryJournal:
    journal = MemoryJournal(**limits)
    for number in range(count):
        await journal.add(number, request(), Answer(200, b"{}"))
    return journal


async def test_the_oldest_exchanges_are_dropped_beyond_the_size_and_counted() -> None:
    journal = await filled(12, size=10)
    assert [entry.number for entry in await journal.read()] == list(range(3, 13))
    assert await journal.count() == 12


@pytest.mark.parametrize(("mark", "dropped"), [(0, 2), (1, 1), (2, 0), (3, 0), (12, 0), (100, 0)])
async def test_dropped_since_counts_what_came_after_the_mark_and_is_gone(mark: int, dropped: int) -> None:
    assert await (await filled(12, size=10)).dropped_since(mark) == dropped


async def test_a_cleared_journal_has_dropped_nothing() -> None:
    journal = await filled(12, size=10)
    await journal.clear()
    assert (await journal.dropped_since(0), await journal.count(), await journal.read()) == (0, 0, [])


async def test_the_oldest_exchanges_are_dropped_beyond_the_bytes() -> None:
    journal = MemoryJournal(limit_bytes=50_000)
    for number in range(20):
        await journal.add(number, request(body=b"x" * 9_000), Answer(200, b""))
        assert journal.size_bytes <= 50_000
    assert [entry.number for entry in await journal.read()] == list(range(17, 21))
    assert await journal.dropped_since(0) == 16


async def test_the_largest_journal_is_halved_when_all_exceed_the_budget() -> None:
    budget = MemoryBudget(limit_bytes=40_000)
    large, small = MemoryJournal(budget), MemoryJournal(budget)
    await small.add(0, request(body=b"x" * 5_000), Answer(200, b""))
    for number in range(4):
        await large.add(number, request(body=b"x" * 9_000), Answer(200, b""))
    assert large.size_bytes + small.size_bytes <= 40_000
    assert (len(await small.read()), len(await large.read())) == (1, 2)


async def test_a_tail_reads_each_exchange_once() -> None:
    journal = await filled(3)
    tail = Tail(journal, last_seen=1)
    assert [entry.number for entry in (await tail.poll(10)).entries] == [2, 3]
    assert (await tail.poll(10)).entries == ()
    await journal.add(9, request(), Answer(200, b"{}"))
    assert [entry.number for entry in (await tail.poll(10)).entries] == [4]


async def test_a_tail_counts_what_it_skips_and_what_was_dropped() -> None:
    news = await Tail(await filled(12, size=10)).poll(4)
    assert ([entry.number for entry in news.entries], news.skipped) == ([9, 10, 11, 12], 8)


async def test_a_tail_reports_that_the_journal_was_cleared() -> None:
    journal = await filled(3)
    tail = Tail(journal)
    await tail.poll(10)
    await journal.clear()
    await journal.add(0, request(), Answer(200, b"{}"))
    news = await tail.poll(10)
    assert (news.is_cleared, len(news.entries), news.skipped) == (True, 1, 0)


async def test_waiting_returns_what_matches_when_there_is_enough() -> None:
    journal = await filled(3)
    found = await wait_for_matches(journal, JournalFilter(since=1), at_least=2, timeout_seconds=10)
    assert [entry.number for entry in found.entries] == [2, 3]
    assert (await wait_for_matches(journal, JournalFilter(), at_least=4, timeout_seconds=0)).total == 3


async def test_waiting_counts_exchanges_that_are_no_longer_stored() -> None:
    found = await wait_for_matches(await filled(12, size=10), JournalFilter(), at_least=12, timeout_seconds=10)
    assert (found.total, found.count, found.dropped, len(found.entries)) == (12, 12, 2, 10)


def entry(**members: object) -> Entry:
    answer = Answer(413, b"", clause="body.limit")
    return Entry.of(7, 0, request(operation="closeSession"), answer)._replace(**members)  # type: ignore[arg-type]


async def test_the_key_is_the_segment_of_the_route_percent_decoded() -> None:
    assert entry(segment=b"a%2Fb").key == "a/b"
    assert entry(segment=b"%ff").key == "\ufffd"
    assert entry(segment=None).key is None


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (JournalFilter(), True),
        (JournalFilter(operation="closeSession", method="POST", status="413", clause="body.limit"), True),
        (JournalFilter(status="4xx"), True),
        (JournalFilter(status="5xx"), False),
        (JournalFilter(clause="*"), True),
        (JournalFilter(clause="id.unknown"), False),
        (JournalFilter(operation="createSession"), False),
        (JournalFilter(method="GET"), False),
        (JournalFilter(path="/a/"), True),
        (JournalFilter(path="/b/"), False),
        (JournalFilter(session="a b"), True),
        (JournalFilter(session="a%20b"), False),
        (JournalFilter(since=6), True),
        (JournalFilter(since=7), False),
    ],
)
async def test_a_filter_matches_what_satisfies_all_of_its_conditions(wanted: JournalFilter, matches: bool) -> None:
    assert wanted.matches(entry(segment=b"a%20b")) is matches
