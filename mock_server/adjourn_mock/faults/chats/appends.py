"""Faults of appends: what is appended and when, what a close appends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import without_header
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def appending(edit: Callable[[Result], Result]) -> Change:
    """Answer an append otherwise."""

    def change(base: Behaviour) -> Behaviour:
        async def append(service: Service, behaviour: Behaviour, call: Call) -> Result:
            return edit(await base.append(service, behaviour, call))

        return replace(base, append=append)

    return change


def numbered_from_zero(result: Result) -> Result:
    members = {**result.members, "seq": 0} if "seq" in result.members else result.members
    return Result(result.clause, None, members, about=result.about)


def taking_any_size(base: Behaviour) -> Behaviour:
    """Records of any size are cut and stored."""

    async def receive(request: Any, receive: Any, rule: Any) -> bytes:
        wider = replace(rule, limit_bytes=100 * rule.limit_bytes) if rule.is_text else rule
        content = await base.receive(request, receive, wider)
        return content[: rule.limit_bytes // 2] if rule.is_text else content

    return replace(base, receive=receive)


def open_to(*clauses: str) -> Change:
    """Take records for sessions that have ended."""

    def change(base: Behaviour) -> Behaviour:
        def check_open(service: Service, environment: Environment, session: Session) -> None:
            try:
                base.check_open(service, environment, session)
            except Refusal as refusal:
                if refusal.clause not in clauses:
                    raise

        return replace(base, check_open=check_open)

    return change


def closed_for_another_reason(base: Behaviour) -> Behaviour:
    def check_open(service: Service, environment: Environment, session: Session) -> None:
        base.check_open(service, environment, sessions.replace(session, closed_reason=None))

    return replace(base, check_open=check_open)


def silent_close(base: Behaviour) -> Behaviour:
    async def notify_close(
        service: Service, behaviour: Behaviour, environment: Environment, session: Session, calling_run: Any
    ) -> None:
        """Append nothing."""

    return replace(base, notify_close=notify_close)


def close_without_its_reason(base: Behaviour) -> Behaviour:
    async def notify_close(
        service: Service, behaviour: Behaviour, environment: Environment, session: Session, calling_run: Any
    ) -> None:
        plain = sessions.replace(session, closed_reason=None)
        await base.notify_close(service, behaviour, environment, plain, calling_run)

    return replace(base, notify_close=notify_close)


def close_notifies_its_own_run(base: Behaviour) -> Behaviour:
    async def notify_close(
        service: Service, behaviour: Behaviour, environment: Environment, session: Session, calling_run: Any
    ) -> None:
        await base.notify_close(service, behaviour, environment, session, None)

    return replace(base, notify_close=notify_close)


def every_close_notifies(base: Behaviour) -> Behaviour:
    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.close(service, behaviour, call)
        if result.session is not None and result.before is not None and result.before.closed_at is not None:
            environment = call.caller.environment
            # Under another id the part of the first close does not stand in the way.
            renamed = sessions.replace(result.session, id=f"{result.session.id}again")
            await base.notify_close(service, behaviour, environment, renamed, None)
        return result

    return replace(base, close=close)


FAULTS = named(
    {
        "append-not-numbered": Breach(
            "channel.append",
            "The server numbers every record 0.",
            appending(numbered_from_zero),
        ),
        "append-repeats-part": Breach(
            "channel.append-idempotent",
            "The server appends a repeated part id again.",
            without_header("append", b"x-part-id"),
        ),
        "append-without-limit": Breach(
            "channel.append-limit",
            "The server cuts a record over the limit.",
            taking_any_size,
        ),
        "append-after-close": Breach(
            "channel.append-closed",
            "The server appends to a closed session.",
            open_to("channel.append-closed"),
        ),
        "append-without-closed-reason": Breach(
            "channel.append-closed",
            "The server refuses an append after a close without the reason.",
            closed_for_another_reason,
        ),
        "append-after-expiry": Breach(
            "channel.append-expired",
            "The server appends to an expired session.",
            open_to("channel.append-expired"),
        ),
        "close-without-record": Breach(
            "channel.close-notifies",
            "The server appends no record to `in` at a close.",
            silent_close,
        ),
        "close-record-without-reason": Breach(
            "channel.close-notifies",
            "The server appends the record of a close without the reason.",
            close_without_its_reason,
        ),
        "close-record-for-its-own-run": Breach(
            "channel.close-notifies",
            "The server appends a record for a close by the current run.",
            close_notifies_its_own_run,
        ),
        "close-record-each-time": Breach(
            "channel.close-notifies",
            "The server appends a record for a later close as well.",
            every_close_notifies,
        ),
    }
)
