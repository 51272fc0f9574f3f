"""Faults of close.only-one and stale reads: what a close does to other sessions, and what retrieve still shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adjourn_mock.domain.sessions import Session
from adjourn_mock.faults.closes.closing import after_close
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import Step, around, now, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import close_once
from adjourn_spec import ExternalId, FriendlyId

__all__ = ["FAULTS"]


def closing_others(related: Callable[[Session, Session], bool]) -> Change:
    """Close other sessions as well: `related(other, closed)`."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        environment = call.caller.environment
        if first:
            for other in await service.store.snapshot(environment.id):
                if other.id != session.id and other.closed_at is None and related(other, session):
                    await close_once(service.store, environment.id, other.id, session.closed_reason, now(call))
        return None

    return after_close(act)


def shares_tag(other: Session, closed: Session) -> bool:
    return bool(set(other.tags) & set(closed.tags))


def starts_alike(other: Session, closed: Session) -> bool:
    return bool(other.external_id and closed.external_id and other.external_id.startswith(closed.external_id))


def has_type(other: Session, closed: Session) -> bool:
    return other.type == closed.type


def has_task_and_metadata(other: Session, closed: Session) -> bool:
    same_task = other.task_identifier == closed.task_identifier
    return same_task and other.metadata == closed.metadata and bool(closed.metadata)


def both_unnamed(other: Session, closed: Session) -> bool:
    return other.external_id is None and closed.external_id is None


def differs_in_case(other: Session, closed: Session) -> bool:
    if other.external_id is None or closed.external_id is None:
        return False
    return other.external_id.lower() == closed.external_id.lower()


async def touch_last(service: Service, call: Call, session: Session, first: bool) -> Session | None:
    others = [other for other in await service.store.snapshot(call.caller.environment.id) if other.id != session.id]
    if first and others:
        await stored(service, call.caller.environment, others[-1], updated_at=now(call, 5))
    return None


def closing_newest_for_unknown(close: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        environment = call.caller.environment
        if await behaviour.find(service, environment, call.key) is None:
            rows = await service.store.snapshot(environment.id)
            if rows:
                await close_once(service.store, environment.id, rows[-1].id, None, now(call))
        return await close(service, behaviour, call)

    return faulty


def stale_retrieve(kind: type) -> Change:
    """Retrieve by one form of id answers what it answered before, until a close by the same form."""

    def change(base: Behaviour) -> Behaviour:
        rows: dict[str, Session] = {}

        async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.retrieve(service, behaviour, call)
            session = result.session
            assert session is not None  # noqa: S101 - retrieve answers a row
            if not isinstance(call.key, kind):
                return result
            return Result(result.clause, rows.setdefault(session.id, session), result.members)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.close(service, behaviour, call)
            if result.session is not None and isinstance(call.key, kind):
                rows.pop(result.session.id, None)
            return result

        return replace(base, retrieve=retrieve, close=close)

    return change


FAULTS = named(
    {
        "unknown-closes-newest": Breach(
            "close.only-one",
            "The server closes the newest session where the one asked for is unknown.",
            around("close", closing_newest_for_unknown),
        ),
        "retrieve-stale-by-external-id": Breach(
            "close.persisted",
            "The server retrieves a stale row by externalId after a close by friendly id.",
            stale_retrieve(ExternalId),
        ),
        "retrieve-stale-by-friendly-id": Breach(
            "close.persisted",
            "The server retrieves a stale row by friendly id after a close by externalId.",
            stale_retrieve(FriendlyId),
        ),
        "others-with-tag-closed": Breach(
            "close.only-one", "The server closes sessions with the same tag too.", closing_others(shares_tag)
        ),
        "others-with-same-start-closed": Breach(
            "close.only-one",
            "The server closes sessions whose externalId starts alike too.",
            closing_others(starts_alike),
        ),
        "others-of-type-closed": Breach(
            "close.only-one", "The server closes sessions of the same type too.", closing_others(has_type)
        ),
        "others-of-task-closed": Breach(
            "close.only-one",
            "The server closes sessions of the same task and metadata too.",
            closing_others(has_task_and_metadata),
        ),
        "others-without-external-id-closed": Breach(
            "close.only-one",
            "The server closes all sessions without an externalId together.",
            closing_others(both_unnamed),
        ),
        "others-in-any-case-closed": Breach(
            "close.only-one",
            "The server closes sessions whose externalId differs in letter case too.",
            closing_others(differs_in_case),
        ),
        "last-touched": Breach(
            "close.only-one",
            "The server moves updatedAt of the newest session on every close.",
            after_close(touch_last),
        ),
    }
)
