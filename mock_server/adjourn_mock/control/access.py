"""Who may use the control API: callers on this machine, or whoever has the control token."""

from __future__ import annotations

import hmac
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

__all__ = ["Access", "Denied", "is_loopback"]

_UNAUTHORIZED, _FORBIDDEN = 401, 403
# What proxies add to the requests of others.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class Denied(Exception):  # noqa: N818 - a lawful answer
    """The caller may not; `status` states whether a token would help."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class Access:
    """The rule for the control API: the control token, or a caller on this machine.

    A web page anywhere may make a browser send requests to this machine, and a proxy on this machine may send those
    of others: without a token, what another origin sends, what comes under a name that is not this machine's, and
    what a proxy forwards is refused. A browser never adds the token by itself, so with it the token alone decides.

    Args:
        token: whoever has it may; without one only callers on this machine may.
        is_open_to_this_machine: whether callers on this machine may without the token.
    """

    def __init__(self, token: str | None = None, *, is_open_to_this_machine: bool = False) -> None:
        self._token = None if token is None else token.encode()
        self._is_open_to_this_machine = is_open_to_this_machine or token is None

    def check(self, request: Request) -> None:
        """Let a request to the control API pass.

        Raises:
            Denied: the caller may not.
        """
        if self._token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
                return
            if not self._is_open_to_this_machine:
                raise Denied(_UNAUTHORIZED, "the control API needs the control token as a Bearer token")
        _check_this_machine(request)

    def check_page(self, request: Request) -> None:
        """Let a request for a file of a page pass; browsers send no token for those, and they contain no data.

        Raises:
            Denied: the caller may not.
        """
        if self._token is None:
            _check_this_machine(request)


def _check_this_machine(request: Request) -> None:
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        raise Denied(_FORBIDDEN, "the control API takes no requests from pages of another origin; see --control-token")
    ends = (request.scope.get("client"), request.scope.get("server"))
    if not all(end is None or is_loopback(end[0]) for end in ends) or not is_loopback(_name(host)):
        raise Denied(_FORBIDDEN, "the control API answers on this machine's loopback address only; see --control-token")
    if forwarded := next((name for name in _FORWARDED if name in request.headers), None):
        raise Denied(_FORBIDDEN, f"the control API takes no requests from a proxy ({forwarded}); see --control-token")


def _name(host: str) -> str:
    """The host of a Host header, without port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's, for itself alone; an IPv4 address may be mapped into IPv6."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
