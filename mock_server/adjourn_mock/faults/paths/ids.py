"""Faults of the id clauses: which session a path means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import CREATE, Step, around, refusing, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, ExternalId, FriendlyId, SessionKey

__all__ = ["FAULTS", "not_finding", "overlooking"]

_MAX_MISSED = 100_000
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CUID = re.compile("c[a-z0-9]{24}")


# Which texts are friendly ids: `is_friendly(text, prefix)`.


def identifying(is_friendly: Callable[[str, str], bool]) -> Change:
    """Distinguish ids by another rule."""

    def change(base: Behaviour) -> Behaviour:
        def identify(service: Service, text: str) -> SessionKey:
            return FriendlyId(text) if is_friendly(text, service.contract.friendly_prefix) else ExternalId(text)

        return replace(base, identify=identify)

    return change


def starts_in_any_case(text: str, prefix: str) -> bool:
    return text.lower().startswith(prefix)


def starts_without_underscore(text: str, prefix: str) -> bool:
    return text.startswith(prefix.rstrip("_"))


def contains_prefix(text: str, prefix: str) -> bool:
    return prefix in text


def starts_with_dash(text: str, prefix: str) -> bool:
    return text.replace("-", "_").startswith(prefix)


def has_underscore(text: str, prefix: str) -> bool:
    return re.match(r"[a-z]+_", text) is not None


# What is looked up instead, or not at all.


def falling_back(other: Callable[[Service, SessionKey], SessionKey | None]) -> Change:
    """Where nothing is found, look for another key as well."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            session = await base.find(service, environment, key)
            instead = other(service, key) if session is None else None
            return session if instead is None else await base.find(service, environment, instead)

        return replace(base, find=find)

    return change


def id_without_prefix(service: Service, key: SessionKey) -> SessionKey | None:
    return FriendlyId(service.contract.friendly_prefix + key.value) if isinstance(key, ExternalId) else None


def external_behind_prefix(service: Service, key: SessionKey) -> SessionKey | None:
    return ExternalId(key.value.removeprefix(service.contract.friendly_prefix)) if isinstance(key, FriendlyId) else None


def friendly_in_any_case(service: Service, key: SessionKey) -> SessionKey | None:
    prefix = service.contract.friendly_prefix
    if isinstance(key, ExternalId) and key.value.lower().startswith(prefix):
        return FriendlyId(prefix + key.value[len(prefix) :])
    return None


