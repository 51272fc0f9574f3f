"""Texts that users and maintainers read use the words that they would search for."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from adjourn.cli import cli

ROOT = Path(__file__).parents[2]
# Each pattern with what to write instead.
WORDS = {
    r"\b(tells?|telling|told)\b": "report, print, state, notify",
    r"\bholds? (it|them|any|each|a server|an answer|every) to\b": "check, assert, enforce",
    r"(?<!there )\b(is|are) no (?!longer\b|more\b)[a-z]+\b": "is not a",
    r"\bthe like\b": "name the thing",
    r"\b(stands|stood)\b": "is, exists",
    r"\bwait(s|ed)? out\b": "waits and retries",
    r"\bnobody has\b": "unknown",
    r"\bthere may be\b": "the limit of",
    r"\bhas no word\b": "cannot express",
    r"\bof one's own\b": "of your own",
    r"\b(clause|contract)s? (is|are|was|were) (kept|broken)\b": "passed, failed",
    r"\bsays? (so|nothing|where|which|whether)\b": "states",
    r"\bin other clothes\b": "with other settings",
}
TEXTS = (".md", ".txt", ".html")
DATA = (
    "spec/adjourn_spec/clauses.yaml",
    "spec/adjourn_spec/openapi.yaml",
    "mock_server/adjourn_mock/control/control.yaml",
)


def tracked(*globs: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", *globs], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return [path for glob in globs for path in ROOT.glob(glob)]
    return [ROOT / name for name in done.stdout.split() if (ROOT / name).exists()]


def findings(text: str) -> list[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return [
        f"{' '.join(text[max(0, found.start() - 40) : found.end() + 30].split())!r}: write {instead}"
        for pattern, instead in WORDS.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "path",
    [path for path in tracked("*") if path.suffix in TEXTS and path.name != "LICENSE"],
    ids=lambda path: path.name,
)
def test_documents(path: Path) -> None:
    assert findings(path.read_text()) == []


@pytest.mark.parametrize("name", DATA)
def test_the_contract_and_the_control_api(name: str) -> None:
    assert findings((ROOT / name).read_text()) == []


def helps(prefix: str, command: click.Command) -> Iterator[tuple[str, str]]:
    yield prefix, command.help or ""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield f"{prefix} {parameter.opts[-1]}", parameter.help or ""
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from helps(f"{prefix} {name}", each)


def test_help_texts() -> None:
    assert {name: found for name, text in helps("adjourn", cli) if (found := findings(text))} == {}


def strings_of_errors(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield " ".join(
                each.value
                for each in ast.walk(node.exc)
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def docstrings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("room", ["spec", "mock_server", "contract_tests", "fixtures", "adjourn"])
def test_errors_docstrings_and_comments(room: str) -> None:
    found = {}
    for path in tracked(f"{room}/*.py"):
        if path == Path(__file__):
            continue
        source = path.read_text()
        tree = ast.parse(source)
        comments = re.findall(r"(?m)(?:^|\s)# (.*)$", source)
        offences = findings("\n\n".join([*strings_of_errors(tree), *docstrings(tree), *comments]))
        if offences:
            found[str(path.relative_to(ROOT))] = offences
    assert found == {}


@pytest.mark.parametrize(
    "path", tracked("mock_server/adjourn_mock/web/*", "fixtures/node/src/*"), ids=lambda path: path.name
)
def test_pages_and_the_npm_package(path: Path) -> None:
    assert findings(path.read_text()) == []


def test_the_words_are_found() -> None:
    assert len(findings("The journal tells it. It is no duration. 429 is waited out; the clause is kept.")) == 4
    assert findings("It is no longer there. There is no effect.") == []
