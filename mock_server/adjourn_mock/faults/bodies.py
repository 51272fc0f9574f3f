"""Faults of the body clauses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import Receive

from adjourn_mock.exchanges.exchange import Answer, ClientGone, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule

__all__ = ["CLOSE", "FAULTS", "refusing", "validating"]

CLOSE = "body.limit"


async def everything(request: Request, receive: Receive) -> bytes:
    """The whole body, without a bound: only for faults that look at it afterwards."""
    content: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        content += message.get("body", b"")
        if not message.get("more_body"):
            return content


def limiting(too_large: Callable[[Request, bytes, int], bool]) -> Change:
    """Another rule for when a close body is too large: `too_large(request, content, limit_bytes)`."""

    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            if rule.limit_clause != CLOSE:
                return await base.receive(request, receive, rule)
            content = await everything(request, receive)
            if too_large(request, content, rule.limit_bytes):
                raise Refusal(rule.limit_clause)
            return content

        return replace(base, receive=receive)

    return change


def characters(content: bytes) -> int:
    return len(content.decode(errors="replace"))


def reason_bytes(content: bytes) -> int:
    try:
        reason = json.loads(content).get("reason", "")
    except (ValueError, AttributeError):
        return 0
    return len(reason) if isinstance(reason, str) else 0


def is_other_media_type(request: Request) -> bool:
    return b"json" not in request.headers.get(b"content-type", b"json")


def is_by_external_id(request: Request) -> bool:
    return not request.raw_path.split(b"/")[-2].startswith(b"session_")


def failing_on(which: Callable[[bytes], bool]) -> Change:
    """500 for some close bodies."""

    def change(base: Behaviour) -> Behaviour:
        def parse(content: bytes, rule: BodyRule) -> Any:
            if rule.limit_clause == CLOSE and which(content):
                raise Refusal("body.malformed", "something went wrong", status=500)
            return base.parse(content, rule)

        return replace(base, parse=parse)

    return change


def compact(content: bytes) -> int:
    try:
        return len(json.dumps(json.loads(content), separators=(",", ":"), ensure_ascii=False).encode())
    except ValueError:
        return len(content)


def refusing(
    clauses: tuple[str, ...], status: int, body: bytes | None = None, media_type: bytes | None = None
) -> Change:
    """Answer some refusals otherwise."""

    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause in clauses:
                answer.status = status
                answer.body = answer.body if body is None else body
                answer.media_type = media_type or answer.media_type
            return answer

        return replace(base, refuse=refuse)

    return change


def parsing(read: Callable[[bytes], Any]) -> Change:
    """Read close bodies otherwise where they are refused: `read` may raise ValueError."""

    def change(base: Behaviour) -> Behaviour:
        def parse(content: bytes, rule: BodyRule) -> Any:
            try:
                return base.parse(content, rule)
            except Refusal:
                if rule.limit_clause != CLOSE:
                    raise
                try:
                    return read(content)
                except ValueError:
                    pass
                raise

        return replace(base, parse=parse)

    return change


def first_value(content: bytes) -> Any:
    return json.JSONDecoder().raw_decode(content.decode().lstrip())[0]


def anything(content: bytes) -> Any:
    return {}


def lenient(content: bytes) -> Any:
    return json.loads(content.decode().replace(",}", "}").replace("'", '"'))


def validating(fix: Callable[[Any], Any]) -> Change:
    """Change close bodies before they are held to the schema."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            return base.validate(fix(value) if rule.limit_clause == CLOSE else value, rule)

        return replace(base, validate=validate)

    return change


def storing_members(
    names: tuple[str, ...], attribute: str, convert: Callable[[Any], Any] = lambda value: value
) -> Change:
    """Take a member of the close body for one of the row."""

    def change(base: Behaviour) -> Behaviour:
        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.close(service, behaviour, call)
            for name in names:
                if name in call.value and result.session is not None:
                    try:
                        value = convert(call.value[name])
                    except (TypeError, ValueError):
                        continue
                    session = await stored(service, call.caller.environment, result.session, **{attribute: value})
                    return Result(result.clause, session, result.members)
            return result

        return replace(base, close=close)

    return change


def refusing_unknown(base: Behaviour) -> Behaviour:
    def validate(value: Any, rule: BodyRule) -> Any:
        if rule.limit_clause == CLOSE and isinstance(value, dict) and set(value) - {"reason"}:
            raise Refusal("body.malformed", "Unknown members")
        return base.validate(value, rule)

    return replace(base, validate=validate)


