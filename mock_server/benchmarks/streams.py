"""How much memory open streams take, and how fast a close is beside them.

    python mock_server/benchmarks/streams.py [--streams N] [--closes N] [--rounds N]

Starts `adjourn mock`; each round closes sessions one after the other, first without, then with N open streams, and
appends a record that every stream has to carry.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

KEY = {"Authorization": "Bearer tr_dev_adjourn"}
CHAT = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}


def megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def closes(url: str, count: int) -> list[float]:
    """The seconds that each of so many closes takes, one after the other."""
    took = []
    with httpx.Client(base_url=url, headers=KEY) as client:
        ids = [client.post("/api/v1/sessions", json=CHAT).json()["id"] for _ in range(count)]
        for each in ids:
            began = time.perf_counter()
            client.post(f"/api/v1/sessions/{each}/close", json={"reason": "done"}).raise_for_status()
            took.append(time.perf_counter() - began)
    return took


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "GET /realtime/v1/sessions/chat_1/in HTTP/1.1\r\nHost: mock\r\nTimeout-Seconds: 600\r\n"
    writer.write(f"{head}Authorization: {KEY['Authorization']}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def delivered(url: str, readers: list[asyncio.StreamReader], text: str) -> float:
    """The seconds until every stream has carried a record."""
    began = time.perf_counter()
    async with httpx.AsyncClient(headers=KEY) as client:
        await client.post(f"{url}/realtime/v1/sessions/chat_1/in/append", content=text)
    await asyncio.gather(*(reader.readuntil(text.encode()) for reader in readers))
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Round:
    """What one round has measured: seconds of each close, megabytes, seconds until a record was everywhere."""

    alone: list[float]
    beside: list[float]
    megabytes_alone: float
    megabytes_beside: float
    delivery: float


async def measure(url: str, pid: int, streams: int, count: int, number: int) -> Round:
    alone = await asyncio.to_thread(closes, url, count)
    megabytes_alone = megabytes(pid)
    open_streams = [await opened(int(url.rsplit(":", 1)[1])) for _ in range(streams)]
    beside = await asyncio.to_thread(closes, url, count)
    delivery = await delivered(url, [reader for reader, _ in open_streams], f"hello {number}.")
    found = Round(alone, beside, megabytes_alone, megabytes(pid), delivery)
    for _, writer in open_streams:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in open_streams), return_exceptions=True)
    return found


def report(rounds: list[Round], streams: int) -> str:
    """A table of medians over the rounds with the memory of the first and the most, and the ratio of the closes."""

    def line(name: str, took: list[list[float]], memory: float) -> str:
        p50 = statistics.median(statistics.median(each) for each in took)
        p99 = statistics.median(statistics.quantiles(each, n=100)[98] for each in took)
        return f"| {name} | {memory:.0f} | {p50 * 1000:.2f} | {p99 * 1000:.2f} |"

    ratio = statistics.median(statistics.median(each.beside) / statistics.median(each.alone) for each in rounds)
    return "\n".join(
        (
            "| | memory, MB | close p50 ms | close p99 ms |",
            "|---|---:|---:|---:|",
            line("no stream", [each.alone for each in rounds], rounds[0].megabytes_alone),
            line(f"{streams} streams", [each.beside for each in rounds], max(each.megabytes_beside for each in rounds)),
            "",
            f"A close beside {streams} open streams takes {ratio:.2f} times as long (median of {len(rounds)} rounds).",
            f"A record is in all of them after {statistics.median(each.delivery for each in rounds):.2f} s.",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--closes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--json"]
    command += ["--max-connections", str(given.streams + 100)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            httpx.post(f"{url}/api/v1/sessions", headers=KEY, json={**CHAT, "externalId": "chat_1"})
            rounds = [
                asyncio.run(measure(url, server.pid, given.streams, given.closes, number))
                for number in range(given.rounds)
            ]
            print(report(rounds, given.streams))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
