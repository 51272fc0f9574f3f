"""Faults of the close clauses: what close does, to this session and to others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Refusal
from adjourn_mock.faults.fault import Change, Close, Fault, after_close, by_external_id, closing, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import ExternalId, FriendlyId

__all__ = ["FAULTS", "now"]


def now(call: Call, offset_milliseconds: int = 0) -> str:
    return rfc3339(call.caller.environment.clock.now() + offset_milliseconds)


def storing_on_first(members: Callable[[Call, Session], dict[str, Any]]) -> Change:
    """The first close keeps other members than it should."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        return await stored(service, call.caller.environment, session, **members(call, session)) if first else None

    return after_close(act)


def storing_on_later(members: Callable[[Call, Session], dict[str, Any]]) -> Change:
    """A later close changes what the first has kept."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        return None if first else await stored(service, call.caller.environment, session, **members(call, session))

    return after_close(act)


def refusing_later(status: int) -> Change:
    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        if not first:
            raise Refusal("close.recreate", "already closed", status=status)
        return None

    return after_close(act)


def each_close(number: int, act: Callable[[Service, Call, Session], Awaitable[Session | None]]) -> Change:
    """Do something at every `number`-th close of the server."""

    def change(base: Behaviour) -> Behaviour:
        numbers = count(1)

        async def every(service: Service, call: Call, session: Session, first: bool) -> Session | None:
            return await act(service, call, session) if first and next(numbers) % number == 0 else None

        return after_close(every)(base)

    return change


async def fail(service: Service, call: Call, session: Session) -> Session | None:
    raise Refusal("close.recreate", "something went wrong", status=500)


async def lose_reason(service: Service, call: Call, session: Session) -> Session | None:
    return await stored(service, call.caller.environment, session, closed_reason="")


async def not_kept(service: Service, call: Call, session: Session) -> Session | None:
    await stored(service, call.caller.environment, session, closed_at=None, closed_reason=None)
    return session


def third_close(members: Callable[[Call, Session], dict[str, Any]]) -> Change:
    """Only the third close of a session does harm."""

    def change(base: Behaviour) -> Behaviour:
        times: dict[str, int] = {}

        async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
            times[session.id] = times.get(session.id, 0) + 1
            if times[session.id] != 3:
                return None
            return await stored(service, call.caller.environment, session, **members(call, session))

        return after_close(act)(base)

    return change


def refusing_some(refused: Callable[[Session, str], bool], status: int = 409) -> Change:
    """Refuse to close open sessions of some sort."""

    def wrap(close: Close) -> Close:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is not None and session.closed_at is None and refused(session, now(call)):
                raise Refusal("close.recreate", "This session cannot be closed", status=status)
            return await close(service, behaviour, call)

        return faulty

    return closing(wrap)


def not_closing(base: Behaviour) -> Behaviour:
    """Answers as if it had closed the session, and has not."""

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is None:
            raise Refusal("id.unknown")
        return Result("close.closes", sessions.close(session, call.value.get("reason"), now(call)), {})

    return replace(base, close=close)


def by_one_form_only(friendly: bool) -> Change:
    """Closes by one form of id are not kept."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        if first and isinstance(call.key, FriendlyId) is not friendly:
            await stored(service, call.caller.environment, session, closed_reason=None)
        return session

    return after_close(act)


def closing_others(related: Callable[[Session, Session], bool]) -> Change:
    """Closes other sessions as well: `related(other, closed)`."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        environment = call.caller.environment
        if first:
            for other in await service.store.snapshot(environment.id):
                if other.id != session.id and other.closed_at is None and related(other, session):
                    await service.store.close_once(environment.id, other.id, session.closed_reason, now(call))
        return None

    return after_close(act)


def touching_the_last(base: Behaviour) -> Behaviour:
    """Moves updatedAt on of the session that was made last."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        others = [other for other in await service.store.snapshot(call.caller.environment.id) if other.id != session.id]
        if first and others:
            await stored(service, call.caller.environment, others[-1], updated_at=now(call, 5))
        return None

    return after_close(act)(base)


