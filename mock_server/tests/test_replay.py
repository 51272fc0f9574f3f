"""An exchange once more in the other dialect: where it would have been answered otherwise, and that nothing changes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sessions_api import CHAT

from adjourn_mock import MockApp, create_app
from adjourn_mock.control.replay import Difference, replay_in_other_dialect
from adjourn_mock.exchanges.entry import Entry

pytestmark = pytest.mark.asyncio


async def exchange(app: MockApp, method: str, path: str, content: bytes | None = None, **headers: str) -> Entry:
    """What one request left in the journal of the first environment."""
    environment = next(iter(app.environments))
    all_headers = {"Authorization": f"Bearer {environment.secret_key}", **headers}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mock") as client:
        await client.request(method, path, content=content, headers=all_headers)
    return (await environment.journal.read())[-1]


async def difference(app: MockApp, entry: Entry) -> Difference | None:
    return await replay_in_other_dialect(app.pipeline, next(iter(app.environments)), entry)


def chat(**members: Any) -> bytes:
    return json.dumps({**CHAT, "externalId": "chat_1", **members}).encode()


@pytest.mark.parametrize("dialect", ["documented", "server"])
async def test_what_both_answer_alike_is_no_difference(dialect: str) -> None:
    app = create_app(dialect=dialect)
    for method, path, content in (
        ("POST", "/api/v1/sessions", chat()),
        ("GET", "/api/v1/sessions/chat_1", None),
        ("POST", "/api/v1/sessions/chat_1/close", b'{"reason":"x"}'),
        ("POST", "/api/v1/sessions/chat_1/close", b'{"reason":"y"}'),
        ("GET", "/api/v1/sessions/nobody", None),
        ("GET", "/api/v1/sessions", None),
    ):
        assert await difference(app, await exchange(app, method, path, content)) is None, (method, path)


async def test_another_status_is_a_difference_with_its_clause() -> None:
    app = create_app()
    await exchange(app, "POST", "/api/v1/sessions", chat())
    entry = await exchange(app, "POST", "/api/v1/sessions/chat_1/close")
    assert entry.status == 200
    assert await difference(app, entry) == Difference("server", 400, "body.malformed")


async def test_the_other_dialect_of_server_is_documented() -> None:
    app = create_app(dialect="server")
    await exchange(app, "POST", "/api/v1/sessions", chat())
    entry = await exchange(app, "POST", "/api/v1/sessions/chat_1/close", b"")
    assert entry.status == 400
    assert await difference(app, entry) == Difference("documented", 200, None)


async def test_a_replay_changes_neither_sessions_nor_journal() -> None:
    app = create_app()
    environment = next(iter(app.environments))
    entry = await exchange(app, "POST", "/api/v1/sessions", chat())
    before = await app.service.store.snapshot(environment.id)
    await difference(app, entry)
    assert await app.service.store.snapshot(environment.id) == before
    assert await environment.journal.count() == 1


async def test_exchanges_with_faults_or_without_an_operation_are_left_out() -> None:
    app = create_app()
    entry = await exchange(app, "POST", "/api/v1/sessions", chat())
    assert await difference(app, entry._replace(faults=("status",), status=503)) is None
    assert await difference(app, await exchange(app, "GET", "/nowhere")) is None
