"""Settings of the mock in `adjourn.toml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from adjourn.cli import cli

PRINT_KEY = ["--", sys.executable, "-c", "import os; print(os.environ['TRIGGER_SECRET_KEY'])"]


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: str, *arguments: str, name: str = "adjourn.toml"
) -> str:
    (folder / name).write_text(content)
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(cli, arguments)
    return result.stderr if result.exit_code == 2 else result.output


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("adjourn.toml", '[mock]\nsecret-key = ["tr_dev_set"]\n'),
        ("pyproject.toml", '[tool.adjourn.mock]\nsecret-key = ["tr_dev_set"]\n'),
    ],
)
def test_settings_are_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, name: str, content: str
) -> None:
    run(tmp_path, monkeypatch, content, "run", *PRINT_KEY, name=name)
    assert capfd.readouterr().out == "tr_dev_set\n"


def test_an_option_overrides_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    content = '[mock]\nsecret-key = ["tr_dev_set"]\n'
    run(tmp_path, monkeypatch, content, "run", "--secret-key", "tr_dev_given", *PRINT_KEY)
    assert capfd.readouterr().out == "tr_dev_given\n"


@pytest.mark.parametrize("command", [["mock"], ["run", "--", "true"]])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[mock]\ncolour = 1\n", "adjourn.toml: there is no setting 'mock.colour'; use one of "),
        ("[mock]\nport = 'x'\n", "adjourn.toml: mock.port: 'x' is not a valid integer range."),
        ("[mock]\nmax-sessions = 0\n", "adjourn.toml: mock.max-sessions: 0 is not in the range x>=1."),
        ("[mock]\ndialect = 'latin'\n", "adjourn.toml: mock.dialect: 'latin' is not one of 'documented', 'server'."),
        ("[mock]\nfault = 'latency=1ms'\n", "adjourn.toml: mock.fault: takes a list, not 'latency=1ms'"),
        ("[mock]\nseed = ['a']\n", "adjourn.toml: mock.seed: takes a single value, not ['a']"),
        ("mock = 3\n", "adjourn.toml: mock is not a table; write [mock]"),
        ("[mock\n", "adjourn.toml: "),
    ],
)
def test_an_error_names_file_and_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str, command: list[str]
) -> None:
    told = run(tmp_path, monkeypatch, content, *command)
    assert told.startswith(f"adjourn: {said}")
    assert len(told.splitlines()) == 1


def test_settings_of_the_mock_are_not_settings_of_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = run(tmp_path, monkeypatch, "profile = 'smoke'\n[mock]\nport = 1\n", "check")
    assert told.startswith("adjourn: give the server's URL")
