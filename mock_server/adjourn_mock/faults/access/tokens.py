"""Faults of public access tokens: what they may do, which are accepted, how they are made."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import msgspec

from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import PublicAccessToken
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Edit, Members, adding, setting, without
from adjourn_mock.faults.steps import Step, around, refusing
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import close_once

__all__ = ["FAULTS"]

_TEN_YEARS_SECONDS = 315_360_000
_A_MINUTE_LESS_THAN_AN_HOUR_SECONDS = 3540


def granting(operation: str) -> Change:
    """Let tokens do an operation."""

    def change(base: Behaviour) -> Behaviour:
        async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
            if call.operation.name != operation:
                await base.authorize(service, behaviour, call)

        return replace(base, authorize=authorize)

    return change


def refused_tokens_close_anyway(base: Behaviour) -> Behaviour:
    async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
        try:
            await base.authorize(service, behaviour, call)
        except Refusal:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is not None and call.operation.name == "closeSession":
                await close_once(service.store, call.caller.environment.id, session.id, None, session.updated_at)
            raise

    return replace(base, authorize=authorize)


def tokens_cannot_read(base: Behaviour) -> Behaviour:
    async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
        raise Refusal("auth.secret-only")

    return replace(base, authorize=authorize)


def trusting(check: Callable[[Service, bytes], Environment | None]) -> Change:
    """Accept invalid tokens for which `check` finds an environment."""

    def change(base: Behaviour) -> Behaviour:
        def authenticate(service: Service, request: Request) -> Caller:
            try:
                return base.authenticate(service, request)
            except Refusal as refusal:
                credential = request.headers.get(b"authorization", b"")[7:]
                environment = check(service, credential) if refusal.clause == "auth.token-invalid" else None
                if environment is None:
                    raise
                scopes = tuple(claims_of(credential).get("scopes", ()))
                return Caller(environment, PublicAccessToken(environment, scopes))

        return replace(base, authenticate=authenticate)

    return change


def claims_of(credential: bytes) -> Members:
    payload = credential.split(b".")[1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def unsigned(service: Service, credential: bytes) -> Environment | None:
    return service.environments.with_id(str(claims_of(credential).get("sub")))


def without_algorithm(service: Service, credential: bytes) -> Environment | None:
    return unsigned(service, credential) if credential.endswith(b".") else None


def expired(service: Service, credential: bytes) -> Environment | None:
    environment = unsigned(service, credential)
    if environment is None:
        return None
    return environment if service.tokens.is_signed_by(credential, environment) else None


def of_any_issuer(service: Service, credential: bytes) -> Environment | None:
    """Signed with the key of the environment that it names, whoever issued it and for whom."""
    environment = service.environments.with_id(str(claims_of(credential).get("sub")))
    if environment is None or not service.tokens.is_signed_by(credential, environment):
        return None
    return environment if claims_of(credential).get("exp", 0) * 1000 > environment.clock.now() else None


def of_any_environment(service: Service, credential: bytes) -> Environment | None:
    is_signed = any(service.tokens.is_signed_by(credential, environment) for environment in service.environments)
    environment = unsigned(service, credential)
    is_own = environment is not None and service.tokens.is_signed_by(credential, environment)
    return environment if is_signed and not is_own else None


def issuing(edit: Edit, *, signed_with: str | None = None) -> Change:
    """Issue tokens with other claims, or signed with another secret."""

    def wrap(create: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await create(service, behaviour, call)
            claims = edit(claims_of(result.members["publicAccessToken"].encode()))
            secret = signed_with or call.caller.environment.secret_key
            token = jwt.encode(claims, secret, algorithm=service.contract.token.algorithm)
            return msgspec.structs.replace(result, members={**result.members, "publicAccessToken": token})

        return faulty

    return around("create", wrap)


def later(seconds: int) -> Callable[[int], int]:
    return lambda moment: moment + seconds


def unchanged(claims: Members) -> Members:
    return claims


def with_admin(scopes: list[Any]) -> list[Any]:
    return [*scopes, "admin"]


FAULTS = named(
    {
        "token-closes": Breach(
            "auth.secret-only", "The server lets a public access token close.", granting("closeSession")
        ),
        "token-updates": Breach(
            "auth.secret-only", "The server lets a public access token update.", granting("updateSession")
        ),
        "token-404": Breach(
            "auth.secret-only",
            "The server answers 404 to a token that closes.",
            refusing("auth.secret-only", status=404),
        ),
        "token-401": Breach(
            "auth.secret-only",
            "The server answers 401 to a token that closes.",
            refusing("auth.secret-only", status=401),
        ),
        "token-cannot-read": Breach(
            "auth.secret-only", "The server does not let a token read its own session.", tokens_cannot_read
        ),
        "token-refused-but-closed": Breach(
            "auth.no-effect",
            "The server refuses a token that closes, and closes the session.",
            refused_tokens_close_anyway,
        ),
        "token-unsigned": Breach(
            "auth.token-invalid", "The server does not check the signature of tokens.", trusting(unsigned)
        ),
        "token-algorithm-none": Breach(
            "auth.token-invalid", "The server accepts a token without a signature.", trusting(without_algorithm)
        ),
        "token-expired": Breach("auth.token-invalid", "The server accepts expired tokens.", trusting(expired)),
        "token-of-another-issuer": Breach(
            "auth.token-invalid",
            "The server looks at neither issuer nor audience of a token.",
            trusting(of_any_issuer),
        ),
        "token-of-another-environment": Breach(
            "auth.token-invalid",
            "The server accepts a token signed with another environment's key.",
            trusting(of_any_environment),
        ),
        "token-reads-any-session": Breach(
            "auth.token-scope", "The server lets a public access token read every session.", granting("retrieveSession")
        ),
        "token-lasts-ten-years": Breach(
            "token.shape",
            "The server issues tokens that last ten years.",
            issuing(setting("exp", later(_TEN_YEARS_SECONDS))),
        ),
        "token-lasts-a-minute": Breach(
            "token.shape",
            "The server issues tokens that last a minute.",
            issuing(setting("exp", later(-_A_MINUTE_LESS_THAN_AN_HOUR_SECONDS))),
        ),
        "token-without-expiry": Breach(
            "token.shape", "The server issues tokens that do not expire.", issuing(without("exp"))
        ),
        "token-without-scopes": Breach(
            "token.shape", "The server issues tokens without scopes.", issuing(without("scopes"))
        ),
        "token-for-all-sessions": Breach(
            "token.shape",
            "The server issues tokens for all sessions.",
            issuing(adding(scopes=["read:sessions", "write:sessions"])),
        ),
        "token-for-admins": Breach(
            "token.shape", "The server issues tokens that grant everything.", issuing(setting("scopes", with_admin))
        ),
        "token-without-subject": Breach(
            "token.shape", "The server issues tokens that do not name the environment.", issuing(without("sub"))
        ),
        "token-signed-otherwise": Breach(
            "token.shape",
            "The server signs tokens with a secret other than the key.",
            issuing(unchanged, signed_with="a secret that is the same everywhere"),
        ),
    }
)
