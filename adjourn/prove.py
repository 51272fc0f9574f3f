"""`adjourn faults prove`: the contract tests against the mock with each fault, to see them caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adjourn_mock.faults import Fault

__all__ = ["LAWFUL_MOCKS", "LawfulResult", "ProofResult", "check_lawful", "prove"]

_ADJOURN = (sys.executable, "-m", "adjourn")
_CHECK_SECONDS = 180
_SCRIPT_SECONDS = 120
_PASSED, _FAILED = 0, 1
# Lawful mocks that no check may accuse: the options of `adjourn mock`, and those of `adjourn check`.
LAWFUL_MOCKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "mock, documented dialect": (("--dialect", "documented"), ("--dialect", "documented")),
        "mock, server dialect": (("--dialect", "server"), ("--dialect", "server")),
        "mock whose lists lag 1.5 s": (("--fault", "list-lag=1.5s"), ()),
    }
)


@dataclass(frozen=True)
class ProofResult:
    """The result of the check with one fault.

    Attributes:
        fault: of the mock.
        blamed: the clauses that failed.
        seconds: how long the check took.
        error: why the check came to nothing, where it did.
        replay: what went wrong with the replay of the proof: empty where it shows the fault on the faulty mock and
            nothing on a lawful one, None where it was not asked for.
    """

    fault: Fault
    blamed: tuple[str, ...]
    seconds: float
    error: str | None
    replay: str | None = None

    @property
    def is_caught(self) -> bool:
        return bool(self.blamed)

    @property
    def by_its_own_clause(self) -> bool:
        return self.fault.clause in self.blamed

    @property
    def is_replayed(self) -> bool:
        return self.replay == ""


@dataclass(frozen=True)
class LawfulResult:
    """The result of the check of a lawful server.

    Attributes:
        name: of the server, a key of `LAWFUL_MOCKS`.
        accused: the clauses that failed, of which none should have.
        seconds: how long the check took.
        error: why the check came to nothing, where it did.
    """

    name: str
    accused: tuple[str, ...]
    seconds: float
    error: str | None


def check_lawful(name: str) -> LawfulResult:
    """Check one of `LAWFUL_MOCKS`, in processes of its own."""
    of_mock, of_check = LAWFUL_MOCKS[name]
    with _mock(*of_mock) as server:
        found = _check(server, of_check)
    return LawfulResult(name, found.failed, found.seconds, found.error)


def prove(faults: Sequence[Fault], *, workers: int, fail_fast: bool, replay: bool = False) -> Iterator[ProofResult]:
    """Check the mock with each fault, in processes of its own; results come in the order of `faults`.

    Args:
        faults: which.
        workers: how many are checked at once.
        fail_fast: stop each check at its first failed clause.
        replay: run the script of each proof against the faulty mock and a lawful one.
    """
    with ThreadPoolExecutor(workers) as pool, tempfile.TemporaryDirectory(prefix="adjourn-prove-") as folder:

        def prove_one(fault: Fault) -> ProofResult:
            scripts = Path(folder, fault.name)
            result = _checked(fault, scripts, fail_fast=fail_fast)
            return replace(result, replay=_replayed(result, scripts)) if replay and result.is_caught else result

        yield from pool.map(prove_one, faults)


def _checked(fault: Fault, scripts: Path, *, fail_fast: bool) -> ProofResult:
    with _mock("--fault", fault.name) as server:
        found = _check(server, ("--write-tests", str(scripts), *(("--fail-fast",) if fail_fast else ())))
    return ProofResult(fault, found.failed, found.seconds, found.error)


@dataclass(frozen=True)
class _Found:
    """What a check found: the failed clauses, its seconds, and why it came to nothing."""

    failed: tuple[str, ...]
    seconds: float
    error: str | None


def _check(server: _Mock, options: Sequence[str]) -> _Found:
    first, second = server.keys[:2]
    command = [*_ADJOURN, "check", server.url, "--secret-key", first, "--other-secret-key", second, "--json", *options]
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=_CHECK_SECONDS, check=False
        )
        result = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired) as error:
        return _Found((), 0, f"{type(error).__name__}: {error}")
    failed = tuple(each["clause"] for each in result["clauses"] if each["state"] == "failed")
    return _Found(failed, time.monotonic() - began, result["error"])


def _replayed(result: ProofResult, scripts: Path) -> str:
    """What went wrong with the replay of the proof; empty where nothing did."""
    clause = result.fault.clause if result.by_its_own_clause else result.blamed[0]
    script = scripts / f"{clause}.sh"
    if not script.exists():
        return "the proof has no script"
    with _mock("--fault", result.fault.name) as faulty:
        if (code := _run(script, faulty)) != _FAILED:
            return f"does not show the fault on the faulty mock (exit code {code})"
    with _mock() as lawful:
        if (code := _run(script, lawful)) != _PASSED:
            return f"accuses the lawful mock (exit code {code})"
    return ""


def _run(script: Path, server: _Mock) -> int | str:
    """The exit code of a script; `timeout` where it does not end."""
    try:
        done = subprocess.run(  # noqa: S603 - written by our own command
            ["sh", str(script)],  # noqa: S607 - the system's shell
            env={**os.environ, **server.environ},
            capture_output=True,
            timeout=_SCRIPT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    return done.returncode


@dataclass(frozen=True)
class _Mock:
    """A mock that runs: its URL, and the keys of its environments."""

    url: str
    keys: Sequence[str]

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables of a script that calls it."""
        first, second = self.keys[:2]
        return {"TRIGGER_API_URL": self.url, "TRIGGER_SECRET_KEY": first, "ADJOURN_OTHER_SECRET_KEY": second}


@contextmanager
def _mock(*options: str) -> Iterator[_Mock]:
    """A mock in a process of its own."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*_ADJOURN, "mock", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        yield _Mock(ready["url"], [environment["secretKey"] for environment in ready["environments"]])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
