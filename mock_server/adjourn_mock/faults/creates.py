"""Faults of create."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

import msgspec
from starlette.types import Receive

from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, Schema

__all__ = ["FAULTS", "with_limit", "without_schema"]

_SESSION, _CONFIG = "/components/schemas/CreateSession", "/components/schemas/TriggerConfig"
_LIMIT = "create.body-limit"


def created(edit: Callable[[dict[str, Any]], dict[str, Any]], clause: str) -> Change:
    """Change what create answers beside the row."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            if result.clause != clause:
                return base.answer(service, behaviour, result)
            made = base.answer(service, behaviour, result)
            made.body = msgspec.json.encode(edit(msgspec.json.decode(made.body)))
            return made

        return replace(base, answer=answer)

    return change


def without_schema(clause: str, fallback: dict[str, Any]) -> Change:
    """Bodies that break their schema pass, as if they were `fallback`."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            try:
                return base.validate(value, rule)
            except Refusal:
                if rule.invalid_clause != clause or not isinstance(value, dict):
                    raise
                return fallback

        return replace(base, validate=validate)

    return change


def with_limit(clause: str, limit: Callable[[int], int]) -> Change:
    """Another limit for the bodies of an operation: `limit(bytes)`."""

    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            other = replace(rule, limit_bytes=limit(rule.limit_bytes)) if rule.limit_clause == clause else rule
            return await base.receive(request, receive, other)

        return replace(base, receive=receive)

    return change


def not_trimmed(base: Behaviour) -> Behaviour:
    def validate(value: Any, rule: BodyRule) -> Any:
        checked = base.validate(value, rule)
        return {**checked, "externalId": value["externalId"]} if "externalId" in checked else checked

    return replace(base, validate=validate)


def cached_keeps_config(base: Behaviour) -> Behaviour:
    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        external_id = call.value.get("externalId")
        environment = call.caller.environment
        before = None
        if external_id is not None:
            before = await service.store.find(environment.id, service.contract.identify(external_id))
        result = await base.create(service, behaviour, call)
        if before is None or result.session is None:
            return result
        kept = await stored(service, environment, result.session, trigger_config=before.trigger_config)
        return Result(result.clause, kept, result.members)

    return replace(base, create=create)


def cached_takes_all(base: Behaviour) -> Behaviour:
    """A repeated create replaces tags and metadata too."""

    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.create(service, behaviour, call)
        if result.clause != "create.cached" or result.session is None:
            return result
        members = {"tags": tuple(call.value.get("tags", ())), "metadata": call.value.get("metadata")}
        kept = await stored(service, call.caller.environment, result.session, **members)
        return Result(result.clause, kept, result.members)

    return replace(base, create=create)


def without_rule(pointer: str, keyword: str) -> Change:
    """Hold create bodies to a schema that lacks a keyword.

    Args:
        pointer: the JSON pointer of the schema that has it.
        keyword: for example `maxLength`.
    """

    def change(base: Behaviour) -> Behaviour:
        lax: dict[str, Schema] = {}

        def validate(value: Any, rule: BodyRule) -> Any:
            if rule.limit_clause != _LIMIT:
                return base.validate(value, rule)
            if not lax:
                lax["schema"] = _lacking(rule.schema, pointer, keyword)
            return base.validate(value, replace(rule, schema=lax["schema"]))

        return replace(base, validate=validate)

    return change


def _lacking(schema: Schema, pointer: str, keyword: str) -> Schema:
    document: Any = deepcopy(dict(schema.document))
    owner = document
    for name in pointer.split("/")[1:]:
        owner = owner[name]
    del owner[keyword]
    return Schema(document, schema.pointer)


def mending(mend: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Change:
    """Change create bodies before they are looked at."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            is_asked = rule.limit_clause == _LIMIT and isinstance(value, dict)
            return base.validate({**mend(value)} if is_asked else value, rule)

        return replace(base, validate=validate)

    return change


