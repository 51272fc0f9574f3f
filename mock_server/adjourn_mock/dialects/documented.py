"""The steps of the `documented` dialect: what the reference page and the guides say.

They do not describe how a request is admitted, checked and written; that is
decided in the order of clause error.order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from starlette.types import Receive

from adjourn_mock.dialects.documented_answers import answer, as_dict, deliver, refuse, row
from adjourn_mock.domain.json_text import TooDeepError, read_json
from adjourn_mock.domain.sessions import Session, to_list_row
from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import TokenError
from adjourn_mock.exchanges.exchange import Answer, ClientGone, Refusal, Request
from adjourn_mock.exchanges.query import QueryError, read_query
from adjourn_mock.exchanges.routes import decode_segment
from adjourn_mock.pipeline import agent, channels, public_tokens
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Route
from adjourn_mock.pipeline.operations import close, create, list_sessions, retrieve, update
from adjourn_mock.pipeline.runs import retrieve_run
from adjourn_mock.pipeline.scopes import is_granted
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, Operation, SessionKey

__all__ = [
    "DOCUMENTED",
    "answer",
    "as_dict",
    "authenticate",
    "authorize",
    "authorize_in",
    "check_head",
    "decode",
    "deliver",
    "find",
    "identify",
    "not_found",
    "parse",
    "preflight",
    "query",
    "receive",
    "refuse",
    "route",
    "row",
    "validate",
]

_FORBIDDEN_CHANNEL: Mapping[str, Any] = {"ok": False}
MAX_HEADERS = 200
MAX_ERROR_CHARACTERS = 200
# What JavaScript's String.prototype.trim takes away.
JAVASCRIPT_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def check_head(service: Service, request: Request) -> None:
    """Refuse a head that is too large."""
    if request.head_bytes > service.contract.head_limit_bytes or len(request.raw_headers) > MAX_HEADERS:
        raise Refusal("path.unknown", "Request Header Fields Too Large", status=431)


def preflight(service: Service, request: Request) -> Answer | None:
    """What browsers ask before they send a request to another origin."""
    asked = request.headers.get(b"access-control-request-method")
    if request.method != "OPTIONS" or asked is None or b"origin" not in request.headers:
        return None
    return allowed_to_browsers(service, request)


def allowed_to_browsers(service: Service, request: Request) -> Answer:
    cors = service.contract.cors
    headers = (
        (b"access-control-allow-methods", ",".join(cors.methods).encode()),
        (b"access-control-allow-headers", request.headers.get(b"access-control-request-headers", b"*")),
        (b"access-control-max-age", str(cors.max_age_seconds).encode()),
    )
    return Answer(200, b"{}", headers=headers)


def route(service: Service, request: Request) -> Route:
    """Find the operation (clauses path.unknown, path.method, close.method)."""
    found = service.routes.match(request.raw_path)
    if found is None:
        raise Refusal("path.unknown", not_found(service))
    path, segment = found
    operation = path.operations.get(request.method)
    if operation is None:
        allowed = ", ".join(path.operations).encode()
        raise Refusal(path.method_clause, headers=((b"allow", allowed),))
    return Route(operation, segment)


def not_found(service: Service) -> str:
    """What a caller of an unknown path has to know: what this server is, and how to get the rest answered."""
    error = service.contract.refusals["path.unknown"].error
    served = [f"{method} {path.template}" for path in service.contract.paths for method in path.operations]
    return f"{error}: this mock serves {', '.join(served)}; for other requests start it with --stub or --passthrough"


def authenticate(service: Service, request: Request) -> Caller:
    """Find out who calls (clauses auth.required, auth.scheme, auth.unknown-key, auth.token-invalid)."""
    authorization = request.headers.get(b"authorization")
    if not authorization:
        raise Refusal("auth.required")
    environment = service.environments.with_authorization(authorization)
    if environment is not None:
        return Caller(environment, None)
    scheme, _, rest = authorization.partition(b" ")
    credential = rest.strip(b" \t")
    # A scheme is the same in any letter case (RFC 9110, 11.1; grey.scheme-case).
    if scheme.lower() != b"bearer" or not credential:
        raise Refusal("auth.scheme")
    environment = service.environments.with_key(credential)
    return bearer_of_token(service, credential) if environment is None else Caller(environment, None)


def bearer_of_token(service: Service, credential: bytes) -> Caller:
    if credential.count(b".") != 2:
        raise Refusal("auth.unknown-key")
    try:
        token = service.tokens.verify(credential, service.environments)
    except TokenError:
        raise Refusal("auth.token-invalid") from None
    return Caller(token.environment, token)


def decode(segment: bytes) -> str:
    """Percent-decode once, as UTF-8 (clause id.decoding)."""
    try:
        return decode_segment(segment)
    except ValueError:
        raise Refusal("id.decoding") from None


def identify(service: Service, text: str) -> SessionKey:
    return service.contract.identify(text)


async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
    """Get the body; stop as soon as it is known to be too large (clauses body.limit, body.limit-chunked)."""
    declared = request.headers.get(b"content-length")
    if declared is not None and int(declared) > rule.limit_bytes:
        raise Refusal(rule.limit_clause)
    content: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        content = content + message.get("body", b"") if content else message.get("body", b"")
        if len(content) > rule.limit_bytes:
            raise Refusal(rule.limit_clause)
        if not message.get("more_body"):
            return content


def parse(request: Request, content: bytes, rule: BodyRule) -> Any:  # noqa: ARG001
    """JSON as JavaScript reads it (clause body.malformed)."""
    return parse_given(content, rule) if content or rule.required else {}


def parse_given(content: bytes | str, rule: BodyRule, *, infinities: bool = False) -> Any:
    """What was sent, where it may not be nothing."""
    try:
        return read_json(content, infinities=infinities)
    except UnicodeDecodeError:
        raise Refusal(rule.malformed_clause, "The body is not UTF-8") from None
    except TooDeepError:
        raise Refusal(rule.malformed_clause, "The body is nested too deeply") from None
    except ValueError:
        raise Refusal(rule.malformed_clause) from None


def validate(request: Request, value: Any, rule: BodyRule) -> Mapping[str, Any]:  # noqa: ARG001
    """Validate the body against its schema; the document names the clause of each rule."""
    if isinstance(value, dict) and "externalId" in value:
        value = trimmed(value)
    if rule.schema.is_valid(value):
        return value  # type: ignore[no-any-return]
    raise invalid(value, rule)


def trimmed(value: dict[str, Any]) -> dict[str, Any]:
    """Drop the white space around an externalId (clause create.trimmed)."""
    external_id = value["externalId"]
    return {**value, "externalId": external_id.strip(JAVASCRIPT_SPACE)} if isinstance(external_id, str) else value


def invalid(value: Any, rule: BodyRule) -> Refusal:
    """The refusal for the first rule that a value breaks."""
    if not isinstance(value, dict):
        return Refusal(rule.malformed_clause, "The body must be a JSON object")
    violation = next(rule.schema.violations(value))
    if violation.clause is not None:
        return Refusal(violation.clause)
    return Refusal(rule.invalid_clause, f"Validation error: {str(violation)[:MAX_ERROR_CHARACTERS]}")


def query(request: Request, operation: Operation) -> Mapping[str, Any]:
    try:
        return read_query(operation, request.query)
    except QueryError as error:
        raise Refusal(operation.query_clause or "list.invalid", members={"details": error.details}) from None


async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
    """A token does what the document's matrix of scopes lets it do."""
    await authorize_in(service, behaviour, call, "documented")


