"""A fault: a named way to break one clause, by replacing steps of the pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from adjourn_mock.dialects.documented import as_dict
from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Answer
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Change, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import FriendlyId, SessionKey

__all__ = ["Change", "Fault", "after_close", "by_external_id", "closing", "finding", "row_of_close", "rows", "stored"]

Close = Callable[[Service, Behaviour, Call], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is broken: `clause` by the slug, `summary` in a line, `change` makes the faulty behaviour."""

    name: str
    clause: str
    summary: str
    change: Change


def finding(same: Callable[[str, str], bool], *, friendly: bool = True, external: bool = True) -> Change:
    """Also find sessions whose id is only `same` as the one asked for: `same(asked, had)`."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            exact = await base.find(service, environment, key)
            if exact is not None or not (friendly if isinstance(key, FriendlyId) else external):
                return exact
            for session in await service.store.snapshot(environment.id):
                had = session.id if isinstance(key, FriendlyId) else session.external_id
                if had is not None and same(key.value, had):
                    return session
            return None

        return replace(base, find=find)

    return change


def rows(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Edit the members of every single row that is answered."""

    def change(base: Behaviour) -> Behaviour:
        def row(session: Session) -> dict[str, Any]:
            members = as_dict(base.row(session))
            edit(members)
            return members

        return replace(base, row=row)

    return change


def row_of_close(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Edit the members of rows that close answers; what is kept stays right."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            if result.clause != "close.closes":
                return base.answer(service, behaviour, result)

            def row(session: Session) -> dict[str, Any]:
                members = as_dict(base.row(session))
                edit(members)
                return members

            return base.answer(service, replace(behaviour, row=row), result)

        return replace(base, answer=answer)

    return change


def closing(wrap: Callable[[Close], Close]) -> Change:
    """Put something around close."""
    return lambda base: replace(base, close=wrap(base.close))


def after_close(act: Callable[[Service, Call, Session, bool], Awaitable[Session | None]]) -> Change:
    """Do something once close has done its work; `act` gets the row before and whether it was the first close.

    What `act` returns is answered instead, where it is not None.
    """

    def wrap(close: Close) -> Close:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            before = await behaviour.find(service, call.caller.environment, call.key)
            result = await close(service, behaviour, call)
            assert result.session is not None  # noqa: S101 - close answers a row
            first = before is not None and before.closed_at is None
            changed = await act(service, call, result.session, first)
            return result if changed is None else Result(result.clause, changed, result.members)

        return faulty

    return closing(wrap)


def by_external_id(faulty: Change) -> Change:
    """Close in a faulty way where the session is meant by its externalId."""

    def change(base: Behaviour) -> Behaviour:
        other = faulty(base)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            step = base.close if isinstance(call.key, FriendlyId) else other.close
            return await step(service, behaviour, call)

        return replace(base, close=close)

    return change


async def stored(service: Service, environment: Environment, session: Session, **members: Any) -> Session:
    """Keep other members for a session than it should have."""
    changed = await service.store.amend(
        environment.id, session.id, lambda current: sessions.replace(current, **members)
    )
    return changed or session
