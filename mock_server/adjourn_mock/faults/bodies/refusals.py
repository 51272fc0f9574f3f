"""Faults of refused bodies: what a close does although its body is refused, and in which order it is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adjourn_mock.exchanges.exchange import Note, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import CLOSE, stored, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]

_FAR_FUTURE = "2099-01-01T00:00:00.000Z"


def refusing_later(base: Behaviour, refused: Note[Refusal], *clauses: str) -> Behaviour:
    """Note the refusal of a close body instead of raising it, and go on with an empty body.

    Args:
        base: the behaviour to change.
        refused: where the refusal is noted.
        clauses: those whose refusals are noted; all if none is named.
    """

    def noted(request: Request, rule: BodyRule, refusal: Refusal) -> Any:
        if rule.limit_clause != CLOSE or (clauses and refusal.clause not in clauses):
            raise refusal
        refused.write(request.notes, refusal)
        return {}

    def parse(request: Request, content: bytes, rule: BodyRule) -> Any:
        try:
            return base.parse(request, content, rule)
        except Refusal as refusal:
            return noted(request, rule, refusal)

    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        try:
            return base.validate(request, value, rule)
        except Refusal as refusal:
            return noted(request, rule, refusal)

    return replace(base, parse=parse, validate=validate)


def closing_anyway(clause: str) -> Change:
    """Close first and look at the body afterwards: a refused one has closed the session."""

    def change(base: Behaviour) -> Behaviour:
        refused: Note[Refusal] = Note("the refusal of the body")

        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.close(service, behaviour, call)
            if (refusal := refused.read(call.notes)) is not None:
                raise refusal
            return result

        return replace(refusing_later(base, refused, clause), close=close)

    return change


def touching_anyway(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of the body")

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        refusal = refused.read(call.notes)
        if refusal is None:
            return await base.close(service, behaviour, call)
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None:
            await stored(service, call.caller.environment, session, updated_at=_FAR_FUTURE)
        raise refusal

    return replace(refusing_later(base, refused, "reason.type", "reason.limit"), close=close)


def lookup_before_body(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of the body")

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        if await behaviour.find(service, call.caller.environment, call.key) is None:
            raise Refusal("id.unknown")
        if (refusal := refused.read(call.notes)) is not None:
            raise refusal
        return await base.close(service, behaviour, call)

    return replace(refusing_later(base, refused), close=close)


def closed_hides_faults(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of the body")

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        refusal = refused.read(call.notes)
        session = await behaviour.find(service, call.caller.environment, call.key)
        if refusal is not None and (session is None or session.closed_at is None):
            raise refusal
        return await base.close(service, behaviour, call if refusal is None else with_value(call, {}))

    return replace(refusing_later(base, refused), close=close)


FAULTS = named(
    {
        "refused-type-closes": Breach(
            "body.no-effect",
            "The server refuses a reason that is not a string, and closes the session.",
            closing_anyway("reason.type"),
        ),
        "refused-limit-closes": Breach(
            "body.no-effect",
            "The server refuses a reason that is too long, and closes the session.",
            closing_anyway("reason.limit"),
        ),
        "refused-malformed-closes": Breach(
            "body.no-effect",
            "The server refuses a malformed body, and closes the session.",
            closing_anyway("body.malformed"),
        ),
        "refused-touches": Breach(
            "body.no-effect", "The server refuses a body, and moves updatedAt on.", touching_anyway
        ),
        "lookup-before-body": Breach(
            "error.order", "The server answers 404 for an unknown session whatever the body is.", lookup_before_body
        ),
        "closed-hides-faults": Breach(
            "error.order", "The server answers a closed session whatever the body is.", closed_hides_faults
        ),
    }
)
