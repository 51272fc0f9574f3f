"""The control API: environments, state, journal, faults and clock, over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from sessions_api import CHAT

from adjourn_mock import MockServer, create_app, is_loopback
from adjourn_spec import Contract, Schema


class Control:
    """A caller of the control API that holds every answer to its document."""

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.client = httpx.Client(base_url=f"{server.url}/_adjourn", event_hooks={"response": [self._hold]})
        self.document = self.client.get("/openapi.json").json()
        self.callers: list[httpx.Client] = [self.client]

    def _hold(self, response: httpx.Response) -> None:
        response.read()
        path, method = response.request.url.path, response.request.method.lower()
        item = next(
            (
                (template, item)
                for template, item in getattr(self, "document", {"paths": {}})["paths"].items()
                if len(template.split("/")) == len(path.split("/"))
                and all(a == b or a.startswith("{") for a, b in zip(template.split("/"), path.split("/"), strict=True))
            ),
            None,
        )
        if item is None or method not in item[1] or not response.content:
            return
        template, operations = item
        responses = operations[method]["responses"]
        status = str(response.status_code)
        name = status if status in responses else f"{status[0]}XX"
        assert name in responses, response.text
        if "content" in responses[name]:
            pointer = f"/paths/{template.replace('/', '~1')}/{method}/responses/{name}/content/application~1json/schema"
            assert list(Schema(self.document, pointer).violations(response.json())) == []

    def environment(self, **options: Any) -> Environment:
        answer = self.client.post("/environments", json=options)
        assert answer.status_code == 201, answer.text
        return Environment(self, answer.json())


class Environment:
    """A new environment and a caller of its own."""

    def __init__(self, control: Control, made: dict[str, Any]) -> None:
        self.control, self.made = control, made
        self.id = made["id"]
        self.api = httpx.Client(
            base_url=f"{control.server.url}/api/v1",
            headers={"Authorization": f"Bearer {made['secretKey']}"},
            timeout=5,
        )
        control.callers.append(self.api)

    def create(self, external_id: str = "chat_1", **more: Any) -> httpx.Response:
        return self.api.post("/sessions", json={**CHAT, "externalId": external_id, **more})

    def close(self, key: str = "chat_1", body: Any = None) -> httpx.Response:
        return self.api.post(f"/sessions/{key}/close", json=body or {})

    def call(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        return self.control.client.request(method, f"/environments/{self.id}{path}", **options)

    def journal(self, **query: Any) -> dict[str, Any]:
        journal: dict[str, Any] = self.call("GET", "/journal", params=query).json()
        return journal

    def enable(self, fault: str, **options: Any) -> dict[str, Any]:
        answer = self.call("POST", "/faults", json={"fault": fault, **options})
        assert answer.status_code == 201, answer.text
        active: dict[str, Any] = answer.json()
        return active


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with MockServer() as server:
        control = Control(server)
        yield control
        for caller in control.callers:
            caller.close()


@pytest.fixture
def environment(control: Control) -> Iterator[Environment]:
    environment = control.environment()
    yield environment
    environment.call("DELETE")


# environments


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


# journal


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


# faults


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


def test_an_environment_that_a_killed_run_has_left_is_replaced_on_request(control: Control) -> None:
    left = control.environment(name="suite", secretKey="tr_dev_left_behind")
    left.create("old")
    for taken in ({"name": "suite"}, {"secretKey": "tr_dev_left_behind"}):
        assert control.client.post("/environments", json=taken).status_code == 400
    made = control.environment(name="suite", secretKey="tr_dev_left_behind", replace=True)
    assert made.api.get("/sessions/old").status_code == 404
    assert made.journal()["count"] == 1
    assert control.environment(name="suite", replace=True).api.get("/sessions/old").status_code == 404


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


# clock


def test_expiry_and_times_follow_the_clock(control: Control) -> None:
    environment = control.environment(clock="2026-01-01T00:00:00Z")
    environment.create(expiresAt="2026-01-01T01:00:00Z")

    def listed(status: str) -> int:
        return len(environment.api.get("/sessions", params={"filter[status]": status}).json()["data"])

    assert (listed("ACTIVE"), listed("EXPIRED")) == (1, 0)
    environment.call("POST", "/clock", json={"advance": 3600})
    assert (listed("ACTIVE"), listed("EXPIRED")) == (0, 1)
    assert environment.close().json()["closedAt"] == "2026-01-01T01:00:00.000Z"


def test_a_clock_is_frozen_set_and_resumed(environment: Environment) -> None:
    def change(**body: Any) -> dict[str, Any]:
        clock: dict[str, Any] = environment.call("POST", "/clock", json=body).json()
        return clock

    frozen = change(freeze=True)
    assert frozen == {**environment.call("GET", "/clock").json(), "frozen": True}
    assert change(set="2030-01-01T00:00:00Z") == {"now": "2030-01-01T00:00:00.000Z", "frozen": True}
    assert change(freeze="2031-01-01T00:00:00+01:00")["now"] == "2030-12-31T23:00:00.000Z"
    resumed = change(resume=True)
    assert (resumed["now"][:10], resumed["frozen"]) == ("2030-12-31", False)
    assert change(advance="-1d")["now"][:10] == "2030-12-30"
    assert environment.create().json()["createdAt"][:10] == "2030-12-30"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_clock_stays_within_the_calendar(environment: Environment, at: str) -> None:
    environment.call("POST", "/clock", json={"set": at})
    for advance in ("-2d", "2d", "50ms"):
        environment.call("POST", "/clock", json={"advance": advance})
        assert environment.create().status_code < 300
        assert environment.api.get("/sessions", params={"filter[createdAt][period]": "1d"}).status_code == 200
        assert environment.call("GET", "/journal").status_code == 200


def test_a_clock_that_goes_stops_at_the_end(environment: Environment) -> None:
    environment.call("POST", "/clock", json={"set": "9999-12-31T23:59:59.990Z"})
    time.sleep(0.02)
    assert environment.call("GET", "/clock").json() == {"now": "9999-12-31T23:59:59.999Z", "frozen": False}
    assert environment.create().status_code == 201


# errors and access


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/environments", {"kind": "test"}, 400, "kind"),
        ("POST", "/environments", {"seed": {"sessions": [{"id": 5}]}}, 400, "sessions[0]"),
        ("POST", "/environments", {"secretKey": "nope"}, 400, "must start with"),
        ("POST", "/environments", {"secretKey": "tr_dev_adjourn"}, 400, "given twice"),
        ("POST", "/environments", {"name": "dev"}, 400, "already"),
        ("POST", "/environments", {"clock": "yesterday"}, 400, "clock"),
        ("GET", "/environments/nobody", None, 404, "no environment 'nobody'"),
        ("GET", "/environments?limit=0", None, 400, "limit must be 1 to 1000"),
        ("GET", "/environments?size=1", None, 400, "no parameter 'size'"),
        ("GET", "/environments/dev/journal?status=9", None, 400, "status"),
        ("GET", "/environments/dev/journal?timeout=soon", None, 400, "not a duration"),
        ("POST", "/environments/dev/faults", {"fault": "nope"}, 404, "no fault 'nope'"),
        ("POST", "/environments/dev/faults", {"fault": "latency", "parameters": {"seconds": 1}}, 400, "seconds"),
        ("POST", "/environments/dev/faults", {"fault": "status", "parameters": {"status": 200}}, 400, "status"),
        ("POST", "/environments/dev/faults", {"fault": "status", "operation": "open"}, 400, "no operation 'open'"),
        ("POST", "/environments/dev/faults", {"fault": "reason-trimmed", "parameters": {"a": 1}}, 400, "no parameters"),
        ("POST", "/environments/dev/clock", {"advance": "2 hours"}, 400, "not a duration"),
        ("POST", "/environments/dev/clock", {"freeze": True, "set": "2026-01-01T00:00:00Z"}, 400, ""),
        ("POST", "/environments/dev/clock", [], 400, ""),
        ("PUT", "/environments/dev", None, 405, "use GET, DELETE, PATCH"),
        ("GET", "/nothing", None, 404, "nothing here"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    control: Control, method: str, path: str, body: Any, status: int, error: str
) -> None:
    answer = control.client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert error in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_body_that_is_not_json_is_400(control: Control) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000):
        assert control.client.post("/environments", content=content).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "127.0.0.1.evil.example"},
    ],
)
def test_pages_of_others_and_other_names_are_refused(control: Control, headers: dict[str, str]) -> None:
    assert control.client.get("/environments", headers=headers).status_code == 403
    assert control.client.get("/health", headers=headers).status_code == 200


def test_with_a_token_only_its_holder_may() -> None:
    with MockServer(control_token="s3cret") as server:
        client = httpx.Client(base_url=f"{server.url}/_adjourn")
        with client:
            assert client.get("/environments").status_code == 401
            assert client.get("/environments", headers={"Authorization": "Bearer s3cre"}).status_code == 401
            right = {"Authorization": "Bearer s3cret", "Host": "mock.example"}
            assert client.get("/environments", headers=right).status_code == 200


@pytest.mark.anyio
async def test_another_machine_is_refused(contract: Contract) -> None:
    app = create_app(contract)
    for client, status in (("127.0.0.1", 200), ("192.0.2.7", 403)):
        transport = httpx.ASGITransport(app=app, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            assert (await caller.get("/_adjourn/environments")).status_code == status


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"])
def test_without_a_token_what_a_proxy_forwards_is_refused(control: Control, name: str) -> None:
    answer = httpx.get(f"{control.server.url}/_adjourn/environments", headers={name: "192.0.2.1"})
    assert (answer.status_code, "--control-token" in answer.json()["error"]) == (403, True)


def test_behind_a_proxy_under_another_name_the_token_decides() -> None:
    with MockServer(control_token="secret") as server:
        forwarded = {"Host": "mock.example", "Origin": "https://other.example", "X-Forwarded-For": "192.0.2.1"}
        url = f"{server.url}/_adjourn/environments"
        for token, status in (("Bearer secret", 200), ("bearer secret", 200), ("Bearer wrong", 401), ("", 401)):
            assert httpx.get(url, headers={**forwarded, "Authorization": token}).status_code == status
        assert httpx.get(f"{server.url}/_adjourn/", headers=forwarded).status_code == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("a.localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:192.0.2.1", False),
        ("192.168.1.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)  # fmt: skip - a table
def test_loopback_is_known_in_every_form(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_the_limit_of_environments_is_507() -> None:
    app = create_app()
    app.environments._limit = 4
    with MockServer(app) as server:
        post = f"{server.url}/_adjourn/environments"
        assert httpx.post(post).status_code == 201
        answer = httpx.post(post)
    assert (answer.status_code, "limit" in answer.json()["error"]) == (507, True)


def test_the_control_document_is_openapi(control: Control) -> None:
    assert list(OpenAPIV31SpecValidator(control.document).iter_errors()) == []


def test_every_operation_of_the_document_is_there(control: Control) -> None:
    for path, item in control.document["paths"].items():
        for method in set(item) & {"get", "post", "put", "patch", "delete"}:
            answer = control.client.request(
                method, path.removeprefix("/_adjourn").replace("{", "%7B").replace("}", "%7D")
            )
            assert answer.status_code != 500, (method, path)
            assert "nothing here" not in answer.text
