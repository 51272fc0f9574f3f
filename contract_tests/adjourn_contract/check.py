"""`adjourn check`: the contract tests against a server, in a process of their own or in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any, TextIO

from adjourn_contract.options import CheckOptions
from adjourn_contract.plugin import OBSERVED, OUTCOME, STOP
from adjourn_contract.reports.facts import Facts, adjourn_version
from adjourn_contract.reports.outcome import Observed, Outcome
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_contract.runner import Event, run_pytest
from adjourn_spec import Contract

__all__ = ["CheckOptions", "Progress", "check", "check_in_process"]

# How long after the end of a time budget, or after an interruption, the process may still close sessions.
_GRACE_SECONDS = 20.0
_MAX_LINE_CHARACTERS = 200


class Progress:
    """A line that shows how far the check is, and each failed clause as it comes, on a terminal; nothing elsewhere.

    Args:
        stream: where to write.
        requests: about how many requests the check sends, None where that is not known.
        clock: seconds since any moment.
    """

    def __init__(
        self, stream: TextIO, requests: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._requests, self._clock = stream, requests, clock
        self._began, self._total, self._done = clock(), 0, 0
        self._failed: set[str] = set()
        self._is_shown = stream.isatty()

    def begin(self, total: int) -> None:
        """Take in the number of tests."""
        self._total = total

    def step(self, verdicts: Verdicts) -> None:
        """Show how far the check is after one more test."""
        self._done += 1
        if not self._is_shown:
            return
        for verdict in verdicts.failed:
            if verdict.clause not in self._failed and verdict.proof is not None:
                self._failed.add(verdict.clause)
                text = f"failed {verdict.clause}: expected {verdict.proof.expected}, got {verdict.proof.got}"
                line = "".join(each if each.isprintable() else " " for each in text[:_MAX_LINE_CHARACTERS])
                self._show(f"{line}\n")
        self._show(", ".join(self._parts(verdicts.observed.requests)))

    def _parts(self, sent: int) -> Iterator[str]:
        seconds = max(self._clock() - self._began, 0.001)
        yield f"{self._done}/{self._total or '?'} tests"
        yield f"{sent} requests" if self._requests is None else f"{sent}/{max(sent, self._requests)} requests"
        yield f"{sent / seconds:.0f}/s"
        share = self._done / max(1, self._total) if self._requests is None else sent / max(sent, self._requests, 1)
        if 0 < share < 1:
            yield f"about {seconds / share - seconds:.0f} s left"
        yield f"{len(self._failed)} failed"

    def end(self) -> None:
        """Remove the line."""
        self._show("")

    def _show(self, text: str) -> None:
        if self._is_shown:
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()


def check(contract: Contract, options: CheckOptions, *, progress: Progress | None = None) -> Verdicts:
    """Check a server in a process of its own, which nothing of the surrounding project can reach.

    SIGINT and SIGTERM end the check early: sessions are closed, and the verdicts so far are returned.

    Args:
        contract: what the server is checked against, for the names of the clauses.
        options: what to check and how.
        progress: called after each test.
    """
    with _gathering(contract, options, progress) as (verdicts, options, take_in):
        _run_process(options, verdicts.facts.began.timestamp(), take_in)
    return verdicts


def check_in_process(contract: Contract, options: CheckOptions) -> Verdicts:
    """Check a server with pytest in this process, as isolated from the surrounding project: for fixtures and tests.

    Arguments and result are those of `check`. Signals are not handled.
    """
    with _gathering(contract, options, None) as (verdicts, options, take_in):
        run_pytest(options, verdicts.facts.began.timestamp(), take_in)
    return verdicts


@contextmanager
def _gathering(
    contract: Contract, options: CheckOptions, progress: Progress | None
) -> Iterator[tuple[Verdicts, CheckOptions, Callable[[Event], None]]]:
    """Verdicts, the options with a seed, and what takes in events; at the end it is known how long it took."""
    seed = SystemRandom().getrandbits(32) if options.seed is None else options.seed
    options = replace(options, seed=seed)
    facts = Facts(
        url=options.url,
        began=datetime.now(UTC),
        version=adjourn_version(),
        profile=options.profile,
        seed=seed,
        dialect=options.dialect,
        rate=options.rate,
        time_budget=options.time_budget,
    )
    verdicts = Verdicts(contract, options.clause, options.accept, options.allow_incomplete, facts)
    progress = progress or Progress(sys.stderr, _expected_requests(options))
    began = time.monotonic()
    try:
        yield verdicts, options, lambda event: _take_in(event, verdicts, progress)
    finally:
        verdicts.seconds = time.monotonic() - began
        progress.end()
    if options.fail_fast and verdicts.failed:
        verdicts.stop("stopped at the first failed clause (--fail-fast)")


def _expected_requests(options: CheckOptions) -> int | None:
    """About how many requests the check sends, where it tests every clause."""
    from adjourn_contract.engine.run import PROFILES

    expected = None if options.clause or options.depth else PROFILES[options.profile].requests
    return expected if expected is None or options.max_requests is None else min(expected, options.max_requests)


def _take_in(event: Event, verdicts: Verdicts, progress: Progress) -> None:
    kind, value = event["event"], event.get("value")
    if kind == "collected":
        verdicts.expect(event["tests"])
        progress.begin(len(event["tests"]))
    elif kind == OUTCOME:
        verdicts.note(Outcome.from_dict(value))
        progress.step(verdicts)
    elif kind == OBSERVED:
        verdicts.observe(Observed.from_dict(value))
    elif kind == STOP and value is not None:
        verdicts.stop(value["reason"], value["remedy"])
        if value["unusable"]:
            verdicts.error = verdicts.error or value["reason"]
    elif kind in ("error", "interrupted"):
        verdicts.stop(event["reason"])
        verdicts.error = verdicts.error or event["reason"]


class _CheckProcess:
    """The process of a check: its options go in, its events come out, signals are passed on.

    Args:
        options: of the check.
        began: when the check began, in seconds of the epoch.
    """

    def __init__(self, options: CheckOptions, began: float) -> None:
        self._options, self._began = options, began
        # An empty folder: no configuration, module or plugin of the project is found from it.
        self._folder = tempfile.TemporaryDirectory(prefix="adjourn-check-")
        # Closed in close(): it lives as long as the process.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "adjourn_contract.runner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            cwd=self._folder.name,
            env=_environment(),
            start_new_session=True,
        )
        self._timers: list[threading.Timer] = []
        self.is_interrupted = False
        self.is_killed = False

    def events(self) -> Iterator[Event]:
        """Every event, until the process has ended."""
        process = self._process
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError):
            json.dump({"options": _absolute(self._options), "began": self._began}, process.stdin)
            process.stdin.close()
        for line in process.stdout:
            yield json.loads(line)
        process.wait()

    def interrupt(self) -> None:
        """End it as Ctrl-C does: sessions are closed. A second time, or when that takes too long, end it at once."""
        if self.is_interrupted:
            self._kill()
            return
        self.is_interrupted = True
        self.after(_GRACE_SECONDS, self._kill)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later, unless the process has ended before."""
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _kill(self) -> None:
        if self._process.poll() is None:
            self.is_killed = True
            self._process.kill()

    def last_error(self) -> str:
        """The last line that it wrote to its standard error."""
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    def close(self) -> None:
        """End what is left of it."""
        for timer in self._timers:
            timer.cancel()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._folder.cleanup()


