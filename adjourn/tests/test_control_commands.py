"""The commands for a mock that runs, in process: env, journal, fault, clock."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from adjourn import MockEnvironment, MockServer, create_app
from adjourn.cli import cli

TOKEN = "let me in"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(create_app(control_token=TOKEN)) as server:
        yield server


@pytest.fixture
def mine(server: MockServer) -> Iterator[MockEnvironment]:
    with MockEnvironment(server, name="mine") as environment:
        yield environment


@pytest.fixture
def adjourn(server: MockServer) -> Any:
    def run(*arguments: str, token: str = TOKEN, code: int = 0) -> Result:
        environ = {"ADJOURN_URL": server.url, "ADJOURN_CONTROL_TOKEN": token}
        result = CliRunner().invoke(cli, arguments, env=environ)
        assert result.exit_code == code, result.output
        return result

    return run


def test_an_environment_is_made_listed_and_deleted(adjourn: Any, server: MockServer) -> None:
    lines = adjourn("env", "create", "made", "--kind", "prod").stdout.splitlines()
    assert lines[0] == f"export TRIGGER_API_URL={server.url}"
    assert lines[1].startswith("export TRIGGER_SECRET_KEY=tr_prod_")
    assert any(line.startswith("made ") for line in adjourn("env", "list").stdout.splitlines())
    assert "made" in [each["name"] for each in json.loads(adjourn("env", "list", "--json").stdout)]
    adjourn("env", "delete", "made")
    assert "there is no environment 'made'" in adjourn("env", "delete", "made", code=2).stderr


def test_the_journal_prints_which_session_was_closed_with_which_reason(adjourn: Any, mine: MockEnvironment) -> None:
    mine.sessions.create("chat_1")
    for reason in ("bye", "again"):
        mine.client.post("/api/v1/sessions/chat_1/close", json={"reason": reason})
    mine.client.get("/api/v1/sessions/nobody")
    lines = adjourn("journal", "--env", "mine").stdout.splitlines()
    assert lines[0].endswith("200  POST    /api/v1/sessions/chat_1/close  closed, reason 'bye'")
    assert lines[1].endswith("closed before, reason 'bye'")
    assert lines[2].endswith("404  GET     /api/v1/sessions/nobody  refused: id.unknown")
    (only,) = adjourn("journal", "--env", "mine", "--status", "4xx", "--json").stdout.splitlines()
    assert json.loads(only)["clause"] == "id.unknown"
    wrong = adjourn("journal", "--env", "mine", "--operation", "close", code=2)
    assert "there is no operation 'close'; use one of" in wrong.stderr


def test_unknown_keys_are_printed(adjourn: Any, server: MockServer) -> None:
    httpx.get(f"{server.url}/api/v1/sessions", headers={"Authorization": "Bearer tr_dev_typo"})
    assert "refused: auth.unknown-key" in adjourn("journal", "--unknown-keys").stdout


@pytest.mark.parametrize("is_empty", [False, True])
def test_following_goes_on_with_new_exchanges(server: MockServer, mine: MockEnvironment, is_empty: bool) -> None:
    command = [sys.executable, "-m", "adjourn", "journal", "-f", "--env", "mine", "--url", server.url, "--token", TOKEN]
    if not is_empty:
        mine.client.get("/api/v1/sessions/first")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if not is_empty:
            assert "/first" in process.stdout.readline()
        mine.client.get("/api/v1/sessions/second")
        assert "/second" in process.stdout.readline()
        process.terminate()


def test_a_fault_is_enabled_listed_and_disabled(adjourn: Any, mine: MockEnvironment) -> None:
    scope = ("--env", "mine", "--operation", "closeSession", "--times", "2")
    fault_id = adjourn("fault", "enable", "status=status:503", *scope).stdout.strip()
    assert fault_id in adjourn("fault", "list", "--env", "mine").stdout
    assert mine.client.post("/api/v1/sessions/nobody/close", json={}).status_code == 503
    adjourn("fault", "disable", fault_id, "--env", "mine")
    adjourn("fault", "enable", "latency=1ms", "--env", "mine")
    adjourn("fault", "disable", "--all", "--env", "mine")
    assert adjourn("fault", "list", "--env", "mine").stdout == ""
    assert "there is no fault 'nope'" in adjourn("fault", "enable", "nope", "--env", "mine", code=2).stderr
    assert "give the id of a fault, or --all" in adjourn("fault", "disable", code=2).stderr


def test_the_clock_is_shown_and_changed(adjourn: Any, mine: MockEnvironment) -> None:
    assert (
        adjourn("clock", "freeze", "2026-01-01T00:00:00Z", "--env", "mine").stdout
        == "2026-01-01T00:00:00.000Z (frozen)\n"
    )
    assert adjourn("clock", "advance", "90s", "--env", "mine").stdout == "2026-01-01T00:01:30.000Z (frozen)\n"
    assert adjourn("clock", "--env", "mine", "--json").stdout == '{"now": "2026-01-01T00:01:30.000Z", "frozen": true}\n'
    adjourn("clock", "resume", "--env", "mine")
    assert not mine.clock.is_frozen
    assert "needs a duration" in adjourn("clock", "advance", code=2).stderr


def test_a_wrong_token_and_a_mock_that_is_not_there_are_one_line(adjourn: Any) -> None:
    for result in (
        adjourn("env", "list", token="wrong", code=2),
        adjourn("env", "list", "--url", "http://127.0.0.1:9", code=2),
    ):
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("adjourn: ")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("adjourn mock --fault laten", "latency"),
        ("adjourn fault enable reason-trim", "reason-trimmed"),
        ("adjourn check --clause close.idem", "close.idempotent"),
        ("adjourn journal --operation close", "closeSession"),
    ],
)
def test_the_shell_completes(words: str, found: str) -> None:
    environ = {"_ADJOURN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    result = CliRunner().invoke(cli, prog_name="adjourn", env=environ)
    assert f"plain,{found}\n" in result.stdout


@pytest.mark.parametrize("words", ["adjourn mock --seed ", "adjourn run --journal ", "adjourn mock --spec "])
def test_the_shell_completes_files(words: str) -> None:
    environ = {"_ADJOURN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
    assert CliRunner().invoke(cli, prog_name="adjourn", env=environ).stdout == "file,\n"
