"""Faults of the limits of bodies: which size is too large."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Receive

from adjourn_mock.exchanges.exchange import ClientGone, Note, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import CLOSE, CREATE, UPDATE, refusing, with_limit
from adjourn_mock.pipeline.behaviour import Behaviour, Caller
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, ExternalId

__all__ = ["FAULTS"]

_MANY_TIMES = 100


async def everything(request: Request, receive: Receive) -> bytes:
    """The whole body, unbounded: only for faults that look at it afterwards."""
    content: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        content += message.get("body", b"")
        if not message.get("more_body"):
            return content


def limiting(limit_clause: str, too_large: Callable[[Request, bytes, int], bool]) -> Change:
    """Another rule for when a body is too large: `too_large(request, content, limit_bytes)`."""

    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            if rule.limit_clause != limit_clause:
                return await base.receive(request, receive, rule)
            content = await everything(request, receive)
            if too_large(request, content, rule.limit_bytes):
                raise Refusal(rule.limit_clause)
            return content

        return replace(base, receive=receive)

    return change


def counting(size: Callable[[bytes], int]) -> Change:
    """Compare another size of a close body with the limit."""
    return limiting(CLOSE, lambda request, content, limit: size(content) > limit)


def characters(content: bytes) -> int:
    return len(content.decode(errors="replace"))


def trimmed_bytes(content: bytes) -> int:
    return len(content.strip())


def compact_bytes(content: bytes) -> int:
    try:
        return len(json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False).encode())
    except (ValueError, RecursionError):
        return len(content)


def reason_bytes(content: bytes) -> int:
    try:
        reason = json.loads(content).get("reason", "")
    except (ValueError, RecursionError, AttributeError):
        return 0
    return len(reason) if isinstance(reason, str) else 0


def reason_too_large(request: Request, content: bytes, limit: int) -> bool:
    return reason_bytes(content) > limit or len(content) > limit * _MANY_TIMES


def declared_too_large(request: Request, content: bytes, limit: int) -> bool:
    return int(request.headers.get(b"content-length", b"0")) > limit


def too_large_for_frame(request: Request, content: bytes, limit: int) -> bool:
    return len(content) > (limit if b"content-length" in request.headers else 2 * limit)


def too_large_for_json(request: Request, content: bytes, limit: int) -> bool:
    return len(content) > limit and b"json" in request.headers.get(b"content-type", b"json")


def times(factor: int) -> Callable[[int], int]:
    return lambda limit: limit * factor


def plus(more: int) -> Callable[[int], int]:
    return lambda limit: limit + more


def divided(divisor: int) -> Callable[[int], int]:
    return lambda limit: limit // divisor


def no_size(content: bytes) -> int:
    return 0


def decimal(limit: int) -> int:
    return limit - limit % 1000


def for_friendly_ids_only(base: Behaviour) -> Behaviour:
    """A close body is measured only where the path has a friendly id."""
    unbounded = with_limit(CLOSE, times(_MANY_TIMES))(base)
    by_external_id: Note[bool] = Note("whether the path has an externalId")

    def authenticate(service: Service, request: Request) -> Caller:
        _, segment = service.routes.match(request.raw_path) or (None, None)
        if segment is not None:
            key = base.identify(service, base.decode(segment))
            by_external_id.write(request.notes, isinstance(key, ExternalId))
        return base.authenticate(service, request)

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        step = unbounded if by_external_id.read(request.notes) else base
        return await step.receive(request, receive, rule)

    return replace(base, authenticate=authenticate, receive=receive)


FAULTS = named(
    {
        "limit-one-less": Breach(
            "body.limit", "The server refuses a body as large as the limit.", with_limit(CLOSE, plus(-1))
        ),
        "limit-one-more": Breach(
            "body.limit", "The server accepts a body of one byte over the limit.", with_limit(CLOSE, plus(1))
        ),
        "limit-1000": Breach(
            "body.limit", "The server takes a decimal kilobyte for the limit.", with_limit(CLOSE, decimal)
        ),
        "limit-none": Breach("body.limit", "The server accepts a close body of any size.", counting(no_size)),
        "limit-ten-times": Breach(
            "body.limit", "The server accepts ten times the limit.", with_limit(CLOSE, times(10))
        ),
        "limit-400": Breach(
            "body.limit", "The server answers 400 for a body that is too large.", refusing("body.limit", status=400)
        ),
        "limit-500": Breach(
            "server.no-error",
            "The server answers 500 for a body that is too large.",
            refusing("body.limit", status=500),
        ),
        "limit-characters": Breach(
            "body.limit-bytes", "The server counts characters for the limit.", counting(characters)
        ),
        "limit-reason": Breach(
            "body.limit-bytes", "The server counts the reason alone for the limit.", limiting(CLOSE, reason_too_large)
        ),
        "limit-trimmed": Breach(
            "body.limit-bytes", "The server does not count white space around the body.", counting(trimmed_bytes)
        ),
        "limit-compact": Breach(
            "body.limit-bytes", "The server counts the body without its white space.", counting(compact_bytes)
        ),
        "limit-by-length-header": Breach(
            "body.limit-chunked", "The server looks only at the declared length.", limiting(CLOSE, declared_too_large)
        ),
        "limit-chunked-twice": Breach(
            "body.limit-chunked",
            "The server accepts chunked bodies of twice the limit.",
            limiting(CLOSE, too_large_for_frame),
        ),
        "limit-json-only": Breach(
            "body.limit", "The server limits only bodies whose media type is JSON.", limiting(CLOSE, too_large_for_json)
        ),
        "limit-by-friendly-id-only": Breach(
            "body.limit", "The server has no limit where the path has an externalId.", for_friendly_ids_only
        ),
        "create-without-limit": Breach(
            "create.body-limit", "The server accepts a create body of any size.", with_limit(CREATE, times(_MANY_TIMES))
        ),
        "create-limit-one-less": Breach(
            "create.body-limit", "The server refuses a create body as large as the limit.", with_limit(CREATE, plus(-1))
        ),
        "create-limit-one-more": Breach(
            "create.body-limit",
            "The server accepts a create body of one byte over the limit.",
            with_limit(CREATE, plus(1)),
        ),
        "create-limit-by-length-header": Breach(
            "create.body-limit",
            "The server does not count chunked create bodies.",
            limiting(CREATE, declared_too_large),
        ),
        "update-without-limit": Breach(
            "update.body-limit",
            "The server accepts an update body of any size.",
            with_limit(UPDATE, times(_MANY_TIMES)),
        ),
        "update-limit-one-less": Breach(
            "update.body-limit",
            "The server refuses an update body as large as the limit.",
            with_limit(UPDATE, plus(-1)),
        ),
        "update-limit-one-more": Breach(
            "update.body-limit",
            "The server accepts an update body of one byte over the limit.",
            with_limit(UPDATE, plus(1)),
        ),
        "update-limit-by-length-header": Breach(
            "update.body-limit",
            "The server does not count chunked update bodies.",
            limiting(UPDATE, declared_too_large),
        ),
        "update-limit-as-for-close": Breach(
            "update.body-limit", "The server has the limit of close for update bodies.", with_limit(UPDATE, divided(32))
        ),
        "create-limit-as-for-close": Breach(
            "create.body-limit", "The server has the limit of close for create bodies.", with_limit(CREATE, divided(32))
        ),
    }
)
