"""The steps of the `documented` dialect behind an operation: rows, answers, refusals, and how they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import anyio
from starlette.types import Receive, Scope, Send

from adjourn_mock.domain.json_text import encode
from adjourn_mock.domain.sessions import Session, to_dict
from adjourn_mock.exchanges.exchange import Answer, Refusal
from adjourn_mock.pipeline.behaviour import Behaviour, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["answer", "as_dict", "deliver", "refuse", "row"]

_NOTHING: Mapping[str, Any] = {}
EVENTS = b"text/event-stream; charset=utf-8"


def row(session: Session) -> Session | dict[str, Any]:
    """Every member, in the service's order: as it is kept (clause row.members)."""
    return session


def as_dict(row: Session | dict[str, Any]) -> dict[str, Any]:
    """A row or list row, as a behaviour writes it, as JSON members that may be changed."""
    return to_dict(row) if isinstance(row, Session) else {**row}


def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
    session, members = result.session, result.members
    status = service.contract.statuses[result.clause]
    if session is None:
        return _answer_without_row(status, result)
    body = _with_members(behaviour.row(session), members)
    return Answer(status, body, headers=result.headers, session=session, before=result.before)


def _with_members(row: Session | dict[str, Any], members: Mapping[str, Any]) -> bytes:
    """The JSON of a row with some more members."""
    if not members:
        return encode(row)
    if isinstance(row, Session):
        # Written one after the other, for the row is a struct that is written much faster than a dictionary of it.
        return encode(row)[:-1] + b"," + encode(members)[1:]
    return encode({**row, **members})


def _answer_without_row(status: int, result: Result) -> Answer:
    about = result.about
    if result.events is not None:
        return Answer(status, b"", EVENTS, result.headers, session=about, before=about, events=result.events)
    return Answer(status, encode(result.members), headers=result.headers, session=about, before=about)


def refuse(service: Service, refusal: Refusal) -> Answer:
    """The one place where an error body is made."""
    rule = service.contract.refusals.get(refusal.clause)
    status = refusal.status or (rule.status if rule else 500)
    body = refusal.body
    if body is None:
        members = refusal.members or (rule.members if rule else {})
        body = encode({"error": refusal.error or (rule.error if rule else refusal.clause), **members})
    return Answer(status, body, refusal.media_type, refusal.headers, clause=refusal.clause)


async def deliver(
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: Sequence[tuple[bytes, bytes]],
    answer: Answer,
) -> None:
    """Send an answer, whole and at once; in one piece where the server takes it so."""
    if answer.events is not None:
        await _deliver_events(receive, send, headers, answer)
        return
    connection: Any = scope.get("extensions", _NOTHING).get("adjourn.connection")
    if connection is not None and connection.answer(answer.status, headers, answer.body):
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _deliver_events(receive: Receive, send: Send, headers: Sequence[tuple[bytes, bytes]], answer: Answer) -> None:
    """Send the pieces of a stream as they come, until it ends or the client leaves."""
    assert answer.events is not None  # noqa: S101 - the caller has looked
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    async with anyio.create_task_group() as group:

        async def end_when_the_client_leaves() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(end_when_the_client_leaves)
        async with aclosing(answer.events()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        group.cancel_scope.cancel()
