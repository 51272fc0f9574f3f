"""The vendor's own client, from npm, works with the mock as with the service."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from node_program import install, run, value

from adjourn_mock import MockServer

if shutil.which("npm") is None:
    pytest.skip("Node.js and npm are needed to run the vendor's client", allow_module_level=True)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client saw, step by step: a value or an error."""
    folder = tmp_path_factory.mktemp("sdk")
    install(folder, "@trigger.dev/sdk@4")
    with MockServer() as server:
        environ = {"TRIGGER_API_URL": server.url, "TRIGGER_SECRET_KEY": server.secret_key}
        return run("sdk_lifecycle.mjs", folder, environ)


def test_start_creates_and_start_again_answers_the_same(seen: dict[str, Any]) -> None:
    first, again = value(seen, "start"), value(seen, "start again")
    assert (first["isCached"], again["isCached"]) == (False, True)
    assert first["id"] == again["id"]


def test_retrieve_takes_both_ids(seen: dict[str, Any]) -> None:
    assert value(seen, "retrieve by id") == value(seen, "retrieve by externalId")


def test_update_replaces(seen: dict[str, Any]) -> None:
    assert (value(seen, "update")["tags"], value(seen, "update")["metadata"]) == (["b"], None)


def test_the_public_token_reads_but_does_not_close(seen: dict[str, Any]) -> None:
    assert value(seen, "token reads")["externalId"] == "sdk_1"
    assert seen["token closes"]["status"] == 403


def test_close_twice_answers_the_first_row(seen: dict[str, Any]) -> None:
    assert value(seen, "close")["closedReason"] == "user signed out"
    assert value(seen, "close again") == value(seen, "close")


def test_close_without_a_reason(seen: dict[str, Any]) -> None:
    assert value(seen, "close without reason")["closedReason"] is None


def test_close_of_an_unknown_session_is_404(seen: dict[str, Any]) -> None:
    assert seen["close unknown"]["status"] == 404
    assert "Session not found" in seen["close unknown"]["message"]


def test_start_after_close_is_409(seen: dict[str, Any]) -> None:
    assert seen["start after close"]["status"] == 409


def test_an_odd_id_is_closed(seen: dict[str, Any]) -> None:
    row = value(seen, "odd id")
    assert (row["externalId"], row["closedReason"]) == ("Ünï/1?a=b#c d+e%20", "odd")


def test_lists_filter_and_page(seen: dict[str, Any]) -> None:
    assert value(seen, "list closed") == ["Ünï/1?a=b#c d+e%20", "sdk_2", "sdk_1"]
    assert set(value(seen, "list several states")) >= {"sdk_1", "sdk_2"}
    assert value(seen, "list pages") == [f"page_{n}" for n in range(6, -1, -1)]