def overlooking(which: Callable[[SessionKey], bool], status: int | None = None) -> Change:
    """Do not find some ids; with a status, refuse to look them up."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            if not which(key):
                return await base.find(service, environment, key)
            if status is not None:
                raise Refusal("id.unknown", status=status)
            return None

        return replace(base, find=find)

    return change


def is_friendly(key: SessionKey) -> bool:
    return isinstance(key, FriendlyId)


def is_external(key: SessionKey) -> bool:
    return isinstance(key, ExternalId)


def has_line_feed(key: SessionKey) -> bool:
    return "\n" in key.value


def is_uuid(key: SessionKey) -> bool:
    return is_external(key) and _UUID.fullmatch(key.value) is not None


def is_number(key: SessionKey) -> bool:
    return is_external(key) and key.value.isdigit()


def is_like_own(key: SessionKey) -> bool:
    return is_external(key) and _CUID.fullmatch(key.value) is not None


def is_long(key: SessionKey) -> bool:
    return len(key.value) > 290


def is_strange(key: SessionKey) -> bool:
    return is_friendly(key) and re.fullmatch("[a-z]+_[a-z0-9]*", key.value) is None


def remembering_misses(base: Behaviour) -> Behaviour:
    """An id that was not found once is not looked up again."""
    missed: set[tuple[str, SessionKey]] = set()

    async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
        if (environment.id, key) in missed:
            return None
        session = await base.find(service, environment, key)
        if session is None and len(missed) < _MAX_MISSED:
            missed.add((environment.id, key))
        return session

    return replace(base, find=find)


def making_unknown(close: Step) -> Step:
    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        environment = call.caller.environment
        if isinstance(call.key, ExternalId) and await behaviour.find(service, environment, call.key) is None:
            body = {
                "type": "chat.agent",
                "taskIdentifier": "my-chat",
                "externalId": call.text,
                "triggerConfig": {"basePayload": {}},
            }
            await behaviour.create(service, behaviour, with_value(call, body))
        return await close(service, behaviour, call)

    return faulty


# Which externalIds create takes.


def reserved_accepted(base: Behaviour) -> Behaviour:
    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        external_id = value.get("externalId") if isinstance(value, dict) else None
        if not isinstance(external_id, str) or rule.limit_clause != CREATE:
            return base.validate(request, value, rule)
        return {**base.validate(request, {**value, "externalId": "x"}, rule), "externalId": external_id.strip()}

    return replace(base, validate=validate)


def reserved_before_trimming(base: Behaviour) -> Behaviour:
    faulty = reserved_accepted(base)

    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        external_id = value.get("externalId") if isinstance(value, dict) else None
        is_padded = isinstance(external_id, str) and external_id != external_id.strip()
        return (faulty if is_padded else base).validate(request, value, rule)

    return replace(base, validate=validate)


def not_finding(clause: str, what: str, which: Callable[[SessionKey], bool]) -> Breach:
    return Breach(clause, f"The server does not find {what}.", overlooking(which))


FAULTS = named(
    {
        "id-friendly-not-found": not_finding("id.friendly", "a session by its friendly id", is_friendly),
        "id-external-not-found": not_finding("id.external", "a session by its externalId", is_external),
        "id-prefix-any-case": Breach(
            "id.prefix",
            "The server takes the prefix of friendly ids in any letter case.",
            identifying(starts_in_any_case),
        ),
        "id-prefix-no-underscore": Breach(
            "id.prefix", "The server takes the prefix without its underscore.", identifying(starts_without_underscore)
        ),
        "id-prefix-anywhere": Breach(
            "id.prefix",
            "The server takes an id with the prefix anywhere for a friendly one.",
            identifying(contains_prefix),
        ),
        "id-prefix-dash": Breach(
            "id.prefix", "The server takes a dash for the underscore of the prefix.", identifying(starts_with_dash)
        ),
        "id-prefix-any-underscore": Breach(
            "id.prefix", "The server takes any word and underscore for the prefix.", identifying(has_underscore)
        ),
        "id-without-prefix": Breach(
            "id.no-fallback", "The server finds a friendly id without its prefix.", falling_back(id_without_prefix)
        ),
        "id-external-behind-prefix": Breach(
            "id.no-fallback",
            "The server finds an externalId behind the friendly prefix.",
            falling_back(external_behind_prefix),
        ),
        "id-friendly-any-prefix-case": Breach(
            "id.no-fallback",
            "The server tries an unknown externalId as a friendly id.",
            falling_back(friendly_in_any_case),
        ),
        "id-line-feed": not_finding("id.decoding", "ids with a line feed in them", has_line_feed),
        "id-uuid": not_finding("id.external", "externalIds that are UUIDs", is_uuid),
        "id-digits": not_finding("id.external", "externalIds that are numbers", is_number),
        "id-like-own": not_finding("id.external", "externalIds like its own ids without the prefix", is_like_own),
        "id-long-500": Breach(
            "server.no-error", "The server answers 500 for a very long id.", overlooking(is_long, 500)
        ),
        "id-strange-friendly-400": Breach(
            "id.unknown",
            "The server answers 400 for a friendly id with unusual characters.",
            overlooking(is_strange, 400),
        ),
        "id-miss-remembered": Breach(
            "id.unknown", "The server does not find a session that was asked for before it existed.", remembering_misses
        ),
        "id-unknown-400": Breach(
            "id.unknown", "The server answers 400 for an unknown id.", refusing("id.unknown", status=400)
        ),
        "id-unknown-200": Breach(
            "id.unknown", "The server answers 200 for an unknown id.", refusing("id.unknown", status=200)
        ),
        "id-unknown-403": Breach(
            "id.unknown", "The server answers 403 for an unknown id.", refusing("id.unknown", status=403)
        ),
        "id-unknown-410": Breach(
            "id.unknown", "The server answers 410 for an unknown id.", refusing("id.unknown", status=410)
        ),
        "id-unknown-500": Breach(
            "server.no-error", "The server answers 500 for an unknown id.", refusing("id.unknown", status=500)
        ),
        "id-unknown-no-error": Breach(
            "id.unknown",
            "The server answers 404 without an error string.",
            refusing("id.unknown", body=b'{"message":"not found"}'),
        ),
        "id-unknown-made": Breach(
            "id.unknown", "The server creates an unknown session when it is closed.", around("close", making_unknown)
        ),
        "id-reserved-accepted": Breach(
            "id.reserved", "The server creates a session with the friendly prefix in its externalId.", reserved_accepted
        ),
        "id-reserved-before-trimming": Breach(
            "id.reserved",
            "The server looks for the friendly prefix before it drops white space.",
            reserved_before_trimming,
        ),
    }
)
