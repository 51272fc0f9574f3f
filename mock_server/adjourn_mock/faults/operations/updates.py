"""Faults of retrieve and update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, without, without_values
from adjourn_mock.faults.operations.creates import without_schema
from adjourn_mock.faults.steps import UPDATE, Step, around, given, given_session, now, refusing, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def touching(retrieve: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await retrieve(service, behaviour, call)
        assert result.session is not None  # noqa: S101 - retrieve answers a row
        session = await stored(service, call.caller.environment, result.session, updated_at=now(call, 1))
        return Result(result.clause, session, result.members)

    return faulty


def updating(other: Callable[[Session, Members], Members]) -> Change:
    """Update once more, with another body: `other(session, body)`."""

    def wrap(update: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await update(service, behaviour, call)
            assert result.session is not None  # noqa: S101 - update answers a row
            body, at = dict(call.value), now(call)
            session = await service.store.amend(
                call.caller.environment.id,
                result.session.id,
                lambda current: sessions.update(current, other(current, body), at),
            )
            return Result(result.clause, session, result.members)

        return faulty

    return around("update", wrap)


def tags_added(session: Session, body: Members) -> Members:
    return {"tags": [*session.tags, *body.get("tags", ())]}


def metadata_alone(session: Session, body: Members) -> Members:
    return {"metadata": body.get("metadata")}


def metadata_merged(session: Session, body: Members) -> Members:
    return {**body, "metadata": {**(session.metadata or {}), **body["metadata"]}} if body.get("metadata") else body


def external_id_lost(session: Session, body: Members) -> Members:
    return {**body, "externalId": None} if "externalId" in body else body


def null_external_id_ignored(body: Members) -> Members:
    return without("externalId")(body) if body.get("externalId", "") is None else body


def metadata_null_ignored(body: Members) -> Members:
    return body if body.get("metadata", ...) is not None else without("metadata")(body)


def refusing_closed(update: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is not None:
            raise Refusal("update.invalid", "The session is closed", status=409)
        return await update(service, behaviour, call)

    return faulty


def renaming(base: Behaviour) -> Behaviour:
    faulty = given("update", without("externalId"))(base)

    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await faulty.update(service, behaviour, call)
        if "externalId" not in call.value or result.session is None:
            return result
        external_id: Any = call.value["externalId"]
        session = await stored(service, call.caller.environment, result.session, external_id=external_id)
        return Result(result.clause, session, result.members)

    return replace(base, update=update)


FAULTS = named(
    {
        "retrieve-touches": Breach(
            "retrieve.row", "The server moves updatedAt on a retrieve.", around("retrieve", touching)
        ),
        "update-adds-tags": Breach(
            "update.applied", "The server adds tags on update instead of replacing them.", updating(tags_added)
        ),
        "update-drops-metadata": Breach(
            "update.applied", "The server drops metadata on an update without metadata.", updating(metadata_alone)
        ),
        "update-anything": Breach(
            "update.invalid", "The server accepts any object as an update body.", without_schema(UPDATE, {})
        ),
        "update-of-closed-409": Breach(
            "update.applied",
            "The server answers 409 to an update of a closed session.",
            around("update", refusing_closed),
        ),
        "update-merges-metadata": Breach(
            "update.applied", "The server merges metadata on update.", given_session("update", metadata_merged)
        ),
        "update-keeps-tags-for-none": Breach(
            "update.applied", "The server ignores empty tags in an update.", given("update", without_values([]))
        ),
        "update-keeps-metadata-for-none": Breach(
            "update.applied", "The server ignores empty metadata in an update.", given("update", without_values({}))
        ),
        "update-keeps-metadata-for-null": Breach(
            "update.applied", "The server ignores metadata null in an update.", given("update", metadata_null_ignored)
        ),
        "update-same-external-id-422": Breach(
            "update.external-id",
            "The server answers 422 to an update with the session's own externalId.",
            given_session("update", external_id_lost),
        ),
        "update-null-external-id-ignored": Breach(
            "update.external-id",
            "The server ignores externalId null in an update.",
            given("update", null_external_id_ignored),
        ),
        "update-external-id-400": Breach(
            "update.external-id",
            "The server answers 400 to an update with another externalId.",
            refusing("update.external-id", status=400),
        ),
        "update-renames": Breach("update.external-id", "The server changes the externalId on update.", renaming),
    }
)
