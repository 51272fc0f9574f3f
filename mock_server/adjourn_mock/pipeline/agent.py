"""The agent at work: it reads what was appended to `in` and writes its turns to `out`."""

from __future__ import annotations

import asyncio
import logging
import secrets

from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.records import OUT, TURN_COMPLETE, Message, RecordHeaders, control_record, data_body
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.agent import Turn, chunks_of
from adjourn_mock.environments.environments import Environment
from adjourn_mock.pipeline.behaviour import Behaviour
from adjourn_mock.pipeline.channels import channel_name, key_of
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import StoreFullError, StoreUnavailable, close_once

__all__ = ["append_command", "append_control", "complete_turn", "react", "say"]

_log = logging.getLogger("adjourn")
_CLOSED, _REASON = "session-closed", "session-closed-reason"


async def react(
    service: Service, behaviour: Behaviour, environment: Environment, session: Session, message: Message
) -> None:
    """Do what the script of the environment has for a message: answer, stop, end."""
    script = environment.agent
    turns = service.turns.of(environment.id, key_of(session))
    if message.kind == "stop":
        if turns.stop():
            await say(service, environment, session, {"type": "abort"})
            await behaviour.complete_turn(service, environment, session, message, Turn())
    elif message.kind == "action":
        await behaviour.complete_turn(service, environment, session, message, Turn())
    elif message.trigger == "close":
        if script.on_close == "announce":
            await _announce_close(service, environment, session, session.closed_reason)
    elif message.kind == "message" and message.trigger != "preload":
        index, rule = script.rule_for((session.id, session.external_id), message)
        number = 0 if len(rule.turns) == 1 else await service.sync.count(environment, f"agent rule {index}")
        turn = rule.turns[min(number, len(rule.turns) - 1)]
        if turn.delay_milliseconds:
            turns.begin(_play_later(service, behaviour, environment, session, message, turn))
        else:
            await _play(service, behaviour, environment, session, message, turn)


async def _play_later(
    service: Service, behaviour: Behaviour, environment: Environment, session: Session, message: Message, turn: Turn
) -> None:
    try:
        await _play(service, behaviour, environment, session, message, turn)
    except (StoreUnavailable, StoreFullError) as error:
        _log.warning("The agent of %s could not write its turn: %s", session.id, error)


async def _play(
    service: Service, behaviour: Behaviour, environment: Environment, session: Session, message: Message, turn: Turn
) -> None:
    """Write a turn, chunk by chunk."""
    for chunk in chunks_of(turn, message, secrets.token_hex(8)):
        if turn.delay_milliseconds:
            await asyncio.sleep(turn.delay_milliseconds / 1000)
        await say(service, environment, session, chunk)
    if turn.completes:
        await behaviour.complete_turn(service, environment, session, message, turn)
    if turn.closes is not None:
        await _announce_close(service, environment, session, turn.closes)
        now = rfc3339(environment.clock.now())
        await close_once(service.store, environment.id, session.id, turn.closes or None, now)


async def say(service: Service, environment: Environment, session: Session, data: object) -> int | None:
    """Append a data record to `out`, its data as it is."""
    name, now = channel_name(OUT, key_of(session)), environment.clock.now()
    return await service.channels.append(
        environment.id, name, data_body(data, secrets.token_hex(8)), part=None, now=now
    )


async def append_control(
    service: Service, environment: Environment, session: Session, kind: str, headers: tuple[tuple[str, str], ...] = ()
) -> int | None:
    """Append a control record to `out`."""
    name, now = channel_name(OUT, key_of(session)), environment.clock.now()
    return await service.channels.append(environment.id, name, "", control_record(kind, headers), part=None, now=now)


async def append_command(
    service: Service, environment: Environment, session: Session, headers: RecordHeaders
) -> int | None:
    """Append a command, such as a trim, to `out`; the mock removes no records for it."""
    name, now = channel_name(OUT, key_of(session)), environment.clock.now()
    return await service.channels.append(environment.id, name, "", headers, part=None, now=now)


async def complete_turn(
    service: Service, environment: Environment, session: Session, message: Message, turn: Turn
) -> None:
    """Write the record that completes a turn: a fresh token, and which message it has consumed."""
    consumed = str(message.seq)
    headers = [
        ("public-access-token", service.tokens.issue(environment, key_of(session))),
        ("session-in-event-id", consumed),
        ("session-in-consumed-id", consumed),
    ]
    if turn.closes is not None:
        headers += [(_CLOSED, "true"), *([(_REASON, turn.closes)] if turn.closes else [])]
    await append_control(service, environment, session, TURN_COMPLETE, tuple(headers))


async def _announce_close(service: Service, environment: Environment, session: Session, reason: str | None) -> None:
    headers = ((_REASON, reason),) if reason else ()
    await append_control(service, environment, session, _CLOSED, headers)
