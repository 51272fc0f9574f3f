"""Hostile HTTP: the mock stays up, refuses with a fitting 4xx in JSON, and its memory stays bounded."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from engines import free_port, mock_process, redis_server
from sessions_api import CHAT

from adjourn_mock import MockServer
from adjourn_mock.serving.protocol import ConnectionLimits
from adjourn_spec import load_contract

KEY = b"Authorization: Bearer tr_dev_adjourn\r\n"
CLOSE = b"POST /api/v1/sessions/chat_1/close HTTP/1.1\r\nHost: a\r\n" + KEY
MEGABYTES = 26


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[int, str]]:
    """A mock in a process of its own: its pid and URL."""
    with mock_process() as (process, url):
        yield process.pid, url


def send(url: str, pieces: Iterable[bytes]) -> bytes:
    """Send pieces until the server has had enough; what it answered."""
    parts = urlsplit(url)
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            while not is_whole(received):
                piece = connection.recv(65536)
                if not piece:
                    break
                received += piece
        except ConnectionError:
            # It closed while we were still sending; what it said may be there all the same.
            connection.setblocking(False)
            with contextlib.suppress(OSError):
                received += connection.recv(65536)
    return received


def is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: ([0-9]+)", head)
    return bool(end and length and len(body) >= int(length[1]))


def status_and_error(received: bytes) -> tuple[int, str]:
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def peak_megabytes(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def reset_peak_megabytes(pid: int) -> float:
    """Forget the highest memory that a process ever had; what it has now, from which the next peak counts."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak_megabytes(pid)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (CLOSE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400),
        (CLOSE + b"Content-Length: -1\r\n\r\n", 400),
        (CLOSE + b"Content-Length: 99999999999999999999999\r\n\r\n", 400),
        (CLOSE + b"Content-Length: 1e3\r\n\r\n", 400),
        (CLOSE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (CLOSE + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400),
        (CLOSE + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        (CLOSE + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400),
        (b"GET /api/v1/sessions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400),
        (b"GET /api/v1/sessions HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /api/v1/sessions/\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /api/v1/sessions HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        ("GET /api/v1/sessions/ü HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400),
        (b"GET /api/v1/sessions/%ZZ HTTP/1.1\r\nHost: a\r\n" + KEY + b"\r\n", 400),
        (b"GET /api/v1/sessions/%C0%AF HTTP/1.1\r\nHost: a\r\n" + KEY + b"\r\n", 400),
        (b"GET /api/v1/sessions/%ED%A0%80 HTTP/1.1\r\nHost: a\r\n" + KEY + b"\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (CLOSE.replace(b"Host: a\r\n", b"") + b"Content-Length: 2\r\n\r\n{}", 400),
        (CLOSE + b"Host: b\r\nContent-Length: 2\r\n\r\n{}", 400),
        (CLOSE.replace(b"Host: a", b"Host: a/b") + b"Content-Length: 2\r\n\r\n{}", 400),
        (CLOSE.replace(b"Host: a", b"Host: a b") + b"Content-Length: 2\r\n\r\n{}", 400),
        (CLOSE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
        (CLOSE.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}", 400),
        (CLOSE + b"Content-Length: +2\r\n\r\n{}", 400),
        (CLOSE + b"Content-Length: 2, 2\r\n\r\n{}", 400),
        (CLOSE + b"Transfer-Encoding: identity\r\n\r\n{}", 400),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n", 400),
        (CLOSE.replace(b"POST", b"post") + b"Content-Length: 2\r\n\r\n{}", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 50_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(5000)) + b"\r\n", 431),
        (
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\n" + KEY + b"Content-Length: 30000\r\n\r\n" + b"[" * 30_000,
            400,
        ),
        (CLOSE + b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000, 413),
        (b"GET /api/v1/sessions?" + b"a&" * 5000 + b" HTTP/1.1\r\nHost: a\r\n" + KEY + b"\r\n", 400),
        (b"GET /api/v1/sessions?" + b"a&" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n" + KEY + b"\r\n", 431),
        (
            b"PUT /_adjourn/environments/dev/state HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\n"
            + b'[{"a":' * 33_333
            + b"  ",
            400,
        ),
    ],
)
def test_broken_requests_are_refused_in_json_and_touch_nothing(
    process: tuple[int, str], request_bytes: bytes, status: int
) -> None:
    with httpx.Client(base_url=process[1], headers={"Authorization": "Bearer tr_dev_adjourn"}) as client:
        client.post("/api/v1/sessions", json=CHAT | {"externalId": "chat_1"})
        before = client.get("/api/v1/sessions").content
        answered, error = status_and_error(send(process[1], [request_bytes]))
        assert (answered, bool(error)) == (status, True)
        assert client.get("/api/v1/sessions").content == before


def test_odd_members_do_no_harm(process: tuple[int, str]) -> None:
    with httpx.Client(base_url=process[1], headers={"Authorization": "Bearer tr_dev_adjourn"}) as client:
        for content in (
            b'{"__proto__": {"admin": true}, "reason": "a", "reason": "b"}',
            b'{"reason": "\\ud800"}',
            b'{"x": 1' + b"0" * 500 + b"}",
            b'{"x": 1e99999}',
        ):
            made = client.post("/api/v1/sessions", json=CHAT).json()
            assert client.post(f"/api/v1/sessions/{made['id']}/close", content=content).status_code == 200


@pytest.mark.parametrize(
    ("head", "piece", "status"),
    [
        (b"GET /", b"a" * 65536, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 65536, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: 1\r\n" * 10_000, 431),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"a" * 65536 + b"\r\n", 413),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\n2;", b"a" * 65536, 431),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: 1\r\n" * 10_000, 431),
        (CLOSE + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"a" * 65536, 431),
        (
            b"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"10000\r\n" + b"a" * 65536 + b"\r\n",
            404,
        ),
    ],
)
def test_what_does_not_end_does_not_fill_memory(
    process: tuple[int, str], head: bytes, piece: bytes, status: int
) -> None:
    pieces = [head, *([piece] * (MEGABYTES * 1024 * 1024 // len(piece)))]
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for each in pieces:
            yield each
            sent += 1

    before = reset_peak_megabytes(process[0])
    received = send(process[1], counted())
    # Where it closes while we send, the answer may be lost on the way; then it has to have closed before the end.
    assert int(received.split()[1]) == status if received else sent < len(pieces)
    assert peak_megabytes(process[0]) - before < MEGABYTES / 2
    assert httpx.get(f"{process[1]}/_adjourn/health").status_code == 200


def test_a_body_in_small_chunks_is_read(process: tuple[int, str]) -> None:
    body = json.dumps({**CHAT, "externalId": "chunks", "metadata": {"m": "x" * 30_000}}).encode()
    head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"1;e=1\r\n%c\r\n" % byte for byte in body) + b"0\r\nX: 1\r\n\r\n"
    assert send(process[1], [head + chunks]).startswith(b"HTTP/1.1 201")


def test_a_request_after_a_large_body_is_answered(process: tuple[int, str]) -> None:
    """The bytes of a refused body do not count as the head of the request that follows it."""
    large = b"x" * 600_000
    refused = CLOSE + b"Content-Length: %d\r\n\r\n%b" % (len(large), large)
    parts = urlsplit(process[1])
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(refused + CLOSE.replace(b"chat_1", b"nobody") + b"Content-Length: 2\r\n\r\n{}")
        while received.count(b"HTTP/1.1 ") < 2 and (piece := connection.recv(65536)):
            received += piece
    assert re.findall(rb"HTTP/1.1 ([0-9]+)", received) == [b"413", b"404"]


def test_many_slow_clients_keep_nobody_waiting(process: tuple[int, str]) -> None:
    parts = urlsplit(process[1])
    slow = [socket.create_connection((parts.hostname, parts.port)) for _ in range(200)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(CLOSE[: 10 + number % 30] if number % 2 else CLOSE + b"Content-Length: 10\r\n\r\n{")
        assert httpx.get(f"{process[1]}/_adjourn/health", timeout=2).status_code == 200
    finally:
        for connection in slow:
            connection.close()
    assert httpx.get(f"{process[1]}/_adjourn/health").status_code == 200


@pytest.mark.parametrize("sent", [b"POST /api/v1/ses", CLOSE, CLOSE + b"Content-Length: 10\r\n\r\n{"])
def test_a_request_that_does_not_come_is_given_up(sent: bytes) -> None:
    with MockServer(limits=ConnectionLimits(patience_seconds=0.2, sweep_seconds=0.05)) as server:
        assert status_and_error(send(server.url, [sent])) == (408, "Request Timeout")


def test_a_connection_without_a_request_is_closed_without_an_answer() -> None:
    with MockServer(limits=ConnectionLimits(patience_seconds=0.2, sweep_seconds=0.05)) as server:
        parts = urlsplit(server.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            # A proxy would pass an answer on as that to the request it sends next.
            assert connection.recv(65536) == b""


def test_a_connection_that_idles_is_closed() -> None:
    with MockServer(limits=ConnectionLimits(idle_seconds=0.2, sweep_seconds=0.05)) as server:
        parts = urlsplit(server.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(CLOSE + b"Content-Length: 2\r\n\r\n{}")
            assert connection.recv(65536).startswith(b"HTTP/1.1 404")
            assert connection.recv(65536) == b"", "nothing more is said"


def test_a_connection_in_use_is_kept() -> None:
    with MockServer(limits=ConnectionLimits(idle_seconds=0.4, sweep_seconds=0.05)) as server:
        parts = urlsplit(server.url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            for _ in range(12):
                connection.sendall(CLOSE + b"Content-Length: 2\r\n\r\n{}")
                assert connection.recv(65536).startswith(b"HTTP/1.1 404")
                time.sleep(0.1)


def test_clients_that_vanish_leave_nothing_half_done(process: tuple[int, str]) -> None:
    with httpx.Client(base_url=process[1], headers={"Authorization": "Bearer tr_dev_adjourn"}) as client:
        made = client.post("/api/v1/sessions", json={**CHAT, "externalId": "vanish"}).json()
        parts = urlsplit(process[1])
        whole = CLOSE.replace(b"chat_1", b"vanish") + b'Content-Length: 14\r\n\r\n{"reason":"x"}'
        for length in range(1, len(whole), 7):
            with socket.create_connection((parts.hostname, parts.port)) as connection:
                connection.sendall(whole[:length])
        row = client.get("/api/v1/sessions/vanish").json()
        assert (row["closedAt"], row["updatedAt"]) == (None, made["updatedAt"])


def test_a_client_that_only_reads_on_is_answered(process: tuple[int, str]) -> None:
    parts = urlsplit(process[1])
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(CLOSE.replace(b"chat_1", b"nobody") + b"Content-Length: 2\r\n\r\n{}")
        connection.shutdown(socket.SHUT_WR)
        assert status_and_error(connection.makefile("rb").read())[0] == 404


def test_connections_that_are_reset_harm_nobody(process: tuple[int, str]) -> None:
    parts = urlsplit(process[1])
    for sent in (b"", CLOSE, CLOSE + b"Content-Length: 10\r\n\r\n{", CLOSE + b"Content-Length: 2\r\n\r\n{}" * 50):
        for _ in range(20):
            with socket.create_connection((parts.hostname, parts.port)) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(sent)
    assert httpx.get(f"{process[1]}/_adjourn/health", timeout=2).status_code == 200


def test_pipelined_requests_are_answered_in_order(process: tuple[int, str]) -> None:
    requests = [
        b"GET /api/v1/sessions/p%d HTTP/1.1\r\nHost: a\r\n%b\r\n" % (n, KEY if n % 2 else b"") for n in range(40)
    ]
    parts = urlsplit(process[1])
    received = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"".join(requests))
        while received.count(b"HTTP/1.1 ") < len(requests):
            received += connection.recv(65536)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"404" if n % 2 else b"401" for n in range(40)]


def test_requests_beyond_measure_in_one_go_are_refused(process: tuple[int, str]) -> None:
    before = peak_megabytes(process[0])
    requests = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000
    parts = urlsplit(process[1])
    for _ in range(10):
        with (
            socket.create_connection((parts.hostname, parts.port), timeout=10) as connection,
            contextlib.suppress(ConnectionError),
        ):
            connection.sendall(requests)
    assert status_and_error(send(process[1], [requests]))[0] == 429
    assert httpx.get(f"{process[1]}/_adjourn/health", timeout=2).status_code == 200
    assert peak_megabytes(process[0]) - before < 10


def test_a_client_that_does_not_read_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    with MockServer(limits=ConnectionLimits(patience_seconds=0.3, sweep_seconds=0.05)) as server:
        parts = urlsplit(server.url)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((parts.hostname, parts.port))
            connection.settimeout(10)
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 90)
            time.sleep(1)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := connection.recv(65536):
                    received += piece
    assert 0 < received.count(b"HTTP/1.1 200") < 90
    assert not caplog.records


def test_the_limit_of_a_head_is_larger_than_what_the_contract_lets_pass() -> None:
    assert load_contract().head_limit_bytes * 2 < ConnectionLimits().head_bytes


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_large_sessions_do_not_fill_the_machine(kind: str, tmp_path: Path) -> None:
    def lives(client: httpx.Client) -> None:
        metadata = [{str(n % 10): []} for n in range(2500)]
        statuses = []
        while len(statuses) < 200 and (not statuses or statuses[-1] == 201):
            body = {**CHAT, "externalId": f"chat_{len(statuses)}", "metadata": {"m": metadata}}
            statuses.append(client.post("/api/v1/sessions", json=body).status_code)
        assert 20 < statuses.count(201) < 200
        assert statuses[-1] == 507
        refused = client.patch("/api/v1/sessions/small", json={"metadata": {"m": metadata}})
        assert (refused.status_code, bool(refused.json()["error"])) == (507, True)
        if kind == "memory":
            assert client.post("/api/v1/sessions/chat_0/close", json={"reason": "x" * 256}).status_code == 200
        for session in ("small", "chat_1"):
            assert client.get(f"/api/v1/sessions/{session}").json()["closedAt"] is None
        assert client.put("/_adjourn/environments/dev/state", json={"sessions": []}).status_code == 200
        assert client.post("/api/v1/sessions", json={**CHAT, "metadata": {"m": metadata}}).status_code == 201

    with contextlib.ExitStack() as stack:
        options = ["--max-megabytes", "4"]
        if kind == "sqlite":
            options += ["--store", f"sqlite:{tmp_path / 'state.db'}"]
        elif kind == "redis":
            url = stack.enter_context(redis_server(free_port(), "--maxmemory", "8mb"))
            options += ["--store", url]
        _, url = stack.enter_context(mock_process(*options))
        client = stack.enter_context(httpx.Client(base_url=url, headers={"Authorization": "Bearer tr_dev_adjourn"}))
        assert client.post("/api/v1/sessions", json={**CHAT, "externalId": "small"}).status_code == 201
        lives(client)


def test_large_heads_do_not_fill_journals() -> None:
    with mock_process() as (process, url), httpx.Client(base_url=url) as client:
        for key in (b"Bearer tr_dev_adjourn", b"Bearer tr_dev_nobody"):
            for _ in range(300):
                lines = [(b"authorization", key), *[(b"x-%d" % n, b"x" * 1000) for n in range(100)]]
                assert client.get("/api/v1/sessions/a", headers=lines).status_code == 431
        assert peak_megabytes(process.pid) < 90


def test_a_head_is_measured_with_names_and_repetitions(process: tuple[int, str]) -> None:
    limit = load_contract().head_limit_bytes
    for lines in ([(b"x", b"1" * 1000)] * (limit // 1000 + 1), [(b"x" * limit, b"1")]):
        assert httpx.get(f"{process[1]}/api/v1/sessions/a", headers=lines).status_code == 431


def test_an_environment_too_many_is_507() -> None:
    with MockServer(max_environments=4) as server, httpx.Client(base_url=server.url) as client:
        made = [client.post("/_adjourn/environments", json={}) for _ in range(2)]
        assert [each.status_code for each in made] == [201, 507]
        assert "4 environments" in made[1].json()["error"]


def test_a_connection_too_many_is_503_and_the_others_go_on() -> None:
    with mock_process("--max-connections", "20") as (_, url), contextlib.ExitStack() as stack:
        parts = urlsplit(url)
        first, *_ = (
            stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=10)) for _ in range(20)
        )
        request = CLOSE.replace(b"chat_1", b"nobody") + b"Content-Length: 2\r\n\r\n{}"
        refused = send(url, [request])
        assert status_and_error(refused) == (
            503,
            "Connection limit reached; see --max-connections",
        )
        first.sendall(request)
        assert first.recv(65536).startswith(b"HTTP/1.1 404")


def test_a_full_store_is_507_and_goes_on() -> None:
    with MockServer(max_sessions=3) as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        statuses = [
            client.post("/api/v1/sessions", json={**CHAT, "externalId": f"chat_{n}"}).status_code for n in range(5)
        ]
        assert statuses == [201, 201, 201, 507, 507]
        assert "--max-sessions" in client.post("/api/v1/sessions", json=CHAT).json()["error"]
        assert client.post("/api/v1/sessions", json={**CHAT, "externalId": "chat_1"}).status_code == 200
        assert client.post("/api/v1/sessions/chat_1/close", json={}).status_code == 200
        state = {"sessions": [{"externalId": f"new_{n}"} for n in range(4)]}
        assert client.put("/_adjourn/environments/dev/state", json=state).status_code == 507
        assert client.get("/api/v1/sessions/chat_1").status_code == 200
