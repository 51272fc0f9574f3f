"""Faults of the operations around close: create, retrieve, update, list, and of paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
from starlette.types import Receive

from adjourn_mock import sessions
from adjourn_mock.behaviour import Behaviour, Call, Result, Route
from adjourn_mock.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault, stored
from adjourn_mock.instants import rfc3339
from adjourn_mock.service import Service
from adjourn_mock.sessions import Session
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]


def refused_as(clause: str, status: int) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause == clause:
                answer.status = status
            return answer

        return replace(base, refuse=refuse)

    return change


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


def without_limit(clause: str) -> Change:
    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            wider = replace(rule, limit_bytes=rule.limit_bytes * 100) if rule.limit_clause == clause else rule
            return await base.receive(request, receive, wider)

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


def touching_retrieve(base: Behaviour) -> Behaviour:
    async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.retrieve(service, behaviour, call)
        assert result.session is not None  # noqa: S101 - retrieve answers a row
        now = rfc3339(call.caller.environment.clock.now() + 1)
        session = await stored(service, call.caller.environment, result.session, updated_at=now)
        return Result(result.clause, session, result.members)

    return replace(base, retrieve=retrieve)


def updating(apply: Callable[[Session, dict[str, Any], str], Session]) -> Change:
    def change(base: Behaviour) -> Behaviour:
        async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.update(service, behaviour, call)
            assert result.session is not None  # noqa: S101 - update answers a row
            now = rfc3339(call.caller.environment.clock.now())
            body = dict(call.value)
            session = await service.store.amend(
                call.caller.environment.id, result.session.id, lambda current: apply(current, body, now)
            )
            return Result(result.clause, session, result.members)

        return replace(base, update=update)

    return change


def renaming_update(base: Behaviour) -> Behaviour:
    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        value = {name: member for name, member in call.value.items() if name != "externalId"}
        result = await base.update(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))
        if "externalId" not in call.value or result.session is None:
            return result
        session = await stored(service, call.caller.environment, result.session, external_id=call.value["externalId"])
        return Result(result.clause, session, result.members)

    return replace(base, update=update)


def listing(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """List with other parameters than those that were asked for."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            value = edit(dict(call.value))
            return await base.list(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, list=list_sessions)

    return change


def listed(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Change a page after it was made."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.list(service, behaviour, call)
            return Result(result.clause, None, edit(dict(result.members)))

        return replace(base, list=list_sessions)

    return change


def any_query(base: Behaviour) -> Behaviour:
    def query(request: Request, operation: Any) -> Any:
        try:
            return base.query(request, operation)
        except Refusal:
            return {}

    return replace(base, query=query)


def close_at_any_tail(base: Behaviour) -> Behaviour:
    """Whatever follows the close path is ignored."""

    def route(service: Service, request: Request) -> Route:
        head, close, tail = request.raw_path.partition(b"/close")
        if close and tail and request.method == "POST":
            request.raw_path = head + close
        return base.route(service, request)

    return replace(base, route=route)


def without_size(value: dict[str, Any]) -> dict[str, Any]:
    page = {name: member for name, member in value.get("page", {}).items() if name != "size"}
    return {**value, "page": page}


def without_cursor(value: dict[str, Any]) -> dict[str, Any]:
    page = {name: member for name, member in value.get("page", {}).items() if name == "size"}
    return {**value, "page": page}


def without_type(value: dict[str, Any]) -> dict[str, Any]:
    return {name: member for name, member in value.items() if name != "filter[type]"}


_CREATE = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}

FAULTS = [
    Fault("create-200", "create.created", "A new session is 200.", lambda base: replace(base, answer=lambda s, b, r: with_status(base.answer(s, b, r), r, "create.created", 200))),
    Fault("create-drops-metadata", "create.created", "Create drops the metadata.", lambda base: replace(base, create=without_metadata(base))),
    Fault("create-cached-anew", "create.cached", "A repeated create says that the session is new.", created(lambda row: {**row, "isCached": False}, "create.cached")),
    Fault("create-cached-keeps-config", "create.cached", "A repeated create keeps the old triggerConfig.", cached_keeps_config),
    Fault("create-anything", "create.invalid", "Create takes whatever it is sent.", without_schema("create.invalid", _CREATE)),
    Fault("create-without-limit", "create.body-limit", "A create body may be of any size.", without_limit("create.body-limit")),
    Fault("create-not-trimmed", "create.trimmed", "White space around an externalId is kept.", not_trimmed),
    Fault("token-not-public", "token.shape", "The token is no JWT.", created(lambda row: {**row, "publicAccessToken": "x." + row["publicAccessToken"].split(".")[1] + ".x"}, "create.created")),
    Fault("retrieve-touches", "retrieve.row", "Retrieve moves updatedAt on.", touching_retrieve),
    Fault("update-adds-tags", "update.applied", "Update adds tags to those there are.", updating(lambda s, b, now: sessions.update(s, {"tags": [*s.tags, *b.get("tags", ())]}, now))),
    Fault("update-drops-metadata", "update.applied", "Update drops metadata that is not named.", updating(lambda s, b, now: sessions.update(s, {"metadata": b.get("metadata")}, now))),
    Fault("update-anything", "update.invalid", "Update takes whatever it is sent.", without_schema("update.invalid", {})),
    Fault("update-without-limit", "update.body-limit", "An update body may be of any size.", without_limit("update.body-limit")),
    Fault("update-renames", "update.external-id", "Update changes the externalId.", renaming_update),
    Fault("list-oldest-first", "list.order", "Lists are oldest first.", listed(lambda page: {**page, "data": page["data"][::-1]})),
    Fault("list-ignores-size", "list.page", "The page size is ignored.", listing(without_size)),
    Fault("list-ignores-cursor", "list.cursors", "Cursors are ignored.", listing(without_cursor)),
    Fault("list-without-cursors", "list.cursors", "Pages have no cursors.", listed(lambda page: {**page, "pagination": {}})),
    Fault("list-ignores-type", "list.filter", "The filter by type is ignored.", listing(without_type)),
    Fault("list-any-query", "list.invalid", "Queries are not validated.", any_query),
    Fault("path-tail-ignored", "path.unknown", "What follows the close path is ignored.", close_at_any_tail),
    Fault("path-method-404", "path.method", "Other methods on the session's path are 404.", refused_as("path.method", 404)),
]  # fmt: skip


def with_status(answer: Answer, result: Result, clause: str, status: int) -> Answer:
    if result.clause == clause:
        answer.status = status
    return answer


def without_metadata(base: Behaviour) -> Any:
    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        value = {name: member for name, member in call.value.items() if name != "metadata"}
        return await base.create(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

    return create
