"""Counts of the exchanges that a journal no longer stores."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from sessions_api import CHAT

from adjourn_mock import create_app
from adjourn_mock.control.matches import find_matches
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.exchanges.memory_journal import MemoryJournal
from adjourn_spec import Contract

CLOSE, RETRIEVE = "closeSession", "retrieveSession"


async def _exchanges() -> list[tuple[Request, Answer]]:
    """A random mixture of exchanges about sessions that exist and that do not."""
    app, random = create_app(id_seed=1), Random(1)
    environment = next(iter(app.environments))
    found = []
    for number in range(5):
        await app.control.perform(environment, "createSession", body={**CHAT, "externalId": f"chat_{number}"})
    for _ in range(300):
        operation, name = random.choice([CLOSE, RETRIEVE]), f"chat_{random.randrange(8)}"
        answer = await app.control.perform(environment, operation, segment=name)
        template = app.service.contract.operations[operation]
        request = Request.with_head(template.method, template.template.format(session=name).encode(), b"", [])
        request.operation, request.segment = operation, name.encode()
        request.faults = ("latency",) if random.random() < 0.1 else ()
        found.append((request, answer))
    return found


FILTERS = [
    JournalFilter(),
    *(JournalFilter(session=f"chat_{number}") for number in range(9)),
    *(JournalFilter(session=f"chat_{number}", operation=CLOSE, status="2xx") for number in range(9)),
    JournalFilter(status="404"),
    JournalFilter(clause="*", faulty=False),
    JournalFilter(clause="id.unknown", method="POST", faulty=True),
    JournalFilter(operation=RETRIEVE),
]


def test_counts_are_those_of_a_journal_that_drops_nothing() -> None:
    async def act() -> None:
        small, large = MemoryJournal(size=7), MemoryJournal(size=1000)
        for request, answer in await _exchanges():
            for journal in (small, large):
                await journal.add(0, request, answer)
        ids = {entry.session.id for entry in await large.read() if entry.session is not None}
        for wanted in [*FILTERS, *(JournalFilter(session=each, operation=CLOSE) for each in ids)]:
            whole, part = await find_matches(large, wanted), await find_matches(small, wanted)
            assert part.total == len(whole.entries), wanted
        assert (part.count, part.dropped, len(await small.read())) == (300, 293, 7)

    asyncio.run(act())


@pytest.mark.parametrize("wanted", [JournalFilter(path="chat"), JournalFilter(since=3)])
def test_a_count_that_depends_on_dropped_exchanges_is_not_known(wanted: JournalFilter) -> None:
    async def act() -> tuple[int | None, int | None]:
        journal = MemoryJournal(size=7)
        exchanges = await _exchanges()
        for request, answer in exchanges[:7]:
            await journal.add(0, request, answer)
        before = (await find_matches(journal, wanted)).total
        for request, answer in exchanges[7:]:
            await journal.add(0, request, answer)
        return before, (await find_matches(journal, wanted)).total

    before, after = asyncio.run(act())
    assert before is not None
    assert after is None


def test_a_mark_within_what_is_stored_gives_exact_counts() -> None:
    async def act() -> int | None:
        journal = MemoryJournal(size=7)
        for request, answer in await _exchanges():
            await journal.add(0, request, answer)
        return (await find_matches(journal, JournalFilter(since=295))).total

    assert asyncio.run(act()) == 5


def test_beyond_the_limit_of_names_counts_by_session_are_not_known_and_others_are() -> None:
    async def act() -> tuple[int | None, int | None]:
        journal = MemoryJournal(size=7, max_names=2)
        for request, answer in await _exchanges():
            await journal.add(0, request, answer)
        by_session = await find_matches(journal, JournalFilter(session="chat_1"))
        return by_session.total, (await find_matches(journal, JournalFilter())).total

    assert asyncio.run(act()) == (None, 300)


def test_a_cleared_journal_counts_from_0() -> None:
    async def act() -> tuple[int | None, int]:
        journal = MemoryJournal(size=7)
        for request, answer in await _exchanges():
            await journal.add(0, request, answer)
        await journal.clear()
        found = await find_matches(journal, JournalFilter(session="chat_1"))
        return found.total, found.count

    assert asyncio.run(act()) == (0, 0)


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        ({"operation": "close"}, ValueError, "there is no operation 'close'; use one of"),
        ({"clause": "close.idempotnet"}, ValueError, "did you mean 'close.idempotent'?"),
        ({"status": "40x"}, ValueError, "use one such as 404, or a class of them such as '4xx'"),
        ({"status": True}, ValueError, "True is not a status"),
        ({"method": "CLOSE"}, ValueError, "there is no method 'CLOSE'; use one of GET"),
        ({"session": 5}, ValueError, "session=5 is not valid; it takes a value of type str"),
        ({"since": "3"}, ValueError, "it takes a value of type int"),
        ({"operatoin": "closeSession"}, TypeError, "has no filter 'operatoin'; the filters are operation,"),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(
    wanted: dict[str, object], error: type[Exception], said: str, contract: Contract
) -> None:
    with pytest.raises(error) as refused:
        JournalFilter.checked(contract, wanted)
    assert said in str(refused.value)


@pytest.mark.parametrize("status", [404, "404", "4xx", "4XX"])
def test_a_status_is_a_number_or_a_class(status: object, contract: Contract) -> None:
    request = Request.with_head("GET", b"/", b"", [])
    assert JournalFilter.checked(contract, {"status": status}).matches(Entry.of(1, 0, request, Answer(404, b"")))
