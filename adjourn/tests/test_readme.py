"""What the README shows works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from adjourn import MockServer

README = (Path(__file__).parents[2] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code: str, request: pytest.FixtureRequest) -> None:
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    for name, test in names.items():
        if name.startswith("test_"):
            test(request.getfixturevalue("adjourn"))


def test_curl_examples_close_a_session() -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is needed to run the README's curl lines")
    (console,) = (block for block in blocks("console") if "$ curl" in block)
    commands = console.replace("\\\n", " ").replace("$ curl", "curl").splitlines()
    with MockServer() as server:
        environ = {**os.environ, "TRIGGER_API_URL": server.url, "TRIGGER_SECRET_KEY": server.secret_key}
        answers = [
            subprocess.run(["bash", "-c", line], env=environ, capture_output=True, text=True, check=True).stdout
            for line in commands
        ]
    assert '"isCached":false' in answers[0]
    assert '"closedReason":"user signed out"' in answers[1]


def test_every_link_leads_somewhere() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target]
    assert targets
    for target in targets:
        assert (Path(__file__).parents[2] / target).exists(), target
