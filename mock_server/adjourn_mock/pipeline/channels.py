"""What the operations of a session's channels do (clauses channel.*)."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.json_text import encode
from adjourn_mock.domain.records import IN, OUT, TURN_COMPLETE, Direction, Message, Record, close_message, data_body
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.channels import Subscription
from adjourn_mock.stores.store import StoreFullError, StoreUnavailable
from adjourn_spec import FriendlyId

__all__ = [
    "append",
    "append_record",
    "channel_name",
    "close_part",
    "direction_of",
    "events",
    "notify_close",
    "read_records",
    "stream",
]

_log = logging.getLogger("adjourn")
_DIRECTIONS: Mapping[str, Direction] = {
    "appendToIn": IN,
    "appendToOut": OUT,
    "streamIn": IN,
    "streamOut": OUT,
    "listInRecords": IN,
    "listOutRecords": OUT,
}
_BATCH_RECORDS, _ALL = 1000, 1_000_000
# So many records are searched for the last one that is not a command.
_COMMANDS = 100
# What the vendor's storage counts for a record beside its body.
_OVERHEAD_BYTES = 8
_INTEGER = re.compile(r"[0-9]{1,15}")
_DO_NOT_RETRY = ((b"x-should-retry", b"false"),)
_PLAIN = b"text/plain; charset=utf-8"


def direction_of(call: Call) -> Direction:
    """Which of the two channels an operation is about."""
    return _DIRECTIONS[call.operation.name]


def channel_name(direction: Direction, key: str) -> str:
    """A channel as stores name it: by the externalId of its session or, without one, by its friendly id."""
    return f"{direction} {key}"


def key_of(session: Session) -> str:
    return session.external_id or session.id


async def append(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """Append what was sent, as text (clauses channel.append, channel.append-idempotent)."""
    environment, direction = call.caller.environment, direction_of(call)
    session = await behaviour.find(service, environment, call.key)
    if session is None:
        raise Refusal("id.unknown", headers=_DO_NOT_RETRY)
    behaviour.check_open(service, environment, session)
    named = call.headers.get(b"x-part-id")
    part = secrets.token_hex(10) if named is None else named.decode("latin-1")
    body = data_body(call.value["text"], part)
    limit_bytes = call.operation.body.limit_bytes if call.operation.body else 0
    if len(body.encode(errors="replace")) + _OVERHEAD_BYTES > limit_bytes:
        raise Refusal("channel.append-limit", members={"ok": False})
    if direction == IN and session.current_run_id is None:
        session = await _with_run(service, environment, session)
    seq = await append_record(service, environment, session, direction, body, None if named is None else part)
    if seq is None:
        return Result("channel.append", None, {"ok": True}, about=session)
    if direction == IN:
        await behaviour.react(
            service, behaviour, environment, session, Message.of(Record(seq, environment.clock.now(), body))
        )
    return Result("channel.append", None, {"ok": True, "seq": seq}, about=session)


async def _with_run(service: Service, environment: Environment, session: Session) -> Session:
    """The session with a run; an append starts one where none lives."""
    run_id = environment.ids.run_id()
    changed = await service.store.amend(
        environment.id,
        session.id,
        lambda row: row if row.current_run_id else sessions.replace(row, current_run_id=run_id),
    )
    return changed or session


async def append_record(
    service: Service, environment: Environment, session: Session, direction: Direction, body: str, part: str | None
) -> int | None:
    """Append a data record to a channel of a session; its sequence number, or None for a repeated part."""
    return await service.channels.append(
        environment.id, channel_name(direction, key_of(session)), body, part=part, now=environment.clock.now()
    )


def check_open(service: Service, environment: Environment, session: Session) -> None:
    """Refuse to append to a session that has ended (clauses channel.append-closed, channel.append-expired)."""
    state = sessions.status(session, rfc3339(environment.clock.now()))
    if state == "CLOSED":
        members = service.contract.refusals["channel.append-closed"].members
        raise Refusal("channel.append-closed", members={**members, "closedReason": session.closed_reason})
    if state == "EXPIRED":
        raise Refusal("channel.append-expired")


def close_part(session: Session) -> str:
    """The part id of the close record, so that closes that overlap append it once."""
    return f"close {session.id}"


async def notify_close(
    service: Service, behaviour: Behaviour, environment: Environment, session: Session, calling_run: Any
) -> None:
    """Append the close record to `in`, as far as that is possible (clause channel.close-notifies)."""
    if session.current_run_id is None or session.current_run_id == calling_run:
        return
    part = close_part(session)
    body = data_body(close_message(key_of(session), session.closed_reason), part)
    try:
        seq = await append_record(service, environment, session, IN, body, part)
        if seq is not None:
            message = Message.of(Record(seq, environment.clock.now(), body))
            await behaviour.react(service, behaviour, environment, session, message)
    except (StoreUnavailable, StoreFullError) as error:
        _log.warning("The close record of %s is not in its channel: %s", session.id, error)


async def _named(service: Service, behaviour: Behaviour, call: Call) -> tuple[Session | None, str]:
    """The session that is read and the name of its channel; an externalId that is not there yet has an empty one."""
    session = await behaviour.find(service, call.caller.environment, call.key)
    if session is None and isinstance(call.key, FriendlyId):
        raise Refusal("id.unknown", headers=_DO_NOT_RETRY)
    return session, channel_name(direction_of(call), call.text if session is None else key_of(session))


async def read_records(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """What is in a channel now (clause channel.records)."""
    session, channel = await _named(service, behaviour, call)
    after = int(call.value.get("afterEventId", -1))
    found = await service.channels.read(call.caller.environment.id, channel, after, _ALL)
    return Result(
        "channel.records",
        None,
        {"records": [record.as_row for record in found if not record.is_command]},
        about=session,
    )


async def stream(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """The channel as server-sent events (clauses channel.stream, channel.resume, channel.settled)."""
    timeout_seconds = _timeout_seconds(service, call)
    session, channel = await _named(service, behaviour, call)
    environment = call.caller.environment
    end = await service.channels.settled(environment.id, channel)
    last_event = call.headers.get(b"last-event-id", b"").decode("latin-1")
    if _INTEGER.fullmatch(last_event):
        after = int(last_event)
    else:
        after = end.next_seq - 1 if call.headers.get(b"x-trigger-stream-start") == b"latest" else -1
    peeks = call.headers.get(b"x-peek-settled") == b"1"
    is_settled = peeks and await _completes_turn(service, environment, channel, end.last)
    headers = ((b"x-stream-version", b"v2"), (b"cache-control", b"no-cache"))
    return Result(
        "channel.stream",
        None,
        {},
        about=session,
        headers=(*headers, (b"x-session-settled", b"true")) if is_settled else headers,
        events=lambda: behaviour.events(service, environment, channel, after, 0 if is_settled else timeout_seconds),
    )


async def _completes_turn(service: Service, environment: Environment, channel: str, last: Record | None) -> bool:
    """Whether the last record completes a turn; commands behind it do not count."""
    if last is not None and last.is_command:
        found = await service.channels.read(environment.id, channel, last.seq - _COMMANDS, _COMMANDS)
        last = next((record for record in reversed(found) if not record.is_command), None)
    return last is not None and last.control == TURN_COMPLETE


def _timeout_seconds(service: Service, call: Call) -> int:
    schema = call.operation.headers["timeout-seconds"]
    text = call.headers.get(b"timeout-seconds")
    if text is None:
        default: int = schema.definition["default"]
        return default
    seconds = int(text) if text.isdigit() and len(text) < 10 else 0
    if not schema.is_valid(seconds):
        error = service.contract.refusals["channel.timeout"].error
        raise Refusal("channel.timeout", media_type=_PLAIN, body=error.encode())
    return seconds


async def events(
    service: Service, environment: Environment, channel: str, after: int, timeout_seconds: float
) -> AsyncIterator[bytes]:
    """Server-sent events from a place in a channel until it is silent for so long, or ended.

    With 0 seconds the records that are there, and the end.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    with service.channels.readers.subscribe(environment.id, channel) as subscription:
        while True:
            subscription.rearm()
            found = (
                ()
                if subscription.is_ended
                else await service.channels.read(environment.id, channel, after, _BATCH_RECORDS)
            )
            if found:
                after = found[-1].seq
                end = await service.channels.settled(environment.id, channel)
                yield _batch(found, end.last or found[-1])
                deadline = loop.time() + timeout_seconds
            elif subscription.is_ended or loop.time() >= deadline:
                break
            elif not await _wait(subscription, service, deadline - loop.time()):
                yield b"event: ping\ndata: {}\n\n"
    yield b"data: [DONE]\n\n"


async def _wait(subscription: Subscription, service: Service, left_seconds: float) -> bool:
    """Wait for a record; False where a ping is due."""
    ping_seconds = service.contract.channels.ping_seconds
    return await subscription.wait(min(left_seconds, ping_seconds)) or left_seconds <= ping_seconds


def _batch(found: Any, tail: Record) -> bytes:
    ids = ",".join(str(record.seq) for record in found)
    value = {
        "records": [record.as_event for record in found],
        "tail": {"seq_num": tail.seq, "timestamp": tail.timestamp},
    }
    return b"id: %b\nevent: batch\ndata: %b\n\n" % (ids.encode(), encode(value))
