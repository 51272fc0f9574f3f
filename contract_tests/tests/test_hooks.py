"""Our checks as hooks of plain Schemathesis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from runs import KEY

from adjourn_mock import MockServer


def test_schemathesis_takes_our_checks_as_hooks(tmp_path: Path) -> None:
    with MockServer(faults=["times-epoch"]) as server:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server.url}/openapi.json"]
        command += ["--phases", "stateful,coverage", "-n", "30", "-H", f"Authorization: Bearer {KEY}"]
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
