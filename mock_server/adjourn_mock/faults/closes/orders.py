"""Faults that show only in one order of operations, or in one way of overlapping."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import Step, now, stored, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import ExternalId

__all__ = ["FAULTS"]

Act = Callable[[Service, Call, Session], Awaitable[Result | None]]


async def session_of(service: Service, behaviour: Behaviour, call: Call) -> Session | None:
    """The session that a call is about: of a create, the one that has the externalId already."""
    environment = call.caller.environment
    if call.operation.name != "createSession":
        return await behaviour.find(service, environment, call.key)
    name = call.value.get("externalId")
    return None if name is None else await service.store.find(environment.id, ExternalId(name))


def in_order(*operations: str, act: Act) -> Change:
    """Act after some operations on one session in a row, whether they were refused or not.

    Args:
        operations: of `create`, `update` and `close`.
        act: changes the session; what it returns is answered, or the proper answer where that is None.
    """

    def change(base: Behaviour) -> Behaviour:
        done: dict[str, tuple[str, ...]] = defaultdict(tuple)

        def counted(name: str, step: Step) -> Step:
            async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
                session = await session_of(service, behaviour, call)
                if session is None:
                    return await step(service, behaviour, call)
                done[session.id] = (*done[session.id], name)[-len(operations) :]
                is_due = done[session.id] == operations
                try:
                    result = await step(service, behaviour, call)
                except Refusal:
                    if is_due:
                        await act(service, call, session)
                    raise
                changed = await act(service, call, result.session or session) if is_due else None
                return changed or result

            return faulty

        return replace(
            base,
            create=counted("create", base.create),
            update=counted("update", base.update),
            close=counted("close", base.close),
        )

    return change


async def reopen(service: Service, call: Call, session: Session) -> Result | None:
    await stored(service, call.caller.environment, session, closed_at=None, closed_reason=None)
    return None


async def replace_reason_by_external_id(service: Service, call: Call, session: Session) -> Result | None:
    if not isinstance(call.key, ExternalId):
        return None
    changed = await stored(service, call.caller.environment, session, closed_reason="third")
    return Result("close.closes", changed, {})


def refusing_after_recreate(base: Behaviour) -> Behaviour:
    """A create that was refused because the session has expired blocks its close."""
    blocked: set[str] = set()

    async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await session_of(service, behaviour, call)
        if session is not None and sessions.status(session, now(call)) == "EXPIRED":
            blocked.add(session.id)
        return await base.create(service, behaviour, call)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await session_of(service, behaviour, call)
        if session is not None and session.id in blocked:
            raise Refusal("close.recreate")
        return await base.close(service, behaviour, call)

    return replace(base, create=create, close=close)


def overwriting_winner(pause_seconds: float) -> Change:
    """A close that comes while the first one is being answered stores its own reason."""

    def change(base: Behaviour) -> Behaviour:
        answering: set[str] = set()

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await session_of(service, behaviour, call)
            if session is not None and session.id in answering:
                changed = await stored(
                    service, call.caller.environment, session, closed_reason=call.value.get("reason")
                )
                return Result("close.closes", changed, {})
            result = await base.close(service, behaviour, call)
            if session is not None and session.closed_at is None:
                answering.add(session.id)
                await asyncio.sleep(pause_seconds)
                answering.discard(session.id)
            return result

        return replace(base, close=close)

    return change


def duplicating(pause_seconds: float) -> Change:
    """Looks for the externalId first and stores afterwards: creates that overlap make a session each."""

    def change(base: Behaviour) -> Behaviour:
        async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
            is_new = await session_of(service, behaviour, call) is None
            await asyncio.sleep(pause_seconds)
            if not is_new or await session_of(service, behaviour, call) is None:
                return await base.create(service, behaviour, call)
            unnamed = {name: value for name, value in call.value.items() if name != "externalId"}
            result = await base.create(service, behaviour, with_value(call, unnamed))
            assert result.session is not None  # noqa: S101 - create answers a row
            shown = msgspec.structs.replace(result.session, external_id=call.value["externalId"])
            return Result(result.clause, shown, result.members)

        return replace(base, create=create)

    return change


def reading_back(pause_seconds: float) -> Change:
    """While a close is being answered, every second retrieve shows the session as it was before."""

    def change(base: Behaviour) -> Behaviour:
        before: dict[str, Session] = {}
        reads: dict[str, int] = defaultdict(int)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await session_of(service, behaviour, call)
            result = await base.close(service, behaviour, call)
            if session is not None and session.closed_at is None:
                before[session.id] = session
                await asyncio.sleep(pause_seconds)
                del before[session.id]
            return result

        async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.retrieve(service, behaviour, call)
            session = result.session
            if session is None or session.id not in before:
                return result
            reads[session.id] += 1
            return result if reads[session.id] % 2 else Result(result.clause, before[session.id], {})

        return replace(base, close=close, retrieve=retrieve)

    return change


FAULTS = named(
    {
        "create-after-close-after-update-reopens": Breach(
            "close.terminal",
            "The server reopens a session on a create, only right after a close right after an update.",
            in_order("update", "close", "create", act=reopen),
        ),
        "third-close-by-external-id-replaces-reason": Breach(
            "close.idempotent",
            "The server replaces the reason on the third close in a row, if that is by externalId.",
            in_order("close", "close", "close", act=replace_reason_by_external_id),
        ),
        "close-after-refused-recreate-409": Breach(
            "close.expired",
            "The server answers 409 to the close of an expired session after a create with its externalId.",
            refusing_after_recreate,
        ),
        "race-overwrites-winner": Breach(
            "close.atomic",
            "The server lets a close that overlaps with the first one replace the reason that the first has answered.",
            overwriting_winner(0.01),
        ),
        "race-duplicates-session": Breach(
            "create.cached",
            "The server creates a session for each of several creates that overlap.",
            duplicating(0.005),
        ),
        "race-reads-back": Breach(
            "close.terminal",
            "The server shows a session open again after it has shown it closed, while the close is under way.",
            reading_back(0.05),
        ),
    }
)
