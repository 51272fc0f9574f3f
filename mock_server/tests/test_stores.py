"""One suite for all stores, memory, SQLite and a real Redis server: how sessions are kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import msgspec
import pytest
from engines import mock_process
from sessions_api import CHAT
from stored_rows import LATER, Use, row

from adjourn_mock.domain.sessions import Session
from adjourn_mock.stores.store import IdTakenError, Store, close_once
from adjourn_spec import ExternalId, FriendlyId

HEADERS = {"Authorization": "Bearer tr_dev_adjourn"}


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
def test_odd_metadata_survives_a_state_exported_and_imported(store_address: str, text: str, kept: Any) -> None:
    environment = "/_adjourn/environments/dev"
    with mock_process("--store", store_address) as (_, url), httpx.Client(base_url=url, headers=HEADERS) as client:
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
