"""Create, retrieve, update and list, as far as close needs them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml
from sessions_api import CHAT, Api, path

from adjourn_mock import MockServer
from adjourn_spec import load_contract, openapi_path, read_document

ID = re.compile(r"session_c[a-z0-9]{24}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_create_answers_a_row_like_the_services(api: Api) -> None:
    answer = api.create(None, tags=["a"], metadata={"a": 1}, expiresAt="2099-01-01T00:00:00+02:00")
    row = answer.json()
    assert answer.status_code == 201
    assert ID.fullmatch(row["id"])
    assert re.fullmatch(r"run_c[a-z0-9]{24}", row["currentRunId"])
    assert TIME.fullmatch(row["createdAt"])
    assert row["expiresAt"] == "2098-12-31T22:00:00.000Z"
    assert (row["externalId"], row["isCached"], row["runId"]) == (None, False, row["currentRunId"])


def test_create_again_answers_the_open_session_with_the_new_trigger_config(api: Api) -> None:
    first = api.fresh(tags=["a"])
    again = api.create(first["externalId"], tags=["b"], triggerConfig={"basePayload": {"n": 2}})
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["isCached"], again.json()["tags"]) == (first["id"], True, ["a"])
    assert again.json()["triggerConfig"] == {"basePayload": {"n": 2}}


@pytest.mark.parametrize("state", ["closed", "expired"])
def test_create_with_the_external_id_of_an_ended_session_is_409_and_changes_nothing(api: Api, state: str) -> None:
    row = api.fresh(**({"expiresAt": "2020-01-01T00:00:00Z"} if state == "expired" else {}))
    if state == "closed":
        api.close(row["id"], {})
    before = api.get(row["id"]).content
    assert api.create(row["externalId"], triggerConfig={"basePayload": {"new": 1}}).status_code == 409
    assert api.get(row["id"]).content == before


def test_create_trims_the_external_id(api: Api) -> None:
    assert api.create("  \ufefftrimmed \n").json()["externalId"] == "trimmed"
    assert api.get("trimmed").status_code == 200


VALID = {**CHAT}


@pytest.mark.parametrize(
    "change",
    [
        {"type": ""},
        {"type": "x" * 65},
        {"type": None},
        {"taskIdentifier": ""},
        {"taskIdentifier": "x" * 129},
        {"triggerConfig": None},
        {"triggerConfig": {}},
        {"triggerConfig": {"basePayload": []}},
        {"triggerConfig": {"basePayload": {}, "machine": "huge"}},
        {"triggerConfig": {"basePayload": {}, "queue": "x" * 129}},
        {"triggerConfig": {"basePayload": {}, "tags": ["x"] * 11}},
        {"triggerConfig": {"basePayload": {}, "maxAttempts": 0}},
        {"triggerConfig": {"basePayload": {}, "maxAttempts": 11}},
        {"triggerConfig": {"basePayload": {}, "maxDuration": 0}},
        {"triggerConfig": {"basePayload": {}, "idleTimeoutInSeconds": 3601}},
        {"externalId": ""},
        {"externalId": "   "},
        {"externalId": "x" * 257},
        {"externalId": None},
        {"externalId": 5},
        {"externalId": "session_mine"},
        {"externalId": " session_mine"},
        {"tags": ["x"] * 11},
        {"tags": ["x" * 129]},
        {"tags": "x"},
        {"metadata": []},
        {"metadata": None},
        {"expiresAt": "tomorrow"},
        {"expiresAt": 5},
        {"expiresAt": None},
        {"expiresAt": "2026-01-01"},
        {"expiresAt": "0000-01-01T00:00:00Z"},
    ],
)
def test_create_refuses_what_breaks_its_schema_with_422(api: Api, change: dict[str, Any]) -> None:
    answer = api.create(None, **{"type": "refused", **change})
    assert answer.status_code == 422, answer.text
    listed = api.client.get("/api/v1/sessions", params={"filter[type]": "refused"}).json()["data"]
    assert listed == []


@pytest.mark.parametrize(
    "change",
    [
        {"type": "x" * 64},
        {"taskIdentifier": "x" * 128},
        {"externalId": "y" * 256},
        {"externalId": "🦊" * 256},
        {"tags": ["x" * 128] * 10},
        {"triggerConfig": {"basePayload": {}, "concurrencyKey": "k", "ttl": 5}},
        {"callingRunId": "run_1"},
        {"metadata": {"deep": {"er": [1, 1.5, None, "x"]}}},
        {"expiresAt": "2099-12-31t23:59:59.123456z"},
    ],
)
def test_create_takes_what_the_schema_allows(api: Api, change: dict[str, Any]) -> None:
    assert api.create(None, **change).status_code == 201


def test_bodies_of_create_and_update_are_bounded(api: Api) -> None:
    row = api.fresh()
    rule = api.contract.operations["createSession"].body
    assert rule is not None
    for size, status in ((rule.limit_bytes, 201), (rule.limit_bytes + 1, 413)):
        body = json.dumps(CHAT).encode()
        assert api.client.post("/api/v1/sessions", content=body + b" " * (size - len(body))).status_code == status
    for size, status in ((rule.limit_bytes, 200), (rule.limit_bytes + 1, 413)):
        assert api.client.patch(path(row["id"]), content=b"{}" + b" " * (size - 2)).status_code == status


@pytest.mark.parametrize("dialect", ["api", "vendor"])
def test_a_body_nested_without_end_is_400(dialect: str, request: pytest.FixtureRequest) -> None:
    api: Api = request.getfixturevalue(dialect)
    for depth, status in ((500, 201), (600, 400), (5_000, 400)):
        deep = b"[" * depth + b"]" * depth
        content = json.dumps(CHAT).encode()[:-1] + b', "metadata": {"x": ' + deep + b"}}"
        assert api.client.post("/api/v1/sessions", content=content).status_code == status


@pytest.mark.parametrize("dialect", ["api", "vendor"])
def test_lone_surrogates_are_stored_or_refused_in_every_member(dialect: str, request: pytest.FixtureRequest) -> None:
    api: Api = request.getfixturevalue(dialect)
    # The database of the vendor's server does not take them (grey.nul).
    stored = 201 if dialect == "api" else 500
    for members, status in (
        ({"externalId": "\ud800"}, stored),
        ({"type": "\ud800"}, stored),
        ({"taskIdentifier": "\ud800"}, stored),
        ({"tags": ["\ud800"]}, stored),
        ({"metadata": {"\ud800": "\ud800"}}, stored),
        ({"triggerConfig": {"basePayload": {"\ud800": 1}, "queue": "\ud800"}}, stored),
        ({"triggerConfig": {"basePayload": {}, "machine": "\ud800"}}, None),
        ({"expiresAt": "\ud800"}, None),
        ({"\ud800": "\ud800"}, 201),
    ):
        made = api.client.post("/api/v1/sessions", content=json.dumps({**CHAT, **members}))
        assert made.status_code == status if status else made.status_code in (400, 422)


def test_update_replaces_tags_and_metadata_and_null_clears(api: Api) -> None:
    row = api.fresh(tags=["a"], metadata={"a": 1})
    assert api.update(row["id"], {"tags": ["b"]}).json()["metadata"] == {"a": 1}
    cleared = api.update(row["externalId"], {"metadata": None}).json()
    assert (cleared["tags"], cleared["metadata"]) == (["b"], None)
    assert cleared["updatedAt"] >= row["updatedAt"]
    unchanged = api.update(row["id"], {})
    assert unchanged.json() == cleared
    assert api.update(row["id"], {"tags": "x"}).status_code == 400


def test_update_cannot_change_the_external_id(api: Api) -> None:
    row = api.fresh()
    before = api.get(row["id"]).json()
    assert api.update(row["id"], {"externalId": "another", "tags": ["x"]}).status_code == 422
    assert api.update(row["id"], {"externalId": None}).status_code == 422
    assert api.update(row["id"], {"externalId": row["externalId"]}).json() == before
    nameless = api.create(None).json()
    assert api.update(nameless["id"], {"externalId": None}).status_code == 200


@pytest.fixture
def listed() -> Any:
    """A server of its own with a known set of sessions, oldest first, and a function that lists."""
    sessions = [
        {
            "externalId": f"s{n}",
            "createdAt": f"2026-01-01T00:00:{n // 2:02d}Z",
            "type": "even" if n % 2 == 0 else "odd",
            "tags": [f"t{n % 3}"],
            **({"closedAt": "2026-02-01T00:00:00Z"} if n < 5 else {}),
            **({"expiresAt": "2026-02-01T00:00:00Z"} if n in (5, 6) else {}),
        }
        for n in range(25)
    ]
    with (
        MockServer(seed={"sessions": sessions}) as server,
        httpx.Client(base_url=server.url, headers=server.headers) as client,
    ):

        def ids(query: str = "") -> list[int]:
            answer = client.get("/api/v1/sessions" + query)
            assert answer.status_code == 200, answer.text
            ids.page = answer.json()["pagination"]  # type: ignore[attr-defined]
            assert all("triggerConfig" not in row for row in answer.json()["data"])
            return [int(row["externalId"][1:]) for row in answer.json()["data"]]

        ids.client = client  # type: ignore[attr-defined]
        yield ids


def test_lists_are_newest_first_twenty_at_a_time(listed: Any) -> None:
    assert listed() == list(range(24, 4, -1))


def test_cursors_lead_on_and_back_without_gaps_or_repeats(listed: Any) -> None:
    pages, query = [], "?page[size]=7"
    while True:
        pages.append(listed(query))
        if "next" not in listed.page:
            break
        query = f"?page[size]=7&page[after]={listed.page['next']}"
    assert [n for page in pages for n in page] == list(range(24, -1, -1))
    back = [pages[-1]]
    while "previous" in listed.page:
        back.insert(0, listed(f"?page[size]=7&page[before]={listed.page['previous']}"))
    assert [n for page in back for n in page] == list(range(24, -1, -1))
    assert listed("?page[after]=unknown") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter[status]=CLOSED", {0, 1, 2, 3, 4}),
        ("filter[status]=EXPIRED", {5, 6}),
        ("filter[status]=CLOSED,EXPIRED", {0, 1, 2, 3, 4, 5, 6}),
        ("filter[status]=ACTIVE", set(range(7, 25))),
        ("filter[type]=odd", set(range(1, 25, 2))),
        ("filter[type]=odd,even&filter[tags]=t0", set(range(0, 25, 3))),
        ("filter[externalId]=s7", {7}),
        ("filter[taskIdentifier]=other", set()),
        ("filter[createdAt][from]=1767225610000", set(range(20, 25))),
        ("filter[createdAt][from]=1767225610000&filter[createdAt][to]=1767225611999", {20, 21, 22, 23}),
        ("filter[createdAt][period]=1h", set()),
        ("filter[createdAt][period]=999999w&filter[createdAt][to]=8640000000000000", set(range(25))),
        ("other=1&filter[type]=&filter[type]=odd", set(range(1, 25, 2))),
    ],
)
def test_filters_keep_what_matches(listed: Any, query: str, expected: set[int]) -> None:
    assert set(listed(f"?page[size]=100&{query}")) == expected


@pytest.mark.parametrize(
    "query",
    [
        "page[size]=0",
        "page[size]=101",
        "page[size]=x",
        "page[size]=1.5",
        "page[size]=",
        "page[size]=-1",
        "page[after]=a&page[before]=b",
        "filter[status]=OPEN",
        "filter[status]=",
        "filter[status]=closed",
        "filter[createdAt][period]=soon",
        "filter[createdAt][from]=x",
        "filter[createdAt][from]=-1",
        "page[after]=",
        "page[]=1",
        "page[other]=1",
        "&".join(f"a{n}=1" for n in range(1001)),
    ],
)
def test_a_query_that_breaks_its_schema_is_400(listed: Any, query: str) -> None:
    answer = listed.client.get(f"/api/v1/sessions?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == "Query Error"
    assert answer.json()["details"]


def test_after_close_the_session_is_listed_as_closed(api: Api) -> None:
    row = api.fresh(type="listed")

    def ids(status: str) -> list[str]:
        query = {"filter[type]": "listed", "filter[status]": status}
        return [listed["id"] for listed in api.client.get("/api/v1/sessions", params=query).json()["data"]]

    assert (ids("ACTIVE"), ids("CLOSED")) == ([row["id"]], [])
    api.close(row["id"], {})
    assert (ids("ACTIVE"), ids("CLOSED")) == ([], [row["id"]])


def test_a_changed_document_changes_the_mock(tmp_path: Path) -> None:
    document = read_document(openapi_path())
    document["components"]["schemas"]["CloseSession"]["properties"]["reason"]["maxLength"] = 100
    document["components"]["schemas"]["SessionId"]["x-friendly-prefix"] = "sess_"
    document["paths"]["/api/v1/sessions/{session}/close"]["post"]["requestBody"]["x-body-limit-bytes"] = 512
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump(document))
    contract = load_contract(file)
    with MockServer(contract=contract) as server:
        api = Api(server, contract)
        row = api.create("session_is_mine_now").json()
        assert row["id"].startswith("sess_")
        assert api.create("sess_reserved").status_code == 422
        assert api.close(row["id"], {"reason": "x" * 101}).status_code == 400
        assert api.close(row["id"], content=b"{}" + b" " * 511).status_code == 413
        assert api.close("session_is_mine_now", content=b"{}" + b" " * 510).status_code == 200
        assert api.close(api.fresh()["id"], {"reason": "x" * 100}).status_code == 200
        served = httpx.get(f"{server.url}/openapi.json").json()
        assert served["components"]["schemas"]["SessionId"]["pattern"] == "^sess_"
        assert yaml.safe_load(httpx.get(f"{server.url}/openapi.yaml").text) == served
        api.client.close()


def test_the_journal_finds_a_session_in_a_path_of_another_depth(tmp_path: Path) -> None:
    document = read_document(openapi_path())
    document["paths"] = {path.removeprefix("/api/v1"): item for path, item in document["paths"].items()}
    file = tmp_path / "other.yaml"
    file.write_text(yaml.safe_dump(document))
    with MockServer(contract=load_contract(file)) as server:
        with httpx.Client(base_url=server.url, headers=server.headers) as client:
            client.post("/sessions/nobody/close", json={})
            client.delete("/sessions/no%62ody")
            client.post("/sessions/other/close", json={})
        journal = f"{server.url}/_adjourn/environments/dev/journal"
        assert httpx.get(journal, params={"session": "nobody"}).json()["matching"] == 2


def test_the_query_of_an_operation_without_query_parameters_is_ignored(api: Api) -> None:
    row = api.fresh()
    query = "&".join(f"q{number}=1" for number in range(1200))
    assert api.client.get(f"{path(row['id'])}?{query}").json()["id"] == row["id"]
    assert api.client.get(f"/api/v1/sessions?{query}").status_code == 400


def test_ids_are_the_same_with_the_same_seed() -> None:
    def first(**options: Any) -> str:
        with MockServer(**options) as server:
            row = httpx.post(f"{server.url}/api/v1/sessions", headers=server.headers, json=CHAT).json()
            return str(row["id"])

    assert first(id_seed=7) == first(id_seed=7)
    assert first(id_seed=7) != first(id_seed=8)


def test_the_journal_knows_what_was_called_and_why_it_was_refused() -> None:
    with MockServer() as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        row = client.post("/api/v1/sessions", json={**CHAT, "externalId": "j/1"}).json()
        client.post(f"/api/v1/sessions/{quote('j/1', safe='')}/close", json={"reason": 5})
        client.get("/nowhere")
        journal = next(iter(server.app.environments)).journal
    created, refused, lost = list(journal)
    assert created.session is not None
    assert (created.operation, created.status, created.session.id) == ("createSession", 201, row["id"])
    assert (refused.operation, refused.status, refused.clause) == ("closeSession", 400, "reason.type")
    assert (refused.raw_path, refused.request_body) == (b"/api/v1/sessions/j%2F1/close", b'{"reason":5}')
    assert (lost.operation, lost.status, lost.clause) == (None, 404, "path.unknown")
    assert len(list(journal)) == 3


def test_a_head_that_is_too_large_is_431(api: Api) -> None:
    assert api.get("x", headers={"x-large": "x" * api.contract.head_limit_bytes}).status_code == 431
    assert api.get("x", headers=[(f"x-{n}", "1") for n in range(300)]).status_code == 431


def test_health(api: Api) -> None:
    assert httpx.get(f"{api.server.url}/_adjourn/health").json() == {"status": "ok"}
    assert httpx.get(f"{api.server.url}/_adjourn/nothing").status_code == 404


@pytest.mark.parametrize(
    ("sessions", "message"),
    [
        ({}, "must be an object with an array 'sessions'"),
        ({"sessions": [5]}, "sessions[0]: must be an object"),
        ({"sessions": [{"reason": "x"}]}, "sessions[0].reason: is not a member"),
        ({"sessions": [{"id": "abc"}]}, "sessions[0].id"),
        ({"sessions": [{}, {"externalId": "session_x"}]}, "sessions[1].externalId: may not start with"),
        ({"sessions": [{"externalId": "a"}, {"externalId": "a"}]}, "sessions[1]: has the same id as sessions[0]"),
        ({"sessions": [{"closedReason": "x"}]}, "sessions[0].closedReason: needs a closedAt"),
        ({"sessions": [{"closedAt": "yesterday"}]}, "sessions[0].closedAt"),
        ({"sessions": [{"environment": "test"}]}, "sessions[0].environment: is none of dev, stg, prod"),
        ({"sessions": [{"tags": [1]}]}, "sessions[0].tags[0]"),
    ],
)
def test_a_broken_seed_is_told_with_its_place(sessions: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        MockServer(seed=sessions)
