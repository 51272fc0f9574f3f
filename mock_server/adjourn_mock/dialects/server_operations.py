"""What the operations of the vendor's server do otherwise: what its database refuses, and texts of errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline import operations
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import ExternalId, SessionKey

__all__ = ["close", "create", "find", "not_found", "retrieve", "update"]

_FAILED, _FAILED_TO_CREATE = "Internal Server Error", "Something went wrong"
_NO_NEW_EXTERNAL_ID = (
    "externalId cannot be changed after creation; close this session and create a new one with the desired externalId"
)


async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
    if "\0" in key.value:
        raise _database_error("grey.nul-id", _FAILED)
    return await service.store.find(environment.id, key)


def _database_error(grey_zone: str, error: str) -> Refusal:
    return Refusal(grey_zone, error, status=500)


async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """Names of channels are refused, members of triggerConfig that are not known are dropped."""
    environment = call.caller.environment
    if _has_unstorable(_stored(call)):
        raise _database_error("grey.nul", _FAILED_TO_CREATE)
    if _names_a_channel(call.value.get("externalId", "")):
        error = 'externalId cannot contain ":channels:" or end in ":out" or ":in"'
        raise Refusal("create.invalid", error, status=422)
    known = service.contract.schema("TriggerConfig").definition["properties"]
    config = {name: value for name, value in call.value["triggerConfig"].items() if name in known}
    result = await _created(
        service, behaviour, msgspec.structs.replace(call, value={**call.value, "triggerConfig": config})
    )
    assert result.session is not None  # noqa: S101 - create answers a row
    if sessions.status(result.session, rfc3339(environment.clock.now())) == "EXPIRED":
        if result.before is None:
            # The row was inserted before its state was looked at; no run was started for it.
            await service.store.amend(
                environment.id, result.session.id, lambda row: sessions.replace(row, current_run_id=None)
            )
        raise _over("expired")
    return result


async def _created(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """What create answers; where it refuses, the error states whether the session is closed or expired."""
    try:
        return await operations.create(service, behaviour, call)
    except Refusal as refusal:
        if refusal.clause != "close.recreate":
            raise
        environment = call.caller.environment
        session = await service.store.find(environment.id, ExternalId(call.value["externalId"]))
        is_closed = session is None or session.closed_at is not None
        raise _over("closed" if is_closed else "expired") from None


def _over(state: str) -> Refusal:
    error = f"Session is {state}; use a different externalId to create a new session"
    return Refusal("close.recreate", error)


async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """An externalId that create would refuse is refused as create does, with 400."""
    if _has_unstorable(_stored(call)):
        raise _database_error("grey.nul", _FAILED)
    if "externalId" in call.value:
        _check_external_id(service, call.value["externalId"])
    try:
        return await operations.update(service, behaviour, call)
    except Refusal as refusal:
        if refusal.clause != "update.external-id":
            raise
        raise replace(refusal, error=_NO_NEW_EXTERNAL_ID) from None


def _check_external_id(service: Service, external_id: str | None) -> None:
    """Refuse one that breaks a rule of the create body's schema."""
    for violation in service.contract.schema("CreateSession").violations({"externalId": external_id}):
        if external_id is not None and violation.place == "externalId":
            raise Refusal("update.invalid", f"Validation error: {violation}")


def _stored(call: Call) -> Mapping[str, Any]:
    """The members of a body that reach the database: unknown ones are dropped before."""
    assert call.operation.body is not None  # noqa: S101 - create and update have one
    known = call.operation.body.schema.definition["properties"]
    return {name: value for name, value in call.value.items() if name in known}


def _has_unstorable(value: Any) -> bool:
    """Whether a text in it has U+0000 or a lone surrogate, which the database does not take."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str) and ("\0" in node or _has_lone_surrogate(node)):
            return True
        if isinstance(node, Mapping):
            waiting += node.keys()
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False


def _names_a_channel(external_id: str) -> bool:
    return ":channels:" in external_id or external_id.endswith((":in", ":out"))


async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
    if await behaviour.find(service, call.caller.environment, call.key) is None:
        raise not_found()
    return await operations.retrieve(service, behaviour, call)


def not_found() -> Refusal:
    return Refusal("id.unknown", "Not found", headers=((b"x-should-retry", b"false"),))


async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """The database takes neither U+0000 nor lone surrogates; callingRunId is a string."""
    if not isinstance(call.value.get("callingRunId", ""), str):
        raise Refusal("body.malformed", "Validation error: callingRunId must be a string")
    reason = call.value.get("reason")
    if reason is not None and ("\0" in reason or _has_lone_surrogate(reason)):
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is None:
            raise _database_error("grey.nul", _FAILED)
    return await operations.close(service, behaviour, call)


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
