"""The import graph of each package, read from the source: lazy and typing-only imports count like any other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "adjourn_spec": ROOT / "spec" / "adjourn_spec",
    "adjourn_mock": ROOT / "mock_server" / "adjourn_mock",
    "adjourn_contract": ROOT / "contract_tests" / "adjourn_contract",
    "adjourn_fixtures": ROOT / "fixtures" / "adjourn_fixtures",
    "adjourn": ROOT / "adjourn",
}
MOST_MODULES_IN_A_FOLDER = 20


def modules_of(package: str) -> dict[str, Path]:
    """The files of a package by the names that imports use, without its tests."""
    folder = PACKAGES[package]
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if "tests" not in parts:
            found[".".join([package, *parts]).removesuffix(".__init__")] = path
    return found


def imported_names(source: str) -> Iterator[str]:
    """Every name that a module imports anywhere: at the top, in functions, under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"a relative import of {node.module}"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def graph_of(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """For each module the modules of the same package that it imports."""
    graph = {}
    for name, path in modules.items():
        wanted = imported_names(path.read_text())
        targets = {each if each in modules else each.rpartition(".")[0] for each in wanted}
        graph[name] = {target for target in targets if target in modules and target != name}
    return graph


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_has_an_import_circle(package: str) -> None:
    graph = graph_of(modules_of(package))
    assert any(graph.values())
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_through_a_lazy_and_a_typing_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def load():\n    from room.two import thing\n")
    (tmp_path / "two.py").write_text("if TYPE_CHECKING:\n    from room.one import other\n")
    graph = graph_of({"room.one": tmp_path / "one.py", "room.two": tmp_path / "two.py"})
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_has_more_modules_than_a_reader_remembers(package: str) -> None:
    folders: dict[Path, int] = {}
    for path in modules_of(package).values():
        if path.name not in ("__init__.py", "conftest.py"):
            folders[path.parent] = folders.get(path.parent, 0) + 1
    assert max(folders.values()) <= MOST_MODULES_IN_A_FOLDER


def test_every_file_that_the_architecture_names_exists() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.[a-z]+)`", page))
    assert len(named) > 10
    assert not [name for name in named if not (ROOT / name).exists()]
