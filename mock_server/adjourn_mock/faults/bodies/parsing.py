"""Faults of the body clauses: how a close body is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import CLOSE, Step, around, mending, refusing, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule

__all__ = ["FAULTS", "array_as_object", "empty_object", "failing_on", "first_value", "null_as_object", "parsing"]

_BODY = ("body.malformed", "reason.type", "reason.limit")


# Bodies that are not JSON.


def failing_on(limit_clause: str, which: Callable[[bytes], bool]) -> Change:
    """Answer 500 for some bodies of an operation."""

    def change(base: Behaviour) -> Behaviour:
        def parse(request: Request, content: bytes, rule: BodyRule) -> Any:
            if rule.limit_clause == limit_clause and which(content):
                raise Refusal(rule.malformed_clause, "something went wrong", status=500)
            return base.parse(request, content, rule)

        return replace(base, parse=parse)

    return change


def nested_deeply(content: bytes) -> bool:
    return content.count(b"[") + content.count(b"{") > 90


def many_digits(content: bytes) -> bool:
    return b"1" * 300 in content


def parsing(limit_clause: str, read: Callable[[bytes], Any]) -> Change:
    """Read the malformed bodies of an operation otherwise: `read` may raise ValueError."""

    def change(base: Behaviour) -> Behaviour:
        def parse(request: Request, content: bytes, rule: BodyRule) -> Any:
            try:
                return base.parse(request, content, rule)
            except Refusal as refusal:
                if rule.limit_clause != limit_clause:
                    raise
                try:
                    return read(content)
                except (ValueError, RecursionError):
                    raise refusal from None

        return replace(base, parse=parse)

    return change


def first_value(content: bytes) -> Any:
    return json.JSONDecoder().raw_decode(content.decode().lstrip())[0]


def empty_object(content: bytes) -> Any:
    return {}


def lenient(content: bytes) -> Any:
    return json.loads(content.decode().replace(",}", "}").replace("'", '"'))


def with_control_characters(content: bytes) -> Any:
    return json.loads(content, strict=False)


def in_utf_16(content: bytes) -> Any:
    return json.loads(content.decode("utf-16-le") if content[1:2] == b"\0" else content)


# JSON that is not an object.


def array_as_object(value: Any) -> Any:
    return {} if isinstance(value, list) else value


def null_as_object(value: Any) -> Any:
    return {} if value is None else value


def scalar_as_object(value: Any) -> Any:
    return {} if isinstance(value, bool | int | float) else value


def string_as_reason(value: Any) -> Any:
    return {"reason": value} if isinstance(value, str) else value


# Members that the service does not know.


def refusing_unknown(base: Behaviour) -> Behaviour:
    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        if rule.limit_clause == CLOSE and isinstance(value, dict) and set(value) - {"reason"}:
            raise Refusal("body.malformed", "Unknown members")
        return base.validate(request, value, rule)

    return replace(base, validate=validate)


def storing_member(*names: str, attribute: str, convert: Callable[[Any], Any] | None = None) -> Change:
    """Store a member of the close body as one of the row."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await close(service, behaviour, call)
            for name in names:
                if name in call.value and result.session is not None:
                    try:
                        value = call.value[name] if convert is None else convert(call.value[name])
                    except (TypeError, ValueError):
                        continue
                    session = await stored(service, call.caller.environment, result.session, **{attribute: value})
                    return Result(result.clause, session, result.members)
            return result

        return faulty

    return around("close", wrap)


def none_if_empty(value: Any) -> Any:
    return value or None


FAULTS = named(
    {
        "malformed-utf-16": Breach("body.malformed", "The server accepts JSON in UTF-16.", parsing(CLOSE, in_utf_16)),
        "deep-500": Breach(
            "server.no-error",
            "The server answers 500 for a body that is nested deeply.",
            failing_on(CLOSE, nested_deeply),
        ),
        "digits-500": Breach(
            "server.no-error", "The server answers 500 for a number of many digits.", failing_on(CLOSE, many_digits)
        ),
        "malformed-is-empty": Breach(
            "body.malformed",
            "The server takes a body that is not JSON for an empty object.",
            parsing(CLOSE, empty_object),
        ),
        "malformed-garbage-behind": Breach(
            "body.malformed", "The server ignores what follows the object.", parsing(CLOSE, first_value)
        ),
        "malformed-lenient": Breach(
            "body.malformed", "The server accepts trailing commas and single quotes.", parsing(CLOSE, lenient)
        ),
        "malformed-python": Breach(
            "body.malformed", "The server accepts NaN and Infinity.", parsing(CLOSE, json.loads)
        ),
        "malformed-control-characters": Breach(
            "body.malformed",
            "The server accepts control characters in strings.",
            parsing(CLOSE, with_control_characters),
        ),
        "malformed-array": Breach(
            "body.malformed", "The server takes an array for an empty object.", mending(CLOSE, array_as_object)
        ),
        "malformed-null": Breach(
            "body.malformed", "The server takes null for an empty object.", mending(CLOSE, null_as_object)
        ),
        "malformed-scalar": Breach(
            "body.malformed",
            "The server takes numbers and booleans for an empty object.",
            mending(CLOSE, scalar_as_object),
        ),
        "malformed-string-is-reason": Breach(
            "body.malformed", "The server takes a string for the reason.", mending(CLOSE, string_as_reason)
        ),
        "malformed-500": Breach(
            "server.no-error",
            "The server answers 500 for a body that is not JSON.",
            refusing("body.malformed", status=500),
        ),
        "malformed-html": Breach(
            "row.content-type",
            "The server refuses a body that is not JSON in HTML.",
            refusing("body.malformed", body=b"<h1>Bad Request</h1>", media_type=b"text/html"),
        ),
        "malformed-no-error": Breach(
            "body.malformed",
            "The server refuses a body without an error string.",
            refusing("body.malformed", body=b'{"message":"bad"}'),
        ),
        "body-refused-403": Breach(
            "body.malformed", "The server answers 403 for a refused body.", refusing(*_BODY, status=403)
        ),
        "unknown-members-refused": Breach(
            "body.unknown-members", "The server refuses unknown members.", refusing_unknown
        ),
        "unknown-closed-reason": Breach(
            "body.unknown-members",
            "The server records closedReason of the body.",
            storing_member("closedReason", attribute="closed_reason"),
        ),
        "unknown-closed-at": Breach(
            "body.unknown-members",
            "The server records closedAt of the body.",
            storing_member("closedAt", attribute="closed_at", convert=none_if_empty),
        ),
        "unknown-metadata": Breach(
            "body.unknown-members",
            "The server stores metadata of the close body.",
            storing_member("metadata", attribute="metadata"),
        ),
        "unknown-tags": Breach(
            "body.unknown-members",
            "The server stores tags of the close body.",
            storing_member("tags", attribute="tags", convert=tuple),
        ),
        "unknown-expires-at": Breach(
            "body.unknown-members",
            "The server stores expiresAt of the close body.",
            storing_member("expiresAt", attribute="expires_at"),
        ),
        "unknown-reason-any-case": Breach(
            "body.unknown-members",
            "The server records Reason in other letter case.",
            storing_member("Reason", "REASON", attribute="closed_reason"),
        ),
    }
)
