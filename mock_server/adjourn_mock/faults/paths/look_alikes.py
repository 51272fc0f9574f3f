"""Faults of externalIds that look like something else: names of built-ins, numbers, words."""

from __future__ import annotations

from dataclasses import replace

from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, named
from adjourn_mock.faults.members import setting
from adjourn_mock.faults.paths.ids import not_finding
from adjourn_mock.faults.steps import Step, around, finding, given, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import ExternalId, SessionKey

__all__ = ["FAULTS"]

_BUILT_INS = ("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf", "prototype")
_WORDS = ("null", "undefined", "None", "true", "false", "NaN")


def is_built_in(key: SessionKey) -> bool:
    return isinstance(key, ExternalId) and key.value in _BUILT_INS


def is_word(key: SessionKey) -> bool:
    return isinstance(key, ExternalId) and key.value in _WORDS


def failing_if_unknown(base: Behaviour) -> Behaviour:
    async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
        session = await base.find(service, environment, key)
        if session is None and is_built_in(key):
            raise Refusal("id.unknown", "something went wrong", status=500)
        return session

    return replace(base, find=find)


def newest_for_built_ins(base: Behaviour) -> Behaviour:
    async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
        session = await base.find(service, environment, key)
        if session is None and is_built_in(key):
            return next(iter(reversed(await service.store.snapshot(environment.id))), None)
        return session

    return replace(base, find=find)


def failing_on_create(create: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        if call.value.get("externalId") in _BUILT_INS:
            raise Refusal("create.invalid", "something went wrong", status=500)
        return await create(service, behaviour, call)

    return faulty


def number_of(text: str) -> float | None:
    """What JavaScript's Number makes of a text, or None."""
    try:
        return float(int(text, 16)) if text[:2].lower() == "0x" else float(text)
    except ValueError:
        return None


def same_number(asked: str, had: str) -> bool:
    number = number_of(asked)
    return number is not None and number == number_of(had)


def same_without_zeros(asked: str, had: str) -> bool:
    return asked.isdigit() and had.isdigit() and int(asked) == int(had)


def same_with_exponent(asked: str, had: str) -> bool:
    return ("e" in asked.lower()) != ("e" in had.lower()) and same_number(asked, had)


def number_text(external_id: str) -> str:
    return str(int(external_id)) if external_id.isascii() and external_id.isdigit() else external_id


def in_any_case(create: Step) -> Step:
    """A create finds the session whose externalId differs in letter case."""

    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        wanted = call.value.get("externalId")
        for session in await service.store.snapshot(call.caller.environment.id) if wanted else ():
            had = session.external_id
            if had is not None and had != wanted and had.lower() == str(wanted).lower() and session.closed_at is None:
                return await create(service, behaviour, with_value(call, {**call.value, "externalId": had}))
        return await create(service, behaviour, call)

    return faulty


FAULTS = named(
    {
        "id-built-in-found": Breach(
            "id.unknown",
            "The server finds the newest session for the name of a built-in such as constructor.",
            newest_for_built_ins,
        ),
        "id-built-in-500": Breach(
            "server.no-error",
            "The server answers 500 for an unknown id that is the name of a built-in.",
            failing_if_unknown,
        ),
        "id-built-in-not-found": not_finding("id.external", "externalIds that are names of built-ins", is_built_in),
        "id-word-not-found": not_finding("id.external", "externalIds such as null and true", is_word),
        "create-built-in-500": Breach(
            "server.no-error",
            "The server answers 500 to a create whose externalId is the name of a built-in.",
            around("create", failing_on_create),
        ),
        "id-number-value": Breach(
            "id.exact",
            "The server compares externalIds that are numbers by their value.",
            finding(same_number, friendly=False),
        ),
        "id-number-zeros": Breach(
            "id.exact", "The server finds 7 for the externalId 007.", finding(same_without_zeros, friendly=False)
        ),
        "id-number-exponent": Breach(
            "id.exact", "The server finds 100 for the externalId 1e2.", finding(same_with_exponent, friendly=False)
        ),
        "create-number-zeros": Breach(
            "create.created",
            "The server stores the externalId 007 as 7.",
            given("create", setting("externalId", number_text)),
        ),
        "create-cached-any-case": Breach(
            "id.exact",
            "The server answers a create with the session whose externalId differs in letter case.",
            around("create", in_any_case),
        ),
    }
)
