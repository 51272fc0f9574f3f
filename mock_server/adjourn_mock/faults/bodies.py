"""Faults of the body and reason clauses."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import Receive

from adjourn_mock.behaviour import Behaviour, Call, Result
from adjourn_mock.exchange import Answer, ClientGone, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault, stored
from adjourn_mock.service import Service
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]

_CLOSE = "body.limit"


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
            if rule.limit_clause != _CLOSE:
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
                if rule.limit_clause != _CLOSE:
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
            return base.validate(fix(value) if rule.limit_clause == _CLOSE else value, rule)

        return replace(base, validate=validate)

    return change


def with_reason(fix: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Fix the reason of a body that has one."""

    def fixed(value: Any) -> Any:
        if not isinstance(value, dict) or "reason" not in value:
            return value
        reason = fix(value["reason"])
        return {name: member for name, member in {**value, "reason": reason}.items() if member is not _NOTHING}

    return fixed


_NOTHING = object()


def recording(write: Callable[[str | None], str | None]) -> Change:
    """Record another reason than the one that was sent."""

    def change(base: Behaviour) -> Behaviour:
        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            value = dict(call.value)
            reason = write(value.pop("reason", None))
            if reason is not None:
                value["reason"] = reason
            return await base.close(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, close=close)

    return change


def text(write: Callable[[str], str | None]) -> Change:
    return recording(lambda reason: None if reason is None else write(reason))


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
        if rule.limit_clause == _CLOSE and isinstance(value, dict) and set(value) - {"reason"}:
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
                if rule.limit_clause != _CLOSE or refusal.clause not in clauses:
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


def limit_of_reason(extra: int) -> Change:
    """Count `extra` characters more, or less, as allowed."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            reason = value.get("reason") if rule.limit_clause == _CLOSE and isinstance(value, dict) else None
            if not isinstance(reason, str):
                return base.validate(value, rule)
            limit = rule.schema.definition["properties"]["reason"]["maxLength"] + extra
            if len(reason) > limit:
                raise Refusal("reason.limit")
            return {**base.validate({**value, "reason": ""}, rule), "reason": reason}

        return replace(base, validate=validate)

    return change


def counting(length: Callable[[str], int]) -> Change:
    """Count the characters of a reason in another way."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            reason = value.get("reason") if rule.limit_clause == _CLOSE and isinstance(value, dict) else None
            if not isinstance(reason, str):
                return base.validate(value, rule)
            if length(reason) > rule.schema.definition["properties"]["reason"]["maxLength"]:
                raise Refusal("reason.limit")
            return {**base.validate({**value, "reason": ""}, rule), "reason": reason}

        return replace(base, validate=validate)

    return change


def cutting(base: Behaviour) -> Behaviour:
    """A reason that is too long is cut to the limit."""

    def validate(value: Any, rule: BodyRule) -> Any:
        reason = value.get("reason") if rule.limit_clause == _CLOSE and isinstance(value, dict) else None
        if not isinstance(reason, str):
            return base.validate(value, rule)
        return base.validate(
            {**value, "reason": reason[: rule.schema.definition["properties"]["reason"]["maxLength"]]}, rule
        )

    return replace(base, validate=validate)


