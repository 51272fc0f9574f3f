"""The network condition list-lag, in every store: lists lag behind creates and closes by the environment's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from engines import free_port, mock_process, redis_server
from sessions_api import CHAT

HEADERS = {"Authorization": "Bearer tr_dev_adjourn"}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """A caller of an environment with a frozen clock, whose lists lag by a second and a half."""
    with ExitStack() as stack:
        store = "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'state.db'}"
        if request.param == "redis":
            store = stack.enter_context(redis_server(free_port()))
        _, url = stack.enter_context(mock_process("--store", store))
        client = stack.enter_context(httpx.Client(base_url=url, headers=HEADERS))
        client.post("/_adjourn/environments/dev/clock", json={"freeze": "2026-11-30T09:00:00Z"}).raise_for_status()
        fault = {"fault": "list-lag", "parameters": {"milliseconds": 1500}}
        client.post("/_adjourn/environments/dev/faults", json=fault).raise_for_status()
        yield client


def advance(client: httpx.Client, duration: str) -> None:
    client.post("/_adjourn/environments/dev/clock", json={"advance": duration}).raise_for_status()


def create(client: httpx.Client, name: str) -> None:
    client.post("/api/v1/sessions", json={**CHAT, "externalId": name}).raise_for_status()


def listed(client: httpx.Client, query: str = "") -> list[str]:
    return [row["externalId"] for row in client.get(f"/api/v1/sessions{query}").json()["data"]]


def test_a_created_session_is_listed_after_the_lag_and_found_at_once(client: httpx.Client) -> None:
    create(client, "chat_1")
    assert client.get("/api/v1/sessions/chat_1").status_code == 200
    advance(client, "1499ms")
    assert listed(client) == listed(client, "?filter[externalId]=chat_1") == []
    advance(client, "1ms")
    assert listed(client) == listed(client, "?filter[externalId]=chat_1") == ["chat_1"]


def test_a_closed_session_is_listed_as_open_until_the_lag_is_over(client: httpx.Client) -> None:
    create(client, "chat_1")
    advance(client, "10s")
    assert client.post("/api/v1/sessions/chat_1/close", json={"reason": "x"}).json()["closedReason"] == "x"
    assert (listed(client, "?filter[status]=ACTIVE"), listed(client, "?filter[status]=CLOSED")) == (["chat_1"], [])
    (row,) = client.get("/api/v1/sessions").json()["data"]
    assert (row["closedAt"], row["closedReason"]) == (None, None)
    advance(client, "1500ms")
    assert (listed(client, "?filter[status]=ACTIVE"), listed(client, "?filter[status]=CLOSED")) == ([], ["chat_1"])


def test_pages_of_a_lagging_list_have_no_gaps(client: httpx.Client) -> None:
    names = [f"chat_{number}" for number in range(7)]
    for name in names:
        create(client, name)
        advance(client, "1s")
    seen = names[:-1][::-1]
    first = client.get("/api/v1/sessions?page[size]=4").json()
    assert [row["externalId"] for row in first["data"]] == seen[:4]
    second = client.get(f"/api/v1/sessions?page[size]=4&page[after]={first['pagination']['next']}").json()
    assert [row["externalId"] for row in second["data"]] == seen[4:]
    assert "next" not in second["pagination"]
    back = client.get(f"/api/v1/sessions?page[size]=4&page[before]={second['pagination']['previous']}").json()
    assert [row["externalId"] for row in back["data"]] == seen[:4]
