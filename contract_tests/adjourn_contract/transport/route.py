"""How requests reach a server: its address, a proxy of the environment, and headers that every request needs."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from adjourn_contract.transport.exchange import Headers, Unreachable

__all__ = ["Proxy", "Route", "is_local", "parse_header"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What the wire itself, or the tests, decide.
_OWN_HEADERS = ("authorization", "connection", "content-length", "content-type", "host", "transfer-encoding")
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_MAX_HEAD_BYTES = 65536


def is_local(host: str) -> bool:
    """Whether a host name means this machine."""
    return host in _LOCAL_HOSTS or host.endswith(".localhost") or re.fullmatch(r"127(\.\d+){3}", host) is not None


def parse_header(text: str) -> tuple[str, str]:
    """Name and value of `NAME:VALUE`.

    Raises:
        ValueError: it has another form, or the header belongs to the check. The value is not shown: it can be secret.
    """
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not _TOKEN.fullmatch(name):
        raise ValueError("a header is not of the form NAME:VALUE, for example CF-Access-Client-Id:abc")
    if name.lower() in _OWN_HEADERS:
        raise ValueError(f"the header {name} is set by the check itself; add headers with other names")
    if not value.isprintable() or not value.isascii():
        raise ValueError(f"the value of the header {name} has characters that a header cannot have")
    return name, value


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy. `authorization` is the value of Proxy-Authorization, or None."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of_environment(cls, scheme: str, host: str) -> Self | None:
        """The proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names for a server, unless NO_PROXY excludes it.

        A server on this machine is reached without one.

        Raises:
            ValueError: the proxy is not an HTTP proxy.
        """
        proxies: Mapping[str, str] = getproxies()
        url = proxies.get(scheme) or proxies.get("all")
        if not url or is_local(host) or proxy_bypass(host):
            return None
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(
                f"the proxy of the environment is a {parts.scheme} proxy; only http:// proxies can be used, "
                "--no-proxy goes without"
            )
        authorization = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(user.encode()).decode()}"
        return cls(parts.hostname, parts.port or 80, authorization)

    def tunnel(self, connection: socket.socket, host: str, port: int) -> None:
        """Have the proxy connect to a server.

        Raises:
            OSError: the connection breaks.
            Unreachable: the proxy refuses.
        """
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        head = b""
        # Byte by byte: what follows the head belongs to TLS.
        while not head.endswith(b"\r\n\r\n") and len(head) < _MAX_HEAD_BYTES:
            byte = connection.recv(1)
            if not byte:
                break
            head += byte
        status = re.match(rb"HTTP/1\.[01] (\d{3})", head)
        if status is None or not status[1].startswith(b"2"):
            answer = status[1].decode() if status else "nothing"
            raise Unreachable(
                f"the proxy {self.host}:{self.port} answers {answer} to CONNECT {target}; --no-proxy goes without it"
            )


@dataclass(frozen=True)
class Route:
    """The way to one server.

    Attributes:
        is_secure: whether it speaks TLS.
        host: its name; `port` its port.
        proxy: the proxy in between, or None.
        headers: added to every request, unseen by the tests.
    """

    is_secure: bool
    host: str
    port: int
    proxy: Proxy | None = None
    headers: Headers = ()

    @property
    def is_forwarded(self) -> bool:
        """Whether a proxy forwards each request, which names the server in its target; TLS is tunnelled instead."""
        return self.proxy is not None and not self.is_secure

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect."""
        return (self.host, self.port) if self.proxy is None else (self.proxy.host, self.proxy.port)

    def target(self, path: str) -> str:
        """The request target for a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{path}" if self.is_forwarded else path

    def head_lines(self) -> Sequence[tuple[str, str]]:
        """The headers that every request needs on this way."""
        authorization = self.proxy.authorization if self.proxy is not None and self.is_forwarded else None
        return (*self.headers, *((("Proxy-Authorization", authorization),) if authorization else ()))

    def route(self, request: bytes) -> bytes:
        """A whole request as it has to be written on this way.

        Only the target of the first line changes, and lines are added after it.
        """
        first, newline, rest = request.partition(b"\r\n")
        parts = first.split(b" ")
        if not newline or len(parts) != 3 or not parts[1].startswith(b"/"):
            return request
        parts[1] = self.target(parts[1].decode("latin-1")).encode("latin-1")
        added = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in self.head_lines())
        return b" ".join(parts) + newline + added + rest
