"""`adjourn check` as a command: options, settings, reports, output for GitHub, guards."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from adjourn.cli import cli
from adjourn_mock import MockServer

KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TRIGGER_", "ADJOURN_", "GITHUB_")):
            monkeypatch.delenv(name)


@pytest.fixture
def faulty() -> Iterator[MockServer]:
    with MockServer(faults=["reason-trimmed"]) as server:
        yield server


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *arguments])


def check_reasons(server: MockServer, *arguments: str) -> Result:
    keys = ("--secret-key", KEY, "--other-secret-key", OTHER)
    return check(server.url, *keys, "--profile", "standard", "--clause", "reason.verbatim", *arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([NOWHERE, "--secret-key", KEY], "could not be checked: the server is unreachable"),
        (["ftp://127.0.0.1", "--secret-key", KEY], "is not an http or https URL"),
        (["http://", "--secret-key", KEY], "is not an http or https URL"),
        (["http://127.0.0.1:9/?a=b", "--secret-key", KEY], "has a query or fragment"),
        (["http://127.0.0.1:9/api/v1/", "--secret-key", KEY], "give http://127.0.0.1:9"),
        (["--secret-key", KEY], "give the server's URL"),
        ([NOWHERE], "give the server's secret key"),
        ([NOWHERE, "--secret-key", KEY, "--clause", "nothing.*"], "no clause matches 'nothing.*'"),
        ([NOWHERE, "--secret-key", KEY, "--accept", "nothing"], "no clause matches 'nothing'"),
        ([NOWHERE, "--secret-key", KEY, "--rate", "fast"], "--rate 'fast' is not a number of requests"),
        ([NOWHERE, "--secret-key", KEY, "--spec", "nowhere.yaml"], "nowhere.yaml: No such file"),
        ([NOWHERE, "--secret-key", KEY, "--other-secret-key", KEY], "the two secret keys are the same"),
        ([NOWHERE, "--secret-key", KEY, "--session-pool", "nowhere.yaml"], "nowhere.yaml: No such file"),
        ([NOWHERE, "--secret-key", KEY, "--config", "nowhere.toml"], "nowhere.toml: No such file"),
        ([NOWHERE, "--secret-key", KEY, "--report", "a.txt"], "has no known format"),
        ([NOWHERE, "--secret-key", KEY, "--header", "a"], "--header: a header is not of the form NAME:VALUE"),
        ([NOWHERE, "--secret-key", KEY, "--header", "Authorization:a"], "is set by the check itself"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    done = check(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize("url", ["http://bob:hunter22@127.0.0.1:9", "ftp://bob:hunter22@127.0.0.1:9"])
def test_a_url_with_a_password_is_refused_and_the_password_not_shown(url: str) -> None:
    done = check(url, "--secret-key", KEY)
    assert done.exit_code == 2
    assert "user name or password" in done.output
    assert "hunter22" not in done.output


def test_on_another_machine_the_number_of_sessions_is_printed_first() -> None:
    done = check("http://server.invalid", "--secret-key", KEY, "--profile", "smoke")
    first, *_ = done.output.splitlines()
    assert first.startswith("The smoke profile creates up to about ")
    assert "on http://server.invalid" in first
    assert done.exit_code == 2


def test_a_production_key_needs_yes_on_another_machine() -> None:
    arguments = ("http://server.invalid", "--secret-key", "tr_prod_x")
    refused, confirmed = check(*arguments), check(*arguments, "--yes")
    assert (refused.exit_code, confirmed.exit_code) == (2, 2)
    assert "--yes confirms" in refused.output
    assert "the server is unreachable" in confirmed.output


def test_a_production_key_needs_no_yes_on_this_machine() -> None:
    assert "the server is unreachable" in check(NOWHERE, "--secret-key", "tr_prod_x").output


def test_headers_come_from_the_options_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADJOURN_HEADERS", "X-First: a\nX-Second: b\n")
    with MockServer() as server:
        done = check_reasons(server, "--header", "X-Third:c", "--json")
        journal: Any = next(iter(server.app.environments)).journal
        seen = [{name.lower() for name, _ in each.headers} for each in journal]
    assert done.exit_code == 0, done.output
    assert seen
    assert all({b"x-first", b"x-second", b"x-third"} <= names for names in seen)


def test_reports_are_written_where_they_are_asked_for(faulty: MockServer, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "new"
    files = [f"{folder}/a.json", f"junit:{folder}/a.txt", f"{folder}/a.sarif", f"{folder}/a.md", f"{folder}/a.html"]
    done = check_reasons(faulty, *(argument for file in files for argument in ("--report", file)))
    assert done.exit_code == 1
    assert json.loads((folder / "a.json").read_text())["exitCode"] == 1
    assert ET.parse(folder / "a.txt").getroot()[0].get("failures") == "1"
    assert json.loads((folder / "a.sarif").read_text())["runs"][0]["results"]
    for name in ("a.md", "a.html"):
        assert "reason.verbatim" in (folder / name).read_text()


def test_the_verdict_is_printed_although_a_report_cannot_be_written(faulty: MockServer) -> None:
    done = check_reasons(faulty, "--report", "json:/dev/full")
    assert done.exit_code == 1
    assert "failed       reason.verbatim" in done.output
    assert "adjourn: --report /dev/full cannot be written: No space left on device" in done.output


def test_github_gets_annotations_and_a_summary(
    faulty: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    done = check_reasons(faulty)
    assert "::error title=reason.verbatim::expected closedReason" in done.output
    assert summary.read_text().startswith("before\n# Contract check of http://127.0.0.1")


def test_settings_come_from_a_file_and_the_command_line_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[tool.adjourn]\nprofile = "standard"\nclause = ["reason.optional"]\n')
    with MockServer() as server:
        arguments = (server.url, "--secret-key", KEY, "--json")
        seen = [check(*arguments), check(*arguments, "--clause", "id.unknown")]
    states = [{each["clause"]: each["state"] for each in json.loads(done.output)["clauses"]} for done in seen]
    assert [(each["reason.optional"], each["id.unknown"]) for each in states] == [
        ("passed", "not checked"),
        ("not checked", "passed"),
    ]


def test_a_setting_that_there_is_not_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("adjourn.toml").write_text("speed = 1\n")
    done = check(NOWHERE, "--secret-key", KEY)
    assert done.exit_code == 2
    assert "there is no setting 'speed'" in done.output


def test_a_stale_accepted_clause_names_the_file_with_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("adjourn.toml").write_text('accept = ["reason.optional"]\n')
    with MockServer() as server:
        done = check(server.url, "--secret-key", KEY, "--profile", "standard", "--clause", "reason.optional")
    assert done.exit_code == 1
    assert 'remove "reason.optional" from the accepted clauses (adjourn.toml)' in done.output
