"""Public access tokens: JWTs signed with an environment's secret key (clause token.shape)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from adjourn_mock.domain.errors import UserError
from adjourn_mock.domain.json_text import encode, read_json
from adjourn_mock.environments.environments import Environment, Environments
from adjourn_spec import TokenRule

if TYPE_CHECKING:
    from adjourn_mock.environments.signatures import Signatures

__all__ = ["HMAC_ALGORITHMS", "PublicAccessToken", "TokenError", "Tokens", "UnknownEnvironmentError"]

# The claim of a token for one request.
_ONCE = "otu"
HMAC_ALGORITHMS = ("HS256", "HS384", "HS512")


class TokenError(UserError):
    """A token is malformed, expired, badly signed or of an unknown environment."""


class UnknownEnvironmentError(TokenError):
    """A token names an environment that is not there."""


@dataclass(frozen=True, slots=True)
class PublicAccessToken:
    """A token that was verified: whose it is and what it grants.

    Attributes:
        once: what a token for one request is known by; None for one that works until it expires.
    """

    environment: Environment
    scopes: tuple[str, ...]
    once: str | None = None


class Tokens:
    """Signs and verifies by the contract's rule; expiry follows the environment's clock."""

    def __init__(self, rule: TokenRule) -> None:
        self._rule = rule
        self._header = _base64url({"alg": rule.algorithm})

    @cached_property
    def _signatures(self) -> Signatures:
        from adjourn_mock.environments.signatures import Signatures

        return Signatures()

    def issue(self, environment: Environment, session: str) -> str:
        """A token for one session, named by its externalId or, without one, its friendly id."""
        scopes = [f"{grant}:{session}" for grant in self._rule.grants]
        return self.sign(environment, scopes, environment.clock.now() // 1000 + self._rule.lifetime_seconds)

    def sign(
        self, environment: Environment, scopes: Sequence[str], expires_at: int, *, is_for_one_request: bool = False
    ) -> str:
        """A token with these scopes that is valid until `expires_at`, in seconds since 1970, or for one request."""
        claims = {
            "sub": environment.id,
            "pub": True,
            "scopes": list(scopes),
            "iss": self._rule.issuer,
            "aud": self._rule.audience,
            "iat": environment.clock.now() // 1000,
            "exp": expires_at,
        }
        if is_for_one_request:
            # No two such tokens are alike, whatever they grant.
            claims |= {_ONCE: True, "jti": secrets.token_hex(12)}
        # Signed here and not by PyJWT, whose general way takes 20 of the 55 µs of a create. test_callers decodes each
        # token with PyJWT.
        content = self._header + b"." + _base64url(claims)
        signature = hmac.digest(environment.secret_key.encode(), content, "sha256")
        return (content + b"." + _without_padding(signature)).decode()

    def subject(self, token: bytes) -> str:
        """The environment that a token names, unverified; empty where it names none."""
        try:
            return str(self._unverified(token).get("sub", ""))
        except TokenError:
            return ""

    def is_signed_by(self, token: bytes, environment: Environment) -> bool:
        """Whether an environment's key signed a token, expired or not."""
        try:
            self._signatures.verified(token, environment.secret_key, [self._rule.algorithm])
        except UserError:
            return False
        return True

    def verify(self, token: bytes, environments: Environments) -> PublicAccessToken:
        """Check signature, issuer, audience and expiry (clause auth.token-invalid).

        Raises:
            UnknownEnvironmentError: it names an environment that does not exist.
            TokenError: it is not a token that one of `environments` has signed and that is still valid.
        """
        environment, claims = self.signed(token, environments, [self._rule.algorithm])
        expires_at, scopes = claims.get("exp"), claims.get("scopes")
        # By the environment's clock, where PyJWT would ask the machine's.
        if not isinstance(expires_at, int | float) or expires_at * 1000 <= environment.clock.now():
            raise TokenError("expired")
        if claims.get("pub") is not True or not isinstance(scopes, list):
            raise TokenError("not a public access token")
        return PublicAccessToken(environment, tuple(str(scope) for scope in scopes), self.once(token, claims))

    def once(self, token: bytes, claims: Mapping[str, Any]) -> str | None:
        """What a token for one request is known by; None where its claims do not make it one."""
        return hashlib.sha256(token).hexdigest()[:32] if claims.get(_ONCE) is True else None

    def signed(
        self, token: bytes, environments: Environments, algorithms: Collection[str]
    ) -> tuple[Environment, Mapping[str, Any]]:
        """The environment that has signed a token, and its claims: of its issuer and for its audience, valid or not.

        Raises:
            UnknownEnvironmentError: it names an environment that does not exist.
            TokenError: it is not signed, by one of these algorithms, by the environment that it names.
        """
        environment = environments.with_id(str(self._unverified(token).get("sub")))
        if environment is None:
            raise UnknownEnvironmentError("no such environment")
        try:
            claims = _claims(self._signatures.verified(token, environment.secret_key, algorithms))
        except UserError as error:
            raise TokenError(str(error)) from None
        if claims.get("iss") != self._rule.issuer:
            raise TokenError("of another issuer")
        audience = claims.get("aud")
        if self._rule.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenError("for another audience")
        return environment, claims

    def is_public(self, token: bytes) -> bool:
        """Whether a token, unverified, is one that callers may have; True where it cannot be read."""
        try:
            return self._unverified(token).get("pub") is True
        except TokenError:
            return True

    def _unverified(self, token: bytes) -> Mapping[str, Any]:
        try:
            return _claims(self._signatures.unverified(token))
        except UserError as error:
            raise TokenError(str(error)) from None


def _base64url(value: Mapping[str, Any]) -> bytes:
    return _without_padding(encode(value))


def _without_padding(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = read_json(payload)
    except ValueError:
        raise TokenError("the payload is not JSON") from None
    if not isinstance(claims, dict):
        raise TokenError("the payload is not an object")
    return claims
