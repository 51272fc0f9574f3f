"""`adjourn run`: a command beside a mock of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "adjourn", "run"]
CLOSE = """
import os, httpx
headers = {"Authorization": "Bearer " + os.environ["TRIGGER_SECRET_KEY"]}
with httpx.Client(base_url=os.environ["TRIGGER_API_URL"], headers=headers) as client:
    body = {"type": "chat.agent", "taskIdentifier": "t", "externalId": "chat_1", "triggerConfig": {"basePayload": {}}}
    assert client.post("/api/v1/sessions", json=body).status_code == 201
    print(client.post("/api/v1/sessions/chat_1/close", json={"reason": "bye"}).json()["closedReason"])
    client.get("/api/v1/sessions", headers={"Authorization": "Bearer tr_dev_typo123"})
    assert client.get(os.environ["ADJOURN_URL"] + "/_adjourn/health").status_code == 200
"""


def run(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environ or {})},
    )


def test_the_command_gets_the_url_and_the_key_and_the_journal_is_stored(tmp_path: Path) -> None:
    file = tmp_path / "exchanges.jsonl"
    done = run("--journal", str(file), "--", sys.executable, "-c", CLOSE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "bye\n", "")
    entries = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(each["environment"], each["operation"], each["status"]) for each in entries] == [
        ("dev", "createSession", 201),
        ("dev", "closeSession", 200),
        (None, "listSessions", 401),
    ]
    assert entries[1]["close"]["reason"] == "bye"
    assert "tr_dev_typo123" not in file.read_text()


@pytest.mark.parametrize("code", [0, 3, 77])
def test_the_exit_code_is_that_of_the_command(code: int) -> None:
    assert run("--", sys.executable, "-c", f"raise SystemExit({code})").returncode == code


def test_a_command_that_a_signal_ended_exits_as_in_a_shell() -> None:
    done = run("--", sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(number: signal.Signals) -> None:
    code = f"""
import signal, sys, time
signal.signal({int(number)}, lambda *_: (print("passed on", flush=True), sys.exit(7)))
print("ready", flush=True)
while True: time.sleep(0.05)
"""
    with subprocess.Popen(
        [*RUN, "--", sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "passed on\n"
        assert process.wait(10) == 7


def test_options_of_the_mock_and_options_of_the_command_do_not_mix(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("sessions: [{externalId: here}]")
    code = 'import os, sys; print(sys.argv[1:], os.environ["TRIGGER_SECRET_KEY"])'
    done = run("--secret-key", "tr_dev_mine", "--seed", str(seed), "--", sys.executable, "-c", code, "--seed", "x")
    assert done.stdout == "['--seed', 'x'] tr_dev_mine\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--", "no-such-command-here"], 127, "adjourn: no-such-command-here: command not found\n"),
        (["--", "/"], 126, "adjourn: /: Permission denied\n"),
        (
            ["--journal", "/no/such/folder/file", "--", "true"],
            2,
            "adjourn: /no/such/folder/file: No such file or directory\n",
        ),
        (["--fault", "nope", "--", "true"], 2, "adjourn: there is no fault 'nope'"),
        (["--port", "70000", "--", "true"], 2, "70000"),
    ],
)
def test_what_cannot_be_run_is_one_line(arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
