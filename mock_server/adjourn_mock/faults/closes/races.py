"""Faults of close.atomic: what goes wrong only when closes overlap."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from adjourn_mock.domain import sessions
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import Step, around, notify, now, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import close_once

__all__ = ["FAULTS"]


def racing(pause_seconds: float) -> Change:
    """Looks first and closes afterwards: closes that overlap all believe that they are the first."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is None or session.closed_at is not None:
                return await close(service, behaviour, call)
            await asyncio.sleep(pause_seconds)
            closed = sessions.close(session, call.value.get("reason"), now(call))
            written = await stored(
                service,
                call.caller.environment,
                session,
                closed_at=closed.closed_at,
                closed_reason=closed.closed_reason,
                updated_at=closed.updated_at,
            )
            await notify(service, behaviour, call, written)
            return Result("close.closes", written, {})

        return faulty

    return around("close", wrap)


def losing_answers(pause_seconds: float) -> Change:
    """Each of several closes at once answers its own reason, though only one is stored."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            was_open = session is not None and session.closed_at is None
            await asyncio.sleep(pause_seconds)
            result = await close(service, behaviour, call)
            if was_open and result.session is not None:
                own = msgspec.structs.replace(result.session, closed_reason=call.value.get("reason"))
                return Result(result.clause, own, result.members)
            return result

        return faulty

    return around("close", wrap)


def refusing_losers(pause_seconds: float) -> Change:
    """All but the first of several closes at once are 409."""

    def change(base: Behaviour) -> Behaviour:
        busy: set[str] = set()

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is None or session.closed_at is not None:
                return await base.close(service, behaviour, call)
            if session.id in busy:
                raise Refusal("close.recreate", "A close is under way", status=409)
            busy.add(session.id)
            try:
                await asyncio.sleep(pause_seconds)
                return await base.close(service, behaviour, call)
            finally:
                busy.discard(session.id)

        return replace(base, close=close)

    return change


def stale_update(pause_seconds: float) -> Change:
    """Update writes back the whole row that it has read before: a close in between is undone."""

    def change(base: Behaviour) -> Behaviour:
        async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
            read = await behaviour.find(service, call.caller.environment, call.key)
            await asyncio.sleep(pause_seconds)
            result = await base.update(service, behaviour, call)
            if read is None or result.session is None:
                return result
            session = await stored(
                service,
                call.caller.environment,
                result.session,
                closed_at=read.closed_at,
                closed_reason=read.closed_reason,
            )
            return Result(result.clause, session, result.members)

        return replace(base, update=update)

    return change


def torn(pause_seconds: float) -> Change:
    """closedAt is stored first, and the reason a little later."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            environment = call.caller.environment
            session = await behaviour.find(service, environment, call.key)
            if session is None or session.closed_at is not None:
                return await close(service, behaviour, call)
            await close_once(service.store, environment.id, session.id, None, now(call))
            await asyncio.sleep(pause_seconds)
            written = await stored(service, environment, session, closed_reason=call.value.get("reason"))
            await notify(service, behaviour, call, written)
            return Result("close.closes", written, {})

        return faulty

    return around("close", wrap)


def stale_close(pause_seconds: float) -> Change:
    """Close writes back the whole row that it has read before: an update in between is lost."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            await asyncio.sleep(pause_seconds)
            result = await close(service, behaviour, call)
            if session is None or session.closed_at is not None or result.session is None:
                return result
            written = await stored(service, call.caller.environment, result.session, tags=session.tags)
            return Result(result.clause, written, result.members)

        return faulty

    return around("close", wrap)


FAULTS = named(
    {
        "race-1ms": Breach(
            "close.atomic", "The server lets closes that overlap by a millisecond overwrite each other.", racing(0.001)
        ),
        "race-0ms": Breach(
            "close.atomic", "The server lets closes that overlap at all overwrite each other.", racing(0)
        ),
        "race-20ms": Breach(
            "close.atomic", "The server lets closes that overlap by 20 ms overwrite each other.", racing(0.02)
        ),
        "race-own-answers": Breach(
            "close.atomic",
            "The server answers each of several closes at once with its own reason.",
            losing_answers(0.001),
        ),
        "race-losers-409": Breach(
            "close.atomic", "The server answers 409 to the losers of a race.", refusing_losers(0.001)
        ),
        "race-torn": Breach("close.atomic", "The server stores a close in two steps.", torn(0.002)),
        "race-loses-update": Breach(
            "close.preserves", "The server loses an update that overlaps with a close.", stale_close(0.002)
        ),
        "race-with-update": Breach(
            "close.terminal", "The server loses a close that overlaps with an update.", stale_update(0.003)
        ),
    }
)
