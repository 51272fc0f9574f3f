"""Faults of create: what it answers and stores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.exchanges.exchange import Note, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, adding, setting, without
from adjourn_mock.faults.steps import CREATE, Step, answering, around, given, mending, stored, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, Schema

__all__ = ["CONFIG", "FAULTS", "SESSION", "object_mended", "without_rule", "without_schema"]

SESSION, CONFIG = "/components/schemas/CreateSession", "/components/schemas/TriggerConfig"
_CREATE = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}


# Which bodies pass.


def without_schema(limit_clause: str, fallback: Members) -> Change:
    """Objects that violate their schema pass, as if they were `fallback`."""

    def change(base: Behaviour) -> Behaviour:
        def validate(request: Request, value: Any, rule: BodyRule) -> Any:
            try:
                return base.validate(request, value, rule)
            except Refusal:
                if rule.limit_clause != limit_clause or not isinstance(value, dict):
                    raise
                return fallback

        return replace(base, validate=validate)

    return change


def without_rule(limit_clause: str, pointer: str, *keywords: str) -> Change:
    """Validate the bodies of an operation against a schema that lacks some keywords.

    Args:
        limit_clause: names the operation.
        pointer: the JSON pointer of the schema that has the keywords.
        keywords: for example `maxLength`.
    """

    def change(base: Behaviour) -> Behaviour:
        lax: dict[str, Schema] = {}

        def validate(request: Request, value: Any, rule: BodyRule) -> Any:
            if rule.limit_clause != limit_clause:
                return base.validate(request, value, rule)
            if not lax:
                lax["schema"] = lacking(rule.schema, pointer, keywords)
            return base.validate(request, value, replace(rule, schema=lax["schema"]))

        return replace(base, validate=validate)

    return change


def lacking(schema: Schema, pointer: str, keywords: tuple[str, ...]) -> Schema:
    """The schema in a document where the object at `pointer` has lost some members."""

    def edited(node: Any, names: list[str]) -> Any:
        if not names:
            return without(*keywords)(node)
        return {**node, names[0]: edited(node[names[0]], names[1:])}

    return Schema(edited(dict(schema.document), pointer.split("/")[1:]), schema.pointer)


def lax(pointer: str, keyword: str) -> Change:
    """Create bodies may violate one keyword."""
    return without_rule(CREATE, pointer, keyword)


def object_mended(limit_clause: str, mend: Callable[[Members], Members]) -> Change:
    """Change the bodies of an operation that are objects before they are validated."""
    return mending(limit_clause, lambda value: mend(value) if isinstance(value, dict) else value)


def defaulting(**members: Any) -> Change:
    """Create bodies may lack a member."""
    return object_mended(CREATE, lambda body: {**members, **body})


def without_bad_expiry(body: Members) -> Members:
    return body if str(body.get("expiresAt", "2026"))[:4].isdigit() else without("expiresAt")(body)


def without_empty_external_id(body: Members) -> Members:
    return without("externalId")(body) if body.get("externalId") == "" else body


def text_of_integer(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


def not_trimmed(base: Behaviour) -> Behaviour:
    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        checked = base.validate(request, value, rule)
        return {**checked, "externalId": value["externalId"]} if "externalId" in checked else checked

    return replace(base, validate=validate)


def looked_for_before_trimming(base: Behaviour) -> Behaviour:
    """A closed session's externalId with white space around it makes a session anew, without it."""
    padded: Note[bool] = Note("whether the externalId had white space around it")

    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        checked = base.validate(request, value, rule)
        if rule.limit_clause == CREATE:
            padded.write(request.notes, value.get("externalId") != checked.get("externalId"))
        return checked

    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        try:
            return await base.create(service, behaviour, call)
        except Refusal:
            if not padded.read(call.notes):
                raise
            return await base.create(service, behaviour, with_value(call, without("externalId")(dict(call.value))))

    return replace(base, validate=validate, create=create)


def refusing_unknown_options(base: Behaviour) -> Behaviour:
    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        checked = base.validate(request, value, rule)
        if rule.limit_clause == CREATE:
            known = Schema(rule.schema.document, CONFIG).definition["properties"]
            if not set(checked["triggerConfig"]) <= set(known):
                raise Refusal("create.invalid")
        return checked

    return replace(base, validate=validate)


# Repeated creates.


