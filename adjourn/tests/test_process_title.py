"""The list of processes shows no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adjourn.process_title import without_secrets

KEY, TOKEN = "tr_dev_not_for_everybody", "a-control-token"


def test_keys_tokens_and_passwords_are_hidden() -> None:
    arguments = [
        "adjourn",
        "mock",
        "--secret-key",
        KEY,
        f"--control-token={TOKEN}",
        "--store",
        "redis://a:b@localhost/0",
    ]
    shown = ["adjourn", "mock", "--secret-key", "...", "--control-token=...", "--store", "redis://...@localhost/0"]
    assert without_secrets(arguments) == shown


def test_the_token_of_the_commands_for_a_running_mock_is_hidden() -> None:
    assert without_secrets(["adjourn", "env", "list", "--token", TOKEN]) == ["adjourn", "env", "list", "--token", "..."]


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    arguments = ["adjourn", "check", "http://127.0.0.1:3031/a@b", "--report", "a=b.html"]
    assert without_secrets(arguments) == arguments


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc, to see what others see")
@pytest.mark.parametrize("options", [["--secret-key", KEY], [f"--secret-key={KEY}", "--control-token", TOKEN]])
def test_a_running_mock_shows_none(options: list[str]) -> None:
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["environments"][0]["secretKey"] == KEY
            shown = Path(f"/proc/{process.pid}/cmdline").read_text()
        finally:
            process.terminate()
    assert "adjourn mock --port 0" in shown
    assert KEY not in shown
    assert TOKEN not in shown
