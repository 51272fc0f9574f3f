"""One suite for all stores: memory, SQLite, and a real Redis server."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from engines import free_port, mock_process, redis_server
from sessions_api import CHAT

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Filter, Session
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.memory_journal import MemoryBudget, MemoryJournal
from adjourn_mock.stores.opening import as_shared, open_store
from adjourn_mock.stores.store import IdTakenError, Store, StoreError, StoreUnavailable, close_once
from adjourn_spec import ExternalId, FriendlyId

NOW = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-01T00:00:01.000Z"
HEADERS = {"Authorization": "Bearer tr_dev_adjourn"}
_numbers = itertools.count()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server(free_port()) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "redis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, as `--store` has it."""
    if request.param == "redis":
        # A number of its own: the server is shared by the tests.
        return f"{request.getfixturevalue('redis_url')[:-1]}{next(_numbers) % 16}"
    return "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'state.db'}"


Use = Callable[[Callable[[Store], Awaitable[Any]]], Any]


@pytest.fixture
def use(address: str) -> Use:
    """Runs a function over a store that is empty."""

    def run(act: Callable[[Store], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            store = open_store(address)
            try:
                for environment in ("one", "other"):
                    await store.replace(environment, ())
                return await act(store)
            finally:
                if (common := as_shared(store)) is not None:
                    for environment in ("one", "other"):
                        await common.delete_environment(environment)
                    await common.close()

        return asyncio.run(whole())

    return run


def row(name: str, external_id: str | None = None, **members: Any) -> Session:
    body = {
        "type": "chat.agent",
        "taskIdentifier": "t",
        "triggerConfig": {"basePayload": {}},
        "externalId": external_id,
    }
    made = sessions.create(body, session_id=f"session_{name}", run_id="run_1", expires_at=None, now=NOW)
    return sessions.replace(made, **members)


def test_what_was_inserted_is_found_by_either_id(use: Use) -> None:
    async def act(store: Store) -> None:
        session = row("a", "chat_1", metadata={"n": [1, None, "☃"]}, tags=("x",))
        assert await store.insert("one", session) == session
        assert await store.find("one", FriendlyId("session_a")) == session
        assert await store.find("one", ExternalId("chat_1")) == session
        assert await store.find("one", ExternalId("session_a")) is None
        assert await store.find("one", FriendlyId("chat_1")) is None
        assert await store.find("other", FriendlyId("session_a")) is None
        assert await store.count("one") == 1
        assert await store.count("other") == 0

    use(act)


@pytest.mark.parametrize("text", ["", " ", "a/b%", "ünï", "u\u0308", "\0", "\ud800", "Chat_1", "%s", "x" * 256])
def test_odd_external_ids_and_reasons_survive(use: Use, text: str) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a", text))
        await store.insert("one", row("b", "chat_1"))
        closed = await close_once(store, "one", "session_a", text, LATER)
        assert closed is not None
        assert await store.find("one", ExternalId(text)) == closed
        assert closed.closed_reason == text

    use(act)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("18446744073709551616", 2**64),
        ("-" + "9" * 100, 1 - 10**100),
        ("9" * 5000, None),
        ("1e400", None),
        ('"\\ud800"', "\ud800"),
        ('{"__proto__": 1, "__proto__": {"\\ud800": 2}}', {"__proto__": {"\ud800": 2}}),
        ("[" * 500 + "]" * 500, json.loads("[" * 500 + "]" * 500)),
    ],
)
def test_odd_metadata_survives_a_state_exported_and_imported(address: str, text: str, kept: Any) -> None:
    environment = "/_adjourn/environments/dev"
    with mock_process("--store", address) as (_, url), httpx.Client(base_url=url, headers=HEADERS) as client:
        client.post(f"{environment}/reset")
        body = json.dumps({**CHAT, "externalId": "chat_1", "metadata": {"x": "?"}}).replace('"?"', text)
        made = client.post("/api/v1/sessions", content=body)
        assert (made.status_code, made.json()["metadata"]) == (201, {"x": kept})
        closed = client.post("/api/v1/sessions/chat_1/close", json={})
        assert len(client.get(f"{environment}/journal").json()["entries"]) == 2
        assert client.put(f"{environment}/state", content=client.get(f"{environment}/state").content).status_code == 200
        assert client.get("/api/v1/sessions/chat_1").content == closed.content


def test_an_external_id_belongs_to_the_first(use: Use) -> None:
    async def act(store: Store) -> None:
        first = row("a", "chat_1")
        await store.insert("one", first)
        assert await store.insert("one", row("b", "chat_1")) == first
        assert await store.find("one", FriendlyId("session_b")) is None
        assert (await store.insert("other", row("c", "chat_1"))).id == "session_c"

    use(act)


