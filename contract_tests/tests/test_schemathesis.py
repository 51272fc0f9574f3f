"""Plain Schemathesis, with its default checks and the configuration that ships, finds nothing in the mock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import adjourn_contract
from adjourn_mock import MockServer

CONFIGURATION = Path(adjourn_contract.__file__).with_name("schemathesis.toml")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("phases", ["examples,coverage", "fuzzing", "stateful"])
def test_schemathesis_finds_no_failure(phases: str) -> None:
    with MockServer() as server:
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION)),
            *("run", f"{server.url}/openapi.json", "--phases", phases, "--max-examples", "200"),
            *("-H", f"Authorization: {server.headers['Authorization']}", "--seed", "1", "--continue-on-failure"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "No issues found" in done.stdout
