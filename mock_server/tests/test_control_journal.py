"""The journal over the control API."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from control_caller import Control, Environment


def test_the_journal_tells_what_happened_with_keys_masked(environment: Environment) -> None:
    token = environment.create().json()["publicAccessToken"]
    environment.close(body={"reason": 5})
    journal = environment.journal()
    created, refused = journal["entries"]
    assert (created["operation"], created["status"], created["session"]["externalId"]) == (
        "createSession",
        201,
        "chat_1",
    )
    assert (refused["operation"], refused["clause"], refused["request"]["body"]) == (
        "closeSession",
        "reason.type",
        '{"reason":5}',
    )
    assert journal["counts"] == {"createSession": {"201": 1}, "closeSession": {"400": 1}}
    text = environment.call("GET", "/journal").text
    assert environment.made["secretKey"] not in text
    assert "Bearer tr_dev_" in text
    assert token not in text


def test_the_journal_is_filtered(environment: Environment) -> None:
    environment.create("one")
    environment.create("two")
    row = environment.close("two").json()
    environment.close("nobody")
    environment.api.get("/nowhere")

    def numbers(**query: Any) -> list[int]:
        return [entry["number"] for entry in environment.journal(**query)["entries"]]

    assert numbers(operation="createSession") == [1, 2]
    assert numbers(session="two") == numbers(session=row["id"]) == [2, 3]
    assert numbers(session="nobody") == [4]
    assert numbers(status="4xx") == numbers(clause="*") == [4, 5]
    assert numbers(clause="id.unknown") == [4]
    assert numbers(since=3, method="POST") == [4]
    assert numbers(path="two") == [3]
    assert numbers(limit=1) == [5]


def test_waiting_ends_with_the_exchange_that_was_waited_for(environment: Environment) -> None:
    environment.create()
    closer = threading.Timer(0.1, environment.close)
    closer.start()
    journal = environment.journal(operation="closeSession", min=1, timeout="5s")
    closer.join()
    assert [entry["status"] for entry in journal["entries"]] == [200]


def test_waiting_in_vain_is_408_and_says_what_there_is(environment: Environment) -> None:
    environment.create()
    answer = environment.call("GET", "/journal", params={"min": 2, "timeout": "20ms"})
    assert (answer.status_code, answer.json()["matching"]) == (408, 1)
    assert answer.json()["error"] == "1 of 2 exchanges came within 0.02 s"


def test_the_journal_is_bounded_in_entries_and_counts_all(environment: Environment) -> None:
    for _ in range(510):
        environment.api.get("/sessions/x")
    journal = environment.journal(limit=1000)
    assert (journal["count"], len(journal["entries"]), journal["entries"][0]["number"]) == (510, 500, 11)


def test_a_journal_forgets_when_last_seen(environment: Environment) -> None:
    environment.create()
    assert environment.call("DELETE", "/journal").status_code == 204
    assert environment.journal()["count"] == 0


def test_a_wrong_key_is_in_the_journal_of_unknown_callers(control: Control) -> None:
    httpx.get(f"{control.server.url}/api/v1/sessions/who", headers={"Authorization": "Bearer tr_dev_nobody"})
    last = control.client.get("/journal").json()["entries"][-1]
    assert (last["path"], last["status"], last["clause"]) == ("/api/v1/sessions/who", 401, "auth.unknown-key")
    assert "tr_dev_nobody" not in str(last)


@pytest.mark.parametrize(
    ("request_of", "status", "clause"),
    [
        (lambda e: e.api.post("/sessions/chat_1/close", content=iter([b"{}"])), 413, "body.limit"),
        (lambda e: e.api.post("/sessions/chat_1/close"), 400, "body.malformed"),
        (lambda e: e.close(body={"reason": "😀" * 200}), 400, "reason.limit"),
        (lambda e: e.close(body={"reason": "\0"}), 500, "grey.nul"),
        (lambda e: e.api.get("/sessions", params={"filter[status]": "ACTIVE,CLOSED"}), 400, "list.invalid"),
    ],
)
def test_an_exchange_says_where_production_differs(
    environment: Environment, request_of: Any, status: int, clause: str
) -> None:
    environment.create()
    assert request_of(environment).status_code == 200
    differs = environment.journal(limit=1)["entries"][0]["differs"]
    assert (differs["dialect"], differs["status"], differs["clause"]) == ("server", status, clause)


def test_an_exchange_that_is_the_same_in_production_says_so(environment: Environment) -> None:
    environment.create()
    environment.create()
    environment.close()
    environment.close(body={"reason": "again"})
    environment.close("nobody")
    environment.create()
    environment.api.get("/sessions/chat_1")
    environment.api.patch("/sessions/chat_1", json={"tags": ["x"]})
    assert [entry["differs"] for entry in environment.journal()["entries"]] == [None] * 8
