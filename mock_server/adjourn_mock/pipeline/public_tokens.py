"""What the two operations for public access tokens do (clauses token.*)."""

from __future__ import annotations

import re

from adjourn_mock.environments.tokens import PublicAccessToken
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.scopes import exceeding
from adjourn_mock.pipeline.service import Service

__all__ = ["claims", "public_token", "spend"]

_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_DEFAULT_SECONDS, MAX_SECONDS = 15 * 60, 30 * 86_400


async def claims(service: Service, behaviour: Behaviour, call: Call) -> Result:  # noqa: ARG001
    """The claims that a client signs itself."""
    return Result("token.claims", None, {"sub": call.caller.environment.id, "pub": True})


async def public_token(service: Service, behaviour: Behaviour, call: Call) -> Result:  # noqa: ARG001
    """A token with the scopes that were asked for (clause token.exceeds)."""
    environment, scopes = call.caller.environment, call.value["scopes"]
    if environment.key_scopes is not None and (denied := exceeding(scopes, environment.key_scopes)):
        members = service.contract.refusals["token.exceeds"].members
        raise Refusal("token.exceeds", members={**members, "deniedScopes": denied})
    now = environment.clock.now() // 1000
    expires_at = _expiry(call.value.get("expirationTime"), now)
    is_for_one_request = call.value.get("oneTimeUse", False)
    token = service.tokens.sign(environment, scopes, expires_at, is_for_one_request=is_for_one_request)
    return Result("token.minted", None, {"token": token})


async def spend(service: Service, token: PublicAccessToken) -> None:
    """Refuse a token for one request that was used before."""
    if token.once is not None and not await service.sync.spend(token.environment, token.once):
        raise Refusal("auth.token-invalid")


def _expiry(asked: str | int | None, now: int) -> int:
    """Seconds since 1970, from a span or a moment.

    Raises:
        Refusal: it is neither, is over, or lies more than 30 days ahead.
    """
    if asked is None:
        return now + _DEFAULT_SECONDS
    if isinstance(asked, str):
        found = _SPAN.fullmatch(asked)
        if found is None or found[2][0].lower() not in _SECONDS:
            raise Refusal("token.request", "Invalid expiration time")
        expires_at = now + int(float(found[1]) * _SECONDS[found[2][0].lower()])
    else:
        expires_at = asked
    if expires_at <= now:
        raise Refusal("token.request", "Expiration time must be in the future")
    if expires_at - now > MAX_SECONDS:
        raise Refusal("token.request", "Expiration time cannot exceed 30 days")
    return expires_at
