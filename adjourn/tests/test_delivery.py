"""What is delivered beside the packages: the GitHub Action, the GitLab component, the container's scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from adjourn import MockServer

ROOT = Path(__file__).parents[2]
DELIVERY = ROOT / "delivery"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
INPUT = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")


def run_step(name: str, tmp_path: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as a runner would: inputs only through its `env`."""
    step = next(each for each in ACTION["runs"]["steps"] if each["name"] == name)
    defaults = {key: str(each.get("default", "")) for key, each in ACTION["inputs"].items()}
    values = defaults | {key.replace("_", "-"): value for key, value in inputs.items()}
    env = {key: INPUT.sub(lambda found: values[found[1]], text) for key, text in step.get("env", {}).items()}
    runner = {
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={**os.environ, **runner, **env},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def outputs(tmp_path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A runner on which the action's first step has put adjourn."""
    if shutil.which("bash") is None:
        pytest.skip("bash is needed to run the action's steps")
    binaries = tmp_path / "temp" / "adjourn" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "adjourn").symlink_to(Path(sys.executable).with_name("adjourn"))
    return tmp_path


def test_no_expression_is_spliced_into_a_script() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    template = (ROOT / "templates" / "check.yml").read_text()
    script = yaml.safe_load(template.split("\n---\n")[1])["$[[ inputs.job-name ]]"]["script"]
    assert not [line for line in script if "$[[" in line]


def test_every_output_of_the_action_is_written_by_a_step(installed: Path) -> None:
    with MockServer() as server:
        keys = [each.secret_key for each in server.app.environments]
        done = run_step(
            "Run adjourn",
            installed,
            url=server.url,
            secret_key=keys[0],
            other_secret_key=keys[1],
            arguments="--clause=close.closes\n--clause=close.idempotent",
        )
    assert done.returncode == 0, done.stdout + done.stderr
    written = outputs(installed)
    named = {name for each in ACTION["outputs"].values() for name in re.findall(r"outputs\.([a-z-]+)", each["value"])}
    assert set(written) == named == set(ACTION["outputs"])
    assert (written["exit-code"], written["failed"]) == ("0", "0")
    assert int(written["passed"]) >= 2
    assert {path.suffix for path in (installed / written["reports"]).iterdir()} == {".json", ".xml", ".sarif", ".html"}


def test_a_failed_clause_fails_the_action_and_keeps_the_reports(installed: Path) -> None:
    with MockServer(faults=["reason-trimmed"]) as server:
        key = server.secret_key
        asked = {"profile": "standard", "arguments": "--clause=reason.verbatim"}
        done = run_step("Run adjourn", installed, url=server.url, secret_key=key, **asked)
    assert done.returncode == 1, done.stdout + done.stderr
    assert outputs(installed)["failed"] == "1"
    report = json.loads((installed / "adjourn-reports" / "adjourn.json").read_text())
    assert [each["clause"] for each in report["clauses"] if each["state"] == "failed"] == ["reason.verbatim"]


def test_inputs_are_never_run_as_code(installed: Path) -> None:
    evil = "$(touch injected) `touch injected`; touch injected"
    done = run_step("Run adjourn", installed, url=evil, secret_key=evil, profile=evil, arguments=evil)
    assert done.returncode == 2
    done = run_step("Run adjourn", installed, command=evil)
    assert done.returncode == 2
    assert "the input command must be check or run" in done.stdout
    assert not list(installed.rglob("injected"))


def test_a_suite_runs_beside_the_mock(installed: Path) -> None:
    suite = 'test -n "$TRIGGER_SECRET_KEY"\ncurl -sf "$TRIGGER_API_URL/_adjourn/health" > health.json\nexit 7'
    done = run_step("Run adjourn", installed, command="run", run=suite)
    assert done.returncode == 7, done.stdout + done.stderr
    assert json.loads((installed / "health.json").read_text()) == {"status": "ok"}
    assert outputs(installed)["exit-code"] == "7"


def test_the_gitlab_component_has_two_documents_and_only_known_inputs() -> None:
    spec, job = yaml.safe_load_all((ROOT / "templates" / "check.yml").read_text())
    used = set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", json.dumps(job)))
    assert used == set(spec["spec"]["inputs"])


@pytest.mark.parametrize("script", sorted(DELIVERY.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is needed to parse the script")
    subprocess.run([shell, "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


def test_the_container_copies_only_files_that_exist() -> None:
    dockerfile = (DELIVERY / "Dockerfile").read_text()
    named = re.findall(r"delivery/[a-z.-]+", dockerfile)
    assert named
    assert all((ROOT / name).exists() for name in named)
