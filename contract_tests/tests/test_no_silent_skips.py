"""The contract tests skip nothing silently: what a test cannot do it raises, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import adjourn_contract

CLAUSES = sorted((Path(adjourn_contract.__file__).parent / "clauses").glob("test_*.py"))
# What a run may lack. A condition on it has to raise, or to call `need`; an operation that a server may lack is
# asked for by `unsupported`, which the contract allows.
LACKING = {"token", "other_key", "profile", "pool", "dialect"}


def silent_skips(source: str) -> Iterator[int]:
    """Lines of conditions that only leave, and of those on what a run lacks that neither raise nor go on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and (_only_leaves(node) or _skips_for_lack(node)):
            yield node.lineno


def _only_leaves(node: ast.If) -> bool:
    (first, *rest) = node.body
    is_exit = isinstance(first, ast.Continue | ast.Pass) or (isinstance(first, ast.Return) and first.value is None)
    return is_exit and not rest


def _skips_for_lack(node: ast.If) -> bool:
    names = {each.attr for each in ast.walk(node.test) if isinstance(each, ast.Attribute)}
    return bool(names & LACKING) and not node.orelse and not isinstance(node.body[-1], ast.Raise)


@pytest.mark.parametrize("path", CLAUSES, ids=lambda path: path.stem)
def test_a_contract_test_skips_nothing_silently(path: Path) -> None:
    assert list(silent_skips(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "def test(run):\n    if run.latency:\n        return\n    check()",
        "for case in cases:\n    if case:\n        continue\n    check()",
        "if run.other_key is not None:\n    check()",
        "if run.profile.races:\n    check()",
        "if not run.token:\n    pass\nelse:\n    check()",
    ],
)
def test_a_silent_skip_is_found(source: str) -> None:
    assert list(silent_skips(source))


@pytest.mark.parametrize(
    "source",
    [
        "if run.other_key is None:\n    raise NotChecked('a key is missing')\ncheck()",
        "if answer.status == 200:\n    check()\nelse:\n    check_refused()",
        "if 'updateSession' not in run.unsupported:\n    check()",
        "def count(cases):\n    if not cases:\n        return 0\n    return 1",
    ],
)
def test_a_reason_is_not_a_silent_skip(source: str) -> None:
    assert not list(silent_skips(source))
