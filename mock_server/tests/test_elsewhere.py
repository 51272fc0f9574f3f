"""Requests outside the Sessions API: a 404 that lists what the mock serves, stubs, and another server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sessions_api import CHAT
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adjourn_mock import AsgiServer, MockServer, create_app
from adjourn_mock.pipeline.elsewhere import read_stubs
from adjourn_spec import DocumentError

TRIGGER = "/api/v1/tasks/my-task/trigger"
STUBS: dict[str, Any] = {
    "stubs": [
        {"method": "POST", "path": "/api/v1/tasks/{task}/trigger", "body": {"id": "run_1"}, "headers": {"X-Mine": "a"}},
        {"method": "GET", "path": "/health", "status": 503, "body": "down"},
        {"method": "DELETE", "path": "/nothing", "status": 204},
        {"method": "GET", "path": "/api/v1/sessions", "body": "never answered: it is the mock's"},
    ]
}


@pytest.mark.parametrize("dialect", ["documented", "server"])
def test_an_unknown_path_is_404_with_what_the_mock_serves(dialect: str) -> None:
    with MockServer(dialect=dialect) as server:
        answer = httpx.post(f"{server.url}{TRIGGER}", headers=server.headers, json={})
    assert answer.status_code == 404
    for part in ("POST /api/v1/sessions/{session}/close", "--stub", "--passthrough"):
        assert part in answer.text


@pytest.fixture(scope="module")
def stubbed() -> Iterator[httpx.Client]:
    with MockServer(stubs=[STUBS]) as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        yield client


def test_a_stub_answers_its_method_and_path(stubbed: httpx.Client) -> None:
    answer = stubbed.post(TRIGGER, json={"payload": 1})
    assert (answer.status_code, answer.json(), answer.headers["x-mine"]) == (200, {"id": "run_1"}, "a")
    text = stubbed.get("/health")
    assert (text.status_code, text.text, text.headers["content-type"]) == (503, "down", "text/plain; charset=utf-8")
    assert (stubbed.delete("/nothing").status_code, stubbed.delete("/nothing").content) == (204, b"")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", TRIGGER), ("POST", "/api/v1/tasks/a/b/trigger"), ("POST", f"{TRIGGER}/more")]
)
def test_other_methods_and_paths_are_not_answered_by_a_stub(stubbed: httpx.Client, method: str, path: str) -> None:
    assert stubbed.request(method, path).status_code == 404


def test_the_sessions_api_is_not_stubbed(stubbed: httpx.Client) -> None:
    assert stubbed.get("/api/v1/sessions").json()["data"] == []
    assert stubbed.get("/api/v1/sessions", headers={"Authorization": ""}).status_code == 401


def test_a_stubbed_request_is_in_the_journal(stubbed: httpx.Client) -> None:
    stubbed.post(TRIGGER, json={"payload": 2})
    last = stubbed.get("/_adjourn/environments/dev/journal").json()["entries"][-1]
    assert (last["path"], last["status"], last["clause"], last["request"]["body"]) == (
        TRIGGER,
        200,
        None,
        '{"payload":2}',
    )  # fmt: skip - one comparison


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        ({"method": "GET"}, "stubs: stubs[0]: object missing required field `path`"),
        ({"method": "get", "path": "/"}, "stubs[0].method"),
        ({"method": "GET", "path": "x"}, "stubs[0].path"),
        ({"method": "GET", "path": "/", "status": 99}, "stubs[0].status"),
        ({"method": "GET", "path": "/", "state": 200}, "unknown field `state`"),
    ],
)
def test_a_stub_that_is_not_valid_is_named_with_its_place(stub: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read_stubs({"stubs": [stub]})
    assert message in str(raised.value)


def test_stubs_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "stubs.yaml"
    file.write_text("stubs:\n- {method: GET, path: /x, body: {a: 1}}\n")
    (stub,) = read_stubs(file)
    assert (stub.path, stub.status, stub.body) == ("/x", 200, {"a": 1})


async def _echo(request: Request) -> Response:
    if request.url.path == "/refused":
        return Response("no", 418, {"x-teapot": "1", "content-type": "text/plain"})
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "body": (await request.body()).decode(),
            "authorization": request.headers.get("authorization"),
            "host": request.headers["host"],
        }
    )


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with AsgiServer(Starlette(routes=[Route("/{path:path}", _echo, methods=["GET", "POST"])])) as server:
        yield server.url


def test_other_requests_are_passed_on_whole_and_answered_as_the_other_server_does(upstream: str) -> None:
    with MockServer(passthrough=f"{upstream}/", stubs=[STUBS]) as server:
        with httpx.Client(base_url=server.url, headers=server.headers) as client:
            echoed = client.post("/api/v1/runs/a%2Fb?x=1&x=2", content=b"hello").json()
            assert client.post("/api/v1/sessions", json=CHAT).status_code == 201
            assert client.post(TRIGGER).json() == {"id": "run_1"}
            refused = client.get("/refused")
        headers = server.headers
    assert echoed == {
        "method": "POST",
        "path": "/api/v1/runs/a%2Fb",
        "query": "x=1&x=2",
        "body": "hello",
        "authorization": headers["Authorization"],
        "host": upstream.removeprefix("http://"),
    }
    assert (refused.status_code, refused.text, refused.headers["x-teapot"]) == (418, "no", "1")


def test_a_server_that_does_not_answer_is_502_with_its_name() -> None:
    with AsgiServer(create_app()) as gone:
        url = gone.url
    with MockServer(passthrough=url) as server:
        answer = httpx.get(f"{server.url}/x")
    assert (answer.status_code, url in answer.json()["error"]) == (502, True)


@pytest.mark.parametrize("url", ["api.trigger.dev", "ftp://x", "http://"])
def test_a_passthrough_that_is_not_a_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL to pass requests to"):
        create_app(passthrough=url)
