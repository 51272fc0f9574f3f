"""Servers that mean harm, on sockets: from the first request, or after having been a lawful one for a while."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_BOMB = gzip.compress(b"[" * 50_000_000)


def _whole(media_type: bytes, body: bytes) -> Callable[[socket.socket, HostileServer], None]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (media_type, len(body))
    return lambda connection, _: connection.sendall(head + body)


def _forever(head: bytes, piece: bytes, pause: float = 0) -> Callable[[socket.socket, HostileServer], None]:
    def act(connection: socket.socket, server: HostileServer) -> None:
        connection.sendall(head)
        while not server.is_over:
            connection.sendall(piece)
            time.sleep(pause)

    return act


def _then_close(sent: bytes) -> Callable[[socket.socket, HostileServer], None]:
    def act(connection: socket.socket, server: HostileServer) -> None:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_RDWR)

    return act


def _redirect(connection: socket.socket, server: HostileServer) -> None:
    head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/here\r\nContent-Length: 0\r\n\r\n"
    connection.sendall(head % server.elsewhere.getsockname()[1])


def _leave(connection: socket.socket, server: HostileServer) -> None:
    server.leave()
    connection.shutdown(socket.SHUT_RDWR)


ACTS: dict[str, Callable[[socket.socket, HostileServer], None]] = {
    "silent": lambda _, server: server.over.wait() and None,
    "garbage": _then_close(b"\x00\xff" * 5000),
    "close": _then_close(b""),
    "close in the head": _then_close(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "close in the body": _then_close(JSON + b'Content-Length: 500\r\n\r\n{"id": "session_'),
    "shorter than it is": lambda connection, _: connection.sendall(JSON + b"Content-Length: 1\r\n\r\n{}{}{}"),
    "lengths that differ": lambda c, _: c.sendall(JSON + b"Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}"),
    "endless body": _forever(JSON + b"\r\n", b"x" * 65536),
    "endless head": _forever(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"y" * 1000 + b"\r\n"),
    "endless chunks": _forever(JSON + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "drip": _forever(JSON + b"Content-Length: 100000\r\n\r\n", b"x", 0.3),
    "endless continue": _forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
    "redirect": _redirect,
    "gone": _leave,
    "gzip bomb": lambda c, _: c.sendall(
        JSON + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_BOMB) + _BOMB
    ),
    "handshake without end": _forever(b"\x16\x03\x03\x40\x00", b"\0", 0.3),
    "html": _whole(b"text/html", b"<html><script>alert(1)</script></html>"),
    "deep": _whole(b"application/json", b"[" * 200_000),
    "terminal": _whole(b"application/json", b'{"error": "\x1b[2J\x07"}'),
}


class HostileServer:
    """A server that passes requests on to a lawful one, and then does an act for each.

    Args:
        act: the name of one of `ACTS`.
        lawful: the URL of the lawful server.
        after: how many requests are passed on.
        context: with a certificate, to speak TLS.
        answers_first: whether it acts before anything was asked.

    Attributes:
        elsewhere: another host, to which it redirects.
        heard: what was sent there.
    """

    def __init__(
        self,
        act: str,
        lawful: str = "",
        after: int = 0,
        context: ssl.SSLContext | None = None,
        *,
        answers_first: bool = False,
    ) -> None:
        self._act, self._lawful, self._left, self._context = ACTS[act], lawful, after, context
        self._at_once = answers_first
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.elsewhere = socket.create_server(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        self.over = threading.Event()
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    def __enter__(self) -> Self:
        for listener, act in ((self._socket, self._serve), (self.elsewhere, self._listen)):
            threading.Thread(target=self._accept, args=(listener, act), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Accept no connections any more."""
        self.over.set()
        for listener in (self._socket, self.elsewhere):
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _accept(self, listener: socket.socket, act: Callable[[socket.socket], None]) -> None:
        while not self.is_over:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=act, args=(connection,), daemon=True).start()

    def _listen(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.heard.append(connection.recv(65536))
            connection.sendall(JSON + b"Content-Length: 2\r\n\r\n{}")

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException), self._secured(connection) as connection:
            connection.settimeout(60)
            if self._at_once:
                self._act(connection, self)
                return
            while request := _read(connection):
                if self._left > 0:
                    self._left -= 1
                    connection.sendall(_passed_on(self._lawful, request))
                else:
                    self._act(connection, self)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._context.wrap_socket(connection, server_side=True) if self._context else connection


def _read(connection: socket.socket) -> bytes:
    """One request, or nothing."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if length is not None:
        while len(body) < int(length[1]):
            body += connection.recv(65536)
    elif b"chunked" in head.lower():
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _passed_on(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as lawful:
        lawful.sendall(request)
        answer = http.client.HTTPResponse(lawful, method=request.split()[0].decode())
        answer.begin()
        body = answer.read()
        lines = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() != "content-length"]
        head = "\r\n".join([f"HTTP/1.1 {answer.status} {answer.reason}", *lines, f"Content-Length: {len(body)}"])
        return head.encode("latin-1") + b"\r\n\r\n" + (b"" if request.startswith(b"HEAD") else body)
