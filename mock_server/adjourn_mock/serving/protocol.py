"""uvicorn's HTTP protocol, made faster for small answers and stricter with clients.

Faster: uvicorn checks each header of an answer by a regular expression and writes head and body apart, which is
much of the time of a small answer. Here an app may hand over an answer that is complete; it is written at once
(`Connection.answer`; test_close.py and test_hostile.py pass over it). uvicorn also sets a timer after each answer and
cancels it at the next request; here one timer per server looks at all connections (`ProtocolFactory`;
guarded by test_connections.py).

Stricter: a head, a pipeline, a request, a reader and an idle connection each have a limit; an `Upgrade` is ignored
(RFC 9110, 7.8) and the body read; a request without exactly one valid Host is refused (RFC 9112, 3.2).

It uses names of uvicorn and httptools that are not documented; test_uvicorn_internals.py fails when one of them moves.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import httptools
import uvicorn
from starlette.responses import JSONResponse
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from adjourn_mock.serving.connection import Connection

__all__ = ["ConnectionLimits", "OneWriteProtocol", "ProtocolFactory"]

_BAD_REQUEST, _TIMEOUT, _TOO_MANY, _TOO_LARGE, _SERVICE_UNAVAILABLE = 400, 408, 429, 431, 503
_CHUNK_HEAD_BYTES = 16
# How a TLS handshake begins: a record of type 22, version 3.
_TLS_HANDSHAKE = b"\x16\x03"
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may take.

    Attributes:
        head_bytes: the most of a request beside its body: request line, headers, chunk heads, trailers.
        pipelined_requests: how many requests may wait for the one before them.
        patience_seconds: how long a request may take to arrive, and a reader may take nothing of an answer.
        idle_seconds: how long a connection may have no request.
        sweep_seconds: how often these times are looked at.
    """

    head_bytes: int = 128 * 1024
    pipelined_requests: int = 100
    patience_seconds: float = 30
    idle_seconds: float = 5
    sweep_seconds: float = 1


