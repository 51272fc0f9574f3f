"""`adjourn check`: the contract tests against a server, and what they found, told to people and machines."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import pytest

import adjourn_contract
from adjourn_contract.plugin import OUTCOME
from adjourn_contract.verdicts import Verdict, Verdicts
from adjourn_spec import Contract

__all__ = ["Progress", "check", "tell"]


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
            self._verdicts.trouble = self._verdicts.trouble or str(report.longrepr).splitlines()[-1]

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        message = getattr(excinfo.value, "msg", None)
        self._verdicts.trouble = message or "interrupted"


class Progress:
    """A line that says how far the check is, on a terminal; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.total, self._done = stream, 0, 0
        self._shown = stream.isatty()

    def step(self, verdicts: Verdicts) -> None:
        self._done += 1
        if self._shown:
            broken = len(verdicts.broken)
            self._stream.write(f"\r\x1b[K{self._done}/{self.total or '?'} tests, {broken} clauses broken")
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
    if code not in (0, 1) and verdicts.trouble is None and not verdicts.broken:
        verdicts.trouble = f"the contract tests did not run to their end (pytest's exit code {int(code)})"
    return verdicts


def tell(verdicts: Verdicts, *, url: str, seconds: float, colour: bool) -> str:
    """The result as text: a table of clauses, then the proof of each broken one."""

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    if verdicts.trouble is not None and not verdicts.broken:
        return paint("31", f"{url} could not be checked: {verdicts.trouble}")
    colours = {"kept": "32", "broken": "31", "accepted": "33", "not checked": "2"}
    marks = {state: paint(code, f"{state:<11}") for state, code in colours.items()}
    asked = [verdict for verdict in verdicts.all() if verdict.reason != "not asked for"]
    lines = [f"{marks[verdict.state]}  {verdict.clause:<22} {verdict.reason}".rstrip() for verdict in asked]
    for verdict in verdicts.all():
        if verdict.state in ("broken", "accepted"):
            lines += ["", *_proof(verdicts, verdict, paint)]
    counts = {state: sum(verdict.state == state for verdict in asked) for state in marks}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines += ["", f"{url}: {summary}; {verdicts.requests} requests in {seconds:.1f} s"]
    if verdicts.trouble is not None:
        lines.append(f"not all was checked: {verdicts.trouble}")
    return "\n".join(lines)


def _proof(verdicts: Verdicts, verdict: Verdict, paint: Any) -> list[str]:
    clause, proof = verdicts.contract.clauses[verdict.clause], verdict.proof
    assert proof is not None  # noqa: S101 - a broken clause has one
    return [
        paint("1", verdict.clause),
        f"  {clause.statement} ({', '.join(clause.source)})",
        f"  expected  {proof.expected}",
        f"  got       {proof.got}",
        "  again:",
        *(f"    {line}" for line in proof.curl),
    ]
