"""`adjourn check`, run as a user runs it: lawful servers pass, faulty ones are told with proof."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conforming_servers import LAWFUL

import adjourn_contract
from adjourn_contract.reports.console import render
from adjourn_contract.reports.outcome import Outcome
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_mock import MockServer, create_app
from adjourn_mock.faults import FAULTS
from adjourn_spec import load_contract, openapi_path, read_document

ADJOURN = [sys.executable, "-m", "adjourn"]
KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"
TESTS = sorted(Path(adjourn_contract.__file__).parent.glob("clauses/test_*.py"))


def check(
    url: str, *arguments: str, environ: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*ADJOURN, "check", url, "--secret-key", KEY, "--other-secret-key", OTHER, *arguments]
    env = {**os.environ, **(environ or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=env, cwd=cwd)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def failed(result: dict[str, Any]) -> list[str]:
    return [each["clause"] for each in result["clauses"] if each["state"] == "failed"]


@pytest.fixture
def faulty(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with MockServer(faults=[request.param]) as server:
        yield server


def marked_clauses() -> set[str]:
    slugs: set[str] = set()
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.clause":
                slugs |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return slugs


def test_every_clause_has_a_test_and_a_fault() -> None:
    owed = {slug for slug, clause in load_contract().clauses.items() if clause.level == "must"}
    assert marked_clauses() == owed
    assert {fault.clause for fault in FAULTS.values()} == owed


def test_there_are_a_hundred_faults_and_each_says_what_it_does() -> None:
    assert len(FAULTS) >= 100
    assert len({fault.summary for fault in FAULTS.values()}) == len(FAULTS)


def test_a_test_that_failed_itself_is_no_clause_kept() -> None:
    verdicts = Verdicts(load_contract())
    verdicts.asked = ("row.schema",)
    verdicts.note(Outcome("test_a", ("row.schema",), "passed"))
    assert verdicts.exit_code == 0
    verdicts.note(Outcome("test_b", ("row.schema",), "error", reason="test_b itself failed: KeyError: 'id'"))
    assert verdicts.exit_code == 2
    assert "not all was checked: test_b itself failed: KeyError: 'id'" in render(verdicts, colour=False)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", [name for name in LAWFUL if name != "slow and limited"])
def test_lawful_servers_are_not_accused(name: str) -> None:
    with MockServer(LAWFUL[name]()) as server:
        profile = "standard" if name in ("documented", "server dialect") else "smoke"
        result = result_of(check(server.url, "--json", "--profile", profile))
    assert [each for each in result["clauses"] if each["state"] == "failed"] == []
    assert result["exitCode"] == 0
    missing = {each["clause"] for each in result["clauses"] if each["state"] == "not checked"}
    assert (missing != set()) == (name == "only what close needs")


@pytest.mark.timeout(200)
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize(
    "options",
    [
        "",
        "ids=short times=seconds errors=problem invalid=400 idle=50 eager=1 large=422",
        "ids=uuid times=micro refusal=422 units=points nul=refused media=strict connections=single written=pretty"
        " runs=none first=method cursors=forward",
    ],
)
def test_a_lawful_server_by_other_hands_is_not_accused(options: str) -> None:
    command = ["node", str(Path(__file__).with_name("independent_server.mjs")), *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            result = result_of(check(server.stdout.readline().strip(), "--json", "--profile", "smoke"))
        finally:
            server.terminate()
    assert [each for each in result["clauses"] if each["state"] != "passed"] == []
    assert result["exitCode"] == 0


@pytest.mark.timeout(200)
def test_a_slow_server_that_limits_its_rate_is_not_accused() -> None:
    with MockServer(LAWFUL["slow and limited"]()) as server:
        result = result_of(check(server.url, "--json", "--profile", "smoke", "--clause", "close.*"))
    assert failed(result) == []
    assert result["exitCode"] == 0


@pytest.mark.timeout(200)
def test_a_server_without_create_is_checked_with_sessions_made_beforehand(tmp_path: Path) -> None:
    sessions = [{"id": f"session_pool{number:024d}", "externalId": f"pool_{number}"} for number in range(400)]
    pool = tmp_path / "pool.json"
    pool.write_text(json.dumps(sessions))
    app = create_app(seed={"sessions": sessions})

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/api/v1/sessions":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"no"})
            return
        await app(scope, receive, send)

    with MockServer(serve) as server:  # type: ignore[arg-type]
        alone = check(server.url, "--json")
        assert "--session-pool" in result_of(alone)["error"]
        result = result_of(check(server.url, "--json", "--session-pool", str(pool)))
    states = {each["clause"]: each["state"] for each in result["clauses"]}
    assert failed(result) == []
    assert states["reason.type"] == states["close.idempotent"] == states["auth.required"] == "passed"
    assert states["id.prefix"] == states["close.recreate"] == "not checked"


def test_the_json_report_is_valid_against_its_schema() -> None:
    import jsonschema_rs

    schema = json.loads(Path(adjourn_contract.__file__).parent.joinpath("reports", "report.schema.json").read_text())
    validator = jsonschema_rs.Draft202012Validator(schema)
    with MockServer(faults=["reason-trimmed"]) as server:
        faulty = result_of(check(server.url, "--json", "--clause", "reason.*", "--profile", "smoke"))
    for result in (faulty, result_of(check("http://127.0.0.1:9", "--json"))):
        assert [error.message for error in validator.iter_errors(result)] == []
    assert not validator.is_valid({**faulty, "exitCode": "1"})


@pytest.mark.timeout(200)
@pytest.mark.parametrize("dialect", ["documented", "server"])
def test_each_dialect_of_the_mock_keeps_to_itself_and_not_to_the_other(dialect: str) -> None:
    other = {"documented": "server", "server": "documented"}[dialect]
    with MockServer(dialect=dialect) as server:
        options = ("--json", "--profile", "smoke")
        assert result_of(check(server.url, *options, "--dialect", dialect))["exitCode"] == 0
        assert result_of(check(server.url, *options, "--dialect", other))["exitCode"] == 1


@pytest.mark.timeout(600)
def test_a_sample_of_the_faults_is_caught() -> None:
    command = [*ADJOURN, "faults", "prove", "--sample", "41"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout
    assert "MISSED" not in done.stdout


@pytest.mark.parametrize("faulty", ["later-close-replaces-reason"], indirect=True)
def test_a_failure_shows_the_clause_and_curl_lines_that_repeat_it(faulty: MockServer) -> None:
    done = check(faulty.url, "--clause", "close.idempotent", "--fail-fast")
    assert done.returncode == 1
    for said in ("close.idempotent", "Closing again, by either form", "expected  closedReason", "got  "):
        assert said in done.stdout
    assert KEY not in done.stdout + done.stderr
    lines = [line.strip() for line in done.stdout.partition("again:\n")[2].splitlines() if line.startswith("    ")]
    environ = {**os.environ, "TRIGGER_SECRET_KEY": KEY, "ADJOURN_OTHER_SECRET_KEY": OTHER}
    script = "\n".join(lines)
    again = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False)
    rows = [json.loads(line) for line in again.stdout.splitlines() if line.startswith("{")]
    closed = [row["closedReason"] for row in rows if row.get("closedAt")]
    assert len(set(closed)) > 1, again.stdout + again.stderr


@pytest.mark.parametrize("faulty", ["reason-trimmed"], indirect=True)
def test_an_accepted_clause_does_not_fail_the_check(faulty: MockServer) -> None:
    options = ("--clause", "reason.verbatim", "--json")
    assert failed(result_of(check(faulty.url, *options))) == ["reason.verbatim"]
    accepted = result_of(check(faulty.url, *options, "--accept", "reason.verbatim"))
    assert accepted["exitCode"] == 0
    assert {each["clause"]: each["state"] for each in accepted["clauses"]}["reason.verbatim"] == "accepted"


@pytest.mark.parametrize("faulty", ["echo-key"], indirect=True)
def test_no_output_has_a_key_in_it(faulty: MockServer, tmp_path: Path) -> None:
    reports = [tmp_path / f"report.{ending}" for ending in ("json", "xml", "sarif", "md", "html")]
    arguments = [argument for report in reports for argument in ("--report", str(report))]
    done = check(faulty.url, "--profile", "smoke", *arguments)
    assert done.returncode == 1
    for text in (done.stdout, done.stderr, *(report.read_text() for report in reports)):
        assert KEY not in text
        assert OTHER not in text
    assert json.loads(reports[0].read_text())["exitCode"] == 1
    assert int(ET.parse(reports[1]).getroot()[0].get("failures", "0")) > 0
    assert json.loads(reports[2].read_text())["runs"][0]["results"]
    assert "row.no-secrets" in reports[3].read_text()
    assert "row.no-secrets" in reports[4].read_text()


@pytest.mark.parametrize("faulty", ["reason-trimmed"], indirect=True)
def test_broken_clauses_are_annotations_on_github(faulty: MockServer) -> None:
    done = check(faulty.url, "--clause", "reason.verbatim", environ={"GITHUB_ACTIONS": "true"})
    assert "::error title=reason.verbatim::expected closedReason" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://127.0.0.1:9", "--secret-key", KEY], "could not be checked: the server is unreachable"),
        (["ftp://127.0.0.1", "--secret-key", KEY], "is not an http or https URL"),
        (["http://127.0.0.1:9"], "give the server's secret key"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--clause", "nothing.*"], "no clause matches 'nothing.*'"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--rate", "fast"], "--rate 'fast' is not a number of requests"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--spec", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--other-secret-key", KEY], "secret keys are the same"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--session-pool", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["http://127.0.0.1:9", "--secret-key", KEY, "--config", "nowhere.toml"], "nowhere.toml: No such file"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TRIGGER_", "ADJOURN_"))}
    done = subprocess.run(
        [*ADJOURN, "check", *arguments], capture_output=True, text=True, timeout=60, check=False, env=environ
    )
    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1


def test_a_refused_key_is_exit_2() -> None:
    with MockServer(secret_keys=["tr_dev_another"]) as server:
        done = check(server.url)
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    assert "refuses the secret key (401)" in done.stdout


def test_settings_come_from_a_file_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.adjourn]\nprofile = "smoke"\nclause = ["reason.optional"]\n')
    with MockServer() as server:
        states = {
            each["clause"]: each["state"] for each in result_of(check(server.url, "--json", cwd=tmp_path))["clauses"]
        }
        assert states["reason.optional"] == "passed"
        assert states["body.malformed"] == "not checked"
        states = {
            each["clause"]: each["state"]
            for each in result_of(check(server.url, "--json", "--clause", "id.unknown", cwd=tmp_path))["clauses"]
        }
        assert states["id.unknown"] == "passed"
        assert states["reason.optional"] == "not checked"
        (tmp_path / "adjourn.toml").write_text("speed = 1\n")
        done = check(server.url, cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no setting 'speed'" in done.stderr


def test_the_probes_move_with_the_document(tmp_path: Path) -> None:
    document = read_document(openapi_path())
    document["components"]["schemas"]["CloseSession"]["properties"]["reason"]["maxLength"] = 100
    document["components"]["schemas"]["SessionId"]["x-friendly-prefix"] = "sess_"
    document["paths"]["/api/v1/sessions/{session}/close"]["post"]["requestBody"]["x-body-limit-bytes"] = 512
    spec = tmp_path / "other.yaml"
    spec.write_text(yaml.safe_dump(document))
    options = ("--json", "--profile", "smoke")
    with MockServer(contract=load_contract(spec)) as server:
        assert failed(result_of(check(server.url, *options, "--spec", str(spec)))) == []
        against = failed(result_of(check(server.url, *options)))
    assert {"reason.limit", "body.limit", "row.prefixes"} & set(against)


def test_what_the_check_makes_carries_its_id_and_is_closed_in_the_end() -> None:
    app = create_app()
    with MockServer(app) as server:
        assert result_of(check(server.url, "--json", "--profile", "smoke"))["exitCode"] == 0
        rows = [
            row for environment in app.environments for row in asyncio.run(app.service.store.snapshot(environment.id))
        ]
    assert len(rows) > 100
    assert [row for row in rows if row.closed_at is None] == []


def test_an_interrupted_check_closes_what_it_has_made() -> None:
    app = create_app()
    with MockServer(app) as server:
        command = [*ADJOURN, "check", server.url, "--secret-key", KEY, "--other-secret-key", OTHER]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        journal = next(iter(app.environments)).journal
        deadline = time.monotonic() + 60
        while journal._count < 500 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        rows = asyncio.run(app.service.store.snapshot(next(iter(app.environments)).id))
    assert process.returncode == 2
    assert "interrupted" in said
    assert "Traceback" not in said
    assert len(rows) > 20
    assert [row for row in rows if row.closed_at is None] == []


def test_the_same_seed_sends_the_same_requests() -> None:
    def requests() -> list[tuple[str, bytes, bytes]]:
        app = create_app(id_seed=1)
        with MockServer(app) as server:
            done = check(
                server.url,
                "--json",
                "--clause",
                "close.terminal",
                "--clause",
                "reason.*",
                "--profile",
                "smoke",
                "--seed",
                "7",
            )
            assert done.returncode == 0, done.stdout
        journal = next(iter(app.environments)).journal
        return [
            (e.method, e.raw_path, e.request_body)
            for e in journal
            if b"expiresAt" not in e.request_body and e.status != 413
        ]

    first, second = requests(), requests()
    assert len(first) > 100
    # Ids of racing requests may come in another order; everything else is the same.
    assert sorted(map(str, first)) == sorted(map(str, second))


def test_pytest_gives_the_same_verdicts_in_two_processes() -> None:
    with MockServer(faults=["reason-trimmed"]) as server:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            os.devnull,
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            "-q",
            "--pyargs",
            "adjourn_contract",
        ]
        options = [
            f"--adjourn-url={server.url}",
            f"--adjourn-secret-key={KEY}",
            f"--adjourn-other-secret-key={OTHER}",
            "--adjourn-clause=reason.*",
            "--hypothesis-seed=1",
            "--adjourn-profile=smoke",
        ]
        results = []
        for workers in ([], ["-n", "2"]):
            done = subprocess.run(
                [*command, *options, *workers], capture_output=True, text=True, timeout=200, check=False
            )
            results.append(
                {line.split(" - ")[0].split("::")[1] for line in done.stdout.splitlines() if line.startswith("FAILED")}
            )
            assert done.returncode == 1, done.stdout[-2000:]
    assert results[0] == results[1]
    assert "test_the_reason_is_recorded_exactly" in results[0]


@pytest.mark.parametrize("faulty", ["times-epoch"], indirect=True)
def test_schemathesis_takes_our_checks_as_hooks(faulty: MockServer) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{faulty.url}/openapi.json",
        "--phases",
        "stateful,coverage",
        "-n",
        "30",
        "-H",
        f"Authorization: Bearer {KEY}",
    ]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "adjourn_contract.hooks"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environ)
    assert done.returncode == 1
    assert "row.times" in done.stdout
