"""What an operation costs, and a session takes, with one session and with a million of them.

    python mock_server/benchmarks/scale.py [--sessions 1 1000 100000 1000000]

Each size has a process of its own. Requests go to the app in that process, without a socket: the
server around it costs the same whatever the number of sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import statistics
import subprocess
import sys
import time
from typing import Any

OPERATIONS = ("create", "retrieve", "close", "close again", "update", "list", "list closed", "by externalId")
ROUNDS, CALLS = 7, 300


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def measure(count: int) -> dict[str, Any]:
    """Microseconds of each operation, and bytes of a session, among `count` of them."""
    from adjourn_mock import create_app

    app = create_app(id_seed=1, max_sessions=2 * count + 100_000)
    chat = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {"greeting": "hello"}}}

    async def call(method: str, path: str, body: Any = None, query: str = "") -> None:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [
            (b"host", b"127.0.0.1"),
            (b"authorization", b"Bearer tr_dev_adjourn"),
            (b"content-length", b"%d" % len(content)),
        ]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        statuses = []

        async def send(message: Any) -> None:
            statuses.append(message.get("status"))

        await app({**scope, "query_string": query.encode(), "root_path": ""}, receive, send)
        assert statuses[0] in (200, 201), (method, path, statuses)

    async def whole() -> dict[str, Any]:
        # What the first requests and a full journal take belongs to no session.
        for _ in range(1000):
            await call("POST", "/api/v1/sessions", {**chat, "externalId": "chat_0"})
        before = resident_bytes()
        for number in range(count):
            await call("POST", "/api/v1/sessions", {**chat, "externalId": f"chat_{number}"})
        taken = resident_bytes() - before
        names = iter(range(count, sys.maxsize))
        chance = random.Random(1)

        def one() -> str:
            return f"/api/v1/sessions/chat_{chance.randrange(count)}"

        async def fresh() -> str:
            name = f"chat_{next(names)}"
            await call("POST", "/api/v1/sessions", {**chat, "externalId": name})
            return f"/api/v1/sessions/{name}/close"

        to_close: list[str] = []
        times: dict[str, list[float]] = {name: [] for name in OPERATIONS}
        for _ in range(ROUNDS):
            to_close[:] = [await fresh() for _ in range(CALLS)]
            acts = {
                "create": lambda n: call("POST", "/api/v1/sessions", {**chat, "externalId": f"chat_{next(names)}"}),
                "retrieve": lambda n: call("GET", one()),
                "close": lambda n: call("POST", to_close[n], {"reason": "done"}),
                "close again": lambda n: call("POST", to_close[n], {"reason": "again"}),
                "update": lambda n: call("PATCH", one(), {"tags": ["x"]}),
                "list": lambda n: call("GET", "/api/v1/sessions"),
                "list closed": lambda n: call("GET", "/api/v1/sessions", query="filter%5Bstatus%5D=CLOSED"),
                "by externalId": lambda n: call(
                    "GET", "/api/v1/sessions", query=f"filter%5BexternalId%5D=chat_{chance.randrange(count)}"
                ),
            }
            for name, act in acts.items():
                began = time.perf_counter()
                for number in range(CALLS):
                    await act(number)
                times[name].append((time.perf_counter() - began) / CALLS * 1e6)
        return {
            "bytes": taken / count if count >= 1000 else None,
            **{name: statistics.median(values) for name, values in times.items()},
        }

    return asyncio.run(whole())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 1000, 100_000, 1_000_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.one)))
        return
    print(f"{platform.machine()}, Python {platform.python_version()}; microseconds an operation, without the socket\n")
    print(f"{'sessions':>10}" + "".join(f"{name:>14}" for name in OPERATIONS) + f"{'bytes a session':>17}")
    for count in options.sessions:
        command = [sys.executable, __file__, "--one", str(count)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        taken = "" if found["bytes"] is None else f"{found['bytes']:.0f}"
        print(f"{count:>10}" + "".join(f"{found[name]:>14.1f}" for name in OPERATIONS) + f"{taken:>17}", flush=True)


if __name__ == "__main__":
    main()
