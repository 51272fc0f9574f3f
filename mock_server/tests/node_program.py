"""A program of these tests in Node, which prints what it saw step by step: a value or an error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def install(folder: Path, *packages: str) -> None:
    """Install packages of npm in a folder."""
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=110)


def run(name: str, folder: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Run a program in a folder that has its packages; return the steps that it prints."""
    shutil.copy(Path(__file__).with_name(name), folder)
    done = subprocess.run(
        ["node", name],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps: dict[str, Any] = json.loads(done.stdout)
    return steps


def value(seen: dict[str, Any], step: str) -> Any:
    assert "value" in seen[step], seen[step]
    return seen[step]["value"]
