"""What browsers are sent: files, headers, who may have them; and the stream of events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sessions_api import CHAT

from adjourn_mock import MockServer, create_app
from adjourn_mock.control.api import MAX_STREAMS

FILES = ("", "docs", "main.js", "dashboard.css", "base.css", "icon.svg")


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.mark.parametrize("name", FILES)
def test_files_are_sent_with_a_strict_policy(server: MockServer, name: str) -> None:
    answer = httpx.get(f"{server.url}/_adjourn/{name}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = httpx.get(f"{server.url}/_adjourn/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_have_no_inline_script_or_style(server: MockServer) -> None:
    for name in ("", "docs"):
        text = httpx.get(f"{server.url}/_adjourn/{name}").text
        assert "<style" not in text
        assert "style=" not in text
        assert "<script>" not in text
        assert "//" not in text.replace("<!doctype", "")


def test_the_folder_leads_to_the_page_and_nothing_else_is_served(server: MockServer) -> None:
    answer = httpx.get(f"{server.url}/_adjourn")
    assert (answer.status_code, answer.headers["location"]) == (307, "/_adjourn/")
    for name in ("../control.yaml", "%2e%2e/control.yaml", "control.yaml", "web/main.js", "nothing.js"):
        assert httpx.get(f"{server.url}/_adjourn/{name}").status_code == 404


def test_other_names_and_origins_get_no_page(server: MockServer) -> None:
    assert httpx.get(f"{server.url}/_adjourn/", headers={"Host": "rebound.example"}).status_code == 403
    assert httpx.get(f"{server.url}/_adjourn/main.js", headers={"Origin": "http://evil.example"}).status_code == 403


def test_with_a_token_the_page_is_open_and_the_data_is_not() -> None:
    with MockServer(create_app(control_token="secret")) as server:
        assert httpx.get(f"{server.url}/_adjourn/", headers={"Host": "mock.example"}).status_code == 200
        assert httpx.get(f"{server.url}/_adjourn/environments").status_code == 401
        assert httpx.get(f"{server.url}/_adjourn/environments/dev/events").status_code == 401


def follow(server: MockServer, environment: str, wanted: int, **query: Any) -> list[tuple[str, Any]]:
    """The first events of a stream, so many."""
    found: list[tuple[str, Any]] = []
    url = f"{server.url}/_adjourn/environments/{environment}/events"
    with httpx.stream("GET", url, params=query, timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                found.append((name, json.loads(line[6:])))
                if len(found) == wanted:
                    break
    return found


@pytest.fixture
def caller(server: MockServer) -> Iterator[tuple[str, httpx.Client]]:
    """A new environment's id, and a client with its key."""
    made = httpx.post(f"{server.url}/_adjourn/environments", json={}).json()
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {made['secretKey']}"}) as client:
        yield made["id"], client


def test_the_stream_has_the_environment_and_the_last_exchanges(
    server: MockServer, caller: tuple[str, httpx.Client]
) -> None:
    name, client = caller
    for number in range(5):
        client.post("/api/v1/sessions", json={**CHAT, "externalId": f"chat_{number}"})
    events = [event for event in follow(server, name, 3, backlog=2) if event[1].get("journal") != "unknown-callers"]
    assert [event for event, _ in events] == ["environment", "exchange", "exchange"]
    assert events[0][1]["sessions"] == 5
    assert [each["session"]["externalId"] for _, each in events[1:]] == ["chat_3", "chat_4"]
    assert "request" not in events[1][1]


def test_the_stream_tells_of_control_and_of_too_much(server: MockServer, caller: tuple[str, httpx.Client]) -> None:
    name, client = caller
    url = f"{server.url}/_adjourn/environments/{name}"
    with httpx.stream("GET", f"{url}/events", timeout=10) as answer:
        lines = answer.iter_lines()

        def until(event: str) -> Any:
            for line in lines:
                if line == f"event: {event}":
                    return json.loads(next(lines)[6:])
            return None

        until("environment")
        httpx.post(f"{url}/faults", json={"fault": "latency", "parameters": {"milliseconds": 0}})
        assert until("environment")["active"][0]["fault"] == "latency"
        for number in range(5):
            client.get(f"/api/v1/sessions/none_{number}")
        assert until("exchange")["clause"] == "id.unknown"
        httpx.delete(f"{url}/journal")
        assert until("cleared") == {"journal": "environment"}
        httpx.delete(url)
        assert until("gone") == {}
        assert list(lines) == [""]


def test_streams_are_bounded_and_counted_back(server: MockServer, caller: tuple[str, httpx.Client]) -> None:
    name, _ = caller
    url = f"{server.url}/_adjourn/environments/{name}/events"
    with httpx.Client(limits=httpx.Limits(max_connections=200)) as client:
        with ExitStack() as streams:
            for _ in range(MAX_STREAMS):
                assert streams.enter_context(client.stream("GET", url)).status_code == 200
            assert client.get(url).status_code == 429
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with client.stream("GET", url) as answer:
                if answer.status_code == 200:
                    return
            time.sleep(0.05)
    pytest.fail("streams that ended are still counted")


def test_a_stream_does_not_keep_the_server_from_ending() -> None:
    with MockServer() as server, httpx.stream("GET", f"{server.url}/_adjourn/environments/dev/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        server.stop()
        # A stream that the server had to cut off would end with an error.
        rest = list(lines)
    assert (answer.is_stream_consumed, [line for line in rest if line.startswith("event: error")]) == (True, [])


def test_no_page_and_no_answer_shows_a_key(server: MockServer) -> None:
    secrets = [environment.secret_key for environment in server.app.environments]
    with httpx.Client(base_url=server.url) as client:
        for key in secrets:
            sent = {
                "Authorization": f"Bearer {key}",
                "X-Api-Key": key,
                "Cookie": f"key={key}",
                "X-Note": f"my key is {key}",
            }
            client.post(
                "/api/v1/sessions", headers=sent, json={**CHAT, "externalId": f"of {key}", "metadata": {"key": key}}
            )
            client.post(f"/api/v1/sessions/{key}/close?key={key}", headers=sent, json={"reason": key})
            for authorization in (
                f"Basic {key}",
                key,
                f"{key} x",
                f"Bearer {key} x",
                f"Bearer x {key}",
                f"Bearer  {key}",
                f"x{key}",
            ):
                client.post(f"/api/v1/sessions/{key}/close", headers={"Authorization": authorization}, content=key)
        paths = ["environments", "journal", "faults", "clauses", "openapi.json", *FILES]
        for name in ("dev", "stg", "prod"):
            paths += [f"environments/{name}{rest}" for rest in ("", "/journal", "/faults", "/clock")]
        for path in paths:
            text = client.get(f"/_adjourn/{path}").text
            assert [key for key in secrets if key in text] == [], path
    for name in ("dev", "stg", "prod"):
        for _, event in follow(server, name, 4):
            assert [key for key in secrets if key in json.dumps(event)] == []
