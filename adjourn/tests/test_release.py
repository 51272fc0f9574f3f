"""What is published holds all that it needs and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PACKAGES = (
    "spec/adjourn_spec",
    "mock_server/adjourn_mock",
    "contract_tests/adjourn_contract",
    "fixtures/adjourn_fixtures",
    "adjourn",
)
SUFFIXES = {".css", ".html", ".j2", ".js", ".json", ".md", ".py", ".svg", ".toml", ".typed", ".yaml"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a wheel and an sdist."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=TOP, check=True, timeout=100)
    return folder


def files_of(package: str) -> Iterator[str]:
    """The files of a package, as the wheel should name them."""
    folder = TOP / package
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in inside.parts and inside.parts[0] != "tests":
            yield f"{folder.name}/{inside.as_posix()}"


def test_the_wheel_has_the_packages_and_no_other_file(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(name for package in PACKAGES for name in files_of(package))
    assert {Path(name).suffix for name in names} <= SUFFIXES
    # One each of what code reads at run time.
    assert {
        *("adjourn_contract/reports/report.css", "adjourn_contract/reports/report.schema.json"),
        *("adjourn_contract/schemathesis.toml", "adjourn_fixtures/seeds/open.yaml"),
        *("adjourn_mock/control/control.yaml", "adjourn_mock/web/main.js"),
        *("adjourn_spec/clauses.yaml", "adjourn_spec/openapi.yaml"),
        *(f"{Path(package).name}/py.typed" for package in PACKAGES),
    } <= set(names)


def test_the_wheel_says_what_it_is(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    beside = {name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
    assert beside.keys() == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert "adjourn = adjourn.cli:main" in archive.read(beside["entry_points.txt"]).decode()
    assert "Requires-Python: >=3.11" in archive.read(beside["METADATA"]).decode()


def test_the_sdist_has_what_a_reader_of_the_project_sees(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {name.partition("/")[0] for name in names} == {
        *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "PKG-INFO", "README.md", "SECURITY.md"),
        *("action.yml", "mkdocs.yml", "pyproject.toml"),
        *("adjourn", "contract_tests", "delivery", "docs", "fixtures", "mock_server", "spec", "templates"),
        *(".ci", ".dockerignore", ".git-blame-ignore-revs", ".gitignore"),
    }
    assert {f"{room}/tests" for room in ("spec", "mock_server", "contract_tests", "fixtures", "adjourn")} <= {
        str(Path(name).parent) for name in names
    }
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
