"""Journals, in every store."""

from __future__ import annotations

import asyncio

from stored_rows import Use, row

from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.memory_journal import MemoryBudget, MemoryJournal
from adjourn_mock.stores.store import Store


def test_a_journal_keeps_the_last_and_counts_all(use: Use) -> None:
    async def act(store: Store) -> None:
        journal = store.journal("one")
        session = row("a", "chat_1", closed_reason="\ud800")
        for number in range(510):
            request = Request(
                "POST",
                b"/x",
                b"q=1",
                [(b"a", b"\xff")],
                {},
                body=b"\xff",
                operation="closeSession",
                faults=("latency",),
            )
            await journal.add(number, request, Answer(200, b"{}", session=session if number else row("a"), clause=None))
        entries = await journal.read()
        assert (len(entries), entries[0].number, entries[-1].number, await journal.count()) == (500, 11, 510, 510)
        last = entries[-1]
        assert (last.at, last.operation, last.request_body, last.headers, last.faults) == (
            509,
            "closeSession",
            b"\xff",
            [(b"a", b"\xff")],
            ("latency",),
        )
        assert [await journal.dropped_since(mark) for mark in (0, 9, 10, 510)] == [10, 1, 0, 0]
        assert await store.journal("other").count() == 0
        await journal.clear()
        assert (await journal.read(), await journal.count(), await journal.dropped_since(0)) == ([], 0, 0)

    use(act)


def test_journals_forget_when_they_take_too_much() -> None:
    def noted(journal: MemoryJournal, size_bytes: int) -> None:
        request = Request("POST", b"/", b"", [], {}, body=b"x" * size_bytes)
        asyncio.run(journal.add(0, request, Answer(200, b"")))

    budget = MemoryBudget(limit_bytes=100_000)
    busy, quiet = (MemoryJournal(budget, size=10, limit_bytes=60_000) for _ in range(2))
    noted(quiet, 10_000)
    for _ in range(20):
        noted(busy, 1)
    assert [entry.number for entry in busy] == list(range(11, 21))
    for _ in range(20):
        noted(busy, 10_000)
        assert busy.size_bytes <= 60_000
    assert len(list(busy)) == 5
    third = MemoryJournal(budget, size=10, limit_bytes=60_000)
    for _ in range(5):
        noted(third, 10_000)
        assert busy.size_bytes + quiet.size_bytes + third.size_bytes <= 100_000
    assert (len(list(quiet)), len(list(third))) == (1, 5)
    asyncio.run(third.clear())
    assert third.size_bytes == 0
