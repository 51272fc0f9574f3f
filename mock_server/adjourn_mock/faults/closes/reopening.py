"""Faults of close.terminal and close.recreate: what opens a session again."""

from __future__ import annotations

from dataclasses import replace

from adjourn_mock.domain import sessions
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import now, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import FriendlyId

__all__ = ["FAULTS"]


def reopening_update(base: Behaviour) -> Behaviour:
    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.update(service, behaviour, call)
        assert result.session is not None  # noqa: S101 - update answers a row
        session = await stored(service, call.caller.environment, result.session, closed_at=None, closed_reason=None)
        return Result(result.clause, session, result.members)

    return replace(base, update=update)


def reopening_by_member(base: Behaviour) -> Behaviour:
    """closedAt null in an update reopens."""
    faulty = reopening_update(base)

    async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
        reopens = "closedAt" in call.value and call.value["closedAt"] is None
        return await (faulty if reopens else base).update(service, behaviour, call)

    return replace(base, update=update)


def recreating(state: str, *, reopens: bool) -> Change:
    """Create with the externalId of an ended session reopens it, or answers it as if it were open."""

    def change(base: Behaviour) -> Behaviour:
        async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
            external_id = call.value.get("externalId")
            environment = call.caller.environment
            found = None
            if external_id is not None:
                found = await service.store.find(environment.id, service.contract.identify(external_id))
            if found is None or sessions.status(found, now(call)) != state:
                return await base.create(service, behaviour, call)
            if reopens:
                found = await stored(service, environment, found, closed_at=None, closed_reason=None, expires_at=None)
            members = {"runId": found.current_run_id, "publicAccessToken": "a.b.c", "isCached": True}
            return Result("create.cached", found, members)

        return replace(base, create=create)

    return change


def reopening_retrieve(base: Behaviour) -> Behaviour:
    """A retrieve by externalId reopens the session."""

    async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.retrieve(service, behaviour, call)
        if result.session is not None and not isinstance(call.key, FriendlyId) and result.session.closed_at:
            await stored(service, call.caller.environment, result.session, closed_at=None, closed_reason=None)
        return result

    return replace(base, retrieve=retrieve)


FAULTS = named(
    {
        "update-reopens": Breach("close.terminal", "The server reopens a session on update.", reopening_update),
        "update-reopens-by-member": Breach(
            "close.terminal", "The server reopens a session on an update with closedAt null.", reopening_by_member
        ),
        "retrieve-reopens": Breach(
            "close.terminal", "The server reopens a session on a retrieve by externalId.", reopening_retrieve
        ),
        "create-reopens": Breach(
            "close.recreate", "The server reopens a closed session on create.", recreating("CLOSED", reopens=True)
        ),
        "create-answers-closed": Breach(
            "close.recreate", "The server answers the closed session on create.", recreating("CLOSED", reopens=False)
        ),
        "create-answers-expired": Breach(
            "close.recreate", "The server answers the expired session on create.", recreating("EXPIRED", reopens=False)
        ),
        "create-reopens-expired": Breach(
            "close.recreate", "The server revives an expired session on create.", recreating("EXPIRED", reopens=True)
        ),
    }
)
