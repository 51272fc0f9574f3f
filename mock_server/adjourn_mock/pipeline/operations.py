"""What the five operations do once a request is let through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import canonical, clamped_rfc3339, rfc3339
from adjourn_mock.domain.sessions import Filter, Page, Session
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import IdTakenError, close_once
from adjourn_spec import ExternalId

__all__ = ["close", "create", "filter_of", "list_sessions", "page_result", "retrieve", "update"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NOTHING: Mapping[str, Any] = {}


async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:  # noqa: ARG001
    """A new session, or the open one that has the externalId (clauses create.created, create.cached)."""
    environment = call.caller.environment
    deadline, external_id = _deadline(call), call.value.get("externalId")
    row = None if external_id is None else await service.store.find(environment.id, ExternalId(external_id))
    if row is None:
        session, row = await _inserted(service, call, deadline)
        if row.id == session.id:
            return _created(service, call, row)
    now = rfc3339(environment.clock.now())
    if sessions.status(row, now) != "ACTIVE":
        raise Refusal("close.recreate")

    def refreshed(current: Session) -> Session:
        if sessions.status(current, now) != "ACTIVE":
            return current
        return sessions.refresh(current, call.value["triggerConfig"], now)

    before = row
    row = await service.store.amend(environment.id, row.id, refreshed) or row
    if sessions.status(row, now) != "ACTIVE":
        raise Refusal("close.recreate")
    return _created(service, call, row, before)


async def _inserted(service: Service, call: Call, deadline: str | None) -> tuple[Session, Session]:
    """The session that was asked for, and the one that has the externalId now."""
    environment = call.caller.environment
    while True:
        session = sessions.create(
            call.value,
            session_id=environment.ids.session_id(),
            run_id=environment.ids.run_id(),
            expires_at=deadline,
            now=rfc3339(environment.clock.now()),
        )
        try:
            return session, await service.store.insert(environment.id, session)
        except IdTakenError:
            # A seed gives the same ids after a restart, to a store that still has them.
            continue


def _deadline(call: Call) -> str | None:
    expires_at = call.value.get("expiresAt")
    try:
        return None if expires_at is None else canonical(expires_at)
    except ValueError:
        raise Refusal("create.invalid", "Validation error: expiresAt: out of range") from None


def _created(service: Service, call: Call, session: Session, before: Session | None = None) -> Result:
    cached = before is not None
    token = service.tokens.issue(call.caller.environment, session.external_id or session.id)
    members = {"runId": session.current_run_id, "publicAccessToken": token, "isCached": cached}
    return Result("create.cached" if cached else "create.created", session, members, before)


async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """The row as it is (clause retrieve.row)."""
    session = _found(await behaviour.find(service, call.caller.environment, call.key))
    return Result("retrieve.row", session, _NOTHING, session)


async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """Close it, or answer the row of the first close (clauses close.closes, close.idempotent)."""
    before = session = _found(await behaviour.find(service, call.caller.environment, call.key))
    environment = call.caller.environment
    if session.closed_at is None:
        now = rfc3339(environment.clock.now())
        closed = await close_once(service.store, environment.id, session.id, call.value.get("reason"), now)
        if closed is None:
            raise Refusal("id.unknown")
        session = closed
        if session.current_run_id is not None:
            await behaviour.notify_close(service, behaviour, environment, session, call.value.get("callingRunId"))
    return Result("close.closes", session, _NOTHING, before)


async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """Replace tags and metadata (clauses update.applied, update.external-id)."""
    session = _found(await behaviour.find(service, call.caller.environment, call.key))
    if "externalId" in call.value and call.value["externalId"] != session.external_id:
        raise Refusal("update.external-id")
    environment = call.caller.environment
    now = rfc3339(environment.clock.now())
    updated = await service.store.amend(
        environment.id, session.id, lambda current: sessions.update(current, call.value, now)
    )
    if updated is None:
        raise Refusal("id.unknown")
    return Result("update.applied", updated, _NOTHING, session)


def _found(session: Session | None) -> Session:
    if session is None:
        raise Refusal("id.unknown")
    return session


async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """One page, newest first (clauses list.order, list.page, list.cursors, list.filter)."""
    environment = call.caller.environment
    now = environment.clock.now()
    asked = call.value.get("page", _NOTHING)
    page = await service.store.page(
        environment.id,
        filter_of(call.value, now),
        size=asked.get("size", service.contract.page_size),
        after=_from_cursor(service, asked.get("after")),
        before=_from_cursor(service, asked.get("before")),
        now=rfc3339(now),
    )
    return page_result(service, behaviour, page)


def page_result(service: Service, behaviour: Behaviour, page: Page) -> Result:
    """The rows of a page, and the cursors of the pages beside it."""
    pagination = {}
    if page.sessions and page.has_older:
        pagination["next"] = _to_cursor(service, page.sessions[-1])
    if page.sessions and page.has_newer:
        pagination["previous"] = _to_cursor(service, page.sessions[0])
    rows = list(map(behaviour.list_row, page.sessions))
    return Result("list.page", None, {"data": rows, "pagination": pagination})


def filter_of(value: Mapping[str, Any], now: int) -> Filter:
    """What a list keeps that is asked for at a moment."""
    period = value.get("filter[createdAt][period]")
    starts = [start for start in (value.get("filter[createdAt][from]"), _since(period, now)) if start is not None]
    end = value.get("filter[createdAt][to]")
    return Filter(
        types=tuple(value.get("filter[type]", ())),
        tags=tuple(value.get("filter[tags]", ())),
        task_identifiers=tuple(value.get("filter[taskIdentifier]", ())),
        external_id=value.get("filter[externalId]"),
        statuses=tuple(value.get("filter[status]", ())),
        created_from=clamped_rfc3339(max(starts)) if starts else None,
        created_to=None if end is None else clamped_rfc3339(end),
    )


def _since(period: str | None, now: int) -> int | None:
    if period is None:
        return None
    count, unit = re.fullmatch(r"([0-9]+)([a-z])", period).groups()  # type: ignore[union-attr]
    return now - int(count) * _SECONDS[unit] * 1000


def _to_cursor(service: Service, session: Session) -> str:
    """A cursor is the id without its prefix, as the service makes it."""
    return session.id.removeprefix(service.contract.friendly_prefix)


def _from_cursor(service: Service, cursor: str | None) -> str | None:
    prefix = service.contract.friendly_prefix
    return None if cursor is None else prefix + cursor.removeprefix(prefix)