def test_a_friendly_id_is_given_once(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a", "chat_1"))
        with pytest.raises(IdTakenError):
            await store.insert("one", row("a", "chat_2"))
        assert await store.find("one", ExternalId("chat_2")) is None
        assert await store.count("one") == 1

    use(act)


def test_the_first_close_counts(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a"))
        first = await close_once(store, "one", "session_a", "first", LATER)
        assert first is not None
        assert (first.closed_at, first.closed_reason) == (LATER, "first")
        assert await close_once(store, "one", "session_a", "second", "2027-01-01T00:00:00.000Z") == first
        assert await store.find("one", FriendlyId("session_a")) == first
        assert await close_once(store, "one", "session_b", None, LATER) is None

    use(act)


def test_of_many_closes_at_once_one_wins(use: Use) -> None:
    async def act(store: Store) -> None:
        for number in range(20):
            name = f"race{number}"
            await store.insert("one", row(name))
            closes = [close_once(store, "one", f"session_{name}", str(n), LATER) for n in range(20)]
            answers = await asyncio.gather(*closes)
            assert len({each.closed_reason for each in answers if each}) == 1
            assert await store.find("one", FriendlyId(f"session_{name}")) == answers[0]

    use(act)


def test_changes_at_once_are_all_done(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a"))

        def tagged(session: Session, tag: str) -> Session:
            return msgspec.structs.replace(session, tags=(*session.tags, tag))

        await asyncio.gather(
            *(store.amend("one", "session_a", lambda session, n=n: tagged(session, str(n))) for n in range(30))
        )
        changed = await store.find("one", FriendlyId("session_a"))
        assert changed is not None
        assert sorted(map(int, changed.tags)) == list(range(30))
        assert await store.amend("one", "session_b", lambda session: session) is None

    use(act)


def test_lists_are_newest_first_and_go_both_ways(use: Use) -> None:
    async def act(store: Store) -> None:
        for number in range(450):
            moment = f"2026-01-01T00:00:{number // 100:02}.000Z"
            await store.insert("one", row(f"{number:03}", created_at=moment, updated_at=moment))

        async def ids(**options: Any) -> tuple[list[str], bool, bool]:
            given = {"after": None, "before": None, "now": LATER, "size": 3, **options}
            page = await store.page("one", given.pop("keep", Filter()), **given)
            return [session.id[8:] for session in page.sessions], page.has_older, page.has_newer

        assert await ids() == (["449", "448", "447"], True, False)
        assert await ids(after="session_447") == (["446", "445", "444"], True, True)
        assert await ids(before="session_446") == (["449", "448", "447"], True, False)
        assert await ids(before="session_440") == (["443", "442", "441"], True, True)
        assert await ids(after="session_001") == (["000"], False, True)
        assert await ids(after="session_nobody") == ([], False, False)
        assert [len(part) for part in (await ids(size=1000))[:1]] == [450]
        keep = Filter(created_from="2026-01-01T00:00:01.000Z", created_to="2026-01-01T00:00:01.000Z")
        assert (await ids(keep=keep))[0] == ["199", "198", "197"]
        assert [session.id[8:] for session in await store.snapshot("one")][:2] == ["000", "001"]

    use(act)


def test_lists_are_filtered(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a", "chat_1", tags=("x",)))
        await store.insert("one", row("b", "chat_2", type="other"))
        await close_once(store, "one", "session_a", None, LATER)

        async def ids(**members: Any) -> list[str]:
            page = await store.page("one", Filter(**members), size=5, after=None, before=None, now=LATER)
            return [session.id for session in page.sessions]

        assert (
            await ids(external_id="chat_1")
            == await ids(statuses=("CLOSED",))
            == await ids(tags=("x",))
            == ["session_a"]
        )
        assert await ids(types=("other",)) == await ids(statuses=("ACTIVE",)) == ["session_b"]
        assert await ids(external_id="chat_3") == []

    use(act)


AFTER_ALL = "2026-01-01T00:00:07.000Z"
CHOICES = {
    "types": [("chat",), ("other", "chat"), ("none",)],
    "tags": [("a",), ("a", "b", "a"), ("a b",), ("4:tag a",), tuple(map(str, range(60)))],
    "task_identifiers": [("t1",), ("t2", "t1")],
    "statuses": [("CLOSED",), ("ACTIVE",), ("EXPIRED", "ACTIVE"), ("CLOSED", "EXPIRED")],
    "created_from": ["2026-01-01T00:00:02.000Z"],
    "created_to": ["2026-01-01T00:00:03.000Z"],
    "external_id": ["chat_3", "chat_x"],
}


def test_every_filter_keeps_what_reading_all_would_keep(use: Use) -> None:
    chance = random.Random(7)

    async def act(store: Store) -> None:
        rows = [
            row(
                f"{number:03}",
                f"chat_{number}",
                created_at=f"2026-01-01T00:00:0{chance.randrange(5)}.000Z",
                type=chance.choice(["chat", "other"]),
                task_identifier=chance.choice(["t1", "t2", "t3"]),
                tags=tuple(chance.choices(["a", "b", "a b", "4:tag a", "7"], k=chance.randrange(4))),
                expires_at=chance.choice([None, "2026-01-01T00:00:06.000Z"]),
            )
            for number in range(60)
        ]
        for each in rows:
            await store.insert("one", each)
        for each in chance.sample(rows, 20):
            await close_once(store, "one", each.id, None, LATER)
        for each in chance.sample(rows, 20):
            await store.amend("one", each.id, lambda current: sessions.update(current, {"tags": ["b", "new"]}, LATER))
        await store.replace("other", await store.snapshot("one"))
        newest = list(reversed(await store.snapshot("one")))
        assert {each.id for each in newest} == {each.id for each in rows}
        for _ in range(150):
            fields = chance.sample(sorted(CHOICES), chance.randrange(1, 4))
            keep = Filter(**{name: chance.choice(CHOICES[name]) for name in fields})
            cursor = chance.choice([None, *(each.id for each in rows)])
            expected = [each.id for each in newest if keep.matches(each, AFTER_ALL)]
            places = [each.id for each in newest]
            size = chance.choice([1, 3, 100])
            if cursor is not None:
                expected = [each for each in expected if places.index(each) > places.index(cursor)]
            for environment in ("one", "other"):
                page = await store.page(environment, keep, size=size, after=cursor, before=None, now=AFTER_ALL)
                assert [each.id for each in page.sessions] == expected[:size], (keep, cursor)
                assert page.has_older == (len(expected) > size)
            if cursor is not None:
                expected = [
                    each.id
                    for each in newest
                    if keep.matches(each, AFTER_ALL) and places.index(each.id) < places.index(cursor)
                ]
                page = await store.page("one", keep, size=size, after=None, before=cursor, now=AFTER_ALL)
                assert [each.id for each in page.sessions] == expected[-size:], (keep, cursor)

    use(act)


@pytest.mark.parametrize(
    "keep",
    [
        Filter(tags=("rare",)),
        Filter(types=("rare",)),
        Filter(task_identifiers=("rare", "none")),
        Filter(statuses=("CLOSED",)),
        Filter(external_id="chat_3"),
        Filter(types=("chat.agent",), tags=("rare",), statuses=("ACTIVE", "CLOSED")),
        Filter(created_to="2026-01-01T00:00:00.000Z"),
    ],
)
def test_a_filter_looks_at_few_sessions(use: Use, keep: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    async def act(store: Store) -> None:
        rare = row("rare", "chat_3", type="rare", tags=("rare",), created_at="2026-01-01T00:00:00.000Z")
        also = row("also", tags=("rare",), task_identifier="rare", created_at="2026-01-01T00:00:00.000Z")
        many = [row(f"{number:04}", created_at="2026-01-02T00:00:00.000Z") for number in range(2000)]
        await store.replace("one", [rare, also, *many])
        await close_once(store, "one", rare.id, None, LATER)
        monkeypatch.setattr(Filter, "matches", lambda self, each, now: looked_at.append(each) or True)
        page = await store.page("one", keep, size=20, after=None, before=None, now=LATER)
        assert page.sessions
        assert len(looked_at) <= 2

    use(act)


def test_replacing_leaves_nothing_of_before(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a", "chat_1"))
        await store.insert("other", row("z", "chat_1"))
        await store.replace("one", [row("b", "chat_1"), row("c")])
        assert [session.id for session in await store.snapshot("one")] == ["session_b", "session_c"]
        assert await store.find("one", FriendlyId("session_a")) is None
        assert (await store.insert("one", row("d", "chat_1"))).id == "session_b"
        assert await store.count("other") == 1

    use(act)


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


@pytest.mark.parametrize("name", ["nothing", "sqlite:", "sqlite", "redis:host", "postgres://x", ""])
def test_a_store_that_is_none_is_last_seen(name: str) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        open_store(name)


def test_a_foreign_or_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    import sqlite3

    text, foreign, damaged, cut = (tmp_path / name for name in ("text.db", "foreign.db", "damaged.db", "cut.db"))
    text.write_text("dear diary")
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE mine (value)")
    database.close()

    async def fill(path: Path) -> None:
        store = open_store(f"sqlite:{path}")
        for number in range(300):
            await store.insert("one", row(f"{number}", f"chat_{number}"))
        common = as_shared(store)
        assert common is not None
        await common.close()

    for path in (damaged, cut):
        asyncio.run(fill(path))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:5000] + b"\xa5" * 8000 + content[13000:])
    cut.write_bytes(content[: len(content) // 2])
    for path, message in (
        (text, "not an SQLite"),
        (foreign, "another program"),
        (damaged, "damaged"),
        (cut, "damaged"),
    ):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=message):
            open_store(f"sqlite:{path}")
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:{tmp_path}")
    with pytest.raises(StoreError, match="unable to open"):
        open_store(f"sqlite:{tmp_path / 'no' / 'where.db'}")


def test_a_redis_that_is_not_there_is_unavailable() -> None:
    async def act() -> None:
        store = open_store(f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(StoreUnavailable, match="not reachable"):
            await store.find("one", ExternalId("x"))

    asyncio.run(act())


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
