"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from adjourn import MockServer, __version__, create_app, load_contract
from adjourn.cli import cli
from adjourn_mock.environments import environments
from adjourn_mock.serving import server as serving
from adjourn_mock.stores import memory, store

ADJOURN = [sys.executable, "-m", "adjourn"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ADJOURN, *arguments], capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def mock(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [*ADJOURN, "mock", "--port", "0", "--json", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_demo_checks_the_mock_and_exits_0() -> None:
    done = run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed       close.idempotent" in done.stdout
    assert "failed" not in done.stdout


def test_version() -> None:
    assert run("--version").stdout == f"adjourn {__version__}\n"


def test_mock_says_where_it_listens_once_it_does() -> None:
    with mock() as (_, ready):
        assert [each["name"] for each in ready["environments"]] == ["dev", "stg", "prod"]
        for environment in ready["environments"]:
            headers = {"Authorization": f"Bearer {environment['secretKey']}"}
            assert httpx.get(f"{ready['url']}/api/v1/sessions", headers=headers).status_code == 200


def test_limits_are_those_of_the_mock() -> None:
    defaults = {option.name: option.default for option in cli.commands["mock"].params}
    named = {
        "max_sessions": memory.MAX_SESSIONS,
        "max_megabytes": store.MAX_MEGABYTES,
        "max_environments": environments.MAX_ENVIRONMENTS,
        "max_connections": serving.MAX_CONNECTIONS,
    }
    assert {name: defaults[name] for name in named} == named


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_mock_cleanly(number: int) -> None:
    with mock() as (process, _):
        process.send_signal(number)
        assert process.wait(timeout=10) == 0


def test_mock_tells_people_what_to_export() -> None:
    command = [*ADJOURN, "mock", "--port", "0", "--secret-key", "tr_prod_mine"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.terminate()
    url = lines[0].split(" listens on ")[1].split()[0]
    assert f"  export TRIGGER_API_URL={url}\n" in lines
    assert "  with the key that you gave, tr_pro...\n" in lines


def test_mock_takes_a_seed_a_dialect_and_keys(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("sessions: [{externalId: here}, {externalId: there, environment: dev-2}]")
    keys = ["--secret-key", "tr_dev_a", "--secret-key", "tr_dev_b"]
    with mock("--seed", str(seed), "--dialect", "server", *keys) as (_, ready):
        for key, external_id in (("tr_dev_a", "here"), ("tr_dev_b", "there")):
            url = f"{ready['url']}/api/v1/sessions/{external_id}"
            assert httpx.get(url, headers={"Authorization": key}).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--secret-key", "secret"], "is not one: it must start with tr_dev_"),
        (["--secret-key", "tr_dev_"], "is not one"),
        (["--secret-key", "tr_dev_a b"], "visible ASCII"),
        (["--secret-key", "tr_dev_twice", "--secret-key", "tr_dev_twice"], "is given twice"),
        (["--seed", "nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (["--spec", "nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--port", "70000"], "70000"),
        (["--dialect", "imagined"], "imagined"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    done = run("mock", "--port", "0", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "tr_dev_twice" not in done.stderr
    if "Usage" not in done.stderr:
        assert len(done.stderr.splitlines()) == 1


def test_a_taken_port_is_one_line_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("mock", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "the port is taken" in done.stderr


def test_spec_show_prints_the_document_in_force() -> None:
    document = load_contract().document
    assert yaml.safe_load(run("spec", "show").stdout) == document
    assert json.loads(run("spec", "show", "--json").stdout) == document


def test_spec_validate(tmp_path: Path) -> None:
    assert run("spec", "validate").returncode == 0
    broken = tmp_path / "broken.yaml"
    document = yaml.safe_load(run("spec", "show").stdout)
    document["paths"]["/api/v1/sessions"]["get"]["responses"]["200"].pop("description")
    broken.write_text(yaml.safe_dump(document))
    done = run("spec", "validate", str(broken))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert str(broken) in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["mock"],
        ["run"],
        ["env", "create"],
        ["env", "list"],
        ["env", "delete"],
        ["journal"],
        ["fault", "enable"],
        ["fault", "list"],
        ["fault", "disable"],
        ["clock"],
        ["load"],
        ["demo"],
        ["check"],
        ["clauses"],
        ["faults", "list"],
        ["faults", "prove"],
        ["spec", "show"],
        ["spec", "validate"],
    ],
)
def test_every_command_has_help_with_examples(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Example" in done.stdout


def test_the_server_runs_in_a_thread_and_beside_a_loop() -> None:
    import anyio

    with MockServer() as server:
        assert httpx.get(f"{server.url}/api/v1/sessions", headers=server.headers).status_code == 200
    with pytest.raises(RuntimeError, match="not been started"):
        server.url  # noqa: B018

    async def live() -> int:
        async with MockServer(create_app(secret_keys=["tr_stg_x"])) as server, httpx.AsyncClient() as client:
            return (await client.get(f"{server.url}/api/v1/sessions", headers=server.headers)).status_code

    assert anyio.run(live) == 200


def test_the_server_can_be_stopped_twice_and_started_again() -> None:
    server = MockServer()
    for _ in range(2):
        server.start()
        assert httpx.get(f"{server.url}/_adjourn/health").status_code == 200
        server.stop()
        server.stop()
