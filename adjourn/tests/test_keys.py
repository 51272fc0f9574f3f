"""A full run, the mock watched and checked with keys of its own: no output of it has a key in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

FIRST, SECOND, TOKEN = "tr_dev_1f0e7c59a2b84d63", "tr_stg_9b3d2c7e6a5f4810", "control-8d1c4f7a2e"
SECRETS = (FIRST, SECOND, TOKEN)
CHAT = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}
ENVIRON = {**os.environ, "PYTHONUNBUFFERED": "1", "TRIGGER_SECRET_KEY": FIRST, "ADJOURN_OTHER_SECRET_KEY": SECOND}
PATHS = ("", "/journal", "/state", "/sessions", "/faults", "/clock")


@contextmanager
def watched_mock(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """The mock as a person starts it, what it says in files of the folder; its URL and pid."""
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--secret-key", FIRST, f"--secret-key={SECOND}"]
    with (
        open(folder / "mock.out", "w") as out,
        open(folder / "mock.err", "w") as err,
        subprocess.Popen(
            [*command, "--control-token", TOKEN, *options], stdout=out, stderr=err, env=ENVIRON
        ) as process,
    ):
        try:
            said = folder / "mock.out"
            for _ in range(400):
                if "Ctrl-C" in said.read_text():
                    break
                time.sleep(0.05)
            yield said.read_text().split(" listens on ")[1].split()[0], process.pid
        finally:
            process.terminate()


def processes() -> str:
    """What the list of processes shows, our own and those of tests beside us left out."""
    shown = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            shown.append(path.read_text(errors="replace").replace("\0", " "))
    return "\n".join(line for line in shown if "adjourn" in line)


@pytest.mark.timeout(200)
def test_no_output_of_a_full_run_has_a_key_in_it(tmp_path: Path) -> None:
    endings = ("json", "xml", "sarif", "md", "html")
    reports = [argument for ending in endings for argument in ("--report", str(tmp_path / f"report.{ending}"))]
    adjourn = [sys.executable, "-m", "adjourn"]
    texts: dict[str, str] = {}
    with watched_mock(tmp_path, "--fault", "reason-trimmed", "--fault", "echo-key") as (url, _):
        check = [*adjourn, "check", url, "--profile", "smoke"]
        for name, command, code in (
            ("check", [*check, *reports], 1),
            ("check as JSON", [*check, "--json", "--clause", "reason.*"], 1),
            ("check on GitHub", [*check, "--clause", "row.*"], 1),
            (
                "pytest",
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "-p",
                    "no:cacheprovider",
                    "--pyargs",
                    "adjourn_contract",
                    "--adjourn-url",
                    url,
                    "--adjourn-clause",
                    "reason.*",
                    "--adjourn-profile",
                    "smoke",
                ],
                1,
            ),
            ("a wrong key", [*check, "--secret-key", SECOND + "x", "--other-secret-key", FIRST], 2),
            ("the same key twice", [*check, "--other-secret-key", FIRST], 2),
            ("nobody there", [*adjourn, "check", "http://127.0.0.1:9"], 2),
        ):
            environ = {**ENVIRON, "GITHUB_ACTIONS": "true"} if "GitHub" in name else ENVIRON
            done = subprocess.run(
                command, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=100, check=False
            )
            assert done.returncode == code, (name, done.stdout[-2000:], done.stderr[-2000:])
            texts[name] = done.stdout + done.stderr
        texts["the list of processes"] = processes()
        with httpx.Client(base_url=url) as client:
            client.post("/api/v1/sessions", headers={"Authorization": f"Basic {FIRST}"}, json=CHAT)
            client.post(f"/api/v1/sessions/{SECOND}/close?key={FIRST}", headers={"Authorization": FIRST}, content=TOKEN)
            client.get("/_adjourn/environments", headers={"Authorization": f"Bearer {FIRST}"})
            client.headers["Authorization"] = f"Bearer {TOKEN}"
            listed = client.get("/_adjourn/environments").json()["environments"]
            assert len(listed) == 2
            for path in ("environments", "journal", "faults", "clauses", "openapi.json", "", "docs", "nothing"):
                texts[path] = client.get(f"/_adjourn/{path}").text
            for path in (f"environments/{each['id']}{rest}" for each in listed for rest in PATHS):
                texts[path] = client.get(f"/_adjourn/{path}").text
    for said in tmp_path.iterdir():
        if said.is_file():
            texts[said.name] = said.read_text()
    assert {f"report.{ending}" for ending in endings} | {"mock.out", "mock.err"} <= texts.keys()
    assert "POST" in texts["mock.out"], "the exchanges were shown"
    assert "reason.verbatim" in texts["report.html"]
    assert json.loads(texts["report.json"])["exitCode"] == 1
    assert [(name, secret) for name, text in texts.items() for secret in SECRETS if secret in text] == []
