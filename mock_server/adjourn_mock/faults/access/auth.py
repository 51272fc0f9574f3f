"""Faults of the auth clauses: who is let in."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from starlette.types import Receive

from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Note, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import refusing
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result, Route
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule

__all__ = ["FAULTS", "first"]

_CREDENTIALS = ("auth.required", "auth.scheme", "auth.unknown-key")


def first(service: Service) -> Environment:
    """The environment that was added first."""
    return next(iter(service.environments))


def is_close(service: Service, request: Request) -> bool:
    """Whether a request is a close, whoever sends it."""
    found = service.routes.match(request.raw_path)
    operation = None if found is None else found[0].operations.get(request.method)
    return operation is not None and operation.name == "closeSession"


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


def without_header(service: Service, request: Request) -> Environment | None:
    return first(service) if not request.headers.get(b"authorization") else None


def without_header_to_close(service: Service, request: Request) -> Environment | None:
    return without_header(service, request) if is_close(service, request) else None


def without_header_to_read(service: Service, request: Request) -> Environment | None:
    return without_header(service, request) if request.method == "GET" else None


def any_scheme(service: Service, request: Request) -> Environment | None:
    words = request.headers.get(b"authorization", b"").split()
    return service.environments.with_key(words[-1]) if words and len(words) > 1 and words[0] != b"Bearer" else None


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


def body_before_credentials(base: Behaviour) -> Behaviour:
    """The declared length is looked at while the request is routed."""

    def route(service: Service, request: Request) -> Route:
        found = base.route(service, request)
        rule = found.operation.body
        if rule is not None and int(request.headers.get(b"content-length", b"0")) > rule.limit_bytes:
            raise Refusal(rule.limit_clause)
        return found

    return replace(base, route=route)


# Which texts are taken for a registered key: `same(given, registered)`.


def is_longer(given: str, key: str) -> bool:
    return given.startswith(key)


def any_case(given: str, key: str) -> bool:
    return given.lower() == key.lower()


def is_start(given: str, key: str) -> bool:
    return len(given) > 8 and key.startswith(given)


def is_around(given: str, key: str) -> bool:
    return key in given


def is_end(given: str, key: str) -> bool:
    return len(given) > 2 and key.endswith(given)


def any_kind(given: str, key: str) -> bool:
    return given.startswith("tr_") and given.split("_", 2)[2:] == key.split("_", 2)[2:]


# What happens before, or in spite of, a refusal of the key.


def admitting_for_now(base: Behaviour, refused: Note[Refusal]) -> Behaviour:
    """Let every close in at first; `refused` notes what the key would have been refused with."""

    def authenticate(service: Service, request: Request) -> Caller:
        try:
            return base.authenticate(service, request)
        except Refusal as refusal:
            if not is_close(service, request):
                raise
            refused.write(request.notes, refusal)
            return Caller(first(service), None)

    return replace(base, authenticate=authenticate)


def closed_sessions_for_all(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of an unknown key")
    faulty = admitting_for_now(base, refused)

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        refusal = refused.read(call.notes)
        if refusal is not None:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is None or session.closed_at is None:
                raise refusal
        return await base.close(service, behaviour, call)

    return replace(faulty, close=close)


def parsing_before_credentials(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of an unknown key")
    faulty = admitting_for_now(base, refused)

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        content = await base.receive(request, receive, rule)
        refusal = refused.read(request.notes)
        if refusal is not None:
            base.validate(request, base.parse(request, content, rule), rule)
            raise refusal
        return content

    return replace(faulty, receive=receive)


def refused_keys_close_anyway(base: Behaviour) -> Behaviour:
    refused: Note[Refusal] = Note("the refusal of an unknown key")
    faulty = admitting_for_now(base, refused)

    async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
        refusal = refused.read(request.notes)
        if refusal is None:
            return await base.receive(request, receive, rule)
        with suppress(Refusal):
            content = await base.receive(request, receive, rule)
            base.validate(request, base.parse(request, content, rule), rule)
            return content
        raise refusal

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        refusal = refused.read(call.notes)
        if refusal is None:
            return await base.close(service, behaviour, call)
        with suppress(Refusal):
            await base.close(service, behaviour, call)
        raise refusal

    return replace(faulty, receive=receive, close=close)


FAULTS = named(
    {
        "auth-none": Breach(
            "auth.required", "The server accepts requests without credentials.", admitting(without_header)
        ),
        "auth-none-to-close": Breach(
            "auth.required", "The server closes without credentials.", admitting(without_header_to_close)
        ),
        "auth-none-to-read": Breach(
            "auth.required", "The server answers reads without credentials.", admitting(without_header_to_read)
        ),
        "auth-x-api-key": Breach("auth.required", "The server accepts a key in X-Api-Key.", admitting(api_key_header)),
        "auth-key-in-query": Breach("auth.required", "The server accepts a key in the query.", admitting(key_in_query)),
        "auth-403-for-401": Breach(
            "auth.required",
            "The server answers 403 for missing and wrong credentials.",
            refusing(*_CREDENTIALS, status=403),
        ),
        "auth-404-for-401": Breach(
            "auth.required",
            "The server answers 404 for missing and wrong credentials.",
            refusing(*_CREDENTIALS, status=404),
        ),
        "auth-no-error-member": Breach(
            "auth.required",
            "The server answers 401 without an error string.",
            refusing("auth.required", body=b'{"message":"Unauthorized"}'),
        ),
        "auth-any-scheme": Breach("auth.scheme", "The server accepts any scheme.", admitting(any_scheme)),
        "auth-basic": Breach("auth.scheme", "The server accepts the scheme Basic.", admitting(basic_scheme)),
        "auth-empty-token": Breach("auth.scheme", "The server accepts an empty token.", admitting(empty_token)),
        "auth-any-key": Breach(
            "auth.unknown-key", "The server accepts any key of the right form.", admitting(any_key_of_form)
        ),
        "auth-key-prefix": Breach(
            "auth.unknown-key", "The server accepts a key with characters added.", matching(is_longer)
        ),
        "auth-key-any-case": Breach(
            "auth.unknown-key", "The server accepts a key in any letter case.", matching(any_case)
        ),
        "auth-key-start": Breach("auth.unknown-key", "The server accepts the start of a key.", matching(is_start)),
        "auth-key-contains": Breach(
            "auth.unknown-key", "The server accepts a text that contains a key.", matching(is_around)
        ),
        "auth-key-end": Breach("auth.unknown-key", "The server accepts the end of a key.", matching(is_end)),
        "auth-key-any-kind": Breach(
            "auth.unknown-key", "The server accepts a key with another kind of environment in it.", matching(any_kind)
        ),
        "auth-none-once-closed": Breach(
            "auth.required", "The server answers a close of a closed session to anybody.", closed_sessions_for_all
        ),
        "body-before-credentials": Breach(
            "auth.first", "The server answers 413 for a large body whoever sends it.", body_before_credentials
        ),
        "parsing-before-credentials": Breach(
            "auth.first", "The server answers 400 for a malformed body whoever sends it.", parsing_before_credentials
        ),
        "key-refused-but-closed": Breach(
            "auth.no-effect", "The server refuses a wrong key, and closes the session.", refused_keys_close_anyway
        ),
    }
)