def _run_process(options: CheckOptions, began: float, take_in: Callable[[Event], None]) -> None:
    process = _CheckProcess(options, began)
    has_ended = False
    try:
        with _passing_on_signals(process):
            if options.time_budget is not None:
                process.after(options.time_budget + _GRACE_SECONDS / 4, process.interrupt)
            for event in process.events():
                has_ended = has_ended or event["event"] == "ended"
                take_in(event)
        if process.is_interrupted:
            take_in({"event": "interrupted", "reason": "interrupted"})
        elif not has_ended:
            reason = f"the process of the check ended unexpectedly: {process.last_error()}"
            take_in({"event": "error", "reason": _without_keys(reason, options)})
    finally:
        process.close()


@contextmanager
def _passing_on_signals(process: _CheckProcess) -> Iterator[None]:
    """While the check runs, SIGINT and SIGTERM end its process as Ctrl-C does; only the main thread may do so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: process.interrupt()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment() -> dict[str, str]:
    """The environment without what turns warnings of our libraries into errors of ours."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}


def _absolute(options: CheckOptions) -> dict[str, Any]:
    """The options with paths that mean the same in another folder."""
    paths = {"spec": options.spec, "session_pool": options.session_pool}
    return options.as_dict() | {name: str(Path(path).absolute()) for name, path in paths.items() if path is not None}


def _without_keys(text: str, options: CheckOptions) -> str:
    for key in (options.secret_key, options.other_secret_key):
        if key:
            text = text.replace(key, f"{key[:7]}...")
    return text
