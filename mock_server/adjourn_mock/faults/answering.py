"""Faults of the row clauses: what comes back."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import msgspec

from adjourn_mock.domain.json_text import encode
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault, row_of_close, rows
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

_TIMES = ("closedAt", "expiresAt", "createdAt", "updatedAt")


def times(write: Any) -> Any:
    def edit(members: dict[str, Any]) -> None:
        for name in _TIMES:
            if members.get(name) is not None:
                members[name] = write(members[name])

    return edit


def without(*names: str) -> Any:
    def edit(members: dict[str, Any]) -> None:
        for name in names:
            members.pop(name, None)

    return edit


def without_nulls(members: dict[str, Any]) -> None:
    for name in [name for name, value in members.items() if value is None]:
        del members[name]


def adding(**more: Any) -> Any:
    return lambda members: members.update(more)


def setting(name: str, write: Any) -> Any:
    def edit(members: dict[str, Any]) -> None:
        members[name] = write(members[name])

    return edit


def snake_case(members: dict[str, Any]) -> None:
    members["closed_at"] = members.pop("closedAt")
    members["closed_reason"] = members.pop("closedReason")


def answered_as(media_type: bytes, *, errors: bool) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            made = base.answer(service, behaviour, result)
            made.media_type = media_type
            return made

        def refuse(service: Service, refusal: Refusal) -> Answer:
            made = base.refuse(service, refusal)
            made.media_type = media_type
            return made

        return replace(base, refuse=refuse) if errors else replace(base, answer=answer)

    return change


def wrapped(name: str) -> Change:
    """The row stands inside another object."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            made = base.answer(service, behaviour, result)
            if result.clause == "close.closes":
                made.body = encode({name: msgspec.json.decode(made.body)})
            return made

        return replace(base, answer=answer)

    return change


def plain_error(base: Behaviour) -> Behaviour:
    def refuse(service: Service, refusal: Refusal) -> Answer:
        made = base.refuse(service, refusal)
        if refusal.clause == "id.unknown":
            made.body, made.media_type = b"Not Found", b"text/plain"
        return made

    return replace(base, refuse=refuse)


def echoing(what: str) -> Change:
    """Tells what it must not: the key, the token or the environment's id."""

    def change(base: Behaviour) -> Behaviour:
        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.close(service, behaviour, call)
            environment = call.caller.environment
            secret = environment.secret_key if what == "key" else environment.id
            members = {"environmentId": secret} if what != "header" else {}
            return Result(result.clause, result.session, members)

        return replace(base, close=close)

    return change


def echoing_wrong_key(base: Behaviour) -> Behaviour:
    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal as refusal:
            given = request.headers.get(b"authorization", b"").decode("latin-1")
            refusal.error = f"Invalid API key: {given.removeprefix('Bearer ')}"
            raise

    return replace(base, authenticate=authenticate)


def key_in_header(base: Behaviour) -> Behaviour:
    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.close(service, behaviour, call)
        return Result(result.clause, result.session, {_KEY: call.caller.environment.secret_key})

    def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
        key = result.members.get(_KEY)
        if key is None:
            return base.answer(service, behaviour, result)
        made = base.answer(service, behaviour, Result(result.clause, result.session, {}))
        made.headers = (*made.headers, (b"x-debug-key", str(key).encode()))
        return made

    return replace(base, close=close, answer=answer)


_KEY = "adjourn key"


def now_and_then(number: int, edit: Any) -> Change:
    """Only every `number`-th row is wrong."""

    def change(base: Behaviour) -> Behaviour:
        numbers = count(1)

        def sometimes(members: dict[str, Any]) -> None:
            if next(numbers) % number == 0:
                edit(members)

        return rows(sometimes)(base)

    return change


