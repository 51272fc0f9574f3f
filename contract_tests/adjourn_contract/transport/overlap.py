"""Requests that overlap: each on a connection of its own, sent but for its last byte before any is let go.

The last bytes follow at chosen moments, microseconds to milliseconds apart; each connection is read by a thread of its
own, so that the end of every response is known to about the same precision.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from adjourn_contract.transport.exchange import Exchange, Headers
from adjourn_contract.transport.wire import Wire

__all__ = ["Start", "send_overlapping"]

_Answer = tuple[int, Headers, bytes]


class Start(NamedTuple):
    """A request and when it starts.

    Attributes:
        method, target, headers, body: as `Wire.send` has them.
        delay_seconds: how long after the start of all, or after the response of `follows`.
        follows: the place of the request whose response is awaited first, or None.
        is_abandoned: whether the connection is closed without reading a response.
    """

    method: str
    target: str
    headers: Headers
    body: bytes | None
    delay_seconds: float = 0
    follows: int | None = None
    is_abandoned: bool = False


@dataclass
class _Lane:
    """A request on its connection, and what became of it."""

    start: Start
    connection: socket.socket
    last_byte: bytes
    began: float = 0
    ended: float = 0
    answer: _Answer = (0, (), b"")
    followers: list[_Lane] = field(default_factory=list)

    def let_go(self) -> None:
        """Send the last byte."""
        self.began = time.monotonic()
        with suppress(OSError):
            self.connection.sendall(self.last_byte)
            if self.start.is_abandoned:
                self.connection.shutdown(socket.SHUT_RDWR)

    def read(self, wire: Wire) -> None:
        """Read the response, then let go of the requests that wait for it."""
        answer = wire.read(self.connection, self.start.method)
        self.ended = time.monotonic()
        self.answer = (0, (), b"") if self.start.is_abandoned else answer
        for follower in self.followers:
            time.sleep(follower.start.delay_seconds)
            follower.let_go()

    def exchange(self) -> Exchange:
        status, headers, body = self.answer
        sent = self.start
        return Exchange(
            sent.method,
            sent.target,
            sent.headers,
            sent.body,
            chunked=False,
            status=status,
            answer_headers=headers,
            answer=body,
            began=self.began,
            seconds=self.ended - self.began,
        )


def send_overlapping(wire: Wire, starts: Sequence[Start]) -> list[Exchange]:
    """Send requests that overlap, and read their responses.

    Args:
        wire: how to reach the server.
        starts: the requests; one follows only earlier ones.

    Returns an exchange for each request, with status 0 where no response came.

    Raises:
        Unreachable: a connection could not be made.
        OutOfTime: the time for the check is over.
    """
    with ExitStack() as stack:
        lanes: list[_Lane] = []
        for start in starts:
            wire.pace()
            connection = stack.enter_context(wire.connect())
            content = wire.route.route(_request_bytes(wire, start))
            with suppress(OSError):
                connection.sendall(content[:-1])
            lane = _Lane(start, connection, content[-1:])
            lanes.append(lane)
            if start.follows is not None:
                lanes[start.follows].followers.append(lane)
        _run(wire, lanes)
    return [lane.exchange() for lane in lanes]


def _run(wire: Wire, lanes: Sequence[_Lane]) -> None:
    threads = [threading.Thread(target=lane.read, args=(wire,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for lane in sorted(
        (lane for lane in lanes if lane.start.follows is None), key=lambda lane: lane.start.delay_seconds
    ):
        _wait_until(began + lane.start.delay_seconds)
        lane.let_go()
    for thread in threads:
        thread.join()


def _wait_until(moment: float) -> None:
    """Wait to a precision that a sleep does not have."""
    left = moment - time.monotonic()
    if left > _SLEEP_PRECISION_SECONDS:
        time.sleep(left - _SLEEP_PRECISION_SECONDS)
    while time.monotonic() < moment:
        pass


def _request_bytes(wire: Wire, start: Start) -> bytes:
    lines = [f"{start.method} {wire.base}{start.target} HTTP/1.1", f"Host: {wire.host}:{wire.port}"]
    lines += [f"{name}: {value}" for name, value in start.headers]
    if start.body is not None:
        lines.append(f"Content-Length: {len(start.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (start.body or b"")


_SLEEP_PRECISION_SECONDS = 0.0005