async def authorize_in(service: Service, behaviour: Behaviour, call: Call, dialect: str) -> None:
    """The same by the matrix of a dialect; the session counts by every form of its id."""
    token, operation = call.caller.token, call.operation
    needed = operation.scopes[dialect]
    if token is None:
        return
    if needed and is_granted(needed, token.scopes, await _scope_names(service, behaviour, call)):
        return
    rule = service.contract.refusals[operation.forbidden_clause]
    raise Refusal(operation.forbidden_clause, members=rule.members or _FORBIDDEN_CHANNEL)


async def _scope_names(service: Service, behaviour: Behaviour, call: Call) -> Mapping[str, Sequence[str]]:
    """What the placeholders of scopes stand for in a request."""
    if call.operation.name == "retrieveRun":
        return {"run": (call.text,)}
    value = call.value
    key = call.key if call.text else service.contract.identify(value.get("externalId") or "")
    names = {call.text or key.value}
    session = await behaviour.find(service, call.caller.environment, key) if key.value else None
    if session is not None:
        names |= {session.id, session.external_id or session.id}
    asked = value.get("taskIdentifier") or value.get("filter[taskIdentifier]") or ()
    tasks = (asked,) if isinstance(asked, str) else tuple(asked)
    return {"session": tuple(names), "url": (call.text,), "task": tasks}


def find(service: Service, environment: Environment, key: SessionKey) -> Awaitable[Session | None]:
    return service.store.find(environment.id, key)


DOCUMENTED = Behaviour(
    check_head=check_head,
    preflight=preflight,
    route=route,
    authenticate=authenticate,
    spend=public_tokens.spend,
    decode=decode,
    identify=identify,
    receive=receive,
    parse=parse,
    validate=validate,
    query=query,
    authorize=authorize,
    find=find,
    create=create,
    list=list_sessions,
    retrieve=retrieve,
    update=update,
    close=close,
    append=channels.append,
    stream=channels.stream,
    records=channels.read_records,
    claims=public_tokens.claims,
    public_token=public_tokens.public_token,
    run=retrieve_run,
    check_open=channels.check_open,
    notify_close=channels.notify_close,
    react=agent.react,
    complete_turn=agent.complete_turn,
    events=channels.events,
    row=row,
    list_row=to_list_row,
    answer=answer,
    refuse=refuse,
    deliver=deliver,
)