FAULTS = [
    Fault("row-without-tags", "row.schema", "Rows have no tags.", rows(without("tags"))),
    Fault("row-without-task", "row.schema", "Rows have no taskIdentifier.", rows(without("taskIdentifier"))),
    Fault("row-without-updated-at", "row.schema", "Rows have no updatedAt.", rows(without("updatedAt"))),
    Fault("row-tags-null", "row.schema", "Empty tags are null.", rows(setting("tags", lambda v: v or None))),
    Fault("row-tags-text", "row.schema", "Tags are one text.", rows(setting("tags", ",".join))),
    Fault("row-metadata-text", "row.schema", "Metadata is JSON in a string.", rows(setting("metadata", lambda v: None if v is None else str(v)))),
    Fault("row-config-null", "row.schema", "triggerConfig is null.", rows(setting("triggerConfig", lambda v: None))),
    Fault("row-without-external-id", "row.members", "Rows have no externalId.", rows(without("externalId"))),
    Fault("row-without-nulls", "row.members", "Members that are null are left out.", rows(without_nulls)),
    Fault("row-without-reason", "row.members", "The answer of close has no closedReason.", row_of_close(without("closedReason"))),
    Fault("row-without-config", "row.members", "The answer of close has no triggerConfig.", row_of_close(without("triggerConfig"))),
    Fault("row-without-metadata", "row.members", "Rows have no metadata.", rows(without("metadata"))),
    Fault("row-with-status", "row.members", "Rows have a status.", rows(adding(status="CLOSED"))),
    Fault("row-with-environment", "row.members", "The answer of close has more members.", row_of_close(adding(object="session"))),
    Fault("row-with-cached", "row.members", "The answer of close has isCached.", row_of_close(adding(isCached=False))),
    Fault("row-snake-case", "row.members", "Members of the close have names in snake case.", row_of_close(snake_case)),
    Fault("row-every-twentieth-short", "row.members", "Every twentieth row lacks a member.", now_and_then(20, without("expiresAt"))),
    Fault("row-wrapped", "row.schema", "The row stands inside data.", wrapped("data")),
    Fault("row-id-without-prefix", "row.prefixes", "id has no prefix in the answer of close.", row_of_close(setting("id", lambda v: v.partition("_")[2]))),
    Fault("row-id-other-prefix", "row.prefixes", "id has another prefix in the answer of close.", row_of_close(setting("id", lambda v: "sess_" + v.partition("_")[2]))),
    Fault("row-run-without-prefix", "row.prefixes", "currentRunId has no prefix.", rows(setting("currentRunId", lambda v: v and v.partition("_")[2]))),
    Fault("row-run-empty", "row.prefixes", "currentRunId is empty.", rows(setting("currentRunId", lambda v: ""))),
    Fault("times-without-offset", "row.times", "Date-times have no offset.", rows(times(lambda t: t.rstrip("Z")))),
    Fault("times-with-space", "row.times", "Date-times have a space for the T and no offset.", rows(times(lambda t: t.replace("T", " ").rstrip("Z")))),
    Fault("times-epoch", "row.times", "closedAt is a number.", rows(setting("closedAt", lambda t: None if t is None else 1_700_000_000_000))),
    Fault("times-date-only", "row.times", "closedAt is a date.", rows(setting("closedAt", lambda t: None if t is None else t[:10]))),
    Fault("times-http", "row.times", "closedAt is written as in HTTP headers.", rows(setting("closedAt", lambda t: None if t is None else "Tue, 07 Nov 2023 05:31:56 GMT"))),
    Fault("type-text", "row.content-type", "Answers are text/plain.", answered_as(b"text/plain", errors=False)),
    Fault("type-html-errors", "row.content-type", "Errors are text/html.", answered_as(b"text/html", errors=True)),
    Fault("type-none", "row.content-type", "Answers are application/octet-stream.", answered_as(b"application/octet-stream", errors=False)),
    Fault("type-plain-404", "row.content-type", "A 404 is plain text.", plain_error),
    Fault("echo-key", "row.no-secrets", "The answer of close has the secret key.", echoing("key")),
    Fault("echo-environment", "row.no-secrets", "The answer of close has the environment's internal id.", echoing("id")),
    Fault("echo-wrong-key", "row.no-secrets", "A 401 repeats the key that was sent.", echoing_wrong_key),
    Fault("echo-key-in-header", "row.no-secrets", "A header of close has the secret key.", key_in_header),
]  # fmt: skip