class _Awaited(Enum):
    """What has to come before a connection goes on."""

    REQUEST = auto()
    """The rest of a request, from the client."""
    ANSWER = auto()
    """The answer, from the app."""
    READER = auto()
    """The client has to read what was written."""
    NEXT_REQUEST = auto()
    """The first byte of another request."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    """What a sweep saw of a connection, and since when it has been so."""

    awaited: _Awaited
    request: Any
    unread_bytes: int
    since: float


class _RefusedError(Exception):
    """A callback of the parser refuses the request; the parser then stops."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class OneWriteProtocol(HttpToolsProtocol):
    """A connection.

    No client can fill memory or use a connection for good, whatever it sends. On connections beyond
    `limit_concurrency` each request is 503, with the reason. The extension `adjourn.connection` of the
    scopes is a `Connection`.

    Args:
        limits: of this connection.
        options: what uvicorn gives to its protocols.
    """

    def __init__(self, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(**options)
        self._limits = limits
        # The bytes of the request that arrives that are not its body.
        self._beside_body_bytes = 0
        # What the body bytes that arrived last allow beside them.
        self._credit_bytes = 0
        # The request that is being answered; those behind it are in `pipeline`.
        self._running: RequestResponseCycle | None = None
        self._last_sight: _Sight | None = None
        self._valid_host: bytes | None = None
        self._headers_as_sent: list[tuple[bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            self.app = _too_many_connections
        # The connections below the limit go on, where uvicorn would refuse their requests too.
        self.limit_concurrency = None

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn notifies only the request that came last; of pipelined ones another is being answered.
        for cycle in (self._running, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    # requests

    def data_received(self, data: bytes) -> None:
        if self.cycle is None and data.startswith(_TLS_HANDSHAKE):
            self._refuse(_BAD_REQUEST, "This port takes HTTP, and a TLS handshake came; use a URL with http://")
            return
        self._credit_bytes = 0
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                self._feed_without_offer(data, offer)
        except httptools.HttpParserError as error:
            refused = error.__context__
            if isinstance(refused, _RefusedError):
                self._refuse(refused.status, str(refused))
            else:
                self._refuse(_BAD_REQUEST, f"The request is not valid HTTP/1.1: {error or type(error).__name__}")
            return
        if self._is_request_awaited():
            self._beside_body_bytes = max(0, self._beside_body_bytes + len(data) - self._credit_bytes)
            if self._beside_body_bytes > self._limits.head_bytes:
                self._refuse(_TOO_LARGE, "Request Header Fields Too Large")

    def _feed_without_offer(self, data: bytes, offer: httptools.HttpParserUpgrade) -> None:
        """Have a request that offers another protocol parsed once more, without the offer; then what follows it.

        The parser takes what follows such a head for the other protocol, and has no option to ignore the offer.
        """
        while True:
            data = self._head_without_offer() + data[offer.args[0] :]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as another:
                offer = another
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head that was just parsed, without what belongs to an upgrade."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        self._headers_as_sent = self.headers
        for name, value in self.headers:
            if name == b"connection":
                options = (option.strip() for option in value.split(b","))
                value = b", ".join(each for each in options if each.lower() not in (b"upgrade", b"http2-settings"))
            if name not in (b"upgrade", b"http2-settings") and not (name == b"connection" and not value):
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        if len(self.pipeline) >= self._limits.pipelined_requests:
            raise _RefusedError(
                _TOO_MANY, f"More than {self._limits.pipelined_requests} requests wait on this connection"
            )
        if self._headers_as_sent is not None:
            self.scope["headers"], self._headers_as_sent = self._headers_as_sent, None
        self._check_framing()
        self._beside_body_bytes = 0
        before = self.cycle
        super().on_headers_complete()
        if before is None or before.response_complete:
            self._running = self.cycle
        # uvicorn makes its cycles in the middle of that method, so the class is changed afterwards. The app has not
        # seen the cycle: its task starts in a later round of the event loop.
        self.cycle.__class__ = Connection
        self.scope["extensions"] = {"adjourn.connection": self.cycle}  # type: ignore[dict-item]

    def _check_framing(self) -> None:
        """Refuse what the parser lets pass and RFC 9112 does not.

        Raises:
            _RefusedError: there is not exactly one valid Host (3.2), or a transfer coding in HTTP/1.0 (6.1).
        """
        host = None
        for name, value in self.headers:
            if name == b"host":
                if host is not None:
                    raise _RefusedError(_BAD_REQUEST, "A request has exactly one Host header, not more")
                host = value
        if self.parser.get_http_version() != "1.1":
            if any(name == b"transfer-encoding" for name, _ in self.headers):
                raise _RefusedError(_BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding")
        elif host is None:
            raise _RefusedError(_BAD_REQUEST, "A request has exactly one Host header, not none")
        elif host != self._valid_host:
            # The Host of a connection hardly ever changes, so it is checked once.
            if _HOST.fullmatch(host) is None:
                raise _RefusedError(_BAD_REQUEST, "The Host header is not a host and port")
            self._valid_host = host

    # The two that follow do what uvicorn's do, but that they need not ask whether another protocol was agreed on.

    def on_body(self, body: bytes) -> None:
        # Small chunks have more around them than in them; headers after the last have nothing.
        self._credit_bytes += _CHUNK_HEAD_BYTES * len(body)
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        # Where an upgrade was offered, the parser ends the request after its head; it is parsed once more.
        if cycle is not None and cycle.scope is self.scope and not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        self._refuse(_BAD_REQUEST, msg)

    def _refuse(self, status: int, error: str) -> None:
        """Answer and close, where no answer is on its way yet."""
        if self.transport.is_closing():
            return
        if self._running is None or not self._running.response_started:
            body = json.dumps({"error": error}).encode()
            length = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + length + body)
        self.transport.close()

    # answers

    def on_response_complete(self) -> None:
        """What uvicorn does, but for the timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._running = None
        if self.pipeline:
            self._running, app = self.pipeline.pop()
            self._start_asgi_task(self._running, app)

    # time

    def sweep(self) -> None:
        """Refuse a request that takes too long to arrive; end a connection that idles or does not read."""
        now, awaited, last = self.loop.time(), self._awaited(), self._last_sight
        unread_bytes = self.transport.get_write_buffer_size() if awaited is _Awaited.READER else 0
        if (
            last is None
            or last.awaited is not awaited
            or last.request is not self.scope
            or last.unread_bytes != unread_bytes
        ):
            self._last_sight = _Sight(awaited, self.scope, unread_bytes, now)
            return
        seconds = now - last.since
        if awaited is _Awaited.REQUEST and seconds > self._limits.patience_seconds:
            if self.cycle is None and not self._beside_body_bytes:
                # Nothing has been asked. A proxy would take an answer for that to its next request.
                self.transport.close()
            else:
                self._refuse(_TIMEOUT, "Request Timeout")
        elif awaited is _Awaited.NEXT_REQUEST and seconds > self._limits.idle_seconds:
            self.transport.close()
        elif awaited is _Awaited.READER and seconds > self._limits.patience_seconds:
            self.transport.abort()

    def _awaited(self) -> _Awaited:
        if self._is_request_awaited():
            return _Awaited.REQUEST
        if self.cycle.response_complete:
            return _Awaited.NEXT_REQUEST
        return _Awaited.READER if self.flow.write_paused else _Awaited.ANSWER

    def _is_request_awaited(self) -> bool:
        cycle = self.cycle
        return cycle is None or cycle.scope is not self.scope or cycle.more_body


_too_many_connections = JSONResponse(
    {"error": "Connection limit reached; see --max-connections"}, _SERVICE_UNAVAILABLE, {"connection": "close"}
)


class ProtocolFactory:
    """Makes the connections of one server, and sweeps them: what `uvicorn.Config(http=...)` takes.

    Args:
        limits: of each connection.
    """

    def __init__(self, limits: ConnectionLimits | None = None) -> None:
        self._limits = limits or ConnectionLimits()
        self._is_sweeping = False

    def __call__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> OneWriteProtocol:
        """A connection that is about to be made."""
        loop = _loop or asyncio.get_running_loop()
        if not self._is_sweeping:
            self._is_sweeping = True
            loop.call_later(self._limits.sweep_seconds, self._sweep, loop, server_state)
        return OneWriteProtocol(self._limits, config=config, server_state=server_state, app_state=app_state, _loop=loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop, server_state: ServerState) -> None:
        """Look at all connections, again and again as long as there are any."""
        for connection in tuple(server_state.connections):
            if isinstance(connection, OneWriteProtocol):
                connection.sweep()
        self._is_sweeping = bool(server_state.connections)
        if self._is_sweeping:
            loop.call_later(self._limits.sweep_seconds, self._sweep, loop, server_state)
