"""Every sequence of operations up to a depth against the mock, in this process: how many, and how long it takes.

python contract_tests/benchmarks/sequences.py [--depth 6] [--alphabet standard]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.run import PROFILES, Run
from adjourn_contract.orders.sequences import ALPHABETS, Exploration
from adjourn_contract.transport.exchange import Exchange
from adjourn_mock import MockApp, create_app
from adjourn_mock.environments.environments import Environment
from adjourn_spec import load_contract

KEY = "tr_dev_adjourn"


class InProcess:
    """Takes the place of `Wire`: calls the mock as an ASGI app, without a socket."""

    def __init__(self, app: MockApp) -> None:
        self._app, self._loop = app, asyncio.new_event_loop()
        self.requests = 0

    def send(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None = None,
        *,
        chunks: Sequence[bytes] | None = None,
    ) -> Exchange:
        self.requests += 1
        listed = tuple(headers)
        path, _, query = target.partition("?")
        raw_headers = [(name.lower().encode(), value.encode()) for name, value in listed]
        if body is not None:
            raw_headers.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw_headers,
        }
        sent: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        began = time.monotonic()
        self._loop.run_until_complete(self._app(scope, receive, send))
        start, *rest = sent
        answer = b"".join(message.get("body", b"") for message in rest)
        answer_headers = tuple((name.decode(), value.decode()) for name, value in start["headers"])
        seconds = time.monotonic() - began
        return Exchange(method, target, listed, body, False, start["status"], answer_headers, answer, began, seconds)


class MockTime:
    """The clock of an environment: nobody waits for it."""

    def __init__(self, environment: Environment) -> None:
        self._clock = environment.clock

    def now(self) -> float:
        return self._clock.now() / 1000

    def wait_until(self, moment: float) -> None:
        self._clock.set(int(moment * 1000))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--alphabet", choices=sorted(ALPHABETS), default="standard")
    options = parser.parse_args()
    app = create_app()
    environment = app.environments.with_key(KEY.encode())
    assert environment is not None
    wire = InProcess(app)
    run = Run(
        wire=wire,
        contract=load_contract(),
        key=KEY,
        other_key=None,
        dialect=None,
        tag="depth",
        profile=PROFILES["thorough"],
    )
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    began = time.monotonic()
    try:
        coverage = Exploration(run, ALPHABETS[options.alphabet], options.depth, MockTime(environment)).explore()
    except ClauseFailed as error:
        print(error)
        return 1
    seconds = time.monotonic() - began
    cost = f"{wire.requests} requests in {seconds:.1f} s, {time.process_time():.1f} s of processor time"
    print(f"{coverage.words}: {cost}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
