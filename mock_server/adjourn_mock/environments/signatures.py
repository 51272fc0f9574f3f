"""Reading signed tokens with PyJWT.

It is imported when the first token is read: PyJWT loads `cryptography` where that is installed, which takes a fifth of
the start of a mock.
"""

from __future__ import annotations

from collections.abc import Collection

from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import PyJWTError

from adjourn_mock.domain.errors import UserError

__all__ = ["Signatures"]

_HASHES = {"HS256": HMACAlgorithm.SHA256, "HS384": HMACAlgorithm.SHA384, "HS512": HMACAlgorithm.SHA512}


class _EnvironmentKeyHMAC(HMACAlgorithm):
    """HMAC with a key of any length: how long secret keys are is for their owner to say."""

    def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002
        return None


class Signatures:
    """Reads tokens that were signed with HMAC and one of the SHA-2 hashes."""

    def __init__(self) -> None:
        self._jws = PyJWS(algorithms=[])
        for name, hash_algorithm in _HASHES.items():
            self._jws.register_algorithm(name, _EnvironmentKeyHMAC(hash_algorithm))

    def verified(self, token: bytes, secret_key: str, algorithms: Collection[str]) -> bytes:
        """The payload of a token.

        Raises:
            UserError: it is not signed with that key by one of these algorithms.
        """
        try:
            payload: bytes = self._jws.decode_complete(token, secret_key, list(algorithms))["payload"]
        except PyJWTError as error:
            raise UserError(str(error)) from None
        return payload

    def unverified(self, token: bytes) -> bytes:
        """The payload of a token that anybody may have signed.

        Raises:
            UserError: it is not a token.
        """
        try:
            payload: bytes = self._jws.decode_complete(token, options={"verify_signature": False})["payload"]
        except PyJWTError as error:
            raise UserError(str(error)) from None
        return payload
