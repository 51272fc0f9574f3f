"""Lawful but unusual servers: the mock with lawful differences. A check must accuse none of them."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from adjourn_mock import MockApp, create_app
from adjourn_mock.dialects.documented import DOCUMENTED, as_dict
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.ids import IdGenerator
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.operations import create
from adjourn_mock.pipeline.service import Service

__all__ = ["LAWFUL"]

_TIMES = ("closedAt", "expiresAt", "createdAt", "updatedAt")


def with_behaviour(behaviour: Behaviour) -> MockApp:
    app = create_app()
    app.pipeline.dialects["documented"] = behaviour
    return app


def rewriting_rows(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Behaviour:
    def row(session: Session) -> dict[str, Any]:
        return edit(as_dict(session))

    def list_row(session: Session) -> dict[str, Any]:
        members = row(session)
        del members["triggerConfig"]
        return members

    return replace(DOCUMENTED, row=row, list_row=list_row)


def coarse(members: dict[str, Any]) -> dict[str, Any]:
    """Seconds only, another offset, members in any order."""
    for name in _TIMES:
        if members[name] is not None:
            members[name] = members[name][:19] + "+00:00"
    names = list(members)
    random.shuffle(names)
    return {name: members[name] for name in names}


def fine(members: dict[str, Any]) -> dict[str, Any]:
    """Nanoseconds, an offset of two hours, no current run."""
    for name in _TIMES:
        if members[name] is not None:
            hour = int(members[name][11:13])
            if hour < 22:
                members[name] = f"{members[name][:11]}{hour + 2:02d}{members[name][13:23]}456789+02:00"
    return {**members, "currentRunId": None}


def other_errors(service: Service, refusal: Refusal) -> Answer:
    """Problem details with a text and members of their own."""
    answer = DOCUMENTED.refuse(service, refusal)
    detail = {
        "type": "about:blank",
        "title": "Nope",
        "status": answer.status,
        "error": f"Nope ({answer.status})",
        "trace": "7f",
    }
    body, media_type = json.dumps(detail, indent=2).encode(), b"application/problem+json; charset=utf-8"
    return msgspec.structs.replace(answer, body=body, media_type=media_type)


def slow_and_limited() -> Any:
    """40 ms for each answer, and 429 with Retry-After above 300 requests a second."""
    app = with_behaviour(replace(rewriting_rows(coarse), refuse=other_errors))
    bucket = {"tokens": 60.0, "at": time.monotonic()}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        now = time.monotonic()
        bucket["tokens"] = min(60.0, bucket["tokens"] + (now - bucket["at"]) * 300)
        bucket["at"] = now
        if scope["type"] == "http" and bucket["tokens"] < 1:
            headers = [(b"retry-after", b"1"), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error":"slow down"}'})
            return
        bucket["tokens"] -= 1
        await asyncio.sleep(0.04)
        await app(scope, receive, send)

    return serve


def only_what_close_needs() -> Any:
    """Create, retrieve and close; neither list nor update."""
    app = create_app()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_collection = scope.get("path") == "/api/v1/sessions"
        lacks = scope["type"] == "http" and (
            (scope["method"] == "PATCH" and not is_collection and not scope["path"].endswith("/close"))
            or (scope["method"] == "GET" and is_collection)
        )
        if lacks:
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"<h1>not here</h1>"})
            return
        await app(scope, receive, send)

    return serve


def strict() -> Any:
    """422 for refused bodies, 415 for other media types, 400 for U+0000, 414 for long paths, 413 for chunks."""

    def refuse(service: Service, refusal: Refusal) -> Answer:
        answer = DOCUMENTED.refuse(service, refusal)
        is_body = refusal.clause in ("body.malformed", "reason.type", "reason.limit")
        return msgspec.structs.replace(answer, status=422) if is_body else answer

    def check_head(service: Service, request: Request) -> None:
        DOCUMENTED.check_head(service, request)
        if request.method == "POST" and b"json" not in request.headers.get(b"content-type", b"json").lower():
            raise Refusal("path.unknown", "Only JSON", status=415)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        if "\0" in call.value.get("reason", ""):
            raise Refusal("reason.type", "No U+0000")
        return await DOCUMENTED.close(service, behaviour, call)

    async def receive(request: Request, receive: Receive, rule: Any) -> bytes:
        if request.method == "POST" and b"content-length" not in request.headers:
            raise Refusal(rule.limit_clause)
        return await DOCUMENTED.receive(request, receive, rule)

    app = with_behaviour(replace(DOCUMENTED, refuse=refuse, close=close, receive=receive))
    dialects = app.pipeline.dialects
    dialects["documented"] = replace(dialects["documented"], check_head=check_head)
    return app


def moving_on() -> Any:
    """updatedAt moves on once more right after create."""

    async def touched(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await create(service, behaviour, call)
        assert result.session is not None

        def later(session: Session) -> Session:
            at = session.updated_at[:-4]
            return msgspec.structs.replace(
                session, updated_at=f"{at}{min(999, int(session.updated_at[-4:-1]) + 1):03d}Z"
            )

        await service.store.amend(call.caller.environment.id, result.session.id, later)
        return result

    return with_behaviour(replace(DOCUMENTED, create=touched))


def settling() -> Any:
    """updatedAt moves on 50 ms after create, by itself; ids are numbers in a row."""
    app = create_app()
    numbers = itertools.count(1)
    tasks: set[asyncio.Task[None]] = set()

    async def created(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await create(service, behaviour, numbered(service, call, numbers))
        session = result.session
        assert session is not None
        if result.clause == "create.created":

            async def touch() -> None:
                await asyncio.sleep(0.05)
                at = rfc3339(call.caller.environment.clock.now())
                await service.store.amend(
                    call.caller.environment.id,
                    session.id,
                    lambda row: row if row.closed_at else msgspec.structs.replace(row, updated_at=at),
                )

            task = asyncio.create_task(touch())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return result

    app.pipeline.dialects["documented"] = replace(DOCUMENTED, create=created)
    return app


def numbered(service: Service, call: Call, numbers: Iterator[int]) -> Call:
    """The call, in an environment whose next id is a number."""

    class Numbered(IdGenerator):
        def session_id(self) -> str:
            return f"session_{next(numbers)}"

    environment = call.caller.environment
    ids = Numbered(service.contract)
    caller = Caller(dataclasses.replace(environment, ids=ids), call.caller.token)
    return msgspec.structs.replace(call, caller=caller)


def talkative() -> Any:
    """More headers, a charset, and bodies that come in pieces."""
    app = create_app()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def pieces(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(n, v + b"; charset=UTF-8" if n == b"content-type" else v) for n, v in message["headers"]]
                headers += [(b"x-request-id", b"42"), (b"cache-control", b"no-store"), (b"set-cookie", b"a=b")]
                headers = [(n, v) for n, v in headers if n != b"content-length"]
                await send({**message, "headers": headers})
                return
            body = message["body"]
            for start in range(0, len(body), 100):
                await send({"type": "http.response.body", "body": body[start : start + 100], "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)})

        await app(scope, receive, pieces)

    return serve


LAWFUL: dict[str, Callable[[], Any]] = {
    "documented": create_app,
    "server dialect": lambda: create_app(dialect="server"),
    "coarse, shuffled, other errors": lambda: with_behaviour(replace(rewriting_rows(coarse), refuse=other_errors)),
    "fine, offset, no run": lambda: with_behaviour(rewriting_rows(fine)),
    "slow and limited": slow_and_limited,
    "only what close needs": only_what_close_needs,
    "strict": strict,
    "moving on": moving_on,
    "settling, numbers for ids": settling,
    "talkative": talkative,
}
