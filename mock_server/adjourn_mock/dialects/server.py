"""The steps of the `server` dialect: what the vendor's server was seen to do, flaws included.

Only the steps in which it differs from `documented` stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import Receive

from adjourn_mock.dialects import documented
from adjourn_mock.dialects.documented import DOCUMENTED
from adjourn_mock.dialects.javascript_values import date_of, printed
from adjourn_mock.dialects.server_list import list_sessions
from adjourn_mock.dialects.server_query import query
from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.json_text import encode
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import TokenError, UnknownEnvironmentError
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.pipeline import operations
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result, Route
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, SessionKey

__all__ = ["SERVER"]

_JSON = b"application/json; charset=utf-8"
_HTML = b"text/html; charset=utf-8"
_PROBLEM = b"application/problem+json"
MAX_RULE_LEVELS = 32
# What JavaScript prints for a moment that there is not.
_NO_DATE = "Invalid Date"
_LOOKS_UP_FIRST = ("retrieveSession", "appendToIn", "appendToOut")


def check_head(service: Service, request: Request) -> None:
    documented.check_head(service, request)
    if request.raw_path.endswith(b"/") and request.raw_path != b"/":
        location = request.raw_path.rstrip(b"/") + (b"?" + request.query if request.query else b"")
        raise Refusal("grey.trailing-slash", status=301, headers=((b"location", location),), body=b"")


def preflight(service: Service, request: Request) -> Answer | None:
    return documented.allowed_to_browsers(service, request) if request.method == "OPTIONS" else None


def route(service: Service, request: Request) -> Route:
    """Missing credentials first, then the path, then the method; a wrong key is noticed after that."""
    if not request.headers.get(b"authorization"):
        error = service.contract.refusals["auth.required"].error
        problem = {"title": "Unauthorized", "status": 401, "type": "about:blank", "detail": error, "error": error}
        raise Refusal("auth.required", media_type=_PROBLEM, body=encode(problem))
    try:
        documented.decode(request.raw_path)
    except Refusal:
        raise Refusal("id.decoding", media_type=_HTML, body=_page("Bad Request")) from None
    found = service.routes.match(request.raw_path, any_case=True)
    if found is None:
        raise Refusal("path.unknown", media_type=_HTML, body=_page(documented.not_found(service)))
    path, segment = found
    if operation := path.operations.get(request.method):
        return Route(operation, segment)
    if request.method in ("GET", "HEAD"):
        raise Refusal(path.method_clause, body=b"")
    allowed = ", ".join(method for method in path.operations if method != "GET").encode()
    raise Refusal(path.method_clause, headers=((b"allow", allowed),))


def _page(title: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>".encode()


def authenticate(service: Service, request: Request) -> Caller:
    """A bare key works; white space around it does not count; branches are looked at."""
    credential = request.headers[b"authorization"].removeprefix(b"Bearer ").strip()
    environment = service.environments.with_key(credential)
    if environment is None:
        return _bearer_of_token(service, credential)
    branch = request.headers.get(b"x-trigger-branch")
    if (environment.kind == "preview" and not branch) or (environment.kind == "dev" and branch):
        raise Refusal("auth.unknown-key")
    return Caller(environment, None)


def _bearer_of_token(service: Service, credential: bytes) -> Caller:
    if credential.count(b".") != 2:
        raise Refusal("auth.unknown-key")
    try:
        token = service.tokens.verify(credential, service.environments)
    except UnknownEnvironmentError:
        raise Refusal("auth.token-invalid", "Invalid Public Access Token") from None
    except TokenError:
        raise Refusal("auth.token-invalid") from None
    return Caller(token.environment, token)


def decode(segment: bytes) -> str:
    """Decoded once, and then the text %2F is taken for a slash."""
    return unquote_to_bytes(segment).decode().replace("%2F", "/")


async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
    """Without a declared length nothing is read; an empty body is none."""
    if b"content-length" not in request.headers:
        raise Refusal(rule.limit_clause)
    content = await documented.receive(request, receive, rule)
    if not content and not rule.is_text:
        raise Refusal(rule.malformed_clause, "Request body is empty")
    return content


def parse(request: Request, content: bytes, rule: BodyRule) -> Any:  # noqa: ARG001
    """Invalid bytes become U+FFFD, up to two byte order marks are dropped; a falsy value is refused as JSON."""
    text = content.decode(errors="replace").removeprefix("\ufeff").removeprefix("\ufeff")
    value = documented.parse_given(text, rule, infinities=True)
    if value is None or value is False or value == 0 or value == "":
        raise Refusal(rule.malformed_clause)
    return value


def validate(request: Request, value: Any, rule: BodyRule) -> Mapping[str, Any]:  # noqa: ARG001
    """Characters are UTF-16 code units; every rule of a schema is refused with 400."""
    if isinstance(value, dict) and "expiresAt" in value:
        value = {**value, "expiresAt": _expiry(value["expiresAt"])}
    if isinstance(value, dict) and "externalId" in value:
        value = documented.trimmed(value)
    if rule.schema.is_valid(_as_code_units(value)):
        return value  # type: ignore[no-any-return]
    refusal = documented.invalid(_as_code_units(value), rule)
    error = refusal.error if isinstance(value, dict) else "Validation error: Expected object"
    raise replace(refusal, error=error, status=400)


def _as_code_units(value: Any, levels: int = MAX_RULE_LEVELS) -> Any:
    """The value with two characters for each one that UTF-16 needs two code units for, as deep as rules reach."""
    if isinstance(value, str):
        return value if value.isascii() else "".join(c if c <= "\uffff" else "\ufffd\ufffd" for c in value)
    if levels and isinstance(value, list):
        return [_as_code_units(element, levels - 1) for element in value]
    if levels and isinstance(value, dict):
        return {key: _as_code_units(member, levels - 1) for key, member in value.items()}
    return value


def _expiry(value: Any) -> str:
    """The moment that JavaScript's Date makes of a value; a text that is refused where it makes none."""
    moment = date_of(value)
    try:
        return _NO_DATE if moment is None else rfc3339(moment)
    except OverflowError:
        return _NO_DATE


