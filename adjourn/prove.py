"""`adjourn faults prove`: the contract tests against the mock with each fault, to see them caught."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from adjourn_mock.faults import Fault

__all__ = ["ProofResult", "prove"]

_START_SECONDS = 20
_CHECK_SECONDS = 180


@dataclass(frozen=True)
class ProofResult:
    """What became of a fault: the clauses that were found broken, and how long it took to tell.

    `trouble` says why the check came to nothing, where it did.
    """

    fault: Fault
    blamed: tuple[str, ...]
    seconds: float
    error: str | None

    @property
    def is_caught(self) -> bool:
        return bool(self.blamed)

    @property
    def by_its_own_clause(self) -> bool:
        return self.fault.clause in self.blamed


def prove(faults: Sequence[Fault], *, workers: int, fail_fast: bool) -> Iterator[ProofResult]:
    """Check the mock with each fault, in processes of its own; results come in the order of `faults`.

    Args:
        faults: which.
        workers: how many are checked at once.
        fail_fast: stop each check at its first broken clause.
    """
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda fault: _prove_one(fault, fail_fast=fail_fast), faults)


def _prove_one(fault: Fault, *, fail_fast: bool) -> ProofResult:
    adjourn = [sys.executable, "-m", "adjourn"]
    server = subprocess.Popen(  # noqa: S603 - our own command
        [*adjourn, "mock", "--port", "0", "--json", "--fault", fault.name],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        ready = json.loads(server.stdout.readline())
        first, second, *_ = (environment["secretKey"] for environment in ready["environments"])
        command = [*adjourn, "check", ready["url"], "--secret-key", first, "--other-secret-key", second, "--json"]
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603
            [*command, *(["--fail-fast"] if fail_fast else [])],
            capture_output=True, text=True, timeout=_CHECK_SECONDS, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - began
        result = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired) as error:
        return ProofResult(fault, (), 0, f"{type(error).__name__}: {error}")
    finally:
        server.terminate()
        server.wait()
        assert server.stdout is not None  # noqa: S101
        server.stdout.close()
    blamed = tuple(each["clause"] for each in result["clauses"] if each["state"] == "failed")
    return ProofResult(fault, blamed, seconds, result["error"])
