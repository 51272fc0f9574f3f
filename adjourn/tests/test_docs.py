"""What the guides show works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from adjourn import MockServer

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))


def blocks(language: str) -> list[object]:
    return [
        pytest.param(code, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, code in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        )
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code: str, tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(code)
    options = ["-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    done = subprocess.run(["pytest", *options], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("code", blocks("sh"))
def test_shell(code: str) -> None:
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("bash and curl are needed to run the examples in shell")
    with MockServer() as server:
        environ = {**os.environ, "ADJOURN_URL": server.url}
        environ |= {"TRIGGER_API_URL": server.url, "TRIGGER_SECRET_KEY": server.secret_key}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target