async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
    """By the server's own matrix; retrieve and append look the session up first."""
    token = call.caller.token
    if token is None:
        return
    if call.operation.name in _LOOKS_UP_FIRST and (
        await behaviour.find(service, call.caller.environment, call.key) is None
    ):
        raise _not_found()
    await documented.authorize_in(service, behaviour, call, "server")


async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
    if "\0" in key.value:
        raise _database_error("grey.nul-id")
    return await service.store.find(environment.id, key)


def _database_error(grey_zone: str) -> Refusal:
    return Refusal(grey_zone, "Something went wrong", status=500)


async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """Names of channels are refused, members of triggerConfig that are not known are dropped."""
    environment = call.caller.environment
    if _has_unstorable(_stored(call)):
        raise _database_error("grey.nul")
    if _names_a_channel(call.value.get("externalId", "")):
        error = 'externalId cannot contain ":channels:" or end in ":out" or ":in"'
        raise Refusal("create.invalid", error, status=422)
    known = service.contract.schema("TriggerConfig").definition["properties"]
    config = {name: value for name, value in call.value["triggerConfig"].items() if name in known}
    result = await operations.create(
        service, behaviour, msgspec.structs.replace(call, value={**call.value, "triggerConfig": config})
    )
    assert result.session is not None  # noqa: S101 - create answers a row
    if sessions.status(result.session, rfc3339(environment.clock.now())) == "EXPIRED":
        if result.before is None:
            # The row was inserted before its state was looked at; no run was started for it.
            await service.store.amend(
                environment.id, result.session.id, lambda row: sessions.replace(row, current_run_id=None)
            )
        raise Refusal("close.recreate", "Session is expired; use a different externalId to create a new session")
    return result


async def update(service: Service, behaviour: Behaviour, call: Call) -> Result:
    if _has_unstorable(_stored(call)):
        raise Refusal("grey.nul", "Internal Server Error", status=500)
    return await operations.update(service, behaviour, call)


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
        raise _not_found()
    return await operations.retrieve(service, behaviour, call)


def _not_found() -> Refusal:
    return Refusal("id.unknown", "Not found", headers=((b"x-should-retry", b"false"),))


async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """The database takes neither U+0000 nor lone surrogates; callingRunId is a string."""
    if not isinstance(call.value.get("callingRunId", ""), str):
        raise Refusal("body.malformed", "Validation error: callingRunId must be a string")
    reason = call.value.get("reason")
    if reason is not None and ("\0" in reason or _has_lone_surrogate(reason)):
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is None:
            raise _database_error("grey.nul")
    return await operations.close(service, behaviour, call)


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def row(session: Session) -> dict[str, Any]:
    """JSON values as the server prints them."""
    members = documented.as_dict(session)
    members["triggerConfig"] = printed(session.trigger_config)
    members["metadata"] = printed(session.metadata)
    return members


def list_row(session: Session) -> dict[str, Any]:
    members = documented.list_row(session)
    members["metadata"] = printed(session.metadata)
    return members


def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
    made = documented.answer(service, behaviour, result)
    return made if made.events is not None else msgspec.structs.replace(made, media_type=_JSON)


def refuse(service: Service, refusal: Refusal) -> Answer:
    made = documented.refuse(service, refusal)
    return made if refusal.body is not None else msgspec.structs.replace(made, media_type=_JSON)


SERVER = replace(
    DOCUMENTED,
    check_head=check_head,
    preflight=preflight,
    route=route,
    authenticate=authenticate,
    decode=decode,
    receive=receive,
    parse=parse,
    validate=validate,
    query=query,
    authorize=authorize,
    find=find,
    create=create,
    list=list_sessions,
    update=update,
    retrieve=retrieve,
    close=close,
    row=row,
    list_row=list_row,
    answer=answer,
    refuse=refuse,
)
