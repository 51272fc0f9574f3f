"""`adjourn load`: Locust presses, the contract is checked meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from adjourn import MockServer

ADJOURN = [sys.executable, "-m", "adjourn", "load"]


def load(url: str, *options: str, key: str = "tr_dev_adjourn") -> subprocess.CompletedProcess[str]:
    command = [*ADJOURN, url, "--secret-key", key, "--users", "5", "--time", "2s", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_lawful_server_is_pressed_and_keeps_the_contract() -> None:
    with MockServer() as server:
        done = load(server.url, "--json")
        listed = httpx.get(f"{server.url}/api/v1/sessions?filter[status]=CLOSED", headers=server.headers).json()["data"]
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == []
    assert {each["operation"] for each in found["operations"]} == {
        "create",
        "retrieve",
        "close",
        "close again",
        "retrieve closed",
    }
    assert found["requests"] > 100
    assert len(listed) == 20


@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("later-close-replaces-reason", "close.idempotent"),
        ("reason-ascii", "reason.verbatim"),
        ("create-200", "create.created"),
    ],
)
def test_a_broken_clause_is_told(fault: str, clause: str) -> None:
    with MockServer(faults=[fault]) as server:
        done = load(server.url)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"broken  {clause}: " in done.stdout


def test_a_server_that_is_not_there_is_exit_2() -> None:
    done = load("http://127.0.0.1:9")
    assert (done.returncode, "does not answer" in done.stderr) == (2, True)


def test_a_wrong_key_is_exit_2_before_any_load() -> None:
    with MockServer() as server:
        done = load(server.url, key="tr_dev_wrong")
        (entry,) = server.call(server.app.service.unknown_callers.read())
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "refuses the secret key (401)" in done.stderr
    assert entry.clause == "auth.unknown-key"


def test_the_locustfile_is_told_for_several_machines() -> None:
    done = subprocess.run([*ADJOURN, "--locustfile"], capture_output=True, text=True, check=True)
    assert "class SessionsUser" in Path(done.stdout.strip()).read_text()


@pytest.mark.parametrize(("faults", "clauses"), [([], set()), (["reason-ascii"], {"reason.verbatim"})])
def test_a_master_sums_up_what_its_workers_found(faults: list[str], clauses: set[str], tmp_path: Path) -> None:
    done = subprocess.run([*ADJOURN, "--locustfile"], capture_output=True, text=True, check=True)
    report = tmp_path / "report.json"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    locust = [sys.executable, "-m", "locust", "-f", done.stdout.strip(), "--loglevel", "ERROR"]
    environ = {**os.environ, "TRIGGER_SECRET_KEY": "tr_dev_adjourn"}
    with MockServer(faults=faults) as server:
        master = [*locust, "--master", "--master-bind-port", port, "--headless", "--only-summary", "--host", server.url]
        master += ["--expect-workers", "2", "--users", "4", "--spawn-rate", "4", "--run-time", "2s"]
        worker = [*locust, "--worker", "--master-port", port]
        processes = [
            subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command, given in (
                (master, {**environ, "ADJOURN_LOAD_REPORT": str(report)}),
                (worker, environ),
                (worker, environ),
            )
        ]
        try:
            assert processes[0].wait(60) == (1 if faults else 0)
        finally:
            for process in processes:
                process.kill()
                process.wait()
    found = json.loads(report.read_text())
    assert {each["clause"] for each in found["failed"]} == clauses
    assert found["requests"] > 100