def looked_for_before_trimming(base: Behaviour) -> Behaviour:
    """A closed session's externalId with white space around it makes a session anew, without it."""

    def validate(value: Any, rule: BodyRule) -> Any:
        checked = base.validate(value, rule)
        padded = rule.limit_clause == _LIMIT and value.get("externalId") != checked.get("externalId")
        return {**checked, _PADDED: True} if padded else checked

    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        try:
            return await base.create(service, behaviour, call)
        except Refusal:
            if _PADDED not in call.value:
                raise
            value = {name: member for name, member in call.value.items() if name != "externalId"}
            return await base.create(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

    return replace(base, validate=validate, create=create)


def refusing_unknown_options(base: Behaviour) -> Behaviour:
    def validate(value: Any, rule: BodyRule) -> Any:
        checked = base.validate(value, rule)
        if rule.limit_clause == _LIMIT:
            known = Schema(rule.schema.document, _CONFIG).definition["properties"]
            if not set(checked["triggerConfig"]) <= set(known):
                raise Refusal("create.invalid")
        return checked

    return replace(base, validate=validate)


_PADDED = "adjourn was given white space"


def racing_creates(base: Behaviour) -> Behaviour:
    """Creates that overlap each make a session of their own; the first one has the externalId."""
    busy: set[tuple[str, str | None]] = set()

    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        external_id = call.value.get("externalId")
        place = (call.caller.environment.id, external_id)
        if place in busy:
            value = {name: member for name, member in call.value.items() if name != "externalId"}
            made = await base.create(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))
            assert made.session is not None  # noqa: S101 - create answers a row
            return Result(made.clause, msgspec.structs.replace(made.session, external_id=external_id), made.members)
        busy.add(place)
        try:
            await asyncio.sleep(0.002)
            return await base.create(service, behaviour, call)
        finally:
            busy.discard(place)

    return replace(base, create=create)


def with_status(answer: Answer, result: Result, clause: str, status: int) -> Answer:
    if result.clause == clause:
        answer.status = status
    return answer


def without_metadata(base: Behaviour) -> Any:
    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        value = {name: member for name, member in call.value.items() if name != "metadata"}
        return await base.create(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

    return create


_CREATE = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}

