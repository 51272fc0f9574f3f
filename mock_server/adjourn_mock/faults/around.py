"""Faults of retrieve, update and of paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.creates import with_limit, without_schema
from adjourn_mock.faults.fault import Change, Fault, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result, Route
from adjourn_mock.pipeline.service import Service

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


def updating_with(edit: Callable[[Session, dict[str, Any]], dict[str, Any]]) -> Change:
    """Take another body than the one that was sent."""

    def change(base: Behaviour) -> Behaviour:
        async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            value = dict(call.value) if session is None else edit(session, dict(call.value))
            return await base.update(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, update=update)

    return change


def refusing_closed(base: Behaviour) -> Behaviour:
    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is not None:
            raise Refusal("update.invalid", "The session is closed", status=409)
        return await base.update(service, behaviour, call)

    return replace(base, update=update)


def renaming_update(base: Behaviour) -> Behaviour:
    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        value = {name: member for name, member in call.value.items() if name != "externalId"}
        result = await base.update(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))
        if "externalId" not in call.value or result.session is None:
            return result
        session = await stored(service, call.caller.environment, result.session, external_id=call.value["externalId"])
        return Result(result.clause, session, result.members)

    return replace(base, update=update)


def close_at_any_tail(base: Behaviour) -> Behaviour:
    """Whatever follows the close path is ignored."""

    def route(service: Service, request: Request) -> Route:
        head, close, tail = request.raw_path.partition(b"/close")
        if close and tail and request.method == "POST":
            request.raw_path = head + close
        return base.route(service, request)

    return replace(base, route=route)


FAULTS = [
    Fault("retrieve-touches", "retrieve.row", "Retrieve moves updatedAt on.", touching_retrieve),
    Fault("update-adds-tags", "update.applied", "Update adds tags to those there are.", updating(lambda s, b, now: sessions.update(s, {"tags": [*s.tags, *b.get("tags", ())]}, now))),
    Fault("update-drops-metadata", "update.applied", "Update drops metadata that is not named.", updating(lambda s, b, now: sessions.update(s, {"metadata": b.get("metadata")}, now))),
    Fault("update-anything", "update.invalid", "Update takes whatever it is sent.", without_schema("update.invalid", {})),
    Fault("update-without-limit", "update.body-limit", "An update body may be of any size.", with_limit("update.body-limit", lambda limit: limit * 100)),
    Fault("update-of-closed-409", "update.applied", "An update of a closed session is 409.", refusing_closed),
    Fault("update-merges-metadata", "update.applied", "Update merges metadata.", updating_with(lambda s, b: {**b, "metadata": {**(s.metadata or {}), **b["metadata"]}} if b.get("metadata") else b)),
    Fault("update-keeps-tags-for-none", "update.applied", "Empty tags in an update change nothing.", updating_with(lambda s, b: {n: v for n, v in b.items() if v != []})),
    Fault("update-keeps-metadata-for-none", "update.applied", "Empty metadata in an update changes nothing.", updating_with(lambda s, b: {n: v for n, v in b.items() if v != {}})),
    Fault("update-keeps-metadata-for-null", "update.applied", "metadata null in an update changes nothing.", updating_with(lambda s, b: {n: v for n, v in b.items() if v is not None})),
    Fault("update-same-external-id-422", "update.external-id", "Update with the externalId that the session has is 422.", updating_with(lambda s, b: {**b, "externalId": None} if "externalId" in b else b)),
    Fault("update-null-external-id-ignored", "update.external-id", "externalId null in an update is ignored.", updating_with(lambda s, b: {n: v for n, v in b.items() if n != "externalId" or v is not None})),
    Fault("update-external-id-400", "update.external-id", "Update with another externalId is 400.", refused_as("update.external-id", 400)),
    Fault("update-renames", "update.external-id", "Update changes the externalId.", renaming_update),
    Fault("path-tail-ignored", "path.unknown", "What follows the close path is ignored.", close_at_any_tail),
    Fault("path-method-404", "path.method", "Other methods on the session's path are 404.", refused_as("path.method", 404)),
]  # fmt: skip
