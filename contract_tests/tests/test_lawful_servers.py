"""Servers that others could have written from the contract, with the stock parts of their frameworks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from adjourn_contract.check import CheckOptions, check_in_process
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_spec import load_contract

SERVERS = Path(__file__).with_name("servers")
PYTHON = (sys.executable, "-W", "ignore")  # PyJWT warns of keys that are shorter than real ones
PACKAGES = ("express@5", "express-bearer-token@3", "jsonwebtoken@9", "zod@4")

LACKS = (
    "channel.",
    "run.",
    "token.claims",
    "token.client-signed",
    "token.key-required",
    "token.minted",
    "token.request",
)
# The last ones are covered by tests of list and update too.
LACKS_LIST_AND_UPDATE = (
    "list.",
    "update.",
    "row.list",
    "close.listed",
    "body.malformed",
    "close.preserves",
    "close.terminal",
    "env.isolation",
    "server.no-error",
)

pytestmark = pytest.mark.timeout(300)


@contextmanager
def served(command: Sequence[str], folder: Path) -> Iterator[str]:
    """Run a server that prints its URL first; yield the URL."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server ended before it printed its URL"
            yield url
        finally:
            process.terminate()


def standard_check(url: str) -> Verdicts:
    keys = {"secret_key": "tr_dev_lawful", "other_secret_key": "tr_stg_lawful"}
    return check_in_process(load_contract(), CheckOptions(url=url, profile="standard", **keys))


def assert_lawful(verdicts: Verdicts, lacks: tuple[str, ...]) -> None:
    """Every clause passed, apart from those of what the server lacks, which are not applicable."""
    assert [(each.clause, each.proof) for each in verdicts.failed] == []
    not_passed = {each.clause: (each.kind, each.reason) for each in verdicts if each.state != "passed"}
    assert {slug: why for slug, why in not_passed.items() if not slug.startswith(lacks)} == {}
    assert {kind for kind, _ in not_passed.values()} == {"not applicable"}
    assert verdicts.exit_code == 0


@pytest.fixture(scope="session")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Express server and its packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js and npm")
    folder = tmp_path_factory.mktemp("express")
    shutil.copy(SERVERS / "express_server.mjs", folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error", *PACKAGES]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_fastapi_server_with_stock_parts_is_accused_of_nothing() -> None:
    pytest.importorskip("fastapi", reason="needs the extra dev")
    with served([*PYTHON, "fastapi_server.py"], SERVERS) as url:
        assert_lawful(standard_check(url), LACKS)


def test_a_flask_server_with_stock_parts_and_neither_list_nor_update_is_accused_of_nothing() -> None:
    pytest.importorskip("flask", reason="needs the extra dev")
    with served([*PYTHON, "flask_server.py"], SERVERS) as url:
        assert_lawful(standard_check(url), (*LACKS, *LACKS_LIST_AND_UPDATE))


def test_an_express_server_with_stock_parts_is_accused_of_nothing(express: Path) -> None:
    with served(["node", "express_server.mjs"], express) as url:
        assert_lawful(standard_check(url), LACKS)
