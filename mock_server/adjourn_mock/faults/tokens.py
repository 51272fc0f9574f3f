"""Faults of public access tokens: what they let do, which are let in, how they are made."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import msgspec

from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import PublicAccessToken
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def authorizing(grants: Callable[[Call], bool]) -> Change:
    def change(base: Behaviour) -> Behaviour:
        async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
            if not grants(call):
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
                await service.store.close_once(call.caller.environment.id, session.id, None, session.updated_at)
            raise

    return replace(base, authorize=authorize)


def token_refused_as(status: int) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause == "auth.secret-only":
                answer.status = status
            return answer

        return replace(base, refuse=refuse)

    return change


def tokens_cannot_read(base: Behaviour) -> Behaviour:
    async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
        raise Refusal("auth.secret-only")

    return replace(base, authorize=authorize)


def trusting_tokens(check: Callable[[Service, bytes], Environment | None]) -> Change:
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


def claims_of(credential: bytes) -> dict[str, Any]:
    payload = credential.split(b".")[1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def unsigned_tokens(service: Service, credential: bytes) -> Environment | None:
    return service.environments.with_id(str(claims_of(credential).get("sub")))


def tokens_without_algorithm(service: Service, credential: bytes) -> Environment | None:
    return unsigned_tokens(service, credential) if credential.endswith(b".") else None


def expired_tokens(service: Service, credential: bytes) -> Environment | None:
    claims = claims_of(credential)
    environment = service.environments.with_id(str(claims.get("sub")))
    if environment is None:
        return None
    return environment if service.tokens.is_signed_by(credential, environment) else None


def tokens_of_any_environment(service: Service, credential: bytes) -> Environment | None:
    signed = any(service.tokens.is_signed_by(credential, environment) for environment in service.environments)
    environment = unsigned_tokens(service, credential)
    own = environment is not None and service.tokens.is_signed_by(credential, environment)
    return environment if signed and not own else None


def issuing(edit: Callable[[dict[str, Any]], object], *, signed_with: str | None = None) -> Change:
    """Issue tokens with other claims, or signed with another secret."""

    def change(base: Behaviour) -> Behaviour:
        async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.create(service, behaviour, call)
            claims = claims_of(result.members["publicAccessToken"].encode())
            edit(claims)
            secret = signed_with or call.caller.environment.secret_key
            token = jwt.encode(claims, secret, algorithm=service.contract.token.algorithm)
            members = {**result.members, "publicAccessToken": token}
            return Result(result.clause, result.session, members, result.before)

        return replace(base, create=create)

    return change


FAULTS = [
    Fault("token-closes", "auth.secret-only", "A public access token closes.", authorizing(lambda call: call.operation.name == "closeSession")),
    Fault("token-updates", "auth.secret-only", "A public access token updates.", authorizing(lambda call: call.operation.name == "updateSession")),
    Fault("token-404", "auth.secret-only", "A token that closes is told 404.", token_refused_as(404)),
    Fault("token-401", "auth.secret-only", "A token that closes is told 401.", token_refused_as(401)),
    Fault("token-cannot-read", "auth.secret-only", "A token cannot even read.", tokens_cannot_read),
    Fault("token-refused-but-closed", "auth.no-effect", "A token that closes is refused, and the session closed.", refused_tokens_close_anyway),
    Fault("token-unsigned", "auth.token-invalid", "Signatures of tokens are not checked.", trusting_tokens(unsigned_tokens)),
    Fault("token-algorithm-none", "auth.token-invalid", "A token without a signature is accepted.", trusting_tokens(tokens_without_algorithm)),
    Fault("token-expired", "auth.token-invalid", "Expired tokens are accepted.", trusting_tokens(expired_tokens)),
    Fault("token-of-another-environment", "auth.token-invalid", "A token signed with another environment's key is accepted.", trusting_tokens(tokens_of_any_environment)),
    Fault("token-reads-any-session", "auth.secret-only", "A public access token reads every session.", authorizing(lambda call: call.operation.name == "retrieveSession")),
    Fault("token-lasts-ten-years", "token.shape", "Tokens last ten years.", issuing(lambda claims: claims.update(exp=claims["exp"] + 315_360_000))),
    Fault("token-lasts-a-minute", "token.shape", "Tokens last a minute.", issuing(lambda claims: claims.update(exp=claims["exp"] - 3540))),
    Fault("token-without-expiry", "token.shape", "Tokens do not expire.", issuing(lambda claims: claims.pop("exp"))),
    Fault("token-without-scopes", "token.shape", "Tokens have no scopes.", issuing(lambda claims: claims.pop("scopes"))),
    Fault("token-for-all-sessions", "token.shape", "Tokens are for all sessions.", issuing(lambda claims: claims.update(scopes=["read:sessions", "write:sessions"]))),
    Fault("token-for-admins", "token.shape", "Tokens grant everything.", issuing(lambda claims: claims["scopes"].append("admin"))),
    Fault("token-without-subject", "token.shape", "Tokens do not name the environment.", issuing(lambda claims: claims.pop("sub"))),
    Fault("token-signed-otherwise", "token.shape", "Tokens are signed with a secret that is not the key.", issuing(lambda claims: None, signed_with="a secret that is the same everywhere")),
]  # fmt: skip
