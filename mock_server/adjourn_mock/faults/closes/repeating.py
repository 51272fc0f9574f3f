"""Faults of later closes of the same session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.closes.closing import after_close, moved, values
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import by_external_id, now, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def later_close(**members: Any) -> Change:
    """A later close changes what the first has stored; each member is a value, or a function of call and row."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        environment = call.caller.environment
        return None if first else await stored(service, environment, session, **values(members, call, session))

    return after_close(act)


def third_close(**members: Any) -> Change:
    """Only the third close of a session changes what was stored."""

    def change(base: Behaviour) -> Behaviour:
        times: dict[str, int] = {}

        async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
            times[session.id] = times.get(session.id, 0) + 1
            if times[session.id] != 3:
                return None
            return await stored(service, call.caller.environment, session, **values(members, call, session))

        return after_close(act)(base)

    return change


def refusing_later(status: int) -> Change:
    """Refuse every close but the first."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        if not first:
            raise Refusal("close.recreate", "already closed", status=status)
        return None

    return after_close(act)


def replaying(base: Behaviour) -> Behaviour:
    """Answer a later close as the first one, whatever has changed since."""
    first: dict[str, Session] = {}

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.close(service, behaviour, call)
        assert result.session is not None  # noqa: S101 - close answers a row
        return Result(result.clause, first.setdefault(result.session.id, result.session), result.members)

    return replace(base, close=close)


def new_reason(call: Call, session: Session) -> str | None:
    reason: str | None = call.value.get("reason", session.closed_reason)
    return reason


def reason_if_none(call: Call, session: Session) -> str | None:
    return call.value.get("reason") if session.closed_reason is None else session.closed_reason


def none_without_reason(call: Call, session: Session) -> str | None:
    return call.value.get("reason") and session.closed_reason


def this_second(call: Call, session: Session) -> str:
    return f"{now(call)[:19]}.000Z"


def altering_later(what: str, **members: Any) -> Breach:
    """A later close changes what the first one has stored."""
    return Breach("close.idempotent", f"The server {what} on a later close.", later_close(**members))


FAULTS = named(
    {
        "later-close-moves-closed-at": altering_later("moves closedAt", closed_at=moved(1)),
        "later-close-moves-updated-at": altering_later("moves updatedAt", updated_at=moved(1)),
        "later-close-replaces-reason": altering_later("replaces the reason", closed_reason=new_reason),
        "later-close-adds-reason": altering_later("adds a missing reason", closed_reason=reason_if_none),
        "later-close-drops-reason": Breach(
            "close.idempotent",
            "The server drops the reason on a later close without one.",
            later_close(closed_reason=none_without_reason),
        ),
        "later-close-to-the-second": altering_later("sets closedAt anew, to the second,", closed_at=this_second),
        "later-close-replays": Breach(
            "close.idempotent",
            "The server answers a later close with the row of the first, without what was updated since.",
            replaying,
        ),
        "later-close-409": Breach("close.idempotent", "The server answers 409 to a later close.", refusing_later(409)),
        "later-close-400": Breach("close.idempotent", "The server answers 400 to a later close.", refusing_later(400)),
        "later-close-404": Breach("close.idempotent", "The server answers 404 to a later close.", refusing_later(404)),
        "third-close-moves-closed-at": Breach(
            "close.idempotent", "The server moves closedAt on the third close.", third_close(closed_at=moved(1))
        ),
        "third-close-replaces-reason": Breach(
            "close.idempotent", "The server replaces the reason on the third close.", third_close(closed_reason="third")
        ),
        "later-close-moves-updated-at-by-external-id": Breach(
            "close.idempotent",
            "The server moves updatedAt on a later close by externalId.",
            by_external_id(later_close(updated_at=moved(1))),
        ),
        "close-toggles": Breach(
            "close.terminal",
            "The server reopens the session on a later close.",
            later_close(closed_at=None, closed_reason=None),
        ),
    }
)
