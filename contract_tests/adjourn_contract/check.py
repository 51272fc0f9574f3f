"""`adjourn check`: the contract tests against a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import pytest

import adjourn_contract
from adjourn_contract.plugin import OUTCOME
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_spec import Contract

__all__ = ["Progress", "check"]


class _Collector:
    """A pytest plugin that takes in what each test reports."""

    def __init__(self, verdicts: Verdicts, progress: Progress) -> None:
        self._verdicts, self._progress = verdicts, progress

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._progress.total = len(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome = next((value for name, value in report.user_properties if name == OUTCOME), None)
        if report.when == "call" and isinstance(outcome, dict):
            self._verdicts.note(outcome)
            self._progress.step(self._verdicts)
        elif report.failed:
            self._verdicts.error = self._verdicts.error or str(report.longrepr).splitlines()[-1]

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        message = getattr(excinfo.value, "msg", None)
        self._verdicts.error = message or "interrupted"


class Progress:
    """A line that says how far the check is, on a terminal; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.total, self._done = stream, 0, 0
        self._shown = stream.isatty()

    def step(self, verdicts: Verdicts) -> None:
        self._done += 1
        if self._shown:
            broken = len(verdicts.failed)
            self._stream.write(f"\r\x1b[K{self._done}/{self.total or '?'} tests, {broken} clauses failed")
            self._stream.flush()

    def end(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def check(
    contract: Contract,
    options: Mapping[str, Any],
    *,
    fail_fast: bool = False,
    workers: int = 1,
    accepted: Sequence[str] = (),
    progress: Progress | None = None,
) -> Verdicts:
    """Run the contract tests with pytest.

    Args:
        contract: what the server is held to, for the names of the clauses.
        options: the plugin's options without `--adjourn-`, None where not given.
        fail_fast: stop at the first broken clause.
        workers: how many processes, by xdist.
        accepted: clauses that may be broken.
        progress: told after each test.
    """
    verdicts = Verdicts(contract, frozenset(accepted))
    progress = progress or Progress(sys.stderr)
    arguments = [
        str(Path(adjourn_contract.__file__).parent),
        *("-c", os.devnull, "--rootdir", str(Path(adjourn_contract.__file__).parent)),
        *("--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:schemathesis"),
        *("-p", "no:randomly", "-p", "no:logging", "-p", "no:warnings", "--capture=fd"),
        # Plain: nothing is rewritten, Schemathesis least of all, which has a pytest plugin and is large.
        "--assert=plain",
        *(("-x",) if fail_fast else ()),
        *(("-n", str(workers)) if workers > 1 else ("-p", "no:xdist")),
    ]
    for name, value in options.items():
        values = value if isinstance(value, tuple | list) else (value,)
        arguments += [f"--adjourn-{name}={each}" for each in values if each is not None]
    if (seed := options.get("seed")) is not None:
        arguments.append(f"--hypothesis-seed={seed}")
    # The command line's own tests run inside pytest, whose variables must not reach the engine.
    kept = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    try:
        code = pytest.main(arguments, plugins=[_Collector(verdicts, progress)])
    finally:
        os.environ.update(kept)
        progress.end()
    if code not in (0, 1) and verdicts.error is None and not verdicts.failed:
        verdicts.error = f"the contract tests did not run to their end (pytest's exit code {int(code)})"
    return verdicts
