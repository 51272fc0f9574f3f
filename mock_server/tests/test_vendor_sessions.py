"""The `server` dialect: what the operations do with sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from raw_requests import AUTH, ask
from sessions_api import CHAT, Api


def test_the_first_close_changes_three_members_and_later_ones_none(vendor: Api) -> None:
    before = vendor.get(vendor.fresh()["id"]).json()
    first = vendor.close(before["externalId"], {"reason": ""})
    after = first.json()
    assert {name for name in before if before[name] != after[name]} <= {"closedAt", "closedReason", "updatedAt"}
    assert after["closedReason"] == ""
    assert vendor.close(before["id"], {"reason": "later"}).content == first.content


def test_a_create_refused_for_a_closed_session_changes_nothing(vendor: Api) -> None:
    row = vendor.fresh()
    closed = vendor.close(row["id"], {}).json()
    refused = vendor.create(row["externalId"], triggerConfig={"basePayload": {"late": 1}})
    error = "Session is closed; use a different externalId to create a new session"
    assert (refused.status_code, refused.json()) == (409, {"error": error})
    assert vendor.get(row["id"]).json() == closed


@pytest.mark.parametrize("external_id", ["a:channels:b", "a:in", "a:out"])
def test_an_external_id_that_names_a_channel_is_422(vendor: Api, external_id: str) -> None:
    assert vendor.create(external_id).status_code == 422
    assert vendor.get(external_id).status_code == 404


def test_members_of_trigger_config_that_are_not_known_are_dropped(vendor: Api) -> None:
    row = vendor.create("unknown-members", triggerConfig={"basePayload": {"a": 1}, "queue": "q", "ttl": "1h"}).json()
    assert row["triggerConfig"] == {"basePayload": {"a": 1}, "queue": "q"}


def test_a_calling_run_id_that_is_not_a_string_is_400(vendor: Api) -> None:
    row = vendor.fresh()
    assert vendor.close(row["id"], {"callingRunId": 5}).status_code == 400
    assert vendor.close(row["id"], {"callingRunId": "run_1"}).status_code == 200


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "2020-01-01", None, 5, "Wed, 01 Jan 2020 00:00:00 GMT"])
def test_a_create_that_has_expired_is_409_and_leaves_a_row(vendor: Api, expires_at: Any) -> None:
    external_id = f"late {expires_at}"
    for refused in (vendor.create(external_id, expiresAt=expires_at), vendor.create(external_id)):
        error = "Session is expired; use a different externalId to create a new session"
        assert (refused.status_code, refused.json()) == (409, {"error": error})
    row = vendor.get(external_id).json()
    assert row["expiresAt"] < row["createdAt"]
    assert vendor.close(external_id, {}).status_code == 200


@pytest.mark.parametrize("expires_at", ["2099", "Jan 1 2099", "2099-01-01 EST", ["2099-01-01"]])
def test_an_expiry_is_read_as_javascript_reads_dates(vendor: Api, expires_at: Any) -> None:
    row = vendor.create(None, expiresAt=expires_at).json()
    assert row["expiresAt"].startswith("2099-01-01T")


@pytest.mark.parametrize("expires_at", ["1e400", '"2099-01-01T23:59:60Z"', '"20990101"', "1e15"])
def test_an_expiry_that_is_not_a_date_is_400(vendor: Api, expires_at: str) -> None:
    body = json.dumps({**CHAT, "expiresAt": 0}).replace(": 0}", f": {expires_at}}}")
    assert vendor.client.post("/api/v1/sessions", content=body).status_code == 400


def test_json_values_come_back_as_javascript_prints_them(vendor: Api) -> None:
    text = '{"b": [1.0, 1e21, 1e400], "10": -0.0, "9": 9007199254740993, "__proto__": {"a": 1}}'
    body = json.dumps({**CHAT, "metadata": 0}).replace('"metadata": 0', f'"metadata": {text}')
    created = vendor.client.post("/api/v1/sessions", content=body)
    printed = '"metadata":{"9":9007199254740992,"10":0,"b":[1,1e+21,null]}'
    assert printed in created.text
    assert printed in vendor.client.get(f"/api/v1/sessions/{created.json()['id']}").text
    assert printed in vendor.client.get("/api/v1/sessions").text


def test_create_refuses_with_400(vendor: Api) -> None:
    assert vendor.client.post("/api/v1/sessions", json={**CHAT, "type": ""}).status_code == 400
    assert vendor.create("session_reserved").status_code == 400
    assert vendor.create(None, expiresAt="soon").status_code == 400


def test_create_needs_a_length(vendor: Api) -> None:
    assert ask(vendor, "POST", "/api/v1/sessions", AUTH, None).status == 413


def test_update_touches_closed_sessions_and_refuses_another_external_id(vendor: Api) -> None:
    row = vendor.fresh()
    closed = vendor.close(row["id"], {}).json()
    assert vendor.update(row["id"], {}).json() == closed
    assert vendor.update(row["id"], {"tags": ["after"]}).json()["tags"] == ["after"]
    refused = vendor.update(row["id"], {"externalId": "x"})
    assert refused.status_code == 422
    assert refused.json()["error"].startswith("externalId cannot be changed after creation; close this session")
    assert vendor.update(row["id"], {"tags": "x"}).status_code == 400


@pytest.mark.parametrize("external_id", ["", " ", "session_x", "x" * 257])
def test_update_refuses_an_external_id_that_create_refuses(vendor: Api, external_id: str) -> None:
    refused = vendor.update(vendor.fresh()["id"], {"externalId": external_id})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("Validation error")


def test_update_takes_the_external_id_of_the_session_with_white_space_around_it(vendor: Api) -> None:
    row = vendor.fresh()
    assert vendor.update(row["id"], {"externalId": f" {row['externalId']} "}).status_code == 200


def test_list_refuses_joined_states_and_takes_other_joined_values_literally(vendor: Api) -> None:
    row = vendor.fresh(type="a,b")
    answer = vendor.client.get("/api/v1/sessions?filter[status]=ACTIVE,CLOSED")
    assert (answer.status_code, answer.json()["error"]) == (400, "Query Error")
    assert isinstance(answer.json()["details"], list)
    assert vendor.client.get("/api/v1/sessions?filter[type]=x,y").json()["data"] == []
    assert vendor.client.get("/api/v1/sessions?filter[externalId]=no&filter[externalId]=" + row["externalId"]).json()[
        "data"
    ]


def test_cursors_are_ids_without_the_prefix(vendor: Api) -> None:
    vendor.fresh(), vendor.fresh()
    page = vendor.client.get("/api/v1/sessions?page[size]=1").json()
    assert page["pagination"]["next"] == page["data"][0]["id"].removeprefix("session_")
    assert page["data"][0]["currentRunId"].startswith("run_")


def test_objects_come_back_with_shorter_names_first(vendor: Api) -> None:
    row = vendor.fresh(metadata={"bbb": 1, "aa": {"z": 1, "y": 2}, "c": 3})
    assert list(row["metadata"]) == ["c", "aa", "bbb"]
    assert list(row["metadata"]["aa"]) == ["y", "z"]
