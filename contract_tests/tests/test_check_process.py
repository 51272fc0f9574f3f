"""The process of a check: nothing of a project reaches it, signals end it cleanly, a crash is one line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from runs import KEY, OTHER

from adjourn_contract.check import CheckOptions, check, check_in_process
from adjourn_contract.reports.console import render
from adjourn_mock import MockApp, MockServer, create_app
from adjourn_spec import load_contract

# The script beside Python, so that the folder of the project is not on the path as it is with -m.
ADJOURN = str(Path(sys.executable).with_name("adjourn"))


def options(url: str, *clauses: str, workers: int = 1, **more: str) -> CheckOptions:
    return CheckOptions(
        url=url, secret_key=KEY, other_secret_key=OTHER, clause=clauses, profile="standard", workers=workers, **more
    )


def hostile_project(folder: Path) -> None:
    """A project whose settings, conftest, plugins and modules would each break a run of pytest."""
    (folder / "pytest.ini").write_text(
        "[pytest]\naddopts = --no-such-option\nfilterwarnings = error\nxfail_strict = 1\n"
    )
    (folder / "conftest.py").write_text("raise RuntimeError('the conftest of the project was loaded')\n")
    for module in ("pytest", "hypothesis", "schemathesis", "requests"):
        (folder / f"{module}.py").write_text(f"raise RuntimeError('{module} of the project was loaded')\n")
    (folder / "schemathesis.toml").write_text("this is not TOML\n")


def test_nothing_of_the_surrounding_project_reaches_a_check(tmp_path: Path) -> None:
    hostile_project(tmp_path)
    environ = {
        **os.environ,
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "no_such_plugin",
        "PYTHONWARNINGS": "error::DeprecationWarning",
        "SCHEMATHESIS_HOOKS": "no_such_hooks",
    }
    with MockServer() as server:
        command = [ADJOURN, "check", server.url, "--secret-key", KEY, "--clause", "reason.optional", "--json"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=100, check=False, env=environ, cwd=tmp_path
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    found = {each["clause"]: each["state"] for each in json.loads(done.stdout)["clauses"]}
    assert found["reason.optional"] == "passed"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_a_check_in_process_leaves_the_surrounding_run_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    from hypothesis import core

    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    before = dict(os.environ), core.global_force_seed
    with MockServer() as server:
        verdicts = check_in_process(load_contract(), options(server.url, "reason.optional"))
    assert verdicts.exit_code == 0
    assert (dict(os.environ), core.global_force_seed) == before


def test_several_processes_give_the_same_verdicts() -> None:
    with MockServer(faults=["reason-trimmed"]) as server:
        alone = check_in_process(load_contract(), options(server.url, "reason.verbatim"))
        together = check(load_contract(), options(server.url, "reason.verbatim", workers=2))
    assert [verdict.clause for verdict in alone.failed] == ["reason.verbatim"]
    assert [(each.clause, each.state) for each in together] == [(each.clause, each.state) for each in alone]
    assert together.error is None


def test_several_processes_send_each_request_once() -> None:
    with MockServer() as server:
        alone = check_in_process(load_contract(), options(server.url, "reason.*", "body.*"))
        together = check(load_contract(), options(server.url, "reason.*", "body.*", workers=2))
    # Each process asks for itself what the server has.
    assert together.observed.requests < alone.observed.requests + 60


def test_a_crash_is_one_line_and_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho 'something before' >&2\necho 'out of memory, {KEY}' >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    verdicts = check(load_contract(), options("http://127.0.0.1:9"))
    text = render(verdicts, colour=False)
    assert verdicts.exit_code == 2
    assert text.splitlines() == [text]
    assert "the process of the check ended unexpectedly: out of memory, tr_dev_..." in text


def test_a_pool_of_another_form_is_one_line_and_exit_2(tmp_path: Path) -> None:
    pool = tmp_path / "pool.json"
    pool.write_text("[{}]")
    verdicts = check(load_contract(), options("http://127.0.0.1:9", session_pool=str(pool)))
    assert verdicts.exit_code == 2
    assert "must be a list of sessions such as {id: session_abc" in render(verdicts, colour=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_check_with_sessions_closed_and_reports_written(number: int, tmp_path: Path) -> None:
    app = create_app()
    with MockServer(app) as server:
        command = [ADJOURN, "check", server.url, "--secret-key", KEY, "--report", str(tmp_path / "a.json")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            wait_for_requests(app, 300)
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
        rows = asyncio.run(app.service.store.snapshot(next(iter(app.environments)).id))
    report = json.loads((tmp_path / "a.json").read_text())
    assert process.returncode == 2
    assert "not all was checked: interrupted" in said
    assert "Traceback" not in said
    assert len(rows) > 20
    assert [row for row in rows if row.closed_at is None] == []
    assert (report["exitCode"], report["error"]) == (2, "interrupted")
    assert all(each.get("reason") for each in report["clauses"] if each["state"] == "not checked")


def wait_for_requests(app: MockApp, count: int) -> None:
    """Until the mock has answered so many."""
    journal = next(iter(app.environments)).journal
    pause = threading.Event()
    for _ in range(1200):
        if asyncio.run(journal.count()) >= count:
            return
        pause.wait(0.05)
    pytest.fail(f"the check did not send {count} requests within a minute")
