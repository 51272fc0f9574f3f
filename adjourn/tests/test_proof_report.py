"""The report of `adjourn faults prove`, and its numbers on the README."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from adjourn import prove
from adjourn.cli import cli
from adjourn.prove import LawfulResult, ProofResult
from adjourn_mock.faults import FAULTS

TOP = Path(__file__).parents[2]
TRIMMED, LIMIT = FAULTS["reason-trimmed"], FAULTS["update-drops-config"]


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> list[ProofResult]:
    """What the check finds of each fault; lawful mocks are accused of nothing."""
    results = [ProofResult(TRIMMED, (TRIMMED.clause,), 1.0, None), ProofResult(LIMIT, (), 2.0, "a <b> | error")]

    def proved(*_: object, **__: object) -> Iterator[ProofResult]:
        yield from results

    monkeypatch.setattr(prove, "prove", proved)
    monkeypatch.setattr(prove, "check_lawful", lambda name: LawfulResult(name, (), 1.0, None))
    return results


def invoke(*arguments: str) -> int:
    command = ["faults", "prove", TRIMMED.name, LIMIT.name, *arguments]
    return CliRunner().invoke(cli, command).exit_code


@pytest.mark.usefixtures("stubbed")
def test_reports_have_the_matrix_the_lawful_servers_and_the_numbers(tmp_path: Path) -> None:
    paths = [tmp_path / f"proof.{ending}" for ending in ("json", "md", "html")]
    assert invoke(*(part for path in paths for part in ("--report", str(path)))) == 1
    value = json.loads(paths[0].read_text())
    assert {each["fault"]: each["caughtBy"] for each in value["faults"]} == {
        TRIMMED.name: [TRIMMED.clause],
        LIMIT.name: [],
    }
    summary = value["summary"]
    assert (summary["clausesSeenToFail"], summary["caught"], summary["faults"], summary["partial"]) == (1, 1, 2, False)
    assert [each["accused"] for each in value["lawful"]] == [[], [], []]
    assert "a &lt;b> \\| error" in paths[1].read_text()
    assert "a &lt;b&gt; | error" in paths[2].read_text()


def test_a_report_of_an_interrupted_run_is_partial_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, stubbed: list[ProofResult], tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> Iterator[ProofResult]:
        yield stubbed[0]
        raise KeyboardInterrupt

    monkeypatch.setattr(prove, "prove", interrupted)
    path = tmp_path / "proof.json"
    assert invoke("--report", str(path)) == 2
    summary = json.loads(path.read_text())["summary"]
    assert (summary["partial"], summary["faults"], summary["planned"]) == (True, 1, 2)


@pytest.mark.usefixtures("stubbed")
def test_an_accused_lawful_mock_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, stubbed: list[ProofResult], tmp_path: Path
) -> None:
    stubbed[1] = ProofResult(LIMIT, (LIMIT.clause,), 1.0, None)
    path = str(tmp_path / "proof.md")
    assert invoke("--report", path) == 0
    monkeypatch.setattr(prove, "check_lawful", lambda name: LawfulResult(name, ("row.list",), 1.0, None))
    assert invoke("--report", path) == 1


def test_a_report_that_cannot_be_written_is_exit_code_2_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("proof.txt", "file/proof.md"):
        assert invoke("--report", str(tmp_path / name)) == 2


def test_the_numbers_on_the_readme_are_those_of_the_last_full_proof() -> None:
    module = runpy.run_path(str(TOP / "docs" / "hooks" / "proof_numbers.py"))
    summary = json.loads(module["SUMMARY"].read_text()) if module["SUMMARY"].exists() else None
    readme = (TOP / "README.md").read_text()
    assert "<!-- proof numbers -->" in readme
    assert module["with_numbers"](readme, summary) == readme
