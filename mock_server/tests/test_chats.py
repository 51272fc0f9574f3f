"""Chats on the mock: the agent and its scripts, streams, tokens, runs, and what a close does to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adjourn_fixtures import MockEnvironment
from adjourn_mock import MockServer

CHAT = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as started:
        yield started


def path(rest: str, session: str = "chat_1") -> str:
    return f"/realtime/v1/sessions/{session}/{rest}"


def send(env: MockEnvironment, text: str, **headers: str) -> httpx.Response:
    message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": text}]}
    payload = {"chatId": "chat_1", "trigger": "submit-message", "message": message}
    return env.client.post(path("in/append"), json={"kind": "message", "payload": payload}, headers=headers)


def texts(env: MockEnvironment) -> list[str]:
    chunks = [record["data"] for record in env.agent.output("chat_1") if record["data"]]
    return [chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta"]


def records_of(content: str) -> list[Any]:
    lines = [line[6:] for line in content.splitlines() if line.startswith("data: {") and "records" in line]
    return [record for line in lines for record in json.loads(line)["records"]]


def test_turns_follow_each_other_and_the_last_one_stays(env: MockEnvironment) -> None:
    env.agent.replies("one", "two: {text}")
    for text in "abc":
        send(env, text)
    assert texts(env) == ["one", "two: b", "two: c"]


def test_a_later_rule_comes_first_and_reset_echoes_again(env: MockEnvironment) -> None:
    env.agent.replies("any")
    env.agent.replies("only this", text="this")
    for text in ("this", "that"):
        send(env, text)
    env.agent.reset()
    send(env, "x")
    assert texts(env) == ["only this", "any", "echo: x"]


def test_an_error_and_a_turn_without_an_end(env: MockEnvironment) -> None:
    env.agent.replies(error="model overloaded", completes=False)
    send(env, "x")
    assert [record["data"] for record in env.agent.output("chat_1")] == [
        {"type": "error", "errorText": "model overloaded"}
    ]


def test_an_agent_that_closes_says_so_and_closes_the_session(env: MockEnvironment) -> None:
    env.agent.replies("bye", closes="budget reached")
    send(env, "x")
    env.assert_closed("chat_1", reason="budget reached")
    complete, closed = (dict(record["headers"]) for record in env.agent.output("chat_1")[-2:])
    assert (complete["trigger-control"], complete["session-closed"]) == ("turn-complete", "true")
    assert closed == {"trigger-control": "session-closed", "session-closed-reason": "budget reached"}
    assert send(env, "more").json()["closedReason"] == "budget reached"


@pytest.mark.parametrize(("act", "kinds"), [("end", []), ("announce", ["session-closed"]), ("ignore", [])])
def test_an_agent_does_with_a_close_what_its_script_says(env: MockEnvironment, act: str, kinds: list[str]) -> None:
    env.agent.on_close(act)
    env.sessions.close("chat_1", "user signed out")
    assert [dict(record["headers"])["trigger-control"] for record in env.agent.output("chat_1")] == kinds
    assert env.assert_sent("chat_1", trigger="close", times=1)["data"]["payload"]["closedReason"] == "user signed out"


def test_the_record_that_completes_a_turn_has_a_fresh_token_and_what_was_consumed(env: MockEnvironment) -> None:
    seq = send(env, "x").json()["seq"]
    headers = dict(env.agent.output("chat_1")[-1]["headers"])
    assert headers["session-in-event-id"] == str(seq)
    token = {"Authorization": f"Bearer {headers['public-access-token']}"}
    assert httpx.get(f"{env.url}/api/v1/sessions/chat_1", headers=token).status_code == 200


def test_what_was_sent_can_be_waited_for(env: MockEnvironment) -> None:
    sender = threading.Thread(target=send, args=(env, "late"))
    sender.start()
    assert env.assert_sent("chat_1", text="late", timeout_seconds=10)["kind"] == "message"
    sender.join()


def test_a_failed_assert_sent_shows_what_was_sent(env: MockEnvironment) -> None:
    send(env, "hello")
    with pytest.raises(AssertionError, match=r"text 'hi' at least once, but it was never\nsent:\n.*'hello'"):
        env.assert_sent("chat_1", text="hi")


def test_an_open_stream_gets_what_is_appended_and_ends_by_a_reset(env: MockEnvironment) -> None:
    with env.client.stream("GET", path("out"), headers={"Timeout-Seconds": "60"}) as response:
        pieces = response.iter_text()
        env.agent.append("chat_1", {"type": "data-x"})
        assert "data-x" in next(pieces)
        env.reset()
        assert next(pieces) == "data: [DONE]\n\n"


def test_a_server_that_stops_ends_its_streams() -> None:
    with MockServer() as own:
        made = MockEnvironment(own)
        made.sessions.create("chat_1")
        with made.client.stream("GET", path("out"), headers={"Timeout-Seconds": "600"}) as response:
            pieces = response.iter_text()
            made.agent.append("chat_1", {"type": "data-x"})
            next(pieces)
            stopper = threading.Thread(target=own.stop)
            stopper.start()
            assert next(pieces) == "data: [DONE]\n\n"
            stopper.join()


def test_a_settled_channel_is_answered_and_ended_at_once(env: MockEnvironment) -> None:
    send(env, "x")
    answer = env.client.get(path("out"), headers={"Timeout-Seconds": "600", "X-Peek-Settled": "1"})
    assert answer.headers["x-session-settled"] == "true"
    assert answer.headers["x-stream-version"] == "v2"
    assert records_of(answer.text)[-1]["headers"][0] == ["trigger-control", "turn-complete"]


def test_a_trim_has_a_number_is_skipped_and_leaves_a_channel_settled(env: MockEnvironment) -> None:
    send(env, "x")
    complete = env.agent.output("chat_1")[-1]["seqNum"]
    assert [env.agent.trim("chat_1"), env.agent.trim("chat_1")] == [complete + 1, complete + 2]
    answer = env.client.get(path("out"), headers={"Timeout-Seconds": "600", "X-Peek-Settled": "1"})
    assert answer.headers["x-session-settled"] == "true"
    carried = records_of(answer.text)
    assert [record["seq_num"] for record in carried] == list(range(complete + 3))
    assert [carried[-1][name] for name in ("body", "headers")] == ["", [["", "trim"]]]
    listed = env.client.get(path("out/records")).json()["records"]
    assert [record["seqNum"] for record in listed] == list(range(complete + 1))
    env.agent.append("chat_1", {"type": "data-x"})
    env.agent.trim("chat_1")
    again = env.client.get(path("out"), headers={"Timeout-Seconds": "1", "X-Peek-Settled": "1"})
    assert "x-session-settled" not in again.headers


def test_commands_alone_settle_nothing(env: MockEnvironment) -> None:
    env.agent.trim("chat_1")
    answer = env.client.get(path("out"), headers={"Timeout-Seconds": "1", "X-Peek-Settled": "1"})
    assert "x-session-settled" not in answer.headers


@pytest.mark.parametrize("text", ["0", "601", "-1", "1.5", "abc", "1e2", "9" * 20])
def test_a_stream_is_refused_with_a_timeout_that_is_no_whole_number_from_1_to_600(
    env: MockEnvironment, text: str
) -> None:
    refused = env.client.get(path("out"), headers={"Timeout-Seconds": text})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.parametrize("text", ["1", "600"])
def test_a_stream_takes_a_timeout_from_1_to_600(env: MockEnvironment, text: str) -> None:
    with env.client.stream("GET", path("out"), headers={"Timeout-Seconds": text}) as answer:
        assert answer.status_code == 200


def test_a_silent_stream_pings_and_ends_when_its_time_is_over(env: MockEnvironment) -> None:
    answer = env.client.get(path("out"), headers={"Timeout-Seconds": "6"}, timeout=20)
    assert answer.text == "event: ping\ndata: {}\n\ndata: [DONE]\n\n"


def test_a_stream_with_an_error_event_ends_without_done(env: MockEnvironment) -> None:
    env.faults.enable("stream-error-event")
    send(env, "x")
    answer = env.client.get(path("out"), headers={"Timeout-Seconds": "1"})
    assert "event: error\ndata: " in answer.text
    assert "[DONE]" not in answer.text


def test_latest_starts_after_what_is_there(env: MockEnvironment) -> None:
    env.agent.append("chat_1", 1)
    headers = {"Timeout-Seconds": "1", "X-Trigger-Stream-Start": "latest"}
    assert records_of(env.client.get(path("out"), headers=headers).text) == []


def test_an_unknown_external_id_is_an_empty_channel_and_a_friendly_one_404(env: MockEnvironment) -> None:
    assert env.client.get(path("out/records", "nobody")).json() == {"records": []}
    assert env.client.get(path("out/records", "session_nobody")).status_code == 404
    assert env.client.post(path("in/append", "nobody"), content="x").status_code == 404


def test_channels_of_environments_are_apart(env: MockEnvironment) -> None:
    other = env.another()
    other.sessions.create("chat_1")
    send(env, "mine")
    assert other.sent("chat_1") == []


def test_a_close_by_its_own_run_is_silent(env: MockEnvironment) -> None:
    run_id = env.sessions.get("chat_1").current_run_id
    env.client.post("/api/v1/sessions/chat_1/close", json={"callingRunId": run_id}).raise_for_status()
    assert env.sent("chat_1") == []


def test_scopes_decide_by_operation_and_id(env: MockEnvironment) -> None:
    row = env.sessions.get("chat_1")

    def status(method: str, url: str, *scopes: str, **options: Any) -> int:
        token = env.client.post("/api/v1/auth/public-tokens", json={"scopes": scopes}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"{env.url}{url}", headers=headers, **options).status_code

    assert status("GET", path("out/records"), f"read:sessions:{row.id}:out") == 200
    assert status("GET", "/api/v1/sessions/chat_1", "read:sessions:chat_1:out") == 403
    assert status("POST", path("in/append"), "read:sessions:chat_1", content="x") == 403
    assert status("GET", "/api/v1/sessions", "read:sessions") == 200
    assert status("GET", "/api/v1/sessions", "read:tasks:a") == 403
    assert status("GET", "/api/v1/sessions?filter[taskIdentifier]=a", "read:tasks:a") == 200
    assert status("GET", "/api/v1/sessions?filter[taskIdentifier]=a,b", "read:tasks:a") == 403
    assert status("POST", "/api/v1/sessions", "write:sessions", json=CHAT) == 403
    assert status("POST", "/api/v1/sessions", "write:sessions", "trigger:tasks:my-chat", json=CHAT) == 201
    assert status("GET", f"/api/v3/runs/{row.current_run_id}", f"read:runs:{row.current_run_id}") == 200


def test_the_state_of_a_run_is_what_was_set_or_follows_the_session(env: MockEnvironment) -> None:
    assert env.runs.get("chat_1")["status"] == "EXECUTING"
    env.runs.set("chat_1", "CRASHED")
    run = env.client.get(f"/api/v3/runs/{env.sessions.get('chat_1').current_run_id}").json()
    assert (run["status"], run["isFailed"], run["isSuccess"], run["isCompleted"]) == ("CRASHED", True, False, True)
    env.reset()
    env.sessions.create("chat_1")
    env.sessions.close("chat_1")
    assert env.runs.get("chat_1")["status"] == "COMPLETED"
    with pytest.raises(ValueError, match="'DONE' is not a state of a run; use one of"):
        env.runs.set("chat_1", "DONE")


@pytest.mark.parametrize(
    ("known", "config", "status"),
    [({"version": "1"}, {"lockToVersion": "2"}, 500), ({"region": "eu"}, {"region": "us"}, 422)],
)
def test_an_account_without_a_version_or_region_leaves_a_row_without_a_run(
    env: MockEnvironment, known: dict[str, str], config: dict[str, str], status: int
) -> None:
    env.faults.enable("account", **known)
    body = {**CHAT, "externalId": "chat_2", "triggerConfig": {"basePayload": {}, **config}}
    assert env.client.post("/api/v1/sessions", json=body).status_code == status
    assert env.client.get("/api/v1/sessions/chat_2").json()["currentRunId"] is None
    again = env.client.post("/api/v1/sessions", json={**body, "triggerConfig": {"basePayload": {}}})
    assert (again.status_code, again.json()["isCached"]) == (200, True)
    assert again.json()["runId"].startswith("run_")


def test_a_seed_has_a_script_that_a_reset_restores(server: MockServer) -> None:
    seed = {"sessions": [{"externalId": "chat_1"}], "agent": {"rules": [{"turns": [{"text": "seeded"}]}]}}
    with MockEnvironment(server, seed=seed) as made:
        made.agent.replies("another")
        made.reset()
        send(made, "x")
        assert texts(made) == ["seeded"]


def test_a_stop_ends_the_turn_that_is_being_written(env: MockEnvironment) -> None:
    env.agent.replies("never said", delay_milliseconds=60_000)
    send(env, "x")
    env.client.post(path("in/append"), json={"kind": "stop"}).raise_for_status()
    abort, complete = env.agent.output("chat_1")
    assert abort["data"] == {"type": "abort"}
    assert dict(complete["headers"])["trigger-control"] == "turn-complete"


def test_a_token_is_refreshed_after_a_401_of_the_mock(env: MockEnvironment) -> None:
    env.faults.enable("status", status=401, operation="appendToIn", times=1)
    assert [send(env, "x").status_code for _ in range(2)] == [401, 200]


def test_the_control_api_has_the_same(env: MockEnvironment) -> None:
    base = f"{env.url}/_adjourn/environments/{env.name}"
    httpx.post(f"{base}/agent", json={"turns": [{"text": "over HTTP"}]}).raise_for_status()
    send(env, "x")
    assert texts(env) == ["over HTTP"]
    sent = httpx.get(f"{base}/sent", params={"session": "chat_1", "text": "x"}).json()["messages"]
    assert [message["text"] for message in sent] == ["x"]
    assert httpx.get(f"{base}/sent", params={"session": "chat_1", "min": 2, "timeout": "50ms"}).status_code == 408
    control = {"session": "chat_1", "control": "session-closed", "headers": {"session-closed-reason": "over"}}
    assert httpx.post(f"{base}/out", json=control).status_code == 201
    assert httpx.get(f"{base}/out", params={"session": "chat_1"}).json()["records"][-1]["headers"][1][1] == "over"
    assert httpx.put(f"{base}/runs", json={"session": "chat_1", "status": "FAILED"}).json()["isFailed"]
    assert httpx.put(f"{base}/runs", json={"session": "chat_1", "status": "GONE"}).status_code == 400
    assert httpx.post(f"{base}/out", json={"session": "nobody", "data": 1}).status_code == 404
    assert httpx.delete(f"{base}/agent").status_code == 204
