"""HTTP as it is written: requests that clients do not send, kept with their answers.

Built on the standard library's `http.client`, which sends targets as they are, and on
sockets where even that is too polite.
"""

from __future__ import annotations

import http.client
import itertools
import math
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from urllib.parse import urlsplit

from adjourn_contract.transport.deadline import READ_ERRORS, Deadline, reason_of
from adjourn_contract.transport.exchange import Exchange, Headers, OutOfTime, RateLimited, Unreachable
from adjourn_contract.transport.rate_limit import Quota, wait_seconds
from adjourn_contract.transport.route import Proxy, Route

__all__ = ["Wire"]

MAX_ANSWER_BYTES = 4 * 1024 * 1024
# How long one request is sent again on 429, in all.
MAX_WAITED_SECONDS = 300.0
# A thread that waits for its turn wakes up a little late.
_LATE_WAKING = 1.04
# A gateway that has lost its server for a moment is asked again so often.
MAX_GATEWAY_TRIES = 4
GATEWAY_PAUSE_SECONDS = 0.1
_REQUEST_TIMEOUT = 408


class Wire:
    """Connections to one server, kept alive, as many as are used at once. On 429 it waits and retries.

    Args:
        url: the server's base URL, http or https; a path in it precedes every target.
        rate: the most requests a second, or None.
        timeout_seconds: how long to wait for an answer, for all of it.
        headers: added to every request, unseen by the tests.
        proxy: an HTTP proxy in between, or None.

    Attributes:
        allowance: the number of requests after which no more is sent.
        deadline: when no more is sent, in seconds on the monotonic clock.
        requests: how many were sent; `rate_limited` how many answers were 429, `gateway_errors` how many a gateway's.
    """

    def __init__(
        self,
        url: str,
        *,
        rate: float | None = None,
        timeout_seconds: float = 10,
        headers: Headers = (),
        proxy: Proxy | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the URL is not an http or https URL with a host")
        if parts.username is not None:
            raise ValueError("the URL has a user name or password in it; leave them out")
        self.base = parts.path.rstrip("/")
        self.is_secure = parts.scheme == "https"
        self.host, self.port = parts.hostname, parts.port or (443 if self.is_secure else 80)
        self.route = Route(self.is_secure, self.host, self.port, proxy, headers)
        self.timeout_seconds = timeout_seconds
        self.requests = 0
        self.rate_limited = 0
        self.gateway_errors = 0
        self.deadline = float("inf")
        self.allowance: Callable[[], float] = lambda: math.inf
        # A little longer than asked for: threads wake late, and no second may have more than `rate` requests.
        self._interval = _LATE_WAKING / rate if rate else 0.0
        self._next = 0.0
        # A limit is that of a key.
        self._quotas: defaultdict[str | None, Quota] = defaultdict(Quota)
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._deadline = Deadline(timeout_seconds)

    def send(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None = None,
        *,
        chunks: Sequence[bytes] | None = None,
    ) -> Exchange:
        """Send a request and read its answer; where it is 429, wait and send it again.

        Args:
            method: the method.
            target: the raw path and query, below the base URL.
            headers: as they are sent; Host and the framing of the body are added.
            body: the body with its length, or None for none.
            chunks: the body in chunks, without a length.

        Raises:
            Unreachable: no answer came.
            RateLimited: nothing but 429 for as long as is waited.
            OutOfTime: the time for the check is over.
        """
        listed = tuple(headers)
        return self._answered(lambda: self._once(method, target, listed, body, chunks))

    def _answered(self, attempt: Callable[[], Exchange]) -> Exchange:
        """The answer that is meant for the caller: not a 429, nor a gateway's own error where another try helps.

        What a gateway may have passed on is done already: sending it again adds nothing that a close or an update does
        not undo, and of two sessions that a create may have made, the answer names one.
        """
        for number in itertools.count():
            exchange = replace(self._unlimited(attempt), gateway_errors=number)
            if not exchange.is_from_gateway:
                return exchange
            with self._lock:
                self.gateway_errors += 1
            if number + 1 >= MAX_GATEWAY_TRIES:
                return exchange
            time.sleep(GATEWAY_PAUSE_SECONDS * (number + 1))
        raise AssertionError("unreachable")

    def _unlimited(self, attempt: Callable[[], Exchange]) -> Exchange:
        """Send until the answer is not 429, as long as it is waited for."""
        waited = 0.0
        for number in itertools.count():
            exchange = attempt()
            with self._lock:
                self._quotas[_credential(exchange.headers)].note(exchange, time.monotonic())
            if exchange.status != 429:
                return exchange
            with self._lock:
                self.rate_limited += 1
            pause = wait_seconds(exchange, number)
            waited += pause
            if waited > MAX_WAITED_SECONDS:
                raise RateLimited(f"the server answers 429 for more than {MAX_WAITED_SECONDS:.0f} s")
            if time.monotonic() + pause > self.deadline:
                raise OutOfTime("the time budget ends before the rate limit does")
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _once(
        self, method: str, target: str, headers: Headers, body: bytes | None, chunks: Sequence[bytes] | None
    ) -> Exchange:
        self.pace(_credential(headers))
        content = body if chunks is None else b"".join(chunks)
        is_resent = False
        for attempt in (1, 2):
            connection, is_fresh = self._connection()
            began = time.monotonic()
            try:
                with self._deadline.watching(partial(getattr, connection, "sock"), self.deadline):
                    self._write(connection, method, target, headers, body, chunks)
                    answer = connection.getresponse()
                    received = answer.read(MAX_ANSWER_BYTES)
            except READ_ERRORS as error:
                connection.close()
                # What was idle as long as this one has ended as well.
                self.close()
                if is_fresh or attempt == 2:
                    raise Unreachable(reason_of(error)) from None
                is_resent = True
                continue
            if answer.status == _REQUEST_TIMEOUT and attempt == 1:
                # It is about the connection, which was idle for too long, and not this request (RFC 9110, 15.5.9).
                connection.close()
                self.close()
                continue
            if answer.will_close or not answer.isclosed():
                connection.close()
            else:
                self._idle.append(connection)
            return Exchange(
                method,
                target,
                headers,
                content,
                chunks is not None,
                answer.status,
                tuple(answer.getheaders()),
                received,
                began,
                time.monotonic() - began,
                is_resent=is_resent,
            )
        raise AssertionError("unreachable")

    def _write(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Headers,
        body: bytes | None,
        chunks: Sequence[bytes] | None,
    ) -> None:
        connection.putrequest(method, self.route.target(self.base + target), skip_accept_encoding=True)
        for name, value in (*self.route.head_lines(), *headers):
            connection.putheader(name, value.encode("latin-1", "replace"))
        if chunks is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body if chunks is None else None)
            for chunk in chunks or ():
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if chunks is not None:
                connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            # The server answered and closed before it had read all; its answer may still be read.
            pass

    def raw(self, sent: bytes, *, method: str = "POST", target: str = "", ends: bool = False) -> Exchange:
        """Send bytes on a connection of their own and read one answer; status 0 where none comes.

        Args:
            sent: the whole request.
            method: its method, which decides whether the answer has a body.
            target: its target, for the report.
            ends: whether to say that nothing more will be sent.
        """
        return self._answered(lambda: self._raw_once(sent, method, target, ends=ends))

    def _raw_once(self, sent: bytes, method: str, target: str, *, ends: bool) -> Exchange:
        self.pace()
        began = time.monotonic()
        with self.connect() as connection:
            with suppress(OSError):
                connection.sendall(self.route.route(sent))
                if ends and not self.is_secure:
                    connection.shutdown(socket.SHUT_WR)
            answer = self.read(connection, method)
        status, headers, body = answer
        return Exchange(
            method, target, (), None, False, status, headers, body, began, time.monotonic() - began, wire_bytes=sent
        )

    def read(self, connection: socket.socket, method: str = "POST") -> tuple[int, Headers, bytes]:
        """Read one answer from a socket."""
        answer = http.client.HTTPResponse(connection, method=method)
        try:
            with self._deadline.watching(lambda: connection, self.deadline):
                answer.begin()
                return answer.status, tuple(answer.getheaders()), answer.read(MAX_ANSWER_BYTES)
        except READ_ERRORS:
            return 0, (), b""
        finally:
            answer.close()

    def connect(self) -> socket.socket:
        """A new connection.

        Raises:
            Unreachable: it is refused or does not come about in time.
        """
        left_seconds = max(0.1, min(self.timeout_seconds, self.deadline - time.monotonic()))
        try:
            connection = socket.create_connection(self.route.address, timeout=left_seconds)
        except OSError as error:
            raise Unreachable(reason_of(error)) from None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self.timeout_seconds)
            if self.route.proxy is not None and self.is_secure:
                self.route.proxy.tunnel(connection, self.host, self.port)
            return self._secured(connection) if self.is_secure else connection
        except OSError as error:
            connection.close()
            raise Unreachable(reason_of(error)) from None

    def accepts(self) -> bool:
        """Whether a new connection comes about."""
        try:
            self.connect().close()
        except Unreachable:
            return False
        return True

    def _secured(self, connection: socket.socket) -> socket.socket:
        """A connection that speaks TLS, once both sides have agreed on it in time."""
        secured = self._context.wrap_socket(connection, server_hostname=self.host, do_handshake_on_connect=False)
        try:
            with self._deadline.watching(lambda: secured, self.deadline):
                secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def pace(self, credential: str | None = None) -> None:
        """Count a request and, where a rate is set or the limit of its key is nearly used up, wait for its turn.

        Raises:
            OutOfTime: the time for the check is over.
        """
        if time.monotonic() > self.deadline:
            raise OutOfTime("the time budget is used up")
        with self._lock:
            if self.requests >= self.allowance():
                raise OutOfTime("the limit of requests is used up", "--max-requests")
            self.requests += 1
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._interval
            wait = max(turn - now, self._quotas[credential].turn(now))
        if now + wait > self.deadline:
            raise OutOfTime("the time budget ends before the rate limit lets another request pass")
        if wait:
            time.sleep(wait)

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with suppress(IndexError):
            return self._idle.pop(), False
        make: Callable[..., http.client.HTTPConnection] = (
            http.client.HTTPSConnection if self.is_secure else http.client.HTTPConnection
        )
        connection = make(self.host, self.port)
        connection.sock = self.connect()
        return connection, True

    def close(self) -> None:
        """Close the connections that are kept alive."""
        while self._idle:
            self._idle.pop().close()


def _credential(headers: Headers) -> str | None:
    return next((value for name, value in headers if name == "Authorization"), None)
