"""The steps of the `server` dialect: what the vendor's server was seen to do, flaws included.

Only the steps in which it differs from `documented` stand here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import Receive

from adjourn_mock.dialects import documented
from adjourn_mock.dialects.documented import DOCUMENTED
from adjourn_mock.dialects.javascript_values import date_of, printed
from adjourn_mock.dialects.server_admission import IS_HEAD, check_head, deliver, preflight, route
from adjourn_mock.dialects.server_list import list_sessions
from adjourn_mock.dialects.server_operations import close, create, find, not_found, retrieve, update
from adjourn_mock.dialects.server_query import query
from adjourn_mock.dialects.server_tokens import verified
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Session, to_list_row
from adjourn_mock.environments.tokens import TokenError, UnknownEnvironmentError
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.pipeline import channels
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, FriendlyId

__all__ = ["SERVER"]

_JSON = b"application/json; charset=utf-8"
Step = Callable[[Service, Behaviour, Call], Awaitable[Result]]
MAX_RULE_LEVELS = 32
_DEFAULT_BRANCH = b"default"
# What JavaScript prints for a moment that there is not.
_NO_DATE = "Invalid Date"
_LOOKS_UP_FIRST = ("retrieveSession", "appendToIn", "appendToOut")


def authenticate(service: Service, request: Request) -> Caller:
    """A bare key works; white space around it does not count; branches are looked at."""
    authorization = request.headers.get(b"authorization")
    if not authorization:
        raise Refusal("auth.required", "Invalid or Missing API key")
    credential = authorization.removeprefix(b"Bearer ").strip()
    environment = service.environments.with_key(credential)
    if environment is None:
        return _bearer_of_token(service, credential)
    branch = request.headers.get(b"x-trigger-branch")
    if environment.kind == "preview" and not branch:
        raise Refusal("auth.unknown-key")
    if environment.kind == "dev" and branch and branch != _DEFAULT_BRANCH:
        raise Refusal("auth.unknown-key", "No matching branch env")
    return Caller(environment, None)


def _bearer_of_token(service: Service, credential: bytes) -> Caller:
    if credential.count(b".") != 2:
        raise Refusal("auth.unknown-key")
    try:
        token = verified(service, credential)
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
    """By the server's own matrix; retrieve and append look the session up first, append to `out` its state too."""
    token = call.caller.token
    if token is None:
        return
    environment = call.caller.environment
    if call.operation.name in _LOOKS_UP_FIRST:
        session = await behaviour.find(service, environment, call.key)
        if session is None:
            raise not_found()
        if call.operation.name == "appendToOut":
            as_in = msgspec.structs.replace(call, operation=service.contract.operations["appendToIn"])
            await documented.authorize_in(service, behaviour, as_in, "server")
            behaviour.check_open(service, environment, session)
    await documented.authorize_in(service, behaviour, call, "server")


def _with_own_404(step: Step) -> Step:
    """The step, with the server's own error for a session that is not known."""

    async def own(service: Service, behaviour: Behaviour, call: Call) -> Result:
        try:
            return await step(service, behaviour, call)
        except Refusal as refusal:
            raise (not_found() if refusal.clause == "id.unknown" else refusal) from None

    return own


async def stream(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """HEAD answers where a stream starts; the server states the first place of any."""
    if not IS_HEAD.read(call.notes):
        return await channels.stream(service, behaviour, call)
    session = await behaviour.find(service, call.caller.environment, call.key)
    if session is None and isinstance(call.key, FriendlyId):
        raise not_found()
    return Result("channel.stream", None, {}, about=session, headers=((b"x-last-chunk-index", b"0"),), events=_nothing)


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


def row(session: Session) -> dict[str, Any]:
    """JSON values as the server prints them."""
    members = documented.as_dict(session)
    members["triggerConfig"] = printed(session.trigger_config)
    members["metadata"] = printed(session.metadata)
    return members


def list_row(session: Session) -> dict[str, Any]:
    members = documented.as_dict(to_list_row(session))
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
    append=_with_own_404(channels.append),
    stream=_with_own_404(stream),
    records=_with_own_404(channels.read_records),
    row=row,
    list_row=list_row,
    answer=answer,
    refuse=refuse,
    deliver=deliver,
)
