"""Replacements of single steps, from which most faults are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.types import Receive

from adjourn_mock.dialects.documented import as_dict
from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.json_text import encode
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.members import Edit, Members
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Change, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, FriendlyId, SessionKey

__all__ = [
    "CLOSE",
    "CREATE",
    "UPDATE",
    "Step",
    "answering",
    "around",
    "by_external_id",
    "finding",
    "given",
    "given_session",
    "list_rows",
    "mending",
    "notify",
    "now",
    "refusing",
    "returning",
    "row_of_close",
    "rows",
    "rows_of",
    "stored",
    "with_limit",
    "with_value",
    "without_header",
]

# The limit clause of an operation's body rule names the operation in the steps that get the rule alone.
CLOSE, CREATE, UPDATE = "body.limit", "create.body-limit", "update.body-limit"

Step = Callable[[Service, Behaviour, Call], Awaitable[Result]]


def now(call: Call, offset_milliseconds: int = 0) -> str:
    """The time of the caller's environment, as it is written in a row."""
    return rfc3339(call.caller.environment.clock.now() + offset_milliseconds)


async def stored(service: Service, environment: Environment, session: Session, **members: Any) -> Session:
    """Store other members for a session than it should have."""
    changed = await service.store.amend(
        environment.id, session.id, lambda current: sessions.replace(current, **members)
    )
    return changed or session


async def notify(service: Service, behaviour: Behaviour, call: Call, session: Session) -> None:
    """Append the record of a first close to `in`, where a faulty close does not leave that to the right one."""
    if session.current_run_id is not None:
        await behaviour.notify_close(
            service, behaviour, call.caller.environment, session, call.value.get("callingRunId")
        )


def around(operation: str, wrap: Callable[[Step], Step]) -> Change:
    """Put something around an operation: `create`, `list`, `retrieve`, `update`, `close`, `append` or `stream`."""

    def change(base: Behaviour) -> Behaviour:
        step: dict[str, Any] = {operation: wrap(getattr(base, operation))}
        return replace(base, **step)

    return change


def with_value(call: Call, value: Mapping[str, Any]) -> Call:
    """The same call with another body or query."""
    return msgspec.structs.replace(call, value=value)


def given(operation: str, edit: Edit) -> Change:
    """Do an operation as if another valid body or query had been sent."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            return await step(service, behaviour, with_value(call, edit(dict(call.value))))

        return faulty

    return around(operation, wrap)


def without_header(operation: str, header: bytes) -> Change:
    """Do an operation as if a header had not been sent."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            headers = {name: value for name, value in call.headers.items() if name != header}
            return await step(service, behaviour, msgspec.structs.replace(call, headers=headers))

        return faulty

    return around(operation, wrap)


def given_session(operation: str, edit: Callable[[Session, Members], Members]) -> Change:
    """The same with the session that the path names at hand, where there is one."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            value = call.value if session is None else edit(session, dict(call.value))
            return await step(service, behaviour, with_value(call, value))

        return faulty

    return around(operation, wrap)


def returning(operation: str, edit: Edit) -> Change:
    """Change the members that an operation answers beside the row."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await step(service, behaviour, call)
            return msgspec.structs.replace(result, members=edit(dict(result.members)))

        return faulty

    return around(operation, wrap)


def mending(limit_clause: str, mend: Callable[[Any], Any]) -> Change:
    """Change the JSON of an operation's bodies before it is validated."""

    def change(base: Behaviour) -> Behaviour:
        def validate(request: Request, value: Any, rule: BodyRule) -> Any:
            return base.validate(request, mend(value) if rule.limit_clause == limit_clause else value, rule)

        return replace(base, validate=validate)

    return change


def with_limit(limit_clause: str, limit: Callable[[int], int]) -> Change:
    """Another limit for the bodies of an operation: `limit(bytes)`."""

    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            other = replace(rule, limit_bytes=limit(rule.limit_bytes)) if rule.limit_clause == limit_clause else rule
            return await base.receive(request, receive, other)

        return replace(base, receive=receive)

    return change


def refusing(*clauses: str, **changes: Any) -> Change:
    """Answer refusals for some clauses otherwise; `changes` are fields of the answer, as `status=400`."""

    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            return msgspec.structs.replace(answer, **changes) if refusal.clause in clauses else answer

        return replace(base, refuse=refuse)

    return change


def answering(clause: str, edit: Edit | None = None, **changes: Any) -> Change:
    """Answer the results of a clause otherwise: with edited JSON, or with other fields of the answer."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            made = base.answer(service, behaviour, result)
            if result.clause != clause:
                return made
            body = made.body if edit is None else encode(edit(msgspec.json.decode(made.body)))
            return msgspec.structs.replace(made, **{"body": body, **changes})

        return replace(base, answer=answer)

    return change


def rows(edit: Edit) -> Change:
    """Edit the members of every single row that is answered."""
    return lambda base: replace(base, row=lambda session: edit(as_dict(base.row(session))))


def rows_of(clause: str, edit: Edit) -> Change:
    """Edit the members of rows that are answered for a clause; what is stored stays right."""

    def change(base: Behaviour) -> Behaviour:
        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            return base.answer(service, rows(edit)(behaviour) if result.clause == clause else behaviour, result)

        return replace(base, answer=answer)

    return change


def row_of_close(edit: Edit) -> Change:
    """Edit the members of the rows that close answers; what is stored stays right."""
    return rows_of("close.closes", edit)


def list_rows(edit: Edit) -> Change:
    """Edit the members of every row of a list."""
    return lambda base: replace(base, list_row=lambda session: edit(as_dict(base.list_row(session))))


def by_external_id(faulty: Change) -> Change:
    """Close in a faulty way where the path names the session by its externalId."""

    def change(base: Behaviour) -> Behaviour:
        other = faulty(base)

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            step = base.close if isinstance(call.key, FriendlyId) else other.close
            return await step(service, behaviour, call)

        return replace(base, close=close)

    return change


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
