"""uvicorn's HTTP protocol, with the head and the body of an answer in one write.

uvicorn looks at each header of an answer by itself and hands head and body to the transport one
after the other; that is a fifth of the time that a small answer takes. Here an answer that is
whole goes out at once. All else (pieces, `Transfer-Encoding`, `Connection`) is left to uvicorn.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

__all__ = ["OneWriteProtocol"]

# Linger for no time: closing then resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)
_BAD_REQUEST, _TIMEOUT, _TOO_LARGE = 400, 408, 431
MAX_HEAD_BYTES = 128 * 1024
_CONTENT_LENGTH, _SPECIAL = b"content-length", (b"connection", b"transfer-encoding")


class _OneWriteCycle(RequestResponseCycle):
    """A request and its answer; the head waits for the body."""

    _start: Any = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started and self._start is None:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body") and not self.flow.write_paused and not self.disconnected:
                whole = self._whole(start["status"], start["headers"], message["body"])
                if whole is not None:
                    self._finish(whole)
                    return
            await super().send(start)
        await super().send(message)

    def _whole(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes | None:
        """The bytes of an answer, or None where uvicorn is to make them."""
        parts, length = [STATUS_LINE[status]], b""
        headers = self.default_headers + headers
        for name, value in headers:
            if name == _CONTENT_LENGTH:
                length = value
            elif name in _SPECIAL:
                return None
            parts += (name, b": ", value, b"\r\n")
        if not length or int(length) != len(body) or not self.keep_alive or self.scope["method"] == "HEAD":
            return None
        head = b"".join(parts)
        # A line more than there are headers would be a header that somebody smuggled in.
        if head.count(b"\n") != len(headers) + 1:
            return None
        return b"%b\r\n%b" % (head, body)

    def _finish(self, whole: bytes) -> None:
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.write(whole)
        self.message_event.set()
        self.on_response()


class OneWriteProtocol(HttpToolsProtocol):
    """What `uvicorn.Config(http=...)` takes.

    A head has a limit of bytes, and a request of time, so that no client can fill memory or hold
    a connection for good; `patience_seconds` is looked at by `sweep`, which the server calls now and then.

    The extension `adjourn.connection` of its scopes breaks a connection off, by a reset or
    an early end, which ASGI has no message for.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._extensions = {"adjourn.connection": self._break_off}
        self._head_bytes = 0
        # Which request was waited for when `sweep` looked last, and since when.
        self._awaited: Any = None
        self._since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.scope is not self.scope:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(_TOO_LARGE, "Request Header Fields Too Large")

    def send_400_response(self, msg: str) -> None:
        self._refuse(_BAD_REQUEST, msg)

    def sweep(self, patience_seconds: float) -> None:
        """Refuse a request whose head or body is still not there after so long."""
        is_in_head = self.cycle is None or self.cycle.scope is not self.scope
        if not is_in_head and not self.cycle.more_body:
            self._since = self.loop.time()
        elif self._awaited is not self.scope:
            self._awaited, self._since = self.scope, self.loop.time()
        elif self.loop.time() - self._since > patience_seconds:
            self._refuse(_TIMEOUT, "Request Timeout")

    def _refuse(self, status: int, error: str) -> None:
        """Answer and close, where no answer is on its way yet."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = b'{"error":"%b"}' % error.encode()
            length = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + length + body)
        self.transport.close()

    def on_headers_complete(self) -> None:
        self._head_bytes = 0
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            # uvicorn makes its cycles itself, in the middle of this method; the answer is still to come.
            self.cycle.__class__ = _OneWriteCycle

    def _break_off(self, *, reset: bool) -> None:
        if reset:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            self.transport.close()
