"""Faults of the auth clauses and of isolation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import msgspec
from starlette.types import Receive

from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import PublicAccessToken
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result, Route
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, FriendlyId, SessionKey

__all__ = ["FAULTS"]


def first(service: Service) -> Environment:
    return next(iter(service.environments))


def admitting(check_head: Callable[[Service, Request], Environment | None]) -> Change:
    """Let requests in that `check_head` finds an environment for, beside those that are right."""

    def change(base: Behaviour) -> Behaviour:
        def authenticate(service: Service, request: Request) -> Caller:
            try:
                return base.authenticate(service, request)
            except Refusal:
                environment = check_head(service, request)
                if environment is None:
                    raise
                return Caller(environment, None)

        return replace(base, authenticate=authenticate)

    return change


def matching(same: Callable[[str, str], bool]) -> Change:
    """Let keys in that are only `same` as a registered one: `same(given, registered)`."""

    def check_head(service: Service, request: Request) -> Environment | None:
        given = request.headers.get(b"authorization", b"").decode("latin-1")
        if not given.startswith("Bearer "):
            return None
        return next((e for e in service.environments if same(given[7:].strip(), e.secret_key)), None)

    return admitting(check_head)


def closed_sessions_for_all(base: Behaviour) -> Behaviour:
    """Whoever closes a session that is closed already needs no key."""

    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal:
            if not request.raw_path.endswith(b"/close"):
                raise
            return Caller(first(service), PublicAccessToken(first(service), (_NOBODY,)))

    async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
        if call.caller.token is None or _NOBODY not in call.caller.token.scopes:
            return await base.authorize(service, behaviour, call)
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is None or session.closed_at is None:
            raise Refusal("auth.unknown-key")
        return None

    return replace(base, authenticate=authenticate, authorize=authorize)


_NOBODY = "adjourn does not know"


def without_header(service: Service, request: Request) -> Environment | None:
    return first(service) if not request.headers.get(b"authorization") else None


def without_header_to_close(service: Service, request: Request) -> Environment | None:
    return without_header(service, request) if request.raw_path.endswith(b"/close") else None


def without_header_to_read(service: Service, request: Request) -> Environment | None:
    return without_header(service, request) if request.method == "GET" else None


def any_scheme(service: Service, request: Request) -> Environment | None:
    words = request.headers.get(b"authorization", b"").split()
    return service.environments.with_key(words[-1]) if words and len(words) > 1 and words[0] != b"Bearer" else None


def lower_case_scheme(service: Service, request: Request) -> Environment | None:
    scheme, _, rest = request.headers.get(b"authorization", b"").partition(b" ")
    return service.environments.with_key(rest.strip()) if scheme.lower() == b"bearer" else None


def basic_scheme(service: Service, request: Request) -> Environment | None:
    scheme, _, rest = request.headers.get(b"authorization", b"").partition(b" ")
    if scheme != b"Basic":
        return None
    try:
        return service.environments.with_key(base64.b64decode(rest).partition(b":")[0])
    except ValueError:
        return None


def empty_token(service: Service, request: Request) -> Environment | None:
    return first(service) if request.headers.get(b"authorization", b"").strip() == b"Bearer" else None


def api_key_header(service: Service, request: Request) -> Environment | None:
    return service.environments.with_key(request.headers.get(b"x-api-key", b""))


def key_in_query(service: Service, request: Request) -> Environment | None:
    return next((e for e in service.environments if e.secret_key.encode() in request.query), None)


def any_key_of_form(service: Service, request: Request) -> Environment | None:
    given = request.headers.get(b"authorization", b"")
    return first(service) if given.startswith((b"Bearer tr_dev_", b"Bearer tr_prod_")) else None


def status_for_credentials(status: int) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause in ("auth.required", "auth.scheme", "auth.unknown-key"):
                answer.status = status
            return answer

        return replace(base, refuse=refuse)

    return change


def required_as_text(base: Behaviour) -> Behaviour:
    def refuse(service: Service, refusal: Refusal) -> Answer:
        answer = base.refuse(service, refusal)
        if refusal.clause == "auth.required":
            answer.body = b'{"message":"Unauthorized"}'
        return answer

    return replace(base, refuse=refuse)


def body_before_credentials(base: Behaviour) -> Behaviour:
    """The declared length is looked at while the request is routed."""

    def route(service: Service, request: Request) -> Route:
        found = base.route(service, request)
        rule = found.operation.body
        if rule is not None and int(request.headers.get(b"content-length", b"0")) > rule.limit_bytes:
            raise Refusal(rule.limit_clause)
        return found

    return replace(base, route=route)


def parsing_before_credentials(base: Behaviour) -> Behaviour:
    """A body that is no JSON is 400 whoever sends it: the key is looked at when the body is there."""
    waiting: dict[int, Refusal] = {}

    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal as refusal:
            if request.method != "POST" or not request.raw_path.endswith(b"/close"):
                raise
            waiting[id(request)] = refusal
            return Caller(first(service), None)

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        refusal = waiting.pop(id(request), None)
        content = await base.receive(request, receive, rule)
        if refusal is not None:
            base.validate(base.parse(content, rule), rule)
            raise refusal
        return content

    return replace(base, authenticate=authenticate, receive=receive)


def refused_keys_close_anyway(base: Behaviour) -> Behaviour:
    """The session is closed first, and then the key is found to be wrong."""
    wrong: set[int] = set()

    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal:
            if request.method != "POST" or not request.raw_path.endswith(b"/close"):
                raise
            wrong.add(id(request))
            return Caller(first(service), None)

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        if id(request) in wrong:
            wrong.discard(id(request))
            with suppress(Refusal):
                content = await base.receive(request, receive, rule)
                base.validate(base.parse(content, rule), rule)
                return _CLOSE_AND_REFUSE
            raise Refusal("auth.unknown-key")
        return await base.receive(request, receive, rule)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        if _MARK not in call.value:
            return await base.close(service, behaviour, call)
        with suppress(Refusal):
            await base.close(service, behaviour, call)
        raise Refusal("auth.unknown-key")

    return replace(base, authenticate=authenticate, receive=receive, close=close)


_MARK = "adjourn closes and refuses"
_CLOSE_AND_REFUSE = msgspec.json.encode({_MARK: True})


def seeing_all_environments(friendly: bool, external: bool, status: int | None = None) -> Change:
    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            session = await base.find(service, environment, key)
            if session is not None or not (friendly if isinstance(key, FriendlyId) else external):
                return session
            for other in service.environments:
                if other is not environment and (found := await base.find(service, other, key)) is not None:
                    if status is not None:
                        raise Refusal("auth.secret-only", "It belongs to another environment", status=status)
                    return found
            return None

        return replace(base, find=find)

    return change


def caching_by_path(base: Behaviour) -> Behaviour:
    """Retrieve answers from a cache that does not ask who calls."""
    rows: dict[str, Session] = {}

    async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
        found = await behaviour.find(service, call.caller.environment, call.key)
        if found is None and call.text in rows:
            return Result("retrieve.row", rows[call.text], {})
        result = await base.retrieve(service, behaviour, call)
        if result.session is not None:
            rows[call.text] = result.session
        return result

    return replace(base, retrieve=retrieve)


def one_store_for_all(base: Behaviour) -> Behaviour:
    def authenticate(service: Service, request: Request) -> Caller:
        caller = base.authenticate(service, request)
        return Caller(first(service), caller.token)

    return replace(base, authenticate=authenticate)


def validating_before_rights(base: Behaviour) -> Behaviour:
    """A token is refused before its body is looked at."""

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        if request.headers.get(b"authorization", b"").count(b".") == 2 and rule.limit_clause == "body.limit":
            raise Refusal("auth.secret-only")
        return await base.receive(request, receive, rule)

    return replace(base, receive=receive)


FAULTS = [
    Fault("auth-none", "auth.required", "No credentials are needed.", admitting(without_header)),
    Fault("auth-none-to-close", "auth.required", "No credentials are needed to close.", admitting(without_header_to_close)),
    Fault("auth-none-to-read", "auth.required", "No credentials are needed to read.", admitting(without_header_to_read)),
    Fault("auth-x-api-key", "auth.required", "The key may stand in X-Api-Key.", admitting(api_key_header)),
    Fault("auth-key-in-query", "auth.required", "The key may stand in the query.", admitting(key_in_query)),
    Fault("auth-403-for-401", "auth.required", "Missing and wrong credentials are 403.", status_for_credentials(403)),
    Fault("auth-404-for-401", "auth.required", "Missing and wrong credentials are 404.", status_for_credentials(404)),
    Fault("auth-no-error-member", "auth.required", "A 401 has no error string.", required_as_text),
    Fault("auth-any-scheme", "auth.scheme", "Any scheme is accepted.", admitting(any_scheme)),
    Fault("auth-scheme-any-case", "auth.scheme", "bearer in any letter case is accepted.", admitting(lower_case_scheme)),
    Fault("auth-basic", "auth.scheme", "Basic is accepted.", admitting(basic_scheme)),
    Fault("auth-empty-token", "auth.scheme", "An empty token is accepted.", admitting(empty_token)),
    Fault("auth-any-key", "auth.unknown-key", "Any key of the right form is accepted.", admitting(any_key_of_form)),
    Fault("auth-key-prefix", "auth.unknown-key", "A key with characters added is accepted.", matching(lambda given, key: given.startswith(key))),
    Fault("auth-key-any-case", "auth.unknown-key", "Keys match in any letter case.", matching(lambda given, key: given.lower() == key.lower())),
    Fault("auth-key-start", "auth.unknown-key", "The start of a key is accepted.", matching(lambda given, key: len(given) > 8 and key.startswith(given))),
    Fault("auth-key-contains", "auth.unknown-key", "A text that has a key in it is accepted.", matching(lambda given, key: key in given)),
    Fault("auth-key-end", "auth.unknown-key", "The end of a key is accepted.", matching(lambda given, key: len(given) > 2 and key.endswith(given))),
    Fault("auth-key-any-kind", "auth.unknown-key", "The kind of environment in a key does not count.", matching(lambda given, key: given.startswith("tr_") and given.split("_", 2)[2:] == key.split("_", 2)[2:])),
    Fault("auth-none-once-closed", "auth.required", "A closed session is answered to anybody who closes it.", closed_sessions_for_all),
    Fault("body-before-credentials", "auth.first", "A body that is too large is 413 whoever sends it.", body_before_credentials),
    Fault("parsing-before-credentials", "auth.first", "A body that is no JSON is 400 whoever sends it.", parsing_before_credentials),
    Fault("key-refused-but-closed", "auth.no-effect", "A wrong key is refused, and the session closed.", refused_keys_close_anyway),
    Fault("rights-before-body", "error.order", "A token is 403 before its body is looked at.", validating_before_rights),
    Fault("environments-mixed", "env.isolation", "All keys see one environment.", one_store_for_all),
    Fault("environments-leak-friendly-ids", "env.isolation", "Another environment's session is found by its friendly id.", seeing_all_environments(True, False)),
    Fault("environments-leak-external-ids", "env.isolation", "Another environment's session is found by its externalId.", seeing_all_environments(False, True)),
    Fault("environments-share-cache", "env.isolation", "What one environment has retrieved another can retrieve.", caching_by_path),
    Fault("environments-403", "env.isolation", "Another environment's session is 403.", seeing_all_environments(True, True, 403)),
]  # fmt: skip
