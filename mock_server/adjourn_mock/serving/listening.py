"""The socket that a server listens on, and the URL under which this machine reaches it."""

from __future__ import annotations

import errno
import socket

__all__ = ["BindError", "listen", "url_of"]

_BACKLOG = 2048
# Where a server listens on all addresses, this machine calls it by its loopback address.
_OWN_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - they are replaced here


class BindError(OSError):
    """The server cannot listen where it was asked to."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; `::` takes IPv4 too.

    Args:
        host: an address or name of this machine.
        port: the port; 0 picks a free one.

    Raises:
        BindError: the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BindError(f"cannot listen on {host}: {error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "the port is taken; --port 0 picks a free one" if taken else str(error)
        raise BindError(f"cannot listen on {host}:{port}: {reason}") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL under which this machine reaches a socket that listens."""
    host, port = listener.getsockname()[:2]
    host = _OWN_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
