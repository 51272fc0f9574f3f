"""A request and its answer on a connection, with what ASGI cannot express."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

__all__ = ["Connection"]

# Linger for no time: closing then resets the connection.
_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(RequestResponseCycle):
    """A request and its answer, as uvicorn has them, with what ASGI cannot express.

    It is the extension `adjourn.connection` of the request's scope.
    """

    def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
        """Write a complete answer, unless uvicorn has to look at it; whether it was written.

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
        # The scope and its extension refer to each other. Without this the garbage collector has to free every
        # request.
        del self.scope["extensions"]
        return True

    def abort_or_close(self, *, reset: bool) -> None:
        """End the connection, by a reset or as if the answer were complete."""
        if reset:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            self.transport.close()