def closing_the_newest_for_nobody(base: Behaviour) -> Behaviour:
    """A close of a session that is not there closes the one that was made last."""

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        environment = call.caller.environment
        if await behaviour.find(service, environment, call.key) is None:
            rows = await service.store.snapshot(environment.id)
            if rows:
                await service.store.close_once(environment.id, rows[-1].id, None, now(call))
        return await base.close(service, behaviour, call)

    return replace(base, close=close)


def stale_retrieve(cached: type, forgotten_by: type) -> Change:
    """Retrieve by one form of id answers what it answered before, until a close by the other one."""

    def change(base: Behaviour) -> Behaviour:
        rows: dict[str, Session] = {}

        async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.retrieve(service, behaviour, call)
            session = result.session
            assert session is not None  # noqa: S101 - retrieve answers a row
            if not isinstance(call.key, cached):
                return result
            return Result(result.clause, rows.setdefault(session.id, session), result.members)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.close(service, behaviour, call)
            if result.session is not None and isinstance(call.key, forgotten_by):
                rows.pop(result.session.id, None)
            return result

        return replace(base, retrieve=retrieve, close=close)

    return change


def replaying_later(base: Behaviour) -> Behaviour:
    """A later close answers what the first one did, whatever has changed since."""
    first: dict[str, Session] = {}

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await base.close(service, behaviour, call)
        assert result.session is not None  # noqa: S101 - close answers a row
        return Result(result.clause, first.setdefault(result.session.id, result.session), result.members)

    return replace(base, close=close)


def shared_tag(other: Session, closed: Session) -> bool:
    return bool(set(other.tags) & set(closed.tags))


def same_start(other: Session, closed: Session) -> bool:
    return bool(other.external_id and closed.external_id and other.external_id.startswith(closed.external_id))


