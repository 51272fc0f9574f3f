"""How fast the mock closes, beside a bare uvicorn app, other mocks and its own stores, all in one run.

    python mock_server/benchmarks/close.py [--operation NAME] [--rounds N] [--peers FOLDER] [--stores REDIS_URL]

`--operation`, as often as wanted, measures others instead, one after the other. Needs `wrk` on the
PATH. `--peers` is a folder with
`npm install @stoplight/prism-cli @stdy/cli openapi-backend wiremock` (the last needs Java); without
it the peers are left out. `--stores` adds the mock over SQLite and over the Redis server at that
URL, whose database should be empty, with one worker and with two. Servers take turns, round by
round, so that a machine that slows down slows all of them; what is shown is the median of the
rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from adjourn_spec import load_contract, openapi_path

HERE = Path(__file__).parent
KEY = "tr_dev_adjourn"
SESSION = "chat_1234"
COLLECTION = "/api/v1/sessions"
CHAT = {"type": "chat.agent", "taskIdentifier": "my-chat", "externalId": SESSION, "triggerConfig": {"basePayload": {}}}
# Method, path and body of each; the session is there, open for all but close.
OPERATIONS = {
    "close": ("POST", f"{COLLECTION}/{SESSION}/close", '{"reason":"user signed out"}'),
    "retrieve": ("GET", f"{COLLECTION}/{SESSION}", ""),
    "create": ("POST", COLLECTION, json.dumps(CHAT)),
    "update": ("PATCH", f"{COLLECTION}/{SESSION}", '{"tags":["a"]}'),
    "list": ("GET", COLLECTION, ""),
}
# WireMock knows neither the document nor sessions: it is given the answer, as its users give it.
WIREMOCK = {
    "request": {
        "method": "POST",
        "urlPath": OPERATIONS["close"][1],
        "headers": {"Authorization": {"equalTo": f"Bearer {KEY}"}},
        "bodyPatterns": [{"matchesJsonPath": "$[?(@.reason)]"}],
    },
    "response": {"status": 200, "headers": {"Content-Type": "application/json"}, "jsonBody": {"id": "session_x"}},
}


@dataclass
class Server:
    """One contestant: how it is started and what was measured."""

    name: str
    command: list[str]
    port: int
    environ: dict[str, str] = field(default_factory=dict)
    operation: str = "close"
    process: subprocess.Popen[bytes] | None = None
    start_seconds: float = 0
    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{OPERATIONS[self.operation][1]}"

    def ask(self) -> httpx.Response:
        method, _, body = OPERATIONS[self.operation]
        headers = {"Authorization": f"Bearer {KEY}", **({"Content-Type": "application/json"} if body else {})}
        return httpx.request(method, self.url, headers=headers, content=body or None, timeout=5)

    def peak_megabytes(self) -> float:
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(peak[1]) / 1024 if peak else float("nan")


@contextmanager
def running(server: Server, environ: dict[str, str]) -> Iterator[None]:
    """Start a server and measure the time to its first answer."""
    began = time.perf_counter()
    server.process = subprocess.Popen(
        server.command,
        env={**environ, **server.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while time.perf_counter() - began < 60:
            try:
                server.ask()
                break
            except httpx.TransportError:
                time.sleep(0.005)
            if server.process.poll() is not None:
                raise SystemExit(f"{server.name} ended: {' '.join(server.command)}")
        else:
            raise SystemExit(f"{server.name} did not start")
        server.start_seconds = time.perf_counter() - began
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait()


def press(server: Server, seconds: int, connections: int) -> None:
    """One round of wrk."""
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(HERE / "press.lua"),
            server.url,
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "METHOD": OPERATIONS[server.operation][0], "BODY": OPERATIONS[server.operation][2]},
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{server.name} does not answer 200:\n{done.stdout}")
    server.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]))  # type: ignore[index]
    for percentile, into in (("50%", server.p50s), ("99%", server.p99s)):
        value, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", done.stdout).groups()  # type: ignore[union-attr]
        into.append(float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def answer_of(server: Server) -> bytes:
    """The bytes the mock answers, for the bare app to answer as well."""
    response = server.ask()
    response.raise_for_status()
    return response.content


def contestants(folder: Path, options: argparse.Namespace) -> list[Server]:
    peers, redis = options.peers, options.stores
    seed = folder / "seed.json"
    others = [{"externalId": f"other_{number}"} for number in range(options.sessions - 1)]
    seed.write_text(json.dumps({"sessions": [{"externalId": SESSION}, *others]}))
    python = sys.executable
    mock = [python, "-m", "adjourn", "mock", "--seed", str(seed)]
    bare = [python, "-m", "uvicorn", "--app-dir", str(HERE), "bare:app", "--port", "4802", "--log-level", "error"]
    servers = [
        Server("adjourn", [*mock, "--port", "4801"], 4801),
        Server("bare uvicorn", [*bare, "--no-access-log", "--lifespan", "off"], 4802),
    ]
    if options.before is not None:
        rooms = ("spec", "mock_server", "contract_tests", "fixtures", ".")
        path = os.pathsep.join(str(options.before.resolve() / room) for room in rooms)
        # `python -m` would put this folder first, and so this checkout.
        environ = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
        servers.append(Server("adjourn before", [*mock, "--port", "4810"], 4810, environ))
    if peers is not None:
        binaries = peers / "node_modules" / ".bin"
        document = str(openapi_path())
        prism = [str(binaries / "prism"), "mock", "--port", "4803", "--host", "127.0.0.1", "--verboseLevel", "silent"]
        steady = [str(binaries / "steady"), "--port", "4804", "--host", "127.0.0.1", "--quiet"]
        backend = ["node", str(HERE / "openapi_backend.mjs"), document, "4805"]
        (folder / "mappings").mkdir()
        (folder / "mappings" / "close.json").write_text(json.dumps(WIREMOCK))
        wiremock = [str(binaries / "wiremock"), "--port", "4806", "--bind-address", "127.0.0.1", "--no-request-journal"]
        servers += [
            Server("Prism", [*prism, document], 4803),
            Server("Steady", [*steady, document], 4804),
            Server("openapi-backend", backend, 4805, {"NODE_PATH": str(peers / "node_modules")}),
            Server("WireMock", [*wiremock, "--root-dir", str(folder)], 4806),
        ]
    if redis is not None:
        servers += [
            Server("SQLite", [*mock, "--port", "4807", "--store", f"sqlite:{folder / 'state.db'}"], 4807),
            Server("Redis", [*mock, "--port", "4808", "--store", redis], 4808),
            Server("Redis, 2 workers", [*mock, "--port", "4809", "--store", redis, "--workers", "2"], 4809),
        ]
    return servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operation", choices=list(OPERATIONS), action="append", help="close by default")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=1, help="of a round; wrk takes whole ones")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--peers", type=Path, help="a folder with the other mocks from npm")
    parser.add_argument("--stores", metavar="REDIS_URL", help="an empty database of a Redis server")
    parser.add_argument("--sessions", type=int, default=1, help="how many sessions there are, for list")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another checkout of this project, to compare")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed: apt-get install wrk")
    load_contract()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{options.rounds} rounds of {options.seconds} s, {options.connections} connections"
    )
    for operation in options.operation or ["close"]:
        measure(operation, options)


def measure(operation: str, options: argparse.Namespace) -> None:
    """All rounds of one operation, and what they gave."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = contestants(Path(folder), options)
        adjourn = servers[0]
        if operation != "close":
            # The others are given one operation alone.
            servers = [server for server in servers if server.name not in ("openapi-backend", "WireMock")]
        for server in servers:
            server.operation = operation
        environ = dict(os.environ)
        for server in servers:
            stack.enter_context(running(server, environ))
            environ["BENCHMARK_BODY"] = answer_of(adjourn).decode()
        for server in servers:
            press(server, options.seconds, options.connections)
            server.rates.clear(), server.p50s.clear(), server.p99s.clear()
        for _ in range(options.rounds):
            for server in servers:
                press(server, options.seconds, options.connections)
        heads = ("requests/s", 10), ("adjourn is", 11), ("p50 ms", 8), ("p99 ms", 8), ("start s", 8), ("peak MB", 8)
        print(f"\n{operation:16} " + " ".join(f"{head:>{width}}" for head, width in heads))
        for server in servers:
            ratio = statistics.median(a / b for a, b in zip(adjourn.rates, server.rates, strict=True))
            print(
                f"{server.name:16} {statistics.median(server.rates):10.0f} {ratio:10.2f}x"
                f" {statistics.median(server.p50s):8.2f} {statistics.median(server.p99s):8.2f}"
                f" {server.start_seconds:8.2f} {server.peak_megabytes():8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
