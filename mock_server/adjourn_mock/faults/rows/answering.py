"""Faults of the row clauses: what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec

from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Edit, Members, adding, setting, without, without_values
from adjourn_mock.faults.steps import Step, answering, around, refusing, row_of_close, rows
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

_TIMES = ("closedAt", "expiresAt", "createdAt", "updatedAt")


def times(write: Callable[[str], Any]) -> Edit:
    """Write every date-time of a row anew."""

    def edit(members: Members) -> Members:
        return {n: write(v) if n in _TIMES and v is not None else v for n, v in members.items()}

    return edit


def closed_at(write: Callable[[str], Any]) -> Edit:
    """Write closedAt anew, where it is set."""
    return setting("closedAt", lambda at: None if at is None else write(at))


def constant(value: Any) -> Callable[[Any], Any]:
    """Whatever was there, write `value`."""
    return lambda _: value


def no_offset(at: str) -> str:
    return at.rstrip("Z")


def spaced(at: str) -> str:
    return at.replace("T", " ").rstrip("Z")


def day(at: str) -> str:
    return at[:10]


def text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def none_if_empty(value: Any) -> Any:
    return value or None


def bare(value: str | None) -> str | None:
    """An id without its prefix."""
    return value and value.partition("_")[2]


def other_prefix(value: str) -> str:
    return f"sess_{value.partition('_')[2]}"


def in_data(members: Members) -> Members:
    return {"data": members}


def snake_case(members: Members) -> Members:
    other = {"closedAt": "closed_at", "closedReason": "closed_reason"}
    return {other.get(name, name): value for name, value in members.items()}


def typed(media_type: bytes) -> Change:
    """Answer what was granted with another media type."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            return msgspec.structs.replace(base.answer(service, behaviour, result), media_type=media_type)

        return replace(base, answer=answer)

    return change


def html_errors(base: Behaviour) -> Behaviour:
    def refuse(service: Service, refusal: Refusal) -> Answer:
        return msgspec.structs.replace(base.refuse(service, refusal), media_type=b"text/html")

    return replace(base, refuse=refuse)