FAULTS = [
    Fault("close-does-nothing", "close.persisted", "The answer says closed, the session stays open.", not_closing),
    Fault("close-at-created", "close.closes", "closedAt is createdAt.", storing_on_first(lambda c, s: {"closed_at": s.created_at})),
    Fault("close-in-the-future", "close.closes", "closedAt lies an hour ahead.", storing_on_first(lambda c, s: {"closed_at": now(c, 3_600_000)})),
    Fault("close-in-the-past", "close.closes", "closedAt lies an hour back.", storing_on_first(lambda c, s: {"closed_at": now(c, -3_600_000)})),
    Fault("close-at-epoch", "close.closes", "closedAt is 1970.", storing_on_first(lambda c, s: {"closed_at": "1970-01-01T00:00:00.000Z"})),
    Fault("close-at-midnight", "close.closes", "closedAt is the day alone.", storing_on_first(lambda c, s: {"closed_at": now(c)[:10] + "T00:00:00.000Z"})),
    Fault("close-201", "close.closes", "Close answers 201.", lambda base: replace(base, answer=lambda s, b, r: with_status(base.answer(s, b, r), r, 201))),
    Fault("close-204", "close.closes", "Close answers 204 with nothing.", lambda base: replace(base, answer=lambda s, b, r: without_body(base.answer(s, b, r), r))),
    Fault("close-202", "close.closes", "Close answers 202.", lambda base: replace(base, answer=lambda s, b, r: with_status(base.answer(s, b, r), r, 202))),
    Fault("close-by-friendly-id-half-kept", "close.persisted", "A close by friendly id loses its reason.", by_one_form_only(friendly=False)),
    Fault("close-by-external-id-half-kept", "close.persisted", "A close by externalId loses its reason.", by_one_form_only(friendly=True)),
    Fault("close-without-external-id-refused", "close.closes", "Sessions without externalId cannot be closed.", refusing_some(lambda s, n: s.external_id is None)),
    Fault("close-of-other-types-refused", "close.closes", "Only sessions of type chat.agent can be closed.", refusing_some(lambda s, n: s.type != "chat.agent")),
    Fault("close-with-tags-refused", "close.closes", "Sessions with many tags cannot be closed.", refusing_some(lambda s, n: len(s.tags) > 5, 500)),
    Fault("close-with-expiry-refused", "close.closes", "Sessions with an expiry cannot be closed.", refusing_some(lambda s, n: s.expires_at is not None and s.expires_at > n)),
    Fault("close-with-full-config-refused", "close.closes", "Sessions with every trigger option cannot be closed.", refusing_some(lambda s, n: len(s.trigger_config) > 6, 500)),
    Fault("close-every-tenth-fails", "close.closes", "Every tenth close is 500.", each_close(10, fail)),
    Fault("close-every-fiftieth-fails", "close.closes", "Every fiftieth close is 500.", each_close(50, fail)),
    Fault("close-every-seventh-loses-reason", "reason.verbatim", "Every seventh close loses the reason.", each_close(7, lose_reason)),
    Fault("close-every-thirtieth-not-kept", "close.persisted", "Every thirtieth close is not kept.", each_close(30, not_kept)),
    Fault("later-close-moves-closed-at", "close.idempotent", "A later close moves closedAt.", storing_on_later(lambda c, s: {"closed_at": now(c, 1)})),
    Fault("later-close-moves-updated-at", "close.idempotent", "A later close moves updatedAt.", storing_on_later(lambda c, s: {"updated_at": now(c, 1)})),
    Fault("later-close-replaces-reason", "close.idempotent", "A later close replaces the reason.", storing_on_later(lambda c, s: {"closed_reason": c.value.get("reason", s.closed_reason)})),
    Fault("later-close-adds-reason", "close.idempotent", "A later close adds a reason where there was none.", storing_on_later(lambda c, s: {"closed_reason": s.closed_reason if s.closed_reason is not None else c.value.get("reason")})),
    Fault("later-close-drops-reason", "close.idempotent", "A later close without a reason drops the one there was.", storing_on_later(lambda c, s: {"closed_reason": c.value.get("reason") and s.closed_reason})),
    Fault("later-close-to-the-second", "close.idempotent", "A later close sets closedAt anew, to the second.", storing_on_later(lambda c, s: {"closed_at": now(c)[:19] + ".000Z"})),
    Fault("later-close-replays", "close.persisted", "A later close answers the row of the first, without what was updated since.", replaying_later),
    Fault("later-close-409", "close.idempotent", "A later close is 409.", refusing_later(409)),
    Fault("later-close-400", "close.idempotent", "A later close is 400.", refusing_later(400)),
    Fault("later-close-404", "close.idempotent", "A later close is 404.", refusing_later(404)),
    Fault("third-close-moves-closed-at", "close.idempotent", "The third close moves closedAt.", third_close(lambda c, s: {"closed_at": now(c, 1)})),
    Fault("third-close-replaces-reason", "close.idempotent", "The third close replaces the reason.", third_close(lambda c, s: {"closed_reason": "third"})),
    Fault("close-toggles", "close.terminal", "A later close reopens.", storing_on_later(lambda c, s: {"closed_at": None, "closed_reason": None})),
    Fault("close-drops-tags", "close.preserves", "Close drops the tags.", storing_on_first(lambda c, s: {"tags": ()})),
    Fault("close-sorts-tags", "close.preserves", "Close sorts the tags.", storing_on_first(lambda c, s: {"tags": tuple(sorted(s.tags))})),
    Fault("close-drops-metadata", "close.preserves", "Close drops the metadata.", storing_on_first(lambda c, s: {"metadata": None})),
    Fault("close-metadata-empty-is-null", "close.preserves", "Close makes empty metadata null.", storing_on_first(lambda c, s: {"metadata": s.metadata or None})),
    Fault("close-adds-metadata", "close.preserves", "Close notes the reason in the metadata.", storing_on_first(lambda c, s: {"metadata": {**(s.metadata or {}), "closed": True}})),
    Fault("close-drops-config", "close.preserves", "Close drops trigger options.", storing_on_first(lambda c, s: {"trigger_config": {"basePayload": s.trigger_config["basePayload"]}})),
    Fault("close-drops-payload", "close.preserves", "Close drops the payload.", storing_on_first(lambda c, s: {"trigger_config": {**s.trigger_config, "basePayload": {}}})),
    Fault("close-drops-external-id", "close.preserves", "Close frees the externalId.", storing_on_first(lambda c, s: {"external_id": None})),
    Fault("close-drops-run", "close.preserves", "Close drops the current run.", storing_on_first(lambda c, s: {"current_run_id": None})),
    Fault("close-drops-expiry", "close.preserves", "Close drops the expiry.", storing_on_first(lambda c, s: {"expires_at": None})),
    Fault("close-sets-expiry", "close.preserves", "Close sets the expiry.", storing_on_first(lambda c, s: {"expires_at": s.closed_at})),
    Fault("close-moves-created-at", "close.preserves", "Close moves createdAt.", storing_on_first(lambda c, s: {"created_at": now(c, 1)})),
    Fault("close-changes-type", "close.preserves", "Close changes the type.", storing_on_first(lambda c, s: {"type": f"{s.type}.closed"})),
    Fault("close-changes-task", "close.preserves", "Close changes the task.", storing_on_first(lambda c, s: {"task_identifier": s.task_identifier.lower()[:64]})),
    Fault("updated-at-stays", "close.updated-at", "updatedAt does not move with the close.", storing_on_first(lambda c, s: {"updated_at": s.created_at})),
    Fault("updated-at-goes-back", "close.updated-at", "updatedAt goes back.", storing_on_first(lambda c, s: {"updated_at": "2001-01-01T00:00:00.000Z"})),
    Fault("updated-at-ahead", "close.updated-at", "updatedAt lies an hour ahead.", storing_on_first(lambda c, s: {"updated_at": now(c, 3_600_000)})),
    Fault("close-at-created-by-external-id", "close.closes", "closedAt is createdAt where an externalId is used.", by_external_id(storing_on_first(lambda c, s: {"closed_at": s.created_at}))),
    Fault("updated-at-stays-by-external-id", "close.updated-at", "updatedAt does not move with a close by externalId.", by_external_id(storing_on_first(lambda c, s: {"updated_at": s.created_at}))),
    Fault("later-close-moves-updated-at-by-external-id", "close.idempotent", "A later close by externalId moves updatedAt.", by_external_id(storing_on_later(lambda c, s: {"updated_at": now(c, 1)}))),
    Fault("unknown-closes-newest", "close.only-one", "A close of an unknown session closes the one made last.", closing_the_newest_for_nobody),
    Fault("retrieve-stale-by-external-id", "close.persisted", "Retrieve by externalId is stale after a close by friendly id.", stale_retrieve(ExternalId, ExternalId)),
    Fault("retrieve-stale-by-friendly-id", "close.persisted", "Retrieve by friendly id is stale after a close by externalId.", stale_retrieve(FriendlyId, FriendlyId)),
    Fault("others-with-tag-closed", "close.only-one", "Sessions with the same tag are closed too.", closing_others(shared_tag)),
    Fault("others-with-same-start-closed", "close.only-one", "Sessions whose externalId starts alike are closed too.", closing_others(same_start)),
    Fault("others-of-type-closed", "close.only-one", "Sessions of the same type are closed too.", closing_others(lambda o, c: o.type == c.type)),
    Fault("others-of-task-closed", "close.only-one", "Sessions of the same task and type are closed too.", closing_others(lambda o, c: o.task_identifier == c.task_identifier and o.metadata == c.metadata and bool(c.metadata))),
    Fault("others-without-external-id-closed", "close.only-one", "All sessions without externalId are closed together.", closing_others(lambda o, c: o.external_id is None and c.external_id is None)),
    Fault("last-touched", "close.only-one", "The session made last is touched.", touching_the_last),
    Fault("expired-409", "close.expired", "Closing an expired session is 409.", refusing_some(lambda s, n: s.expires_at is not None and s.expires_at <= n)),
    Fault("expired-404", "close.expired", "Closing an expired session is 404.", refusing_some(lambda s, n: s.expires_at is not None and s.expires_at <= n, 404)),
    Fault("expired-without-reason", "close.expired", "The reason of an expired session's close is lost.", storing_on_first(lambda c, s: {"closed_reason": None} if s.expires_at and s.expires_at <= now(c) else {})),
]  # fmt: skip


def with_status(answer: Answer, result: Result, status: int) -> Answer:
    if result.clause == "close.closes":
        answer.status = status
    return answer


def without_body(answer: Answer, result: Result) -> Answer:
    if result.clause == "close.closes":
        answer.status, answer.body = 204, b""
    return answer
