"""The wire: whatever comes back, or does not, is an exchange or `Unreachable`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from runs import run_against
from scripted_server import Scripted

from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
from adjourn_contract.transport.exchange import Unreachable
from adjourn_contract.transport.wire import Wire

BODY = b'{"id": "session_1"}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with closing(Scripted([b""])) as server:
        yield server


@pytest.mark.parametrize("answer", [WHOLE, CHUNKED], ids=["whole", "chunked"])
def test_an_answer_may_be_cut_off_at_any_byte(server: Scripted, answer: bytes) -> None:
    for length in range(len(answer)):
        server.answers = [answer[:length]]
        with closing(Wire(server.url, timeout_seconds=5)) as wire, suppress(Unreachable):
            exchange = wire.send("GET", "/", ())
            # A head may be cut off between its lines, a body with a length anywhere, chunks after the last that counts.
            assert exchange.status == 200
            assert exchange.value is None or length > answer.index(BODY) + len(BODY)
    server.answers = [answer]
    with closing(Wire(server.url)) as wire:
        assert wire.send("GET", "/", ()).value == {"id": "session_1"}


LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_a_request_is_sent_again_where_its_connection_had_timed_out(server: Scripted) -> None:
    server.answers = [LATE, WHOLE]
    with closing(Wire(server.url)) as wire:
        exchange = wire.send("POST", "/", (), b"{}")
    assert (exchange.status, exchange.is_resent) == (200, False)


def test_a_server_that_answers_each_request_with_408_is_not_excused(server: Scripted) -> None:
    server.answers = [LATE]
    with closing(Wire(server.url)) as wire:
        assert wire.send("GET", "/", ()).status == 408


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\xff\xfe: \x00\r\n\r\n{}",
        b"HTTP/1.1 999999 OK\r\n\r\n{}",
        b"HTTP/1.1 abc OK\r\n\r\n{}",
        b"HTTP/9.9 200 OK\r\n\r\n{}",
        b"200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 5000 + b"\r\n{}",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
def test_an_answer_may_be_broken_in_any_way(server: Scripted, answer: bytes) -> None:
    server.answers = [answer]
    with closing(Wire(server.url, timeout_seconds=5)) as wire, suppress(Unreachable):
        assert isinstance(wire.send("GET", "/", ()).status, int)


class Forgetful:
    """A server that acts on the second request of its first connection, but ends the connection with no answer."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            for answers in ((WHOLE, b""), (WHOLE,)):
                connection, _ = self._listener.accept()
                with connection:
                    for answer in answers:
                        connection.recv(65536)
                        connection.sendall(answer)

    def close(self) -> None:
        self._listener.close()


def test_a_request_that_was_sent_twice_blames_no_clause() -> None:
    with closing(Forgetful()) as server, run_against(server.url) as run:
        scenario = run.scenario()
        first, second = (scenario.send("POST", "/api/v1/sessions", {}) for _ in range(2))
        assert (first.is_resent, second.is_resent) == (False, True)
        with pytest.raises(ClauseFailed):
            scenario.expect_status(first, 201, "create.created", "a create")
        with pytest.raises(NotChecked, match="ended a connection"):
            scenario.expect_status(second, 201, "create.created", "a create")