FAULTS = [
    Fault("create-200", "create.created", "A new session is 200.", lambda base: replace(base, answer=lambda s, b, r: with_status(base.answer(s, b, r), r, "create.created", 200))),
    Fault("create-drops-metadata", "create.created", "Create drops the metadata.", lambda base: replace(base, create=without_metadata(base))),
    Fault("create-cached-anew", "create.cached", "A repeated create says that the session is new.", created(lambda row: {**row, "isCached": False}, "create.cached")),
    Fault("create-cached-keeps-config", "create.cached", "A repeated create keeps the old triggerConfig.", cached_keeps_config),
    Fault("create-anything", "create.invalid", "Create takes whatever it is sent.", without_schema("create.invalid", _CREATE)),
    Fault("create-without-limit", "create.body-limit", "A create body may be of any size.", with_limit(_LIMIT, lambda limit: limit * 100)),
    Fault("create-not-trimmed", "create.trimmed", "White space around an externalId is kept.", not_trimmed),
    Fault("token-not-public", "token.shape", "The token is no JWT.", created(lambda row: {**row, "publicAccessToken": "x." + row["publicAccessToken"].split(".")[1] + ".x"}, "create.created")),
    Fault("create-cached-takes-all", "create.cached", "A repeated create replaces tags and metadata too.", cached_takes_all),
    Fault("create-race", "create.cached", "Creates that overlap make several sessions.", racing_creates),
    Fault("create-closed-before-trimming", "close.recreate", "A closed session's externalId is looked for before white space is dropped.", looked_for_before_trimming),
    Fault("create-limit-one-less", "create.body-limit", "A create body as large as the limit is refused.", with_limit(_LIMIT, lambda limit: limit - 1)),
    Fault("create-limit-one-more", "create.body-limit", "A create body a byte over the limit passes.", with_limit(_LIMIT, lambda limit: limit + 1)),
    Fault("create-without-task", "create.invalid", "A taskIdentifier may be missing.", mending(lambda body: {"taskIdentifier": "my-chat", **body})),
    Fault("create-without-type", "create.invalid", "A type may be missing.", mending(lambda body: {"type": "chat.agent", **body})),
    Fault("create-without-config", "create.invalid", "A triggerConfig may be missing.", mending(lambda body: {"triggerConfig": {"basePayload": {}}, **body})),
    Fault("create-expiry-ignored", "create.invalid", "An expiresAt that is no date-time is ignored.", mending(lambda body: {n: v for n, v in body.items() if n != "expiresAt" or str(v)[:4].isdigit()})),
    Fault("create-external-id-as-text", "create.invalid", "An externalId that is a number is made a string.", mending(lambda body: {**body, "externalId": str(body["externalId"])} if isinstance(body.get("externalId"), int) else body)),
    Fault("create-external-id-empty-is-none", "create.invalid", "An empty externalId is none.", mending(lambda body: {n: v for n, v in body.items() if n != "externalId" or v != ""})),
    Fault("create-type-of-any-length", "create.invalid", "A type may be of any length.", without_rule(f"{_SESSION}/properties/type", "maxLength")),
    Fault("create-type-empty", "create.invalid", "A type may be empty.", without_rule(f"{_SESSION}/properties/type", "minLength")),
    Fault("create-task-of-any-length", "create.invalid", "A taskIdentifier may be of any length.", without_rule(f"{_SESSION}/properties/taskIdentifier", "maxLength")),
    Fault("create-task-empty", "create.invalid", "A taskIdentifier may be empty.", without_rule(f"{_SESSION}/properties/taskIdentifier", "minLength")),
    Fault("create-external-id-of-any-length", "create.invalid", "An externalId may be of any length.", without_rule(f"{_SESSION}/properties/externalId", "maxLength")),
    Fault("create-any-number-of-tags", "create.invalid", "There may be any number of tags.", without_rule(f"{_SESSION}/properties/tags", "maxItems")),
    Fault("create-tags-of-any-length", "create.invalid", "Tags may be of any length.", without_rule("/components/schemas/Tag", "maxLength")),
    Fault("create-metadata-of-any-type", "create.invalid", "Metadata may be anything.", without_rule(f"{_SESSION}/properties/metadata", "type")),
    Fault("create-payload-of-any-type", "create.invalid", "A payload may be anything.", without_rule(f"{_CONFIG}/properties/basePayload", "type")),
    Fault("create-any-machine", "create.invalid", "A machine may have any name.", without_rule(f"{_CONFIG}/properties/machine", "enum")),
    Fault("create-queue-of-any-length", "create.invalid", "The name of a queue may be of any length.", without_rule(f"{_CONFIG}/properties/queue", "maxLength")),
    Fault("create-any-number-of-attempts", "create.invalid", "There may be any number of attempts.", without_rule(f"{_CONFIG}/properties/maxAttempts", "maximum")),
    Fault("create-no-attempts", "create.invalid", "There may be no attempt at all.", without_rule(f"{_CONFIG}/properties/maxAttempts", "minimum")),
    Fault("create-no-duration", "create.invalid", "Runs may take no time at all.", without_rule(f"{_CONFIG}/properties/maxDuration", "minimum")),
    Fault("create-any-idle-time", "create.invalid", "Runs may wait for input as long as they like.", without_rule(f"{_CONFIG}/properties/idleTimeoutInSeconds", "maximum")),
    Fault("create-no-idle-time", "create.invalid", "Runs need not wait for input at all.", without_rule(f"{_CONFIG}/properties/idleTimeoutInSeconds", "minimum")),
    Fault("create-region-of-any-type", "create.invalid", "A region may be anything.", without_rule(f"{_CONFIG}/properties/region", "type")),
    Fault("create-unknown-config-refused", "create.created", "Trigger options that are not known are refused.", refusing_unknown_options),
]  # fmt: skip
