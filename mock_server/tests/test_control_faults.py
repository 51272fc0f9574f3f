"""Faults over the control API."""

from __future__ import annotations

import time

import httpx
import pytest
from control_caller import Control, Environment


def test_a_fault_comes_as_often_as_asked(environment: Environment) -> None:
    environment.create()
    environment.enable("status", parameters={"status": 503}, times=2, operation="closeSession")
    assert environment.api.get("/sessions/chat_1").status_code == 200
    assert [environment.close().status_code for _ in range(3)] == [503, 503, 200]
    assert [entry["faults"] for entry in environment.journal(operation="closeSession")["entries"]] == [
        ["status"]
    ] * 2 + [[]]


def test_a_spent_fault_is_no_longer_on(environment: Environment) -> None:
    fault = environment.enable("status", times=1)
    environment.close()
    faults = environment.call("GET", "/faults").json()
    assert (faults["faults"], [(each["id"], each["hits"]) for each in faults["spent"]]) == ([], [(fault["id"], 1)])
    assert environment.call("GET").json()["faults"] == 0


def test_a_fault_for_one_session_leaves_others_alone(environment: Environment) -> None:
    row = environment.create("one").json()
    environment.create("two")
    environment.enable("status", session="one")
    assert environment.close("two").status_code == 200
    assert environment.close("one").status_code == environment.close(row["id"]).status_code == 503


def test_chance_follows_its_seed(environment: Environment) -> None:
    def drawn() -> list[int]:
        fault = environment.enable("status", probability=0.5, seed=3)
        statuses = [environment.api.get("/sessions/nobody").status_code for _ in range(30)]
        environment.call("DELETE", f"/faults/{fault['id']}")
        return statuses

    first = drawn()
    assert set(first) == {404, 503}
    assert drawn() == first


def test_a_contract_fault_can_be_switched_on_and_off(environment: Environment) -> None:
    environment.create()
    environment.close(body={"reason": "first"})
    fault = environment.enable("reason-trimmed")
    environment.create("two")
    assert environment.close("two", {"reason": " x "}).json()["closedReason"] == "x"
    assert environment.call("DELETE", f"/faults/{fault['id']}").status_code == 204
    environment.create("three")
    assert environment.close("three", {"reason": " x "}).json()["closedReason"] == " x "
    assert environment.call("DELETE", f"/faults/{fault['id']}").status_code == 404


def test_429_says_when_to_come_again(environment: Environment) -> None:
    environment.enable("status", parameters={"status": 429, "retryAfterSeconds": 7})
    answer = environment.create()
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["x-ratelimit-remaining"]) == (
        429,
        "7",
        "0",
    )
    assert int(answer.headers["x-ratelimit-reset"]) > time.time() * 1000 + 5000


@pytest.mark.parametrize(("effect", "closed"), [("not-applied", False), ("applied", True)])
def test_an_error_comes_before_or_after_the_deed(environment: Environment, effect: str, closed: bool) -> None:
    environment.create()
    environment.enable("status", parameters={"status": 500, "effect": effect}, times=1)
    assert environment.close().status_code == 500
    assert (environment.api.get("/sessions/chat_1").json()["closedAt"] is not None) == closed


@pytest.mark.parametrize(("effect", "closed"), [("not-applied", False), ("applied", True)])
def test_a_connection_is_reset(environment: Environment, effect: str, closed: bool) -> None:
    environment.create()
    environment.enable("connection-reset", parameters={"effect": effect}, times=1)
    # Which of the two a client sees is a matter of timing.
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError), match=r"reset|without sending a response"):
        environment.close()
    assert (environment.api.get("/sessions/chat_1").json()["closedAt"] is not None) == closed


def test_a_body_ends_too_early(environment: Environment) -> None:
    environment.create()
    environment.enable("truncated-body", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        environment.close()
    assert environment.api.get("/sessions/chat_1").json()["closedAt"] is not None


def test_a_body_comes_in_pieces(environment: Environment) -> None:
    whole = environment.create().json()
    environment.enable("slow-body", parameters={"milliseconds": 50, "pieces": 5}, times=1)
    with environment.api.stream("GET", "/sessions/chat_1") as answer:
        pieces = [piece for piece in answer.iter_raw() if piece]
    assert len(pieces) > 1
    assert b"".join(pieces) == environment.api.get("/sessions/chat_1").content
    assert whole["id"].encode() in b"".join(pieces)


def test_faults_that_can_be_switched_on_are_listed(control: Control) -> None:
    faults = {each["name"]: each for each in control.client.get("/faults").json()["faults"]}
    assert set(faults["latency"]["parameters"]["properties"]) == {"milliseconds", "distribution", "spread", "seed"}
    assert faults["reason-trimmed"]["clause"] == "reason.verbatim"
