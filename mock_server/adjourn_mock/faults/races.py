"""Faults of close.atomic: what goes wrong only when closes overlap."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from adjourn_mock.domain import sessions
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.closing import now
from adjourn_mock.faults.fault import Change, Close, Fault, closing, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def racing(pause_seconds: float) -> Change:
    """Looks first and closes afterwards: closes that overlap all believe that they are the first."""

    def wrap(close: Close) -> Close:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is None or session.closed_at is not None:
                return await close(service, behaviour, call)
            await asyncio.sleep(pause_seconds)
            closed = sessions.close(session, call.value.get("reason"), now(call))
            kept = await stored(
                service, call.caller.environment, session,
                closed_at=closed.closed_at, closed_reason=closed.closed_reason, updated_at=closed.updated_at,
            )  # fmt: skip
            return Result("close.closes", kept, {})

        return faulty

    return closing(wrap)


def losing_answers(pause_seconds: float) -> Change:
    """Each of several closes at once answers its own reason, though only one is kept."""

    def wrap(close: Close) -> Close:
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

    return closing(wrap)


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
                service, call.caller.environment, result.session,
                closed_at=read.closed_at, closed_reason=read.closed_reason,
            )  # fmt: skip
            return Result(result.clause, session, result.members)

        return replace(base, update=update)

    return change


def torn(pause_seconds: float) -> Change:
    """closedAt is kept first, and the reason a little later."""

    def wrap(close: Close) -> Close:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            environment = call.caller.environment
            session = await behaviour.find(service, environment, call.key)
            if session is None or session.closed_at is not None:
                return await close(service, behaviour, call)
            await service.store.close_once(environment.id, session.id, None, now(call))
            await asyncio.sleep(pause_seconds)
            kept = await stored(service, environment, session, closed_reason=call.value.get("reason"))
            return Result("close.closes", kept, {})

        return faulty

    return closing(wrap)


def stale_close(pause_seconds: float) -> Change:
    """Close writes back the whole row that it has read before: an update in between is lost."""

    def wrap(close: Close) -> Close:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            await asyncio.sleep(pause_seconds)
            result = await close(service, behaviour, call)
            if session is None or session.closed_at is not None or result.session is None:
                return result
            kept = await stored(service, call.caller.environment, result.session, tags=session.tags)
            return Result(result.clause, kept, result.members)

        return faulty

    return closing(wrap)


def coalescing(pause_seconds: float) -> Change:
    """Closes on one path at once are answered alike, whoever sent them."""

    def change(base: Behaviour) -> Behaviour:
        running: dict[str, asyncio.Task[Result]] = {}

        async def later(service: Service, behaviour: Behaviour, call: Call) -> Result:
            await asyncio.sleep(pause_seconds)
            return await base.close(service, behaviour, call)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            task = running.get(call.text)
            if task is None:
                task = running[call.text] = asyncio.ensure_future(later(service, behaviour, call))
                task.add_done_callback(lambda _: running.pop(call.text))
            return await asyncio.shield(task)

        return replace(base, close=close)

    return change


FAULTS = [
    Fault("race-1ms", "close.atomic", "Closes that overlap by a millisecond overwrite each other.", racing(0.001)),
    Fault("race-0ms", "close.atomic", "Closes that overlap at all overwrite each other.", racing(0)),
    Fault("race-20ms", "close.atomic", "Closes that overlap by 20 ms overwrite each other.", racing(0.02)),
    Fault("race-own-answers", "close.atomic", "Each of several closes at once is answered its own reason.", losing_answers(0.001)),
    Fault("race-losers-409", "close.atomic", "The losers of a race are 409.", refusing_losers(0.001)),
    Fault("race-coalesced", "env.isolation", "Closes on one path at once are one close, whoever sent them.", coalescing(0.002)),
    Fault("race-torn", "close.atomic", "A close is kept in two steps.", torn(0.002)),
    Fault("race-loses-update", "close.preserves", "A close undoes an update that overlaps with it.", stale_close(0.002)),
    Fault("race-with-update", "close.terminal", "An update that overlaps with a close undoes it.", stale_update(0.003)),
]  # fmt: skip
