"""Faults of streams: what they carry, where they resume, when they end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.domain.json_text import encode
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import without_header
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

Records = list[dict[str, Any]]
ERROR_EVENT = b"event: error\ndata: the stream cannot be read\n\n"


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


FAULTS = named(
    {
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
            without_header("stream", b"x-peek-settled"),
        ),
        "stream-any-timeout": Breach(
            "channel.timeout",
            "The server accepts any Timeout-Seconds.",
            any_timeout,
        ),
    }
)
