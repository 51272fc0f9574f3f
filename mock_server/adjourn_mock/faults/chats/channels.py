"""Faults of channels: what is appended, what a close appends, what streams carry, whom they are for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.domain import sessions
from adjourn_mock.domain.json_text import encode
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

Records = list[dict[str, Any]]


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


def part_ignored(base: Behaviour) -> Behaviour:
    async def append(service: Service, behaviour: Behaviour, call: Call) -> Result:
        headers = {name: value for name, value in call.headers.items() if name != b"x-part-id"}
        again = msgspec.structs.replace(call, headers=headers)
        return await base.append(service, behaviour, again)

    return replace(base, append=append)


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


def streaming(edit: Callable[[Records], Records]) -> Change:
    """Edit the records of every batch."""

    def change(base: Behaviour) -> Behaviour:
        async def events(
            service: Service, environment: Environment, channel: str, after: int, timeout_seconds: float
        ) -> AsyncIterator[bytes]:
            async for piece in base.events(service, environment, channel, after, timeout_seconds):
                yield with_records(piece, edit)

        return replace(base, events=events)

    return change


def with_records(piece: bytes, edit: Callable[[Records], Records]) -> bytes:
    head, mark, data = piece.partition(b"event: batch\ndata: ")
    if not mark:
        return piece
    value = json.loads(data)
    return b"%b%b%b\n\n" % (head, mark, encode({**value, "records": edit(value["records"])}))


def without_the_second(records: Records) -> Records:
    return [*records[:1], *records[2:]]


def with_the_last_twice(records: Records) -> Records:
    return [*records, records[-1]]


def breaking_off(last: Sequence[bytes], *, after_batches: int) -> Change:
    """End streams after so many batches with other events than the right ones."""

    def change(base: Behaviour) -> Behaviour:
        async def events(
            service: Service, environment: Environment, channel: str, after: int, timeout_seconds: float
        ) -> AsyncIterator[bytes]:
            batches = 0
            async for piece in base.events(service, environment, channel, after, timeout_seconds):
                if piece.startswith(b"id: "):
                    if batches == after_batches:
                        break
                    batches += 1
                yield piece
            for piece in last:
                yield piece

        return replace(base, events=events)

    return change


def dropped_after_the_first_record(base: Behaviour) -> Behaviour:
    """The connection ends within a turn."""

    async def events(
        service: Service, environment: Environment, channel: str, after: int, timeout_seconds: float
    ) -> AsyncIterator[bytes]:
        async for piece in base.events(service, environment, channel, after, timeout_seconds):
            yield with_records(piece, lambda records: records[:1])
            if piece.startswith(b"id: "):
                return

    return replace(base, events=events)


def ended_by_a_close(base: Behaviour) -> Behaviour:
    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.close(service, behaviour, call)
        service.channels.readers.end(call.caller.environment.id)
        return result

    return replace(base, close=close)


def resuming(shift: int) -> Change:
    """Resume so many records further on than asked for."""

    def change(base: Behaviour) -> Behaviour:
        def events(
            service: Service, environment: Environment, channel: str, after: int, timeout_seconds: float
        ) -> AsyncIterator[bytes]:
            start = after if after < 0 else after + shift
            return base.events(service, environment, channel, start, timeout_seconds)

        return replace(base, events=events)

    return change


def never_settled(base: Behaviour) -> Behaviour:
    async def stream(service: Service, behaviour: Behaviour, call: Call) -> Result:
        headers = {name: value for name, value in call.headers.items() if name != b"x-peek-settled"}
        again = msgspec.structs.replace(call, headers=headers)
        return await base.stream(service, behaviour, again)

    return replace(base, stream=stream)


def any_timeout(base: Behaviour) -> Behaviour:
    async def stream(service: Service, behaviour: Behaviour, call: Call) -> Result:
        try:
            return await base.stream(service, behaviour, call)
        except Refusal as refusal:
            if refusal.clause != "channel.timeout":
                raise
        headers = {**call.headers, b"timeout-seconds": b"1"}
        again = msgspec.structs.replace(call, headers=headers)
        return await base.stream(service, behaviour, again)

    return replace(base, stream=stream)


def records_from_the_start(base: Behaviour) -> Behaviour:
    async def records(service: Service, behaviour: Behaviour, call: Call) -> Result:
        return await base.records(service, behaviour, msgspec.structs.replace(call, value={}))

    return replace(base, records=records)


def any_cursor(base: Behaviour) -> Behaviour:
    def query(request: Any, operation: Any) -> Any:
        try:
            return base.query(request, operation)
        except Refusal as refusal:
            if refusal.clause != "channel.cursor":
                raise
            return {}

    return replace(base, query=query)


def closed_channels_are_gone(base: Behaviour) -> Behaviour:
    async def records(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is not None:
            raise Refusal("id.unknown")
        return await base.records(service, behaviour, call)

    return replace(base, records=records)


def letting_tokens(*operations: str) -> Change:
    """Let every token do these operations."""

    def change(base: Behaviour) -> Behaviour:
        async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
            if call.operation.name not in operations:
                await base.authorize(service, behaviour, call)

        return replace(base, authorize=authorize)

    return change


ERROR_EVENT = b"event: error\ndata: the stream cannot be read\n\n"

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
            part_ignored,
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
        "stream-skips-a-record": Breach(
            "channel.stream",
            "The server leaves a record out of a stream.",
            streaming(without_the_second),
        ),
        "stream-repeats-a-record": Breach(
            "channel.stream",
            "The server sends a record of a stream twice.",
            streaming(with_the_last_twice),
        ),
        "stream-error-event": Breach(
            "channel.stream",
            "The server ends a stream with an error event.",
            breaking_off([ERROR_EVENT], after_batches=0),
        ),
        "stream-drops-mid-turn": Breach(
            "channel.stream",
            "The server ends a stream after its first record.",
            dropped_after_the_first_record,
        ),
        "stream-ends-by-close": Breach(
            "channel.stream",
            "The server ends the open streams at a close.",
            ended_by_a_close,
        ),
        "resume-repeats-a-record": Breach(
            "channel.resume",
            "The server repeats a record in a resumed stream.",
            resuming(-1),
        ),
        "resume-skips-a-record": Breach(
            "channel.resume",
            "The server leaves a record out of a resumed stream.",
            resuming(1),
        ),
        "stream-never-settles": Breach(
            "channel.settled",
            "The server waits on a settled channel.",
            never_settled,
        ),
        "stream-any-timeout": Breach(
            "channel.timeout",
            "The server accepts any Timeout-Seconds.",
            any_timeout,
        ),
        "records-from-the-start": Breach(
            "channel.records",
            "The server answers all records, whatever the cursor is.",
            records_from_the_start,
        ),
        "records-any-cursor": Breach(
            "channel.cursor",
            "The server ignores a cursor that is not a number.",
            any_cursor,
        ),
        "closed-channels-404": Breach(
            "channel.read-after-close",
            "The server answers 404 for the records of a closed session.",
            closed_channels_are_gone,
        ),
        "token-crosses-sessions": Breach(
            "channel.scopes",
            "The server lets a token read and write every session's channels.",
            letting_tokens("appendToIn", "listOutRecords", "streamOut"),
        ),
        "token-appends-to-out": Breach(
            "channel.out-secret",
            "The server lets a token append to `out`.",
            letting_tokens("appendToOut"),
        ),
        "token-reads-in": Breach(
            "channel.in-secret",
            "The server lets a token read `in`.",
            letting_tokens("streamIn", "listInRecords"),
        ),
    }
)
