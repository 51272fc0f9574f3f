"""A caller of the control API, and environments that it makes."""

from __future__ import annotations

from typing import Any

import httpx
from sessions_api import CHAT

from adjourn_mock import MockServer
from adjourn_spec import Schema


class Control:
    """A caller of the control API that holds every answer to its document."""

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.client = httpx.Client(base_url=f"{server.url}/_adjourn", event_hooks={"response": [self._hold]})
        self.document = self.client.get("/openapi.json").json()
        self.callers: list[httpx.Client] = [self.client]

    def _hold(self, response: httpx.Response) -> None:
        response.read()
        path, method = response.request.url.path, response.request.method.lower()
        item = next(
            (
                (template, item)
                for template, item in getattr(self, "document", {"paths": {}})["paths"].items()
                if len(template.split("/")) == len(path.split("/"))
                and all(a == b or a.startswith("{") for a, b in zip(template.split("/"), path.split("/"), strict=True))
            ),
            None,
        )
        if item is None or method not in item[1] or not response.content:
            return
        template, operations = item
        responses = operations[method]["responses"]
        status = str(response.status_code)
        name = status if status in responses else f"{status[0]}XX"
        assert name in responses, response.text
        if "content" in responses[name]:
            pointer = f"/paths/{template.replace('/', '~1')}/{method}/responses/{name}/content/application~1json/schema"
            assert list(Schema(self.document, pointer).violations(response.json())) == []

    def environment(self, **options: Any) -> Environment:
        answer = self.client.post("/environments", json=options)
        assert answer.status_code == 201, answer.text
        return Environment(self, answer.json())


class Environment:
    """A new environment and a caller of its own."""

    def __init__(self, control: Control, made: dict[str, Any]) -> None:
        self.control, self.made = control, made
        self.id = made["id"]
        self.api = httpx.Client(
            base_url=f"{control.server.url}/api/v1",
            headers={"Authorization": f"Bearer {made['secretKey']}"},
            timeout=5,
        )
        control.callers.append(self.api)

    def create(self, external_id: str = "chat_1", **more: Any) -> httpx.Response:
        return self.api.post("/sessions", json={**CHAT, "externalId": external_id, **more})

    def close(self, key: str = "chat_1", body: Any = None) -> httpx.Response:
        return self.api.post(f"/sessions/{key}/close", json=body or {})

    def call(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        return self.control.client.request(method, f"/environments/{self.id}{path}", **options)

    def journal(self, **query: Any) -> dict[str, Any]:
        journal: dict[str, Any] = self.call("GET", "/journal", params=query).json()
        return journal

    def enable(self, fault: str, **options: Any) -> dict[str, Any]:
        answer = self.call("POST", "/faults", json={"fault": fault, **options})
        assert answer.status_code == 201, answer.text
        active: dict[str, Any] = answer.json()
        return active
