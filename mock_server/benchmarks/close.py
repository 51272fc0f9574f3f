"""How fast the mock closes, beside a bare uvicorn app, Prism and Steady, all in one run.

    python mock_server/benchmarks/close.py [--rounds N] [--seconds S] [--peers FOLDER]

Needs `wrk` on the PATH. `--peers` is a folder with `npm install @stoplight/prism-cli @stdy/cli`;
without it the peers are left out. Servers take turns, round by round, so that a machine
that slows down slows all of them; what is shown is the median of the rounds' ratios.
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from adjourn_spec import load_contract, openapi_path

HERE = Path(__file__).parent
KEY = "tr_dev_adjourn"
SESSION = "chat_1234"
TARGET = f"/api/v1/sessions/{SESSION}/close"
BODY = b'{"reason":"user signed out"}'


@dataclass
class Server:
    """One contestant: how it is started and what was measured."""

    name: str
    command: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = None
    start_seconds: float = 0
    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{TARGET}"

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
        server.command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while time.perf_counter() - began < 60:
            try:
                httpx.post(server.url, headers={"Authorization": f"Bearer {KEY}"}, content=BODY, timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.005)
        else:
            raise SystemExit(f"{server.name} did not start")
        server.start_seconds = time.perf_counter() - began
        yield
    finally:
        os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait()


def press(server: Server, seconds: float, connections: int) -> None:
    """One round of wrk."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(HERE / "close.lua"), server.url,
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{server.name} does not answer 200:\n{done.stdout}")
    server.rates.append(float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]))  # type: ignore[index]
    for percentile, into in (("50%", server.p50s), ("99%", server.p99s)):
        value, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", done.stdout).groups()  # type: ignore[union-attr]
        into.append(float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit])


def answer_of(server: Server) -> bytes:
    """The bytes the mock answers, for the bare app to answer as well."""
    response = httpx.post(server.url, headers={"Authorization": f"Bearer {KEY}"}, content=BODY)
    response.raise_for_status()
    return response.content


def contestants(folder: Path, peers: Path | None) -> list[Server]:
    seed = folder / "seed.json"
    seed.write_text(json.dumps({"sessions": [{"externalId": SESSION}]}))
    python = sys.executable
    bare = [python, "-m", "uvicorn", "--app-dir", str(HERE), "bare:app", "--port", "4802", "--log-level", "error"]
    servers = [
        Server("adjourn", [python, "-m", "adjourn", "mock", "--port", "4801", "--seed", str(seed)], 4801),
        Server("bare uvicorn", [*bare, "--no-access-log", "--lifespan", "off"], 4802),
    ]
    if peers is not None:
        binaries = peers / "node_modules" / ".bin"
        document = str(openapi_path())
        prism = [str(binaries / "prism"), "mock", "--port", "4803", "--host", "127.0.0.1", "--verboseLevel", "silent"]
        steady = [str(binaries / "steady"), "--port", "4804", "--host", "127.0.0.1", "--quiet"]
        servers += [Server("Prism", [*prism, document], 4803), Server("Steady", [*steady, document], 4804)]
    return servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--peers", type=Path, help="a folder with Prism and Steady from npm")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is needed: apt-get install wrk")
    load_contract()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = contestants(Path(folder), options.peers)
        adjourn = servers[0]
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
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
              f"{options.rounds} rounds of {options.seconds:g} s, {options.connections} connections\n")  # fmt: skip
        print(
            f"{'':14} {'requests/s':>10} {'adjourn is':>11} {'p50 ms':>8} {'p99 ms':>8} {'start s':>8} {'peak MB':>8}"
        )
        for server in servers:
            ratio = statistics.median(a / b for a, b in zip(adjourn.rates, server.rates, strict=True))
            print(
                f"{server.name:14} {statistics.median(server.rates):10.0f} {ratio:10.2f}x"
                f" {statistics.median(server.p50s):8.2f} {statistics.median(server.p99s):8.2f}"
                f" {server.start_seconds:8.2f} {server.peak_megabytes():8.0f}"
            )


if __name__ == "__main__":
    main()