def without_refresh(create: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await create(service, behaviour, call)
        if result.before is None or result.session is None:
            return result
        config = result.before.trigger_config
        session = await stored(service, call.caller.environment, result.session, trigger_config=config)
        return Result(result.clause, session, result.members)

    return faulty


def cached_takes_all(create: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await create(service, behaviour, call)
        if result.clause != "create.cached" or result.session is None:
            return result
        members = {"tags": tuple(call.value.get("tags", ())), "metadata": call.value.get("metadata")}
        session = await stored(service, call.caller.environment, result.session, **members)
        return Result(result.clause, session, result.members)

    return faulty


def racing(create: Step) -> Step:
    """Creates that overlap each make a session of their own; the first one has the externalId."""
    busy: set[tuple[str, str | None]] = set()

    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        external_id = call.value.get("externalId")
        place = (call.caller.environment.id, external_id)
        if place in busy:
            made = await create(service, behaviour, with_value(call, without("externalId")(dict(call.value))))
            assert made.session is not None  # noqa: S101 - create answers a row
            return Result(made.clause, msgspec.structs.replace(made.session, external_id=external_id), made.members)
        busy.add(place)
        try:
            await asyncio.sleep(0.002)
            return await create(service, behaviour, call)
        finally:
            busy.discard(place)

    return faulty


def opaque(token: str) -> str:
    return f"x.{token.split('.')[1]}.x"


def accepting(what: str, pointer: str, keyword: str) -> Breach:
    """A create body may violate one keyword."""
    return Breach("create.invalid", f"The server accepts {what}.", lax(pointer, keyword))


FAULTS = named(
    {
        "create-200": Breach(
            "create.created", "The server answers 200 for a new session.", answering("create.created", status=200)
        ),
        "create-drops-metadata": Breach(
            "create.created", "The server drops the metadata on create.", given("create", without("metadata"))
        ),
        "create-cached-anew": Breach(
            "create.cached",
            "The server answers isCached false for a repeated create.",
            answering("create.cached", adding(isCached=False)),
        ),
        "create-cached-keeps-config": Breach(
            "create.cached",
            "The server does not refresh triggerConfig on a repeated create.",
            around("create", without_refresh),
        ),
        "create-cached-takes-all": Breach(
            "create.cached",
            "The server replaces tags and metadata on a repeated create.",
            around("create", cached_takes_all),
        ),
        "create-race": Breach(
            "create.cached", "The server makes several sessions of creates that overlap.", around("create", racing)
        ),
        "create-anything": Breach(
            "create.invalid", "The server accepts any object as a create body.", without_schema(CREATE, _CREATE)
        ),
        "create-not-trimmed": Breach(
            "create.trimmed", "The server stores white space around an externalId.", not_trimmed
        ),
        "create-closed-before-trimming": Breach(
            "close.recreate",
            "The server looks for a closed session's externalId before it drops white space.",
            looked_for_before_trimming,
        ),
        "create-unknown-config-refused": Breach(
            "create.created", "The server refuses unknown trigger options.", refusing_unknown_options
        ),
        "token-not-public": Breach(
            "token.shape",
            "The server answers a token that is not a JWT.",
            answering("create.created", setting("publicAccessToken", opaque)),
        ),
        "create-without-task": Breach(
            "create.invalid",
            "The server accepts a create without taskIdentifier.",
            defaulting(taskIdentifier="my-chat"),
        ),
        "create-without-type": Breach(
            "create.invalid", "The server accepts a create without type.", defaulting(type="chat.agent")
        ),
        "create-without-config": Breach(
            "create.invalid",
            "The server accepts a create without triggerConfig.",
            defaulting(triggerConfig={"basePayload": {}}),
        ),
        "create-expiry-ignored": Breach(
            "create.invalid",
            "The server ignores an expiresAt that is not a date-time.",
            object_mended(CREATE, without_bad_expiry),
        ),
        "create-external-id-as-text": Breach(
            "create.invalid",
            "The server makes a string of an externalId that is a number.",
            object_mended(CREATE, setting("externalId", text_of_integer)),
        ),
        "create-external-id-empty-is-none": Breach(
            "create.invalid",
            "The server takes an empty externalId for none.",
            object_mended(CREATE, without_empty_external_id),
        ),
        "create-type-of-any-length": accepting("a type of any length", f"{SESSION}/properties/type", "maxLength"),
        "create-type-empty": accepting("an empty type", f"{SESSION}/properties/type", "minLength"),
        "create-task-of-any-length": accepting(
            "a taskIdentifier of any length", f"{SESSION}/properties/taskIdentifier", "maxLength"
        ),
        "create-task-empty": accepting("an empty taskIdentifier", f"{SESSION}/properties/taskIdentifier", "minLength"),
        "create-external-id-of-any-length": accepting(
            "an externalId of any length", f"{SESSION}/properties/externalId", "maxLength"
        ),
        "create-any-number-of-tags": accepting("any number of tags", f"{SESSION}/properties/tags", "maxItems"),
        "create-tags-of-any-length": accepting("tags of any length", "/components/schemas/Tag", "maxLength"),
        "create-metadata-of-any-type": accepting("metadata of any type", f"{SESSION}/properties/metadata", "type"),
        "create-payload-of-any-type": accepting("a payload of any type", f"{CONFIG}/properties/basePayload", "type"),
        "create-any-machine": accepting("a machine of any name", f"{CONFIG}/properties/machine", "enum"),
        "create-queue-of-any-length": accepting(
            "a queue name of any length", f"{CONFIG}/properties/queue", "maxLength"
        ),
        "create-any-number-of-attempts": accepting(
            "any number of attempts", f"{CONFIG}/properties/maxAttempts", "maximum"
        ),
        "create-no-attempts": accepting("zero attempts", f"{CONFIG}/properties/maxAttempts", "minimum"),
        "create-no-duration": accepting("a maxDuration of zero", f"{CONFIG}/properties/maxDuration", "minimum"),
        "create-any-idle-time": accepting("any idle timeout", f"{CONFIG}/properties/idleTimeoutInSeconds", "maximum"),
        "create-no-idle-time": accepting(
            "an idle timeout of zero", f"{CONFIG}/properties/idleTimeoutInSeconds", "minimum"
        ),
        "create-region-of-any-type": accepting("a region of any type", f"{CONFIG}/properties/region", "type"),
    }
)
