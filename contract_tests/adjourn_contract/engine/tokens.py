"""Public access tokens, taken apart and put together wrongly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.run import Run

__all__ = ["Token"]


@dataclass(frozen=True)
class Token:
    """A JWT: its parts as they were sent, header and claims as they read."""

    parts: tuple[str, str, str]
    header: dict[str, Any]
    claims: dict[str, Any]

    @classmethod
    def need(cls, run: Run) -> None:
        """Raise NotChecked where create answers no token."""
        run.need("createSession")
        if run.token is None:
            raise NotChecked("create answers no public access token")

    @classmethod
    def of(cls, text: str) -> Token:
        header, payload, signature = text.split(".")
        return cls((header, payload, signature), json.loads(_decoded(header)), json.loads(_decoded(payload)))

    def signed(self, secret: str, *, expires_in_seconds: int | None = None, **claims: Any) -> str:
        """The same claims, or others, signed with a secret."""
        changed = {**self.claims, **claims}
        if expires_in_seconds is not None:
            changed["exp"] = int(time.time()) + expires_in_seconds
        header, payload = _encoded({"alg": "HS256", "typ": "JWT"}), _encoded(changed)
        return f"{header}.{payload}.{_signature(f'{header}.{payload}', secret)}"

    def is_signed_with(self, secret: str) -> bool:
        header, payload, signature = self.parts
        return _signature(f"{header}.{payload}", secret) == signature

    def tampered(self) -> str:
        header, payload, signature = self.parts
        middle = len(signature) // 2
        other = "A" if signature[middle] != "A" else "B"
        return f"{header}.{payload}.{signature[:middle]}{other}{signature[middle + 1 :]}"

    def unsigned(self) -> str:
        return f"{self.parts[0]}.{self.parts[1]}."

    def without_algorithm(self) -> str:
        return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{self.parts[1]}."

    def with_payload(self, **claims: Any) -> str:
        return f"{self.parts[0]}.{_encoded({**self.claims, **claims})}.{self.parts[2]}"


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signature(content: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), content.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
