"""`adjourn faults prove` and `adjourn check --write-tests`, run as a user runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from adjourn import MockServer, prove
from adjourn.cli import cli
from adjourn.prove import ProofResult
from adjourn_mock.faults import FAULTS

ADJOURN = [sys.executable, "-m", "adjourn"]
KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"


@pytest.mark.timeout(900)
def test_the_proofs_of_a_sample_of_the_faults_show_them_on_the_faulty_mock_alone() -> None:
    command = [*ADJOURN, "faults", "prove", "--sample", "73", "--replay"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=880, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"(\d+) of \1 proofs replayed \(100\.0%\)", done.stdout)


@pytest.mark.parametrize(
    ("replay", "code", "said"),
    [
        ("", 0, "1 of 1 proofs replayed (100.0%)"),
        ("accuses the lawful mock (exit code 1)", 1, "NOT REPLAYED"),
        ("the proof has no script", 1, "0 of 1 proofs replayed (0.0%)"),
    ],
)
def test_a_proof_that_does_not_replay_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, replay: str, code: int, said: str
) -> None:
    fault = FAULTS["reason-trimmed"]

    def proved(*_: object, **__: object) -> Iterator[ProofResult]:
        yield ProofResult(fault, (fault.clause,), 1.0, None, replay)

    monkeypatch.setattr(prove, "prove", proved)
    done = CliRunner().invoke(cli, ["faults", "prove", fault.name, "--replay"])
    assert done.exit_code == code
    assert said in done.output


def check(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*ADJOURN, "check", url, "--secret-key", KEY, "--other-secret-key", OTHER, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def test_failures_are_written_as_tests_that_fail_until_the_server_is_mended(tmp_path: Path) -> None:
    folder = tmp_path / "failures"
    with MockServer(faults=["reason-trimmed"]) as faulty, MockServer() as lawful:
        done = check(
            faulty.url,
            "--clause",
            "reason.verbatim",
            "--profile",
            "standard",
            "--fail-fast",
            "--write-tests",
            str(folder),
        )
        assert done.returncode == 1
        assert sorted(path.name for path in folder.iterdir()) == ["reason.verbatim.sh", "test_reason_verbatim.py"]
        codes = []
        for server in (faulty, lawful):
            environ = {**os.environ, "TRIGGER_API_URL": server.url, "TRIGGER_SECRET_KEY": KEY}
            script = subprocess.run(
                [folder / "reason.verbatim.sh"], env=environ, capture_output=True, timeout=60, check=False
            )
            codes.append(script.returncode)
    assert codes == [1, 0]


def test_a_folder_that_cannot_be_written_is_exit_code_2_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = check("http://127.0.0.1:9", "--write-tests", str(tmp_path / "file" / "folder"))
    assert done.returncode == 2
    assert "file/folder" in done.stderr
