"""Who may use the control API: callers on this machine, or whoever has the control token."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

__all__ = ["Access", "Denied", "is_loopback"]

_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Denied(Exception):  # noqa: N818 - a lawful answer
    """The caller may not; `status` says whether a token would help."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class Access:
    """The rule for the control API.

    A web page anywhere may make a browser send requests to this machine: what another
    origin sends, or what comes under a name that is not this machine's, is refused.

    Args:
        token: whoever has it may; without one only callers on this machine may.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = None if token is None else token.encode()

    def check(self, request: Request) -> None:
        """Let a request to the control API pass.

        Raises:
            Denied: the caller may not.
        """
        self.check_page(request)
        if self._token is not None:
            given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
            if not hmac.compare_digest(given, self._token):
                raise Denied(_UNAUTHORIZED, "the control API needs the control token as a Bearer token")

    def check_page(self, request: Request) -> None:
        """Let a request for a file of a page pass; browsers send no token for those.

        Raises:
            Denied: the caller may not.
        """
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Denied(_FORBIDDEN, "the control API takes no requests from pages of another origin")
        if self._token is not None:
            return
        ends = (request.scope.get("client"), request.scope.get("server"))
        if not all(end is None or is_loopback(end[0]) for end in ends) or not is_loopback(_name(host)):
            raise Denied(
                _FORBIDDEN, "the control API answers on this machine's loopback address only; see --control-token"
            )


def _name(host: str) -> str:
    """The host of a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's, for itself alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
