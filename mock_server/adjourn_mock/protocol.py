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

    The extension `adjourn.connection` of its scopes breaks a connection off, by a reset or
    an early end, which ASGI has no message for.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._extensions = {"adjourn.connection": self._break_off}

    def on_headers_complete(self) -> None:
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
