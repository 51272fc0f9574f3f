"""A caller of the Sessions API that holds every answer to the document."""

from __future__ import annotations

import itertools
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from adjourn_mock import MockServer
from adjourn_mock.exchanges.routes import Routes
from adjourn_spec import Contract

CHAT: dict[str, Any] = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}
_numbers = itertools.count()


class Api:
    """A caller of one server. Every JSON answer must be valid against the document,
    but for 431, which is about HTTP, and the 500 of the `server` dialect's grey zones."""

    def __init__(self, server: MockServer, contract: Contract) -> None:
        self.server, self.contract = server, contract
        self.routes = Routes(contract)
        self.client = httpx.Client(base_url=server.url, headers=server.headers, event_hooks={"response": [self._hold]})

    def _hold(self, response: httpx.Response) -> None:
        response.read()
        found = self.routes.match(response.request.url.raw_path.split(b"?")[0])
        operation = found[0].operations.get(response.request.method) if found else None
        is_json = response.headers.get("content-type", "").startswith("application/json")
        if operation and is_json and response.content and response.status_code not in (431, 500):
            assert response.status_code in operation.responses, (response.status_code, response.text)
            assert list(operation.responses[response.status_code].violations(response.json())) == []

    def create(self, external_id: str | None = None, **more: Any) -> httpx.Response:
        body = {**CHAT, **more}
        return self.client.post(
            "/api/v1/sessions", json=body if external_id is None else {**body, "externalId": external_id}
        )

    def fresh(self, **more: Any) -> dict[str, Any]:
        """A new open session."""
        row: dict[str, Any] = self.create(f"chat_{next(_numbers)}", **more).json()
        return row

    def get(self, key: str, **options: Any) -> httpx.Response:
        return self.client.get(path(key), **options)

    def close(self, key: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return self.client.post(path(key, "/close"), **options)

    def update(self, key: str, body: Any) -> httpx.Response:
        return self.client.patch(path(key), json=body)

    def raw(self, request: bytes, *, answers: int = 1) -> bytes:
        """Send bytes as they are; return what comes back until the server closes or falls silent."""
        url = urlsplit(self.server.url)
        with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
            connection.sendall(request)
            received = b""
            while received.count(b"HTTP/1.1 ") < answers or not _is_complete(received):
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
            return received


def _is_complete(received: bytes) -> bool:
    head, _, body = received.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length: "):
            return len(body) >= int(line[16:])
    return False


def path(key: str, rest: str = "") -> str:
    return f"/api/v1/sessions/{quote(key, safe='')}{rest}"
