"""Public access tokens: JWTs signed with an environment's secret key (clause token.shape)."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_encode

from adjourn_mock.domain.errors import UserError
from adjourn_mock.domain.json_text import encode, read_json
from adjourn_mock.environments.environments import Environment, Environments
from adjourn_spec import TokenRule

__all__ = ["HMAC_ALGORITHMS", "PublicAccessToken", "TokenError", "Tokens", "UnknownEnvironmentError"]

HMAC_ALGORITHMS = {"HS256": HMACAlgorithm.SHA256, "HS384": HMACAlgorithm.SHA384, "HS512": HMACAlgorithm.SHA512}


class TokenError(UserError):
    """A token is malformed, expired, badly signed or of an unknown environment."""


class UnknownEnvironmentError(TokenError):
    """A token names an environment that is not there."""


@dataclass(frozen=True, slots=True)
class PublicAccessToken:
    """A token that was verified: whose it is and what it grants."""

    environment: Environment
    scopes: tuple[str, ...]


class _EnvironmentKeyHMAC(HMACAlgorithm):
    """HMAC with a key of any length: how long secret keys are is for their owner to say."""

    def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002
        return None


class Tokens:
    """Signs and verifies by the contract's rule; expiry follows the environment's clock."""

    def __init__(self, rule: TokenRule) -> None:
        self._rule = rule
        self._header = base64url_encode(encode({"alg": rule.algorithm}))
        self._signer = PyJWS(algorithms=[])
        for name in {rule.algorithm, *HMAC_ALGORITHMS}:
            hash_algorithm = HMAC_ALGORITHMS.get(name, HMACAlgorithm.SHA256)
            self._signer.register_algorithm(name, _EnvironmentKeyHMAC(hash_algorithm))

    def issue(self, environment: Environment, session: str) -> str:
        """A token for one session, named by its externalId or, without one, its friendly id."""
        scopes = [f"{grant}:{session}" for grant in self._rule.grants]
        return self.sign(environment, scopes, environment.clock.now() // 1000 + self._rule.lifetime_seconds)

    def sign(self, environment: Environment, scopes: Sequence[str], expires_at: int) -> str:
        """A token with these scopes that is valid until `expires_at`, in seconds since 1970."""
        claims = {
            "sub": environment.id,
            "pub": True,
            "scopes": list(scopes),
            "iss": self._rule.issuer,
            "aud": self._rule.audience,
            "iat": environment.clock.now() // 1000,
            "exp": expires_at,
        }
        # Signed here and not by PyJWT, whose general way takes 20 of the 55 µs of a create. test_callers decodes each
        # token with PyJWT.
        content = self._header + b"." + base64url_encode(encode(claims))
        signature = hmac.digest(environment.secret_key.encode(), content, "sha256")
        return (content + b"." + base64url_encode(signature)).decode()

    def subject(self, token: bytes) -> str:
        """The environment that a token names, unverified; empty where it names none."""
        try:
            return str(self._unverified(token).get("sub", ""))
        except TokenError:
            return ""

    def is_signed_by(self, token: bytes, environment: Environment) -> bool:
        """Whether an environment's key signed a token, expired or not."""
        try:
            self._signer.decode_complete(token, environment.secret_key, [self._rule.algorithm])
        except PyJWTError:
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
        return PublicAccessToken(environment, tuple(str(scope) for scope in scopes))

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
            verified = self._signer.decode_complete(token, environment.secret_key, list(algorithms))
        except PyJWTError as error:
            raise TokenError(str(error)) from None
        claims = _claims(verified["payload"])
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
            return _claims(self._signer.decode_complete(token, options={"verify_signature": False})["payload"])
        except PyJWTError as error:
            raise TokenError(str(error)) from None


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        claims = read_json(payload)
    except ValueError:
        raise TokenError("the payload is not JSON") from None
    if not isinstance(claims, dict):
        raise TokenError("the payload is not an object")
    return claims