def refused_but_closed(clauses: tuple[str, ...]) -> Change:
    """Close first and look at the body afterwards: a refused one has closed the session."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            try:
                return base.validate(value, rule)
            except Refusal as refusal:
                if rule.limit_clause != CLOSE or refusal.clause not in clauses:
                    raise
                return {_REFUSED: refusal.clause}

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            clause = call.value.get(_REFUSED)
            if clause is None:
                return await base.close(service, behaviour, call)
            await base.close(service, behaviour, Call(call.caller, call.operation, call.text, call.key, {}))
            raise Refusal(clause)

        return replace(base, validate=validate, close=close)

    return change


_REFUSED = "adjourn closed it all the same"


def refused_but_touched(base: Behaviour) -> Behaviour:
    """A refused body moves updatedAt on."""
    faulty = refused_but_closed(("reason.type", "reason.limit"))(base)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        clause = call.value.get(_REFUSED)
        if clause is None:
            return await base.close(service, behaviour, call)
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None:
            await stored(service, call.caller.environment, session, updated_at="2099-01-01T00:00:00.000Z")
        raise Refusal(clause)

    return replace(faulty, close=close)


def lookup_before_body(base: Behaviour) -> Behaviour:
    """An unknown session is 404 whatever the body is."""

    def parse(content: bytes, rule: BodyRule) -> Any:
        try:
            return base.parse(content, rule)
        except Refusal as refusal:
            if rule.limit_clause != CLOSE:
                raise
            return {_REFUSED: refusal.clause}

    def validate(value: Any, rule: BodyRule) -> Any:
        if isinstance(value, dict) and _REFUSED in value:
            return value
        try:
            return base.validate(value, rule)
        except Refusal as refusal:
            if rule.limit_clause != CLOSE:
                raise
            return {_REFUSED: refusal.clause}

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is None:
            raise Refusal("id.unknown")
        if _REFUSED in call.value:
            raise Refusal(call.value[_REFUSED])
        return await base.close(service, behaviour, call)

    return replace(base, parse=parse, validate=validate, close=close)


def closed_hides_faults(base: Behaviour) -> Behaviour:
    """A closed session is answered whatever the body is."""
    faulty = lookup_before_body(base)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if _REFUSED in call.value and (session is None or session.closed_at is None):
            raise Refusal(call.value[_REFUSED])
        value = {} if _REFUSED in call.value else call.value
        return await base.close(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

    return replace(faulty, close=close)


_BODY = ("body.malformed", "reason.type", "reason.limit")

FAULTS = [
    Fault("limit-one-less", "body.limit", "A body as large as the limit is refused.", limiting(lambda r, c, n: len(c) >= n)),
    Fault("limit-one-more", "body.limit", "A byte over the limit passes.", limiting(lambda r, c, n: len(c) > n + 1)),
    Fault("limit-1000", "body.limit", "The limit is a decimal kilobyte.", limiting(lambda r, c, n: len(c) > n - n % 1000)),
    Fault("limit-none", "body.limit", "There is no limit.", limiting(lambda r, c, n: False)),
    Fault("limit-ten-times", "body.limit", "The limit is ten times as large.", limiting(lambda r, c, n: len(c) > n * 10)),
    Fault("limit-400", "body.limit", "A body that is too large is 400.", refusing(("body.limit",), 400)),
    Fault("limit-500", "body.limit", "A body that is too large is 500.", refusing(("body.limit",), 500)),
    Fault("limit-characters", "body.limit-bytes", "The limit counts characters.", limiting(lambda r, c, n: characters(c) > n)),
    Fault("limit-reason", "body.limit-bytes", "The limit counts the reason alone.", limiting(lambda r, c, n: reason_bytes(c) > n or len(c) > n * 100)),
    Fault("limit-trimmed", "body.limit-bytes", "White space around the body does not count.", limiting(lambda r, c, n: len(c.strip()) > n)),
    Fault("limit-compact", "body.limit-bytes", "The limit counts the body written anew.", limiting(lambda r, c, n: compact(c) > n)),
    Fault("limit-by-length-header", "body.limit-chunked", "Only the declared length is looked at.", limiting(lambda r, c, n: int(r.headers.get(b"content-length", b"0")) > n)),
    Fault("limit-chunked-twice", "body.limit-chunked", "Chunked bodies may be twice as large.", limiting(lambda r, c, n: len(c) > (n if b"content-length" in r.headers else 2 * n))),
    Fault("limit-json-only", "body.limit", "The limit is for JSON alone.", limiting(lambda r, c, n: len(c) > n and not is_other_media_type(r))),
    Fault("limit-by-friendly-id-only", "body.limit", "There is no limit where an externalId is used.", limiting(lambda r, c, n: len(c) > n and not is_by_external_id(r))),
    Fault("malformed-utf-16", "body.malformed", "JSON in UTF-16 passes.", parsing(lambda c: json.loads(c.decode("utf-16-le") if c[1:2] == b"\0" else c))),
    Fault("deep-500", "close.closes", "A body that is nested deeply is 500.", failing_on(lambda c: c.count(b"[") + c.count(b"{") > 90)),
    Fault("digits-500", "close.closes", "A number of many digits is 500.", failing_on(lambda c: b"1" * 300 in c)),
    Fault("malformed-is-empty", "body.malformed", "A body that is no JSON is taken for an empty object.", parsing(anything)),
    Fault("malformed-garbage-behind", "body.malformed", "What follows the object is ignored.", parsing(first_value)),
    Fault("malformed-lenient", "body.malformed", "Trailing commas and single quotes pass.", parsing(lenient)),
    Fault("malformed-python", "body.malformed", "NaN and Infinity pass.", parsing(json.loads)),
    Fault("malformed-control-characters", "body.malformed", "Control characters in strings pass.", parsing(lambda c: json.loads(c, strict=False))),
    Fault("malformed-array", "body.malformed", "An array is taken for an empty object.", validating(lambda v: {} if isinstance(v, list) else v)),
    Fault("malformed-null", "body.malformed", "null is taken for an empty object.", validating(lambda v: {} if v is None else v)),
    Fault("malformed-scalar", "body.malformed", "Numbers and booleans are taken for an empty object.", validating(lambda v: {} if isinstance(v, bool | int | float) else v)),
    Fault("malformed-string-is-reason", "body.malformed", "A string is taken for the reason.", validating(lambda v: {"reason": v} if isinstance(v, str) else v)),
    Fault("malformed-500", "body.malformed", "A body that is no JSON is 500.", refusing(("body.malformed",), 500)),
    Fault("malformed-html", "row.content-type", "A body that is no JSON is refused in HTML.", refusing(("body.malformed",), 400, b"<h1>Bad Request</h1>", b"text/html")),
    Fault("malformed-no-error", "body.malformed", "A refused body has no error string.", refusing(("body.malformed",), 400, b'{"message":"bad"}')),
    Fault("unknown-members-refused", "body.unknown-members", "Unknown members are refused.", refusing_unknown),
    Fault("unknown-closed-reason", "body.unknown-members", "closedReason in the body is recorded.", storing_members(("closedReason",), "closed_reason")),
    Fault("unknown-closed-at", "body.unknown-members", "closedAt in the body is recorded.", storing_members(("closedAt",), "closed_at", lambda v: v if v else None)),
    Fault("unknown-metadata", "body.unknown-members", "metadata in the body is stored.", storing_members(("metadata",), "metadata")),
    Fault("unknown-tags", "body.unknown-members", "tags in the body are stored.", storing_members(("tags",), "tags", tuple)),
    Fault("unknown-expires-at", "body.unknown-members", "expiresAt in the body is stored.", storing_members(("expiresAt",), "expires_at")),
    Fault("unknown-reason-any-case", "body.unknown-members", "Reason in other letter case counts.", storing_members(("Reason", "REASON"), "closed_reason")),
    Fault("refused-type-closes", "body.no-effect", "A reason that is no string is refused, and the session closed.", refused_but_closed(("reason.type",))),
    Fault("refused-limit-closes", "body.no-effect", "A reason that is too long is refused, and the session closed.", refused_but_closed(("reason.limit",))),
    Fault("refused-touches", "body.no-effect", "A refused body moves updatedAt on.", refused_but_touched),
    Fault("lookup-before-body", "error.order", "An unknown session is 404 whatever the body is.", lookup_before_body),
    Fault("closed-hides-faults", "error.order", "A closed session is answered whatever the body is.", closed_hides_faults),
    Fault("body-refused-403", "body.malformed", "A refused body is 403.", refusing(_BODY, 403)),
]  # fmt: skip
