"""Concurrent histories against two processes of the mock on one store, and what the checker costs.

python contract_tests/benchmarks/histories.py [--store sqlite|redis|memory] [--histories 2000] [--fault NAME]
python contract_tests/benchmarks/histories.py --checker
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.run import PROFILES, Run
from adjourn_contract.orders.histories import plans
from adjourn_contract.orders.linearizability import Call, check
from adjourn_contract.orders.model import Model, Response, State
from adjourn_contract.orders.operations import Form, Kind, Operation
from adjourn_contract.orders.races import run_race
from adjourn_contract.transport.wire import Wire
from adjourn_spec import load_contract

ADJOURN = [sys.executable, "-m", "adjourn"]
KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"
OPERATIONS = 12


@contextmanager
def store_of(kind: str) -> Iterator[list[str]]:
    """The options of `adjourn mock` for a store that two processes share."""
    if kind == "memory":
        yield []
    elif kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield ["--store", f"sqlite:{folder}/state.db", "--workers", "2"]
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        binary = shutil.which("redis-server") or sys.exit("redis-server is not installed")
        server = subprocess.Popen([binary, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.05)
            yield ["--store", f"redis://127.0.0.1:{port}/0", "--workers", "2"]
        finally:
            server.terminate()
            server.wait()


def races(kind: str, histories: int, fault: str | None) -> int:
    options = [] if fault is None else ["--fault", fault]
    with store_of(kind) as store:
        command = [*ADJOURN, "mock", "--port", "0", "--json", *store, *options]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        try:
            url = json.loads(server.stdout.readline())["url"]
            run = Run(
                wire=Wire(url),
                contract=load_contract(),
                key=KEY,
                other_key=OTHER,
                dialect=None,
                tag=f"h{time.time_ns():x}",
                profile=PROFILES["thorough"],
            )
            return recorded(run, kind, histories)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()


def recorded(run: Run, kind: str, histories: int) -> int:
    began, undecided = time.monotonic(), 0
    for number, plan in enumerate(plans(Random(20), histories)):
        try:
            undecided += not run_race(run.scenario(), plan)
        except ClauseFailed as error:
            print(f"{kind}: history {number + 1} of {histories} failed\n{error}")
            return 1
    seconds = time.monotonic() - began
    print(
        f"{kind}: {histories} histories passed, {undecided} undecided; {run.wire.requests} requests in {seconds:.1f} s",
        flush=True,
    )
    return 0


def checker() -> None:
    """The time of one check of 12 operations that all overlap: one that an order explains, and one that none does."""
    model = Model(load_contract(), is_concurrent=True)
    print(f"{'history':<34} {'steps':>7} {'median ms':>10} {'slowest ms':>11}")
    for name, last in (("12 operations, explained", "racer 0"), ("12 operations, not explained", "none")):
        calls, state = twelve(model, last)
        times = []
        for _ in range(50):
            began = time.perf_counter()
            result = check(calls, model, state)
            times.append((time.perf_counter() - began) * 1000)
        print(f"{name:<34} {result.steps:>7} {statistics.median(times):>10.2f} {max(times):>11.2f}")


def twelve(model: Model, last: str) -> tuple[list[Call], State]:
    row = dict.fromkeys(model.names) | {"id": "session_1", "tags": [], "closedAt": "t"}

    def shown(**members: object) -> Response:
        return Response(200, model.shown({**row, **members}), "200")

    opened = model.show(
        model.effect(model.absent, Operation(Kind.CREATE), None),
        Operation(Kind.CREATE),
        Response(201, model.shown({**row, "closedAt": None, "closedReason": None}), "201"),
    )
    asked = [(Operation(Kind.CLOSE, reason=f"racer {n}"), shown(closedReason="racer 0")) for n in range(6)]
    asked += [(Operation(Kind.RETRIEVE, Form.EXTERNAL), shown(closedReason="racer 0"))] * 5
    asked.append((Operation(Kind.RETRIEVE), shown(closedReason=last)))
    assert len(asked) == OPERATIONS
    return [Call(operation, response, 0, 1) for operation, response in asked], opened


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["memory", "sqlite", "redis"], default="sqlite")
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--fault")
    parser.add_argument("--checker", action="store_true", help="measure the checker alone")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    if options.checker:
        checker()
        return 0
    return races(options.store, options.histories, options.fault)


if __name__ == "__main__":
    sys.exit(main())