def lookup_before_body(base: Behaviour) -> Behaviour:
    """An unknown session is 404 whatever the body is."""

    def parse(content: bytes, rule: BodyRule) -> Any:
        try:
            return base.parse(content, rule)
        except Refusal as refusal:
            if rule.limit_clause != _CLOSE:
                raise
            return {_REFUSED: refusal.clause}

    def validate(value: Any, rule: BodyRule) -> Any:
        if isinstance(value, dict) and _REFUSED in value:
            return value
        try:
            return base.validate(value, rule)
        except Refusal as refusal:
            if rule.limit_clause != _CLOSE:
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
    Fault("reason-required", "reason.optional", "A close without a reason is refused.", validating(lambda v: {**v, "reason": v.get("reason")} if isinstance(v, dict) else v)),
    Fault("reason-default", "reason.optional", "Without a reason one is made up.", recording(lambda r: "closed" if r is None else r)),
    Fault("reason-empty-for-none", "reason.optional", "Without a reason it is empty.", recording(lambda r: "" if r is None else r)),
    Fault("reason-limit-one-more", "reason.limit", "A character over the limit passes.", limit_of_reason(1)),
    Fault("reason-limit-one-less", "reason.limit", "A reason as long as the limit is refused.", limit_of_reason(-1)),
    Fault("reason-limit-none", "reason.limit", "A reason may be as long as it likes.", limit_of_reason(10_000)),
    Fault("reason-limit-bytes", "reason.limit", "The limit of the reason counts bytes.", counting(lambda r: len(r.encode("utf-8", "surrogatepass")))),
    Fault("reason-limit-graphemes", "reason.limit", "Combining characters do not count.", counting(lambda r: sum(not unicodedata.combining(c) for c in r))),
    Fault("reason-limit-trimmed", "reason.limit", "White space around the reason does not count.", counting(lambda r: len(r.strip()))),
    Fault("reason-limit-cuts", "reason.limit", "A reason that is too long is cut.", cutting),
    Fault("reason-limit-500", "reason.limit", "A reason that is too long is 500.", refusing(("reason.limit",), 500)),
    Fault("reason-null-passes", "reason.type", "A reason of null passes.", validating(with_reason(lambda r: _NOTHING if r is None else r))),
    Fault("reason-number-passes", "reason.type", "A number is made a string.", validating(with_reason(lambda r: str(r) if isinstance(r, int | float) and not isinstance(r, bool) else r))),
    Fault("reason-boolean-passes", "reason.type", "A boolean is made a string.", validating(with_reason(lambda r: str(r).lower() if isinstance(r, bool) else r))),
    Fault("reason-array-passes", "reason.type", "An array is made a string.", validating(with_reason(lambda r: json.dumps(r) if isinstance(r, list) else r))),
    Fault("reason-object-passes", "reason.type", "An object is made a string.", validating(with_reason(lambda r: json.dumps(r) if isinstance(r, dict) else r))),
    Fault("reason-empty-array-passes", "reason.type", "An empty array or object is no reason.", validating(with_reason(lambda r: _NOTHING if r in ([], {}) else r))),
    Fault("reason-type-500", "reason.type", "A reason that is no string is 500.", refusing(("reason.type",), 500)),
    Fault("reason-trimmed", "reason.verbatim", "White space around the reason is dropped.", text(str.strip)),
    Fault("reason-trimmed-behind", "reason.verbatim", "White space behind the reason is dropped.", text(str.rstrip)),
    Fault("reason-empty-is-null", "reason.verbatim", "An empty reason becomes null.", text(lambda r: r or None)),
    Fault("reason-cut-255", "reason.verbatim", "The reason is cut to 255 characters.", text(lambda r: r[:255])),
    Fault("reason-cut-100", "reason.verbatim", "The reason is cut to 100 characters.", text(lambda r: r[:100])),
    Fault("reason-nfc", "reason.verbatim", "The reason is normalised.", text(lambda r: unicodedata.normalize("NFC", r))),
    Fault("reason-nfkc", "reason.verbatim", "The reason is normalised for compatibility.", text(lambda r: unicodedata.normalize("NFKC", r))),
    Fault("reason-html-escaped", "reason.verbatim", "The reason is escaped for HTML.", text(html.escape)),
    Fault("reason-html-unescaped", "reason.verbatim", "Entities in the reason are resolved.", text(html.unescape)),
    Fault("reason-lower-case", "reason.verbatim", "The reason is made lower case.", text(str.lower)),
    Fault("reason-ascii", "reason.verbatim", "Characters beyond ASCII become question marks.", text(lambda r: r.encode("ascii", "replace").decode())),
    Fault("reason-no-astral", "reason.verbatim", "Emoji are lost.", text(lambda r: "".join(c if c <= "\uffff" else "\ufffd" for c in r))),
    Fault("reason-line-feeds", "reason.verbatim", "Line ends become line feeds.", text(lambda r: r.replace("\r\n", "\n"))),
    Fault("reason-spaces-folded", "reason.verbatim", "Several spaces become one.", text(lambda r: " ".join(r.split(" ")) if "  " not in r else " ".join(r.split()))),
    Fault("reason-no-control-characters", "reason.verbatim", "Control characters are dropped.", text(lambda r: "".join(c for c in r if c >= " "))),
    Fault("reason-quotes-doubled", "reason.verbatim", "Quotes are doubled.", text(lambda r: r.replace("'", "''"))),
    Fault("reason-backslashes", "reason.verbatim", "Backslash escapes are resolved.", text(lambda r: r.replace("\\n", "\n"))),
    Fault("reason-percent-decoded", "reason.verbatim", "Escapes of URLs are resolved.", text(lambda r: r.replace("%20", " "))),
    Fault("reason-null-text", "reason.verbatim", "The word null becomes null.", text(lambda r: None if r == "null" else r)),
    Fault("reason-no-mark", "reason.verbatim", "A byte order mark is dropped.", text(lambda r: r.replace("\ufeff", ""))),
    Fault("refused-type-closes", "body.no-effect", "A reason that is no string is refused, and the session closed.", refused_but_closed(("reason.type",))),
    Fault("refused-limit-closes", "body.no-effect", "A reason that is too long is refused, and the session closed.", refused_but_closed(("reason.limit",))),
    Fault("refused-touches", "body.no-effect", "A refused body moves updatedAt on.", refused_but_touched),
    Fault("lookup-before-body", "error.order", "An unknown session is 404 whatever the body is.", lookup_before_body),
    Fault("closed-hides-faults", "error.order", "A closed session is answered whatever the body is.", closed_hides_faults),
    Fault("body-refused-403", "body.malformed", "A refused body is 403.", refusing(_BODY, 403)),
]  # fmt: skip
