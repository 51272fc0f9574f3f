"""What others notice while some clients misbehave: the latency of a lawful close beside each of them.

    python mock_server/benchmarks/hostile.py [--seconds 5]

Each act is bounded: so many connections, so many seconds, from a process of its own. Beside it one client closes one
session again and again on one connection. The server's memory is printed after each act; it must not grow.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from soak import resident_megabytes

CONNECTIONS = 200
HEAD = b"POST /api/v1/sessions/%b/close HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer tr_dev_adjourn\r\n"
CLOSE = HEAD % b"nobody"
Connect = Callable[[], socket.socket]


def holding(sent: bytes, drip: bytes) -> Callable[[Connect, float], None]:
    """Many connections that begin a request and go on with it a byte at a time."""

    def act(connect: Connect, until: float) -> None:
        held = [connect() for _ in range(CONNECTIONS)]
        for connection in held:
            connection.sendall(sent)
        while time.monotonic() < until:
            time.sleep(0.2)
            for connection in held:
                with contextlib.suppress(OSError):
                    connection.sendall(drip)

    return act


def flooding(*sent: bytes, reads: bool = True, resets: bool = False) -> Callable[[Connect, float], None]:
    """One connection after the other that sends all this, reads what comes, and ends."""

    def act(connect: Connect, until: float) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError), connect() as connection:
                if resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                for piece in sent:
                    connection.sendall(piece)
                while reads and connection.recv(65536):
                    pass
            # A flood as such slows any server on one processor down: what is sent is to be what hurts.
            time.sleep(0.01)

    return act


ACTS: dict[str, Callable[[Connect, float], None]] = {
    f"{CONNECTIONS} slow heads": holding(CLOSE[:40], b"x"),
    f"{CONNECTIONS} slow bodies": holding(CLOSE + b"Content-Length: 1000\r\n\r\n{", b" "),
    f"{CONNECTIONS} slow chunks": holding(CLOSE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "endless heads": flooding(b"GET / HTTP/1.1\r\n", *[b"X: " + b"y" * 60_000 + b"\r\n"] * 20),
    "many headers": flooding(CLOSE + b"".join(b"X%d: 1\r\n" % n for n in range(5000)) + b"\r\n"),
    "endless chunks": flooding(
        CLOSE + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 20
    ),
    "bodies of a megabyte": flooding(CLOSE + b"Content-Length: 1000000\r\n\r\n", b"x" * 1_000_000),
    "deep JSON": flooding(
        CLOSE.replace(b"/nobody/close", b"") + b"Connection: close\r\nContent-Length: 30000\r\n\r\n" + b"[" * 30_000
    ),
    "a million parameters": flooding(b"GET /api/v1/sessions?" + b"a&" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "pipelined": flooding(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 1000, reads=False),
    "reset": flooding(CLOSE + b"Content-Length: 10\r\n\r\n{", reads=False, resets=True),
    "no HTTP": flooding(b"\x16\x03\x01\x02\x00\x01" * 1000),
}


def play(name: str, host: str, port: int, seconds: float) -> None:
    ACTS[name](lambda: socket.create_connection((host, port), timeout=5), time.monotonic() + seconds)


def latencies(host: str, port: int, seconds: float) -> Iterator[float]:
    """Milliseconds of one close after the other."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("POST", "/api/v1/sessions/chat_1/close", b"{}", {"Authorization": "Bearer tr_dev_adjourn"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a lawful close was answered {answer.status}")
        yield (time.perf_counter() - began) * 1000
        # A client that is busy all the time would measure the acts' share of the processors.
        time.sleep(0.002)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--json", "--seed", "/dev/stdin"]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(json.dumps({"sessions": [{"externalId": "chat_1"}]}))
        server.stdin.close()
        parts = urlsplit(json.loads(server.stdout.readline())["url"])
        host, port = str(parts.hostname), int(parts.port or 0)
        print(f"{'beside':24} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8} {'MB':>7}")
        for name in ("nobody", *ACTS):
            acting = None
            if name in ACTS:
                acting = multiprocessing.Process(target=play, args=(name, host, port, options.seconds))
                acting.start()
                time.sleep(0.5)
            found = sorted(latencies(host, port, options.seconds - 1))
            if acting is not None:
                acting.join()
            p99 = found[int(len(found) * 0.99)]
            memory = resident_megabytes(server.pid)
            print(f"{name:24} {statistics.median(found):8.2f} {p99:8.2f} {found[-1]:8.2f} {memory:7.1f}", flush=True)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
