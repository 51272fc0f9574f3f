"""Our checks as hooks of plain Schemathesis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from runs import KEY

from adjourn_contract.engine.answers import first_finding
from adjourn_contract.transport.exchange import Exchange
from adjourn_mock import MockServer
from adjourn_spec import load_contract


def test_schemathesis_takes_our_checks_as_hooks(tmp_path: Path) -> None:
    with MockServer(faults=["times-epoch"]) as server:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"]
        command += ["--phases", "coverage", "--checks", "responses_satisfy_the_contract", "--max-failures", "3"]
        command += ["--include-path-regex", "^/api/v1/sessions", "-H", f"Authorization: Bearer {KEY}"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "adjourn_contract.hooks"},
        )
    assert done.returncode == 1
    assert "row.times" in done.stdout


@pytest.mark.parametrize("path", ["/realtime/v1/sessions/a/in", "/api/v3/runs/run_a"])
def test_a_response_that_shows_no_session_is_not_judged_as_one(path: str) -> None:
    events = Exchange("GET", path, (), None, False, 200, (("content-type", "text/event-stream"),), b"id: 1\n\n")
    run = Exchange("GET", path, (), None, False, 200, (("content-type", "application/json"),), b'{"id": "run_a"}')
    assert [first_finding(load_contract(), each) for each in (events, run)] == [None, None]
