"""What the guides show works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from adjourn import MockServer

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]


def blocks(language: str) -> list[Any]:
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
def test_shell(code: str, tmp_path: Path) -> None:
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("bash and curl are needed to run the examples in shell")
    with MockServer() as server:
        environ = {**os.environ, "ADJOURN_URL": server.url}
        environ |= {"TRIGGER_API_URL": server.url, "TRIGGER_SECRET_KEY": server.secret_key}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", code],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def tutorial(tmp_path: Path) -> Path:
    """A folder with the files of the tutorial."""
    for file in (ROOT / "fixtures" / "examples" / "tutorial").glob("*.py"):
        shutil.copy(file, tmp_path)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:randomly"]
    return subprocess.run(
        ["pytest", *options, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )


def test_the_tutorials_suite_passes_and_its_fault_finds_the_bug(tutorial: Path) -> None:
    assert "3 passed" in run_pytest(tutorial, "test_signout.py").stdout
    failed = run_pytest(tutorial, "test_retries.py")
    assert failed.returncode == 1
    shown = (DOCS / "tutorial.md").read_text().split("```text\n")[1].split("```")[0].replace("...", "").splitlines()
    assert len(shown) == 3
    for line in shown:
        assert line.strip() in failed.stdout


def test_the_tutorials_remedy_mends_the_bug(tutorial: Path) -> None:
    service = tutorial / "signout.py"
    service.write_text(service.read_text().replace("ATTEMPTS = 1", "ATTEMPTS = 3"))
    assert "4 passed" in run_pytest(tutorial).stdout


def commands(node: object) -> list[str]:
    """The lines of a pipeline's YAML that run adjourn."""
    if isinstance(node, dict):
        return [line for value in node.values() for line in commands(value)]
    if isinstance(node, list):
        return [line for value in node for line in commands(value)]
    return [node] if isinstance(node, str) and node.startswith("adjourn ") else []


@pytest.mark.parametrize("code", [each for each in blocks("yaml") if "adjourn check" in str(each.values)])
def test_pipelines(code: str, tmp_path: Path) -> None:
    (line,) = commands(yaml.safe_load(code))
    with MockServer() as server:
        first, second, *_ = (each.secret_key for each in server.app.environments)
        environ = {**os.environ, "TRIGGER_API_URL": server.url}
        environ |= {"TRIGGER_SECRET_KEY": first, "ADJOURN_OTHER_SECRET_KEY": second}
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "report.xml").exists()


@pytest.mark.parametrize("code", blocks("toml"))
def test_settings(code: str, tmp_path: Path) -> None:
    # The documented rate is meant for a distant server; here it would only cost time.
    (tmp_path / "adjourn.toml").write_text(code.replace('rate = "20/s"', 'rate = "5000/s"'))
    with MockServer() as server:
        command = ["adjourn", "check", server.url, "--secret-key", server.secret_key, "--clause", "close.closes"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_of_ones_own() -> None:
    example = ROOT / "contract_tests" / "examples" / "test_own_clause.py"
    with MockServer() as server:
        options = ["--adjourn-url", server.url, "--adjourn-secret-key", server.secret_key, "-c", os.devnull]
        done = subprocess.run(
            ["pytest", *options, str(example)], capture_output=True, text=True, timeout=100, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_pages_are_built_strictly(tmp_path: Path) -> None:
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "adjourn check" in (tmp_path / "reference" / "commands" / "index.html").read_text()
    assert "assert_closed" in (tmp_path / "reference" / "fixtures" / "index.html").read_text()
    assert (
        "test_a_close_is_dated_on_the_day_it_happens" in (tmp_path / "how-to" / "own-clause" / "index.html").read_text()
    )
    assert "### close.idempotent" in (tmp_path / "clauses.md").read_text()
    for target in re.findall(r"\]\(([^)]+)\)", (tmp_path / "llms.txt").read_text()):
        assert (tmp_path / target).exists(), target
    unresolved = [page for page in tmp_path.rglob("*.html") if re.search(r"-{1,2}8 ?&lt; ?-|-{2}8<", page.read_text())]
    assert not unresolved, "an include was not resolved"


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.stem)
def test_links_outside_of_the_site(page: Path) -> None:
    """Links within the site are checked by its strict build, generated pages included."""
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


TASKS = {
    "freeze the clock": ("how-to/pytest", "time"),
    "what exit code 2 means": ("reference/exit-codes", "exit-codes"),
    "the default journal size": ("reference/limits", "journal"),
    "run behind a proxy": ("how-to/proxy", "the-mock-behind-a-proxy"),
    "check through a proxy": ("how-to/proxy", "the-check-through-a-proxy"),
    "the limit of a close body": ("reference/limits", "limits-of-the-contract"),
    "what a clause says": ("reference/clauses", "close-idempotent"),
    "make a request fail twice": ("how-to/faults", "faults"),
    "which variables are read": ("reference/settings", "environment-variables"),
    "run the check on each push": ("how-to/ci", "github-actions"),
    "run the mock in a container": ("how-to/container", "compose"),
}


def test_every_task_is_answered_by_one_page(tmp_path: Path) -> None:
    """Each page is in the navigation, so it is two clicks away, and its text is in the search index."""
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=100, check=True)
    home = (tmp_path / "index.html").read_text()
    index = (tmp_path / "search" / "search_index.json").read_text()
    for task, (page, anchor) in TASKS.items():
        assert f'href="{page}/"' in home, task
        assert f'id="{anchor}"' in (tmp_path / page / "index.html").read_text(), task
        assert f'"{page}/#{anchor}"' in index or f'"{page}/"' in index, task
