"""`adjourn demo`: the documented life of a session, over HTTP, against a mock started for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from adjourn_mock import MockServer
from adjourn_spec import Contract, Operation

__all__ = ["DemoError", "run"]

_CHAT: dict[str, Any] = {
    "type": "chat.agent",
    "taskIdentifier": "my-chat",
    "externalId": "chat_1234",
    "triggerConfig": {"basePayload": {"greeting": "hello"}},
}


class DemoError(RuntimeError):
    """An answer was not as the document says."""


def run(contract: Contract, say: Callable[[str], None]) -> None:
    """Live a session's life, telling each step.

    Raises:
        DemoError: an answer was not as the document says.
    """
    with MockServer(contract=contract) as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        say(f"The mock listens on {server.url}.")
        demo = _Demo(contract, client, say)
        created = demo.call("createSession", 201, "create a session with the externalId chat_1234", body=_CHAT)
        friendly_id = created["id"]
        demo.call("createSession", 200, "create it again: the open session is answered", body=_CHAT)
        demo.call("retrieveSession", 200, "retrieve it by its externalId", session="chat_1234")
        demo.call("updateSession", 200, "update its tags", session=friendly_id, body={"tags": ["vip"]})
        too_long = {"reason": "x" * (contract.reason_max_length + 1)}
        demo.call("closeSession", 400, "close it with a reason that is too long", session="chat_1234", body=too_long)
        closed = demo.call(
            "closeSession", 200, "close it, with a reason", session="chat_1234", body={"reason": "user signed out"}
        )
        again = demo.call(
            "closeSession", 200, "close it again by its friendly id", session=friendly_id, body={"reason": "another"}
        )
        if again != closed:
            raise DemoError("the second close answered another row than the first")
        seen = demo.call("retrieveSession", 200, "retrieve it: the row of the first close", session=friendly_id)
        if seen != closed:
            raise DemoError("retrieve answered another row than close")
        demo.call("createSession", 409, "create it anew: a closed session stays closed", body=_CHAT)
        demo.call("closeSession", 404, "close a session that nobody has", session="chat_unknown", body={})
        page = demo.call("listSessions", 200, "list the closed sessions", query={"filter[status]": "CLOSED"})
        if [row["id"] for row in page["data"]] != [friendly_id]:
            raise DemoError("the list of closed sessions does not have the session, or has others")
        say(f"\n{demo.steps} steps, every answer valid against the document. Try it yourself:\n\n  adjourn mock")


class _Demo:
    """Calls operations and holds each answer to its schema."""

    def __init__(self, contract: Contract, client: httpx.Client, say: Callable[[str], None]) -> None:
        self._contract, self._client, self._say = contract, client, say
        self.steps = 0

    def call(
        self,
        name: str,
        status: int,
        what: str,
        *,
        session: str | None = None,
        body: Any = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        operation = self._contract.operations[name]
        path = operation.template.replace("{session}", session or "")
        response = self._client.request(operation.method, path, json=body, params=query)
        self._hold(operation, response, status)
        self.steps += 1
        self._say(f"  {response.status_code}  {operation.method:<5} {path:<60} {what}")
        return response.json()

    def _hold(self, operation: Operation, response: httpx.Response, status: int) -> None:
        where = f"{operation.name} answered {response.status_code}"
        if response.status_code != status:
            raise DemoError(f"{where} where {status} was expected: {response.text}")
        violation = next(operation.responses[status].violations(response.json()), None)
        if violation is not None:
            raise DemoError(f"{where} with a body that is not valid: {violation}")
