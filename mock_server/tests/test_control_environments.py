"""Environments and their state over the control API."""

from __future__ import annotations

import httpx
from control_caller import Control, Environment

from adjourn_mock import MockServer, create_app


def test_a_new_environment_has_a_fresh_key_and_sees_nobody(control: Control) -> None:
    one, other = control.environment(), control.environment(kind="prod")
    assert one.create().status_code == other.create().status_code == 201
    assert one.close(body={"reason": "one"}).status_code == 200
    assert other.api.get("/sessions/chat_1").json()["closedAt"] is None
    assert other.made["secretKey"].startswith("tr_prod_")
    assert one.made["environ"] == {
        "TRIGGER_API_URL": control.server.url,
        "TRIGGER_SECRET_KEY": one.made["secretKey"],
    }


def test_an_environment_is_made_as_asked(control: Control) -> None:
    asked = {
        "name": "mine",
        "secretKey": "tr_stg_mine",
        "dialect": "server",
        "clock": "2026-01-02T03:04:05Z",
        "idSeed": 7,
    }
    environment = control.environment(**asked, seed={"sessions": [{"externalId": "here"}]})
    made = environment.made
    assert (made["name"], made["kind"], made["dialect"], made["secretKey"]) == ("mine", "stg", "server", "tr_stg_mine")
    assert made["clock"] == {"now": "2026-01-02T03:04:05.000Z", "frozen": True}
    assert made["sessions"] == 1
    assert environment.api.get("/sessions/here").json()["createdAt"] == "2026-01-02T03:04:05.000Z"
    assert control.client.get("/environments/mine").json()["id"] == made["id"]


def test_a_seed_makes_ids_the_same(control: Control) -> None:
    ids = {control.environment(idSeed=5).create().json()["id"] for _ in range(2)}
    assert len(ids) == 1


def test_a_key_is_masked_until_asked_for(environment: Environment) -> None:
    key = environment.made["secretKey"]
    assert key not in environment.call("GET").text
    assert environment.call("GET", params={"reveal": "true"}).json()["secretKey"] == key
    assert key not in environment.control.client.get("/environments").text


def test_a_deleted_environment_is_gone(control: Control) -> None:
    environment = control.environment()
    environment.create()
    assert environment.call("DELETE").status_code == 204
    assert environment.api.get("/sessions/chat_1").status_code == 401
    assert environment.call("GET").status_code == 404


def test_reset_makes_it_what_it_was(control: Control) -> None:
    environment = control.environment(
        clock="2026-01-01T00:00:00Z", idSeed=1, seed={"sessions": [{"externalId": "seeded"}]}
    )
    first = environment.create().json()
    environment.close("seeded")
    environment.enable("latency", parameters={"milliseconds": 0})
    environment.call("POST", "/clock", json={"advance": "1h"})
    shown = environment.call("POST", "/reset").json()
    assert (shown["exchanges"], shown["faults"], shown["clock"]["now"]) == (0, 0, "2026-01-01T00:00:00.000Z")
    assert environment.api.get("/sessions/seeded").json()["closedAt"] is None
    assert environment.create().json()["createdAt"] == first["createdAt"]


def test_state_goes_out_and_in(environment: Environment, control: Control) -> None:
    environment.create("a", metadata={"odd": "\u2603"})
    environment.create("b")
    environment.close("b", {"reason": "done"})
    state = environment.call("GET", "/state").json()
    other = control.environment()
    other.create("gone")
    assert other.call("PUT", "/state", json=state).json() == {"sessions": 2}
    assert other.api.get("/sessions/b").json() == environment.api.get("/sessions/b").json()
    assert other.api.get("/sessions/gone").status_code == 404
    assert other.call("GET", "/state").json() == state


def test_a_broken_state_changes_nothing(environment: Environment) -> None:
    environment.create("kept")
    answer = environment.call("PUT", "/state", json={"sessions": [{"externalId": "a"}, {"tags": 5}]})
    assert (answer.status_code, "sessions[1].tags" in answer.json()["error"]) == (400, True)
    assert environment.api.get("/sessions/kept").status_code == 200


def test_environments_are_listed_in_pages(control: Control) -> None:
    made = [control.environment().id for _ in range(3)]
    listed = control.client.get("/environments", params={"after": made[0], "limit": 1}).json()["environments"]
    assert [each["id"] for each in listed] == made[1:2]


def test_the_dialect_can_be_changed(environment: Environment) -> None:
    environment.create()
    chunked = {"content": iter([b"{}"])}
    assert environment.api.post("/sessions/chat_1/close", **chunked).status_code == 200
    environment.call("PATCH", json={"dialect": "server"})
    assert environment.api.post("/sessions/chat_1/close", content=iter([b"{}"])).status_code == 413


def test_lone_surrogates_are_shown(environment: Environment, control: Control) -> None:
    environment.create("odd")
    answer = environment.api.post("/sessions/odd/close", content=b'{"reason": "\\ud800"}')
    assert answer.status_code == 200
    state = environment.call("GET", "/state")
    assert (state.status_code, state.json()["sessions"][0]["closedReason"]) == (200, "\ud800")
    assert environment.journal()["entries"][-1]["status"] == 200


def test_an_environment_that_a_killed_run_has_left_is_replaced_on_request(control: Control) -> None:
    left = control.environment(name="suite", secretKey="tr_dev_left_behind")
    left.create("old")
    for taken in ({"name": "suite"}, {"secretKey": "tr_dev_left_behind"}):
        assert control.client.post("/environments", json=taken).status_code == 400
    made = control.environment(name="suite", secretKey="tr_dev_left_behind", replace=True)
    assert made.api.get("/sessions/old").status_code == 404
    assert made.journal()["count"] == 1
    assert control.environment(name="suite", replace=True).api.get("/sessions/old").status_code == 404


def test_the_limit_of_environments_is_507() -> None:
    app = create_app()
    app.environments._limit = 4
    with MockServer(app) as server:
        post = f"{server.url}/_adjourn/environments"
        assert httpx.post(post).status_code == 201
        answer = httpx.post(post)
    assert (answer.status_code, "limit" in answer.json()["error"]) == (507, True)