def echoing(secret: Callable[[Environment], str]) -> Change:
    """Answer what must not be answered beside the row of a close."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await close(service, behaviour, call)
            return msgspec.structs.replace(result, members={"environmentId": secret(call.caller.environment)})

        return faulty

    return around("close", wrap)


def secret_key(environment: Environment) -> str:
    return environment.secret_key


def internal_id(environment: Environment) -> str:
    return environment.id


def echoing_wrong_key(base: Behaviour) -> Behaviour:
    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal as refusal:
            given = request.headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
            raise replace(refusal, error=f"Invalid API key: {given}") from None

    return replace(base, authenticate=authenticate)


def key_in_header(close: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await close(service, behaviour, call)
        key = call.caller.environment.secret_key.encode()
        return msgspec.structs.replace(result, headers=(*result.headers, (b"x-debug-key", key)))

    return faulty


def now_and_then(number: int, edit: Edit) -> Change:
    """Edit only every `number`-th row."""

    def change(base: Behaviour) -> Behaviour:
        numbers = count(1)

        def sometimes(members: Members) -> Members:
            return edit(members) if next(numbers) % number == 0 else members

        return rows(sometimes)(base)

    return change


FAULTS = named(
    {
        "row-without-tags": Breach("row.schema", "The server leaves tags out of rows.", rows(without("tags"))),
        "row-without-task": Breach(
            "row.schema", "The server leaves taskIdentifier out of rows.", rows(without("taskIdentifier"))
        ),
        "row-without-updated-at": Breach(
            "row.schema", "The server leaves updatedAt out of rows.", rows(without("updatedAt"))
        ),
        "row-tags-null": Breach(
            "row.schema", "The server answers null for empty tags.", rows(setting("tags", none_if_empty))
        ),
        "row-tags-text": Breach(
            "row.schema", "The server joins tags into one string.", rows(setting("tags", ",".join))
        ),
        "row-metadata-text": Breach(
            "row.schema", "The server answers metadata as a string.", rows(setting("metadata", text_or_none))
        ),
        "row-config-null": Breach(
            "row.schema", "The server answers null for triggerConfig.", rows(adding(triggerConfig=None))
        ),
        "row-without-external-id": Breach(
            "row.members", "The server leaves externalId out of rows.", rows(without("externalId"))
        ),
        "row-without-nulls": Breach(
            "row.members", "The server leaves out members that are null.", rows(without_values(None))
        ),
        "row-without-reason": Breach(
            "row.members", "The server answers a close without closedReason.", row_of_close(without("closedReason"))
        ),
        "row-without-config": Breach(
            "row.members", "The server answers a close without triggerConfig.", row_of_close(without("triggerConfig"))
        ),
        "row-without-metadata": Breach(
            "row.members", "The server leaves metadata out of rows.", rows(without("metadata"))
        ),
        "row-with-status": Breach("row.members", "The server adds a status to rows.", rows(adding(status="CLOSED"))),
        "row-with-environment": Breach(
            "row.members", "The server answers a close with a member too many.", row_of_close(adding(object="session"))
        ),
        "row-with-cached": Breach(
            "row.members", "The server answers a close with isCached.", row_of_close(adding(isCached=False))
        ),
        "row-snake-case": Breach(
            "row.members", "The server answers a close with names in snake case.", row_of_close(snake_case)
        ),
        "row-every-twentieth-short": Breach(
            "row.members",
            "The server leaves expiresAt out of every twentieth row.",
            now_and_then(20, without("expiresAt")),
        ),
        "row-wrapped": Breach(
            "row.schema", "The server wraps the row of a close in data.", answering("close.closes", in_data)
        ),
        "row-id-without-prefix": Breach(
            "row.prefixes",
            "The server answers a close with an id that lacks its prefix.",
            row_of_close(setting("id", bare)),
        ),
        "row-id-other-prefix": Breach(
            "row.prefixes",
            "The server answers a close with another prefix in id.",
            row_of_close(setting("id", other_prefix)),
        ),
        "row-run-without-prefix": Breach(
            "row.prefixes", "The server answers currentRunId without its prefix.", rows(setting("currentRunId", bare))
        ),
        "row-run-empty": Breach(
            "row.prefixes", "The server answers an empty currentRunId.", rows(adding(currentRunId=""))
        ),
        "times-without-offset": Breach(
            "row.times", "The server writes date-times without an offset.", rows(times(no_offset))
        ),
        "times-with-space": Breach(
            "row.times", "The server writes date-times with a space for the T and no offset.", rows(times(spaced))
        ),
        "times-epoch": Breach(
            "row.times", "The server writes closedAt as a number.", rows(closed_at(constant(1_700_000_000_000)))
        ),
        "times-date-only": Breach("row.times", "The server writes closedAt as a date.", rows(closed_at(day))),
        "times-http": Breach(
            "row.times",
            "The server writes closedAt as HTTP headers do.",
            rows(closed_at(constant("Tue, 07 Nov 2023 05:31:56 GMT"))),
        ),
        "type-text": Breach("row.content-type", "The server answers rows as text/plain.", typed(b"text/plain")),
        "type-html-errors": Breach("row.content-type", "The server answers errors as text/html.", html_errors),
        "type-none": Breach(
            "row.content-type",
            "The server answers rows as application/octet-stream.",
            typed(b"application/octet-stream"),
        ),
        "type-plain-404": Breach(
            "row.content-type",
            "The server answers 404 as plain text.",
            refusing("id.unknown", body=b"Not Found", media_type=b"text/plain"),
        ),
        "echo-key": Breach("row.no-secrets", "The server answers a close with the secret key.", echoing(secret_key)),
        "echo-environment": Breach(
            "row.no-secrets", "The server answers a close with the environment's internal id.", echoing(internal_id)
        ),
        "echo-wrong-key": Breach("row.no-secrets", "The server repeats a wrong key in its 401.", echoing_wrong_key),
        "echo-key-in-header": Breach(
            "row.no-secrets",
            "The server answers a close with the secret key in a header.",
            around("close", key_in_header),
        ),
    }
)
