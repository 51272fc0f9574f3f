"""What each request of a profile buys: which faults of the mock a profile catches, and which test catches what alone.

    python contract_tests/benchmarks/economy.py [--profiles smoke standard] [--faults GLOB] [--sample N]
                                                [--processes N] [--fail-fast] [--json FILE]

For each profile: requests, seconds at 0, 40 and 100 ms of latency, and the faults caught. Checks run in processes that
are forked from one that has imported everything, each with a mock of its own. With `--fail-fast` a check ends at its
first failed test, so that nothing is known of what catches a fault alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from adjourn_contract.options import CheckOptions
from adjourn_contract.plugin import OBSERVED, OUTCOME
from adjourn_contract.runner import Event, run_pytest
from adjourn_mock import MockServer
from adjourn_mock.faults import FAULTS

KEYS = {"secret_key": "tr_dev_adjourn", "other_secret_key": "tr_stg_adjourn"}
LATENCIES_MS = (0, 40, 100)


@dataclass
class Checked:
    """One check.

    Attributes:
        fault: the mock's, or an empty text.
        seconds: how long it took.
        requests: how many it sent.
        failed: the names of the tests that failed, and the clause that each blamed.
        first_seconds: when the first failure was reported, None where none was.
        tests: how many requests were sent until each test was reported, since the one before; with `concurrency` 1
            they are its own.
    """

    fault: str
    seconds: float = 0.0
    requests: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    first_seconds: float | None = None
    tests: dict[str, int] = field(default_factory=dict)


def check(
    fault: str, profile: str, *, fail_fast: bool = False, latency_ms: int = 0, concurrency: int | None = None
) -> Checked:
    """Check a mock of this process's own."""
    result, began = Checked(fault), time.monotonic()

    def take_in(event: Event) -> None:
        value = event.get("value")
        if event["event"] == OUTCOME:
            name = value["test"].rpartition("::")[2]
            result.requests += value["observed"]["requests"]
            result.tests[name] = value["observed"]["requests"]
            if value["result"] == "failed":
                result.failed[name] = value["clause"]
                result.first_seconds = result.first_seconds or time.monotonic() - began
        elif event["event"] == OBSERVED:
            result.requests += value["requests"]

    faults = [*([fault] if fault else []), *([f"latency={latency_ms}ms"] if latency_ms else [])]
    options = {"profile": profile, "fail_fast": fail_fast, "seed": 1, "concurrency": concurrency}
    with _silent(), MockServer(faults=faults) as server:
        began = time.monotonic()
        run_pytest(CheckOptions(url=server.url, **KEYS, **options), time.time(), take_in)
        result.seconds = time.monotonic() - began
    return result


@contextmanager
def _silent() -> Iterator[None]:
    """What pytest prints of its own goes nowhere."""
    before = os.dup(1)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


def check_all(faults: Sequence[str], profile: str, processes: int, *, fail_fast: bool) -> Iterator[Checked]:
    """A check of each fault, in processes of their own."""
    act = partial(check, profile=profile, fail_fast=fail_fast)
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for done, result in enumerate(pool.map(act, faults), 1):
            if sys.stderr.isatty() or done % 50 == 0:
                print(f"\r{profile}: {done}/{len(faults)}", end="", file=sys.stderr, flush=True)
            yield result
    print(file=sys.stderr)


def report(profile: str, results: Sequence[Checked], lawful: Sequence[Checked], *, fail_fast: bool) -> None:
    """Print the row of a profile, what it misses, and which tests catch something alone."""
    caught = [result for result in results if result.failed]
    seconds = " ".join(f"{each.seconds:8.1f}" for each in lawful)
    share = f"{len(caught)}/{len(results)} ({len(caught) / max(1, len(results)):.1%})"
    print(f"{profile:10} {lawful[0].requests:9} {seconds} {share:>18}")
    first = sorted(result.first_seconds for result in caught if result.first_seconds is not None)
    if first:
        print(f"  first failure reported after {first[len(first) // 2]:.1f} s at the median")
    print("  missed:", ", ".join(result.fault for result in results if not result.failed) or "none")
    if not fail_fast:
        alone = Counter(next(iter(result.failed)) for result in caught if len(result.failed) == 1)
        for test, count in alone.most_common():
            print(f"  {count:4} alone by {test} ({lawful[0].tests.get(test, 0)} requests)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", nargs="+", default=["smoke", "standard"])
    parser.add_argument("--faults", default="*")
    parser.add_argument("--sample", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fail-fast", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names = [name for name in FAULTS if fnmatchcase(name, options.faults)][:: options.sample]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    heads = " ".join(f"{f'at {each} ms':>8}" for each in LATENCIES_MS)
    print(f"{'profile':10} {'requests':>9} {heads} {'faults caught':>18}")
    measured = {}
    for profile in options.profiles:
        lawful = [check("", profile, latency_ms=each) for each in LATENCIES_MS]
        results = list(check_all(names, profile, options.processes, fail_fast=options.fail_fast))
        report(profile, results, lawful, fail_fast=options.fail_fast)
        measured[profile] = {"lawful": [asdict(each) for each in lawful], "faults": [asdict(each) for each in results]}
        if options.json:
            options.json.write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
