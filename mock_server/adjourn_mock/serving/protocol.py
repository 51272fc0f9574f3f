"""uvicorn's HTTP protocol, with the head and the body of an answer in one write.

uvicorn looks at each header of an answer by itself and hands head and body to the transport one
after the other; that is a fifth of the time that a small answer takes. Here an app may hand over
an answer that is whole. All else is left to uvicorn.

Nor is a timer set after each answer and taken back at the next request: connections that idle,
and requests that do not come to an end, are looked for once a second.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from weakref import WeakSet

from starlette.responses import JSONResponse
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

__all__ = ["IDLE_SECONDS", "MAX_HEAD_BYTES", "PATIENCE_SECONDS", "Connection", "OneWriteProtocol"]

# Linger for no time: closing then resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)
_BAD_REQUEST, _TIMEOUT, _TOO_MANY, _TOO_LARGE, _SERVICE_UNAVAILABLE = 400, 408, 429, 431, 503
MAX_HEAD_BYTES = 128 * 1024
_CHUNK_HEAD_BYTES = 16
MAX_PIPELINED = 100
PATIENCE_SECONDS, IDLE_SECONDS = 30, 5
_SWEEP_SECONDS = 1


class Connection(RequestResponseCycle):
    """A request and its answer, as uvicorn has them, with what ASGI has no message for.

    It is the extension `adjourn.connection` of the request's scope.
    """

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a whole answer, unless uvicorn has to look at it; whether it was written.

        Args:
            status: of the answer.
            headers: with the right `content-length`, without `connection` and `transfer-encoding`.
            body: the bytes of the body.
        """
        if not self.keep_alive or self.disconnected or self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        parts = [STATUS_LINE[status]]
        for headers_of in self.default_headers, headers:
            for name, value in headers_of:
                parts += (name, b": ", value, b"\r\n")
        head = b"".join(parts)
        # A line more than there are headers would be a header that somebody smuggled in.
        if head.count(b"\n") != len(self.default_headers) + len(headers) + 1:
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(b"%b\r\n%b" % (head, body))
        self.message_event.set()
        self.on_response()
        # Else the two would keep each other until the garbage collector comes by, which costs more than all of this.
        del self.scope["extensions"]
        return True

    def abort_or_close(self, *, reset: bool) -> None:
        """End the connection, by a reset or as if all were said."""
        if reset:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            self.transport.close()


class OneWriteProtocol(HttpToolsProtocol):
    """What `uvicorn.Config(http=...)` takes.

    A head has a limit of bytes, trailers too; a request, a reader of the answer and an idle connection
    have one of time; so no client can fill memory or hold a connection for good. On connections beyond
    `limit_concurrency` each request is 503, with the reason. The extension `adjourn.connection` of its
    scopes is a `Connection`.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            self.app = _too_many_connections
        # Those that are there already go on, where uvicorn would refuse them too.
        self.limit_concurrency = None
        self._beside_body_bytes = 0
        self._running: RequestResponseCycle | None = None
        # What was waited for when `sweep` looked last, of which request, and since when.
        self._awaited, self._request, self._since, self._unread_bytes = "", self.scope, 0.0, 0
        if self.server_state not in _swept:
            _swept.add(self.server_state)
            self.loop.call_later(_SWEEP_SECONDS, _sweep, self.loop, self.server_state)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells only the request that came last; of pipelined ones another is being answered.
        for cycle in (self._running, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_request_awaited():
            self._beside_body_bytes += len(data)
            if self._beside_body_bytes > MAX_HEAD_BYTES:
                self._refuse(_TOO_LARGE, "Request Header Fields Too Large")

    def on_body(self, body: bytes) -> None:
        # Small chunks have more around them than in them; headers after the last have nothing.
        if self._beside_body_bytes:
            self._beside_body_bytes = max(0, self._beside_body_bytes - _CHUNK_HEAD_BYTES * len(body))
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(_BAD_REQUEST, msg)

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

    def sweep(self) -> None:
        """Refuse a request that is still not there after so long; end a connection that idles or does not read."""
        now = self.loop.time()
        awaited = self._awaited_part()
        if awaited == "reader" and self._unread_bytes != (unread_bytes := self.transport.get_write_buffer_size()):
            self._unread_bytes, self._since = unread_bytes, now
        if self._awaited != awaited or self._request is not self.scope:
            self._awaited, self._request, self._since = awaited, self.scope, now
        elif awaited == "request" and now - self._since > PATIENCE_SECONDS:
            self._refuse(_TIMEOUT, "Request Timeout")
        elif awaited == "next" and now - self._since > IDLE_SECONDS:
            self.transport.close()
        elif awaited == "reader" and now - self._since > PATIENCE_SECONDS:
            self.transport.abort()

    def _awaited_part(self) -> str:
        """What has to come before this connection goes on.

        It is the rest of a `request`, its `answer`, a `reader` of the answer, or the `next` request.
        """
        if self._is_request_awaited():
            return "request"
        if self.cycle.response_complete:
            return "next"
        return "reader" if self.flow.write_paused else "answer"

    def _is_request_awaited(self) -> bool:
        cycle = self.cycle
        return cycle is None or cycle.scope is not self.scope or cycle.more_body

    def _refuse(self, status: int, error: str) -> None:
        """Answer and close, where no answer is on its way yet."""
        if self.transport.is_closing():
            return
        if self._running is None or not self._running.response_started:
            body = b'{"error":"%b"}' % error.encode()
            length = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + length + body)
        self.transport.close()

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(_TOO_MANY, f"More than {MAX_PIPELINED} requests wait on this connection")
            raise ValueError("the parser stops here")
        self._beside_body_bytes = 0
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            if before is None or before.response_complete:
                self._running = self.cycle
            # uvicorn makes its cycles itself, in the middle of this method; the app has not seen it yet.
            self.cycle.__class__ = Connection
            self.scope["extensions"] = {"adjourn.connection": self.cycle}  # type: ignore[dict-item]


_too_many_connections = JSONResponse(
    {"error": "There are as many connections as there may be; see --max-connections"},
    _SERVICE_UNAVAILABLE,
    {"connection": "close"},
)
_swept: WeakSet[ServerState] = WeakSet()


def _sweep(loop: asyncio.AbstractEventLoop, server_state: ServerState) -> None:
    """Look at all connections of a server, again and again as long as it has any."""
    for connection in tuple(server_state.connections):
        if isinstance(connection, OneWriteProtocol):
            connection.sweep()
    if server_state.connections:
        loop.call_later(_SWEEP_SECONDS, _sweep, loop, server_state)
    else:
        _swept.discard(server_state)
