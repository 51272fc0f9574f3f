"""How much memory open streams take, and how fast a close is beside them.

    python mock_server/benchmarks/streams.py [--streams N] [--closes N]

Starts `adjourn mock`, closes sessions one after the other without and with N open streams, and appends a record that
every stream has to carry.
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
from pathlib import Path

import httpx

KEY = {"Authorization": "Bearer tr_dev_adjourn"}
CHAT = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}


def megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def closes(url: str, count: int) -> float:
    """The median of the seconds that a close takes."""
    took = []
    with httpx.Client(base_url=url, headers=KEY) as client:
        ids = [client.post("/api/v1/sessions", json=CHAT).json()["id"] for _ in range(count)]
        for each in ids:
            began = time.perf_counter()
            client.post(f"/api/v1/sessions/{each}/close", json={"reason": "done"}).raise_for_status()
            took.append(time.perf_counter() - began)
    return statistics.median(took)


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "GET /realtime/v1/sessions/chat_1/in HTTP/1.1\r\nHost: mock\r\nTimeout-Seconds: 600\r\n"
    writer.write(f"{head}Authorization: {KEY['Authorization']}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def measure(url: str, pid: int, streams: int, count: int) -> None:
    alone = await asyncio.to_thread(closes, url, count)
    print(f"without streams: {megabytes(pid):.0f} MB, a close takes {alone * 1e6:.0f} µs")
    port = int(url.rsplit(":", 1)[1])
    readers = [await opened(port) for _ in range(streams)]
    beside = await asyncio.to_thread(closes, url, count)
    print(f"{streams} open streams: {megabytes(pid):.0f} MB, a close takes {beside * 1e6:.0f} µs")
    began = time.perf_counter()
    async with httpx.AsyncClient(headers=KEY) as client:
        await client.post(f"{url}/realtime/v1/sessions/chat_1/in/append", content="hello")
    await asyncio.gather(*(reader.readuntil(b"hello") for reader, _ in readers))
    print(f"all had a record after {time.perf_counter() - began:.3f} s; {megabytes(pid):.0f} MB")
    for _, writer in readers:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--closes", type=int, default=2000)
    given = parser.parse_args()
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--json"]
    command += ["--max-connections", str(given.streams + 100)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            httpx.post(f"{url}/api/v1/sessions", headers=KEY, json={**CHAT, "externalId": "chat_1"})
            asyncio.run(measure(url, server.pid, given.streams, given.closes))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
