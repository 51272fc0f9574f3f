"""Public access tokens: read, signed again, and tampered with."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.target import Target

__all__ = ["Token", "claims_of"]

_HS256 = "HS256"


class _SecretKeyHMAC(HMACAlgorithm):
    """HMAC with a key of any length: PyJWT warns about short ones, and mock servers have short ones."""

    def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002
        return None


def _signatures() -> jwt.PyJWS:
    signatures = jwt.PyJWS()
    signatures.unregister_algorithm(_HS256)
    signatures.register_algorithm(_HS256, _SecretKeyHMAC(_SecretKeyHMAC.SHA256))
    return signatures


@dataclass(frozen=True)
class Token:
    """A JWT that a server issued.

    Attributes:
        text: as it was sent.
        header: its header.
        claims: its claims, not verified.
    """

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def of(cls, text: str) -> Token:
        """Read a token without verifying it.

        Raises:
            ValueError: it is not a JWT.
        """
        try:
            whole = jwt.decode_complete(text, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise ValueError(f"not a JWT: {error}") from None
        return cls(text, whole["header"], whole["payload"])

    @classmethod
    def need(cls, target: Target) -> None:
        """Raise NotChecked where create answers no token."""
        target.need("createSession")
        if target.token is None:
            raise NotChecked("create answers no public access token")

    def signed(self, secret: str, *, expires_in_seconds: float | None = None, **claims: Any) -> str:
        """The same claims, or others, signed with a secret by HS256.

        Args:
            secret: the key to sign with.
            expires_in_seconds: from the issue of the token, by its own `iat`; from now by our clock where it has none.
            claims: replace those of the token; None leaves one out.
        """
        changed = {**self.claims, **claims}
        if expires_in_seconds is not None:
            issued = self.claims.get("iat")
            changed["exp"] = int((issued if isinstance(issued, int | float) else time.time()) + expires_in_seconds)
        present = {name: value for name, value in changed.items() if value is not None}
        return _signatures().encode(_json(present), secret, algorithm=_HS256)

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature was made with a secret by HS256."""
        try:
            _signatures().decode(self.text, secret, algorithms=[_HS256])
        except jwt.InvalidTokenError:
            return False
        return True

    # tampering, which no library does

    def with_other_signature(self) -> str:
        """The token with one character of its signature changed."""
        head, _, signature = self.text.rpartition(".")
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"

    def without_signature(self) -> str:
        return f"{self.text.rpartition('.')[0]}."

    def with_algorithm_none(self) -> str:
        return _signatures().encode(_json(self.claims), "", algorithm="none")

    def with_other_claims(self, **claims: Any) -> str:
        """Other claims under the signature of the first ones."""
        header, _, signature = self.text.split(".")
        payload = _signatures().encode(_json({**self.claims, **claims}), "", algorithm="none").split(".")[1]
        return f"{header}.{payload}.{signature}"


def claims_of(token: object) -> Mapping[str, Any] | None:
    """The claims of a token, not verified; None where it is not a JWT."""
    if not isinstance(token, str):
        return None
    try:
        return Token.of(token).claims
    except ValueError:
        return None


def _json(claims: Mapping[str, Any]) -> bytes:
    return json.dumps(claims, separators=(",", ":")).encode()
