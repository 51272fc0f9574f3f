"""Public access tokens as the vendor's server reads them: any HMAC, no expiry needed, scopes of any form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adjourn_mock.environments.tokens import HMAC_ALGORITHMS, PublicAccessToken, TokenError
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline.service import Service

__all__ = ["verified"]


def verified(service: Service, token: bytes) -> PublicAccessToken:
    """The environment and the scopes of a token.

    Raises:
        Refusal: it is not marked as public, and counts as a key that is not known.
        UnknownEnvironmentError: it names an environment that does not exist.
        TokenError: it is not a token that one of the environments has signed and that is valid now.
    """
    if not service.tokens.is_public(token):
        raise Refusal("auth.unknown-key")
    environment, claims = service.tokens.signed(token, service.environments, HMAC_ALGORITHMS)
    _check_times(claims, environment.clock.now() / 1000)
    scopes = claims.get("scopes")
    held = tuple(map(str, scopes)) if isinstance(scopes, list) else ()
    return PublicAccessToken(environment, held, service.tokens.once(token, claims))


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    """Each time may be missing and is a number otherwise; the token has begun and has not expired."""
    for name in ("iat", "nbf", "exp"):
        moment = claims.get(name, 0)
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            raise TokenError(f"{name} is not a number")
    if claims.get("nbf", now) > now:
        raise TokenError("not valid yet")
    if "exp" in claims and claims["exp"] <= now:
        raise TokenError("expired")
