"""The process in which pytest runs a check, and the events that it reports.

`adjourn check` starts `python -P -m adjourn_contract.runner`, writes `{"options", "began"}` as one JSON object to its
standard input, and reads one JSON object a line from its standard output. Nothing of the surrounding project reaches
this process: plugins are not loaded by themselves, there is no configuration file, and the folder is an empty one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import adjourn_contract
from adjourn_contract.options import CheckOptions
from adjourn_contract.plugin import CLAUSES, OBSERVED, OUTCOME, RUN, STOP

__all__ = ["Event", "main", "run_pytest"]

Event = Mapping[str, Any]
# What a surrounding run of pytest, or a shell, sets for runs of its own.
_FOREIGN_VARIABLES = ("PYTEST_", "HYPOTHESIS_", "SCHEMATHESIS_")


class _Reporter:
    """A pytest plugin that turns what pytest reports into events."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        tests = {item.nodeid: item.stash.get(CLAUSES, ()) for item in session.items}
        self._emit({"event": "collected", "tests": tests})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name in (OUTCOME, OBSERVED, STOP):
                self._emit({"event": name, "value": value})
        if report.failed and not any(name in (OUTCOME, STOP) for name, _ in report.user_properties):
            lines = str(report.longrepr).strip().splitlines() or [report.nodeid]
            self._emit({"event": "error", "reason": f"{report.nodeid} itself failed in its {report.when}: {lines[-1]}"})

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        # After an interruption no report follows, but sessions were closed.
        run = config.stash.get(RUN, None)
        if run is not None:
            self._emit({"event": OBSERVED, "value": msgspec.to_builtins(run.observe())})

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # A session that was asked to stop has reported why; pytest.exit() has a message, Ctrl-C has none.
        if isinstance(excinfo.value, pytest.Session.Interrupted):
            return
        self._emit({"event": "interrupted", "reason": getattr(excinfo.value, "msg", None) or "interrupted"})

    def pytest_internalerror(
        self,
        excrepr: object,  # noqa: ARG002
        excinfo: pytest.ExceptionInfo[BaseException],
    ) -> None:
        text = " ".join(f"{excinfo.typename}: {excinfo.value}".split())
        self._emit({"event": "error", "reason": f"the engine of the contract tests failed: {text}"})


def run_pytest(options: CheckOptions, began: float, emit: Callable[[Event], None]) -> None:
    """Run the contract tests and report events, in this process.

    Args:
        options: of the check.
        began: when the check began, in seconds of the epoch: its time budget starts then.
        emit: called with each event, in this thread.
    """
    with _isolated():
        if options.workers > 1:
            # The process that hands out the tests collects none itself; only a collection names their clauses.
            pytest.main([*_arguments(options, began, workers=1), "--collect-only"], plugins=[_Reporter(emit)])
        code = pytest.main(_arguments(options, began, workers=options.workers), plugins=[_Reporter(emit)])
    emit({"event": "ended", "code": int(code)})


def _arguments(options: CheckOptions, began: float, *, workers: int) -> list[str]:
    folder = str(Path(adjourn_contract.__file__).parent)
    plugins = ["adjourn_contract.plugin", "_hypothesis_pytestplugin", *(["xdist.plugin"] if workers > 1 else [])]
    without = ["cacheprovider", "terminal", "schemathesis", "logging", "warnings"]
    return [
        folder,
        *("-c", os.devnull, "--rootdir", folder, "--import-mode=importlib", "--capture=fd"),
        # Without it pytest lists the folders above too, which takes a second where one of them is large.
        f"--confcutdir={folder}",
        # Plain: nothing is rewritten, least of all Schemathesis, which has a pytest plugin and is large.
        "--assert=plain",
        *(argument for name in plugins for argument in ("-p", name)),
        *(argument for name in without for argument in ("-p", f"no:{name}")),
        *(("-n", str(workers)) if workers > 1 else ()),
        *(_stop_option(workers) if options.fail_fast else ()),
        *((f"--hypothesis-seed={options.seed}",) if options.seed is not None else ()),
        *((f"--adjourn-ends-at={began + options.time_budget}",) if options.time_budget is not None else ()),
        *options.plugin_arguments(),
    ]


def _stop_option(workers: int) -> tuple[str]:
    """How pytest is asked to stop at the first failed clause; the processes of pytest-xdist only know pytest's way."""
    return ("-x",) if workers > 1 else ("--adjourn-fail-fast",)


@contextmanager
def _isolated() -> Iterator[None]:
    """Keep the settings of a surrounding project away from pytest and Hypothesis, and ours from it."""
    from hypothesis import core

    seed = core.global_force_seed
    foreign = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_FOREIGN_VARIABLES)}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        core.global_force_seed = seed
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(foreign)


def main() -> None:
    """The entry point of the process: options on standard input, events on standard output."""
    # SIGTERM ends a check as Ctrl-C does; where SIGINT is held back, it waits until the session that is being
    # created is known.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    # Nothing that a library prints may get between the events.
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def emit(event: Event) -> None:
        try:
            stream.write(json.dumps(event) + "\n")
            stream.flush()
        except BrokenPipeError:
            # The process that reads is gone: close the sessions and end.
            raise KeyboardInterrupt from None

    request = json.load(sys.stdin)
    values = request["options"]
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    try:
        run_pytest(CheckOptions(**{**values, **lists}), request["began"], emit)
    except KeyboardInterrupt:
        emit({"event": "interrupted", "reason": "interrupted"})


if __name__ == "__main__":
    main()
