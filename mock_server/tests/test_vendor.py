"""The `server` dialect: what the vendor's server was seen to do, as a table."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import httpx
import jwt
import pytest
from sessions_api import CHAT, Api, path

from adjourn_mock import DEFAULT_KEYS, MockServer

AUTH = b"authorization: Bearer tr_dev_adjourn\r\n"
WRONG = b"authorization: Bearer tr_dev_wrong\r\n"


class Seen(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


def ask(api: Api, method: str, target: str, head: bytes = AUTH, body: bytes | None = b"{}") -> Seen:
    length = b"" if body is None else b"content-length: %d\r\n" % len(body)
    answer = api.raw(f"{method} {target} HTTP/1.1\r\nhost: x\r\n".encode() + head + length + b"\r\n" + (body or b""))
    lines, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = lines.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Seen(int(first.split()[1]), headers, content)


CLOSE = "/api/v1/sessions/nobody/close"
OUT = "/realtime/v1/sessions/nobody/out"
PROBLEM = "application/problem+json; charset=utf-8"
LONG = b"x" * 2000
PAT = "token of the session"

# Method, target, head, body, and what comes back: status, media type, error or body. The first that applies wins.
ORDER = [
    ("trailing slash, no credentials", "POST", CLOSE + "/", b"", LONG, 301, None, None),
    ("trailing slash, any method", "DELETE", CLOSE + "/", b"", None, 301, None, None),
    ("two slashes at the end", "POST", CLOSE + "//", b"", LONG, 301, "text/plain; charset=utf-8", None),
    ("options, no credentials", "OPTIONS", CLOSE, b"", None, 200, None, "{}"),
    ("options of an unknown path", "OPTIONS", "/nowhere", b"", None, 405, None, "Method not allowed"),
    ("an expectation", "POST", CLOSE, AUTH + b"expect: more\r\n", b"{}", 417, None, ""),
    (
        "no credentials before 405",
        "GET",
        CLOSE,
        b"",
        None,
        401,
        PROBLEM,
        "No authorization header provided",
    ),
    ("no credentials before unknown paths", "GET", "/api/nowhere", b"", None, 401, PROBLEM, None),
    ("no credentials outside /api", "GET", "/nowhere", b"", None, 404, "text/html; charset=utf-8", None),
    ("no credentials in capitals", "POST", CLOSE.upper(), b"", b"{}", 401, None, "Invalid or Missing API key"),
    ("no credentials of a channel", "GET", OUT, b"", None, 401, None, "Invalid or Missing API key"),
    ("undecodable path", "POST", "/api/v1/sessions/%ZZ/close", WRONG, LONG, 400, "text/html; charset=utf-8", None),
    ("undecodable bytes", "POST", "/api/v1/sessions/%FF/close", WRONG, LONG, 400, "text/html; charset=utf-8", None),
    ("no such route", "POST", "/api/v1/sessions//close", WRONG, LONG, 404, "text/html; charset=utf-8", None),
    ("extra segment", "POST", "/api/v1/sessions/a/b/close", WRONG, LONG, 404, "text/html; charset=utf-8", None),
    ("GET is 405 with nothing", "GET", CLOSE, WRONG, None, 405, None, ""),
    ("other methods before a wrong key", "PUT", CLOSE, WRONG, LONG, 405, None, "Method not allowed"),
    ("wrong key before the body", "POST", CLOSE, WRONG, LONG, 401, None, "Invalid API key"),
    ("bad token", "POST", CLOSE, b"authorization: Bearer a.b.c\r\n", LONG, 401, None, "Public Access Token is invalid"),
    ("no length", "POST", CLOSE, AUTH, None, 413, None, "Request body too large"),
    ("too long", "POST", CLOSE, AUTH, LONG, 413, None, "Request body too large"),
    ("empty", "POST", CLOSE, AUTH, b"", 400, None, "Request body is empty"),
    ("not JSON", "POST", CLOSE, AUTH, b"{", 400, None, "Invalid JSON"),
    ("null", "POST", CLOSE, AUTH, b"null", 400, None, "Invalid JSON"),
    ("zero", "POST", CLOSE, AUTH, b"0", 400, None, "Invalid JSON"),
    ("false", "POST", CLOSE, AUTH, b"false", 400, None, "Invalid JSON"),
    ("empty string", "POST", CLOSE, AUTH, b'""', 400, None, "Invalid JSON"),
    ("array", "POST", CLOSE, AUTH, b"[]", 400, None, re.compile("Validation error: ")),
    ("reason null", "POST", CLOSE, AUTH, b'{"reason": null}', 400, None, re.compile("Validation error: ")),
    ("unknown", "POST", CLOSE, AUTH, b"{}", 404, None, "Session not found"),
    ("fixed parts in any case", "POST", "/API/v1/Sessions/nobody/CLOSE", AUTH, b"{}", 404, None, "Session not found"),
    ("U+0000 in the id", "POST", "/api/v1/sessions/a%00/close", AUTH, b"{}", 500, None, re.compile(".")),
    ("retrieve of unknown", "GET", "/api/v1/sessions/nobody", AUTH, None, 404, None, "Not found"),
    ("a bare key", "POST", CLOSE, b"authorization: tr_dev_adjourn\r\n", b"{}", 404, None, "Session not found"),
    (
        "more spaces",
        "POST",
        CLOSE,
        b"authorization: Bearer   tr_dev_adjourn\r\n",
        b"{}",
        404,
        None,
        "Session not found",
    ),
    (
        "lower case scheme",
        "POST",
        CLOSE,
        b"authorization: bearer tr_dev_adjourn\r\n",
        b"{}",
        401,
        None,
        "Invalid API key",
    ),
    ("basic", "POST", CLOSE, b"authorization: Basic dHI=\r\n", b"{}", 401, None, "Invalid API key"),
    ("the first of two counts", "POST", CLOSE, AUTH + WRONG, b"{}", 404, None, "Session not found"),
    ("the first of two counts, wrong", "POST", CLOSE, WRONG + AUTH, b"{}", 401, None, "Invalid API key"),
    ("branch", "POST", CLOSE, AUTH + b"x-trigger-branch: b\r\n", b"{}", 401, None, "No matching branch env"),
    ("branch default", "POST", CLOSE, AUTH + b"x-trigger-branch: default\r\n", b"{}", 404, None, "Session not found"),
    (
        "media type is not looked at",
        "POST",
        CLOSE,
        AUTH + b"content-type: text/plain\r\n",
        b"{}",
        404,
        None,
        "Session not found",
    ),
]


@pytest.mark.parametrize(
    ("method", "target", "head", "body", "status", "media", "said"), [r[1:] for r in ORDER], ids=[r[0] for r in ORDER]
)
def test_order_of_checks(
    vendor: Api, method: str, target: str, head: bytes, body: bytes | None, status: int, media: str | None, said: Any
) -> None:
    seen = ask(vendor, method, target, head, body)
    assert seen.status == status
    if media is not None:
        assert seen.headers["content-type"] == media
    if isinstance(said, re.Pattern):
        assert said.match(seen.error)
    elif said in ("", "{}"):
        assert seen.body.decode() == said
    elif said is not None:
        assert seen.error == said


def test_a_trailing_slash_is_redirected_with_its_query(vendor: Api) -> None:
    seen = ask(vendor, "GET", "/api/v1/sessions/?page[size]=1")
    assert seen.headers["location"] == "/api/v1/sessions?page[size]=1"
    assert seen.body == b"Moved Permanently. Redirecting to /api/v1/sessions?page[size]=1"
    assert ask(vendor, "GET", "/api/v1/sessions//").headers["location"] == "/api/v1/sessions/"


SESSIONS = "/api/v1/sessions"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", f"{SESSIONS}/.", 200),
        ("GET", f"{SESSIONS}/..", 404),
        ("POST", f"{SESSIONS}/./close", 405),
        ("POST", f"{SESSIONS}/%2e/close", 405),
        ("POST", f"{SESSIONS}/x/%2E%2e/KEY/close", 200),
        ("POST", f"{SESSIONS}\\KEY\\close", 200),
        ("POST", f"{SESSIONS}/KEY/clos%65", 200),
        ("GET", "/api/v1/sess%69ons/KEY", 200),
        ("OPTIONS", f"{SESSIONS}/./KEY", 200),
    ],
)
def test_a_path_is_resolved_as_that_of_a_url(vendor: Api, method: str, target: str, status: int) -> None:
    target = target.replace("KEY", vendor.fresh()["id"])
    assert ask(vendor, method, target, body=b"{}" if method == "POST" else None).status == status


def test_a_head_over_its_limit_is_431(vendor: Api) -> None:
    assert ask(vendor, "POST", CLOSE, AUTH + b"x: " + b"x" * 17_000 + b"\r\n").status == 431


def test_missing_credentials_are_reported_as_a_problem(vendor: Api) -> None:
    assert set(json.loads(ask(vendor, "POST", CLOSE, b"").body)) == {"title", "status", "type", "detail", "error"}


def test_405_has_allow_and_json_but_for_get_and_head(vendor: Api) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        seen = ask(vendor, method, CLOSE)
        assert (seen.status, seen.headers["allow"], seen.error) == (405, "POST", "Method not allowed")
    for method in ("GET", "HEAD"):
        seen = ask(vendor, method, CLOSE, body=None)
        assert (seen.status, seen.body, "allow" in seen.headers) == (405, b"", False)
        assert "content-type" not in seen.headers
    browsers = ask(vendor, "GET", CLOSE, AUTH + b"origin: https://a.example\r\n", None)
    assert not [name for name in browsers.headers if name.startswith("access-control")]


@pytest.mark.parametrize("target", ["/api/v1/sessions", "/api/v1/sessions/{}", "/realtime/v1/sessions/{}/out/records"])
def test_head_answers_as_get_without_a_body(vendor: Api, target: str) -> None:
    target = target.format(vendor.fresh()["externalId"])
    answer = vendor.client.head(target)
    assert (answer.status_code, answer.content) == (200, b"")
    assert vendor.client.head(target, headers={"Authorization": "Bearer tr_dev_wrong"}).status_code == 401


def test_head_of_a_stream_states_the_first_place(vendor: Api) -> None:
    for key in (vendor.fresh()["id"], "nobody"):
        answer = vendor.client.head(f"/realtime/v1/sessions/{key}/out")
        assert (answer.status_code, answer.headers["x-last-chunk-index"], answer.content) == (200, "0", b"")
    assert vendor.client.head("/realtime/v1/sessions/session_nobody/out").status_code == 404


def test_a_head_may_have_many_lines(vendor: Api) -> None:
    assert ask(vendor, "GET", "/api/v1/sessions", AUTH + b"x: y\r\n" * 500, None).status == 200


def test_options_has_the_headers_of_cors(vendor: Api) -> None:
    seen = ask(vendor, "OPTIONS", CLOSE, b"origin: https://a.example\r\n", None)
    assert seen.headers["access-control-allow-origin"] == "https://a.example"
    assert seen.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
    assert seen.headers["access-control-max-age"] == "300"
    assert "access-control-allow-headers" not in seen.headers
    asked = ask(vendor, "OPTIONS", CLOSE, b"access-control-request-headers: authorization\r\n", None)
    assert asked.headers["access-control-allow-headers"] == "authorization"


def test_rate_headers_stand_past_missing_credentials(vendor: Api) -> None:
    assert "x-ratelimit-remaining" in ask(vendor, "POST", CLOSE).headers
    assert "x-ratelimit-remaining" in ask(vendor, "GET", CLOSE, body=None).headers
    assert "x-ratelimit-remaining" not in ask(vendor, "POST", CLOSE, b"").headers


def test_answers_name_their_charset(vendor: Api) -> None:
    assert vendor.close(vendor.fresh()["id"], {}).headers["content-type"] == "application/json; charset=utf-8"
    assert vendor.close("nobody", {}).headers["content-type"] == "application/json; charset=utf-8"


def test_every_chunked_body_is_413(vendor: Api) -> None:
    row = vendor.fresh()
    head = AUTH + b"transfer-encoding: chunked\r\n"
    seen = ask(vendor, "POST", path(row["id"], "/close"), head, None)
    assert seen.status == 413
    assert vendor.get(row["id"]).json()["closedAt"] is None


@pytest.mark.parametrize(
    ("reason", "status"),
    [("x" * 256, 200), ("x" * 257, 400), ("🦊" * 128, 200), ("🦊" * 129, 400), ("🦊" * 256, 413), ("é" * 256, 200)],
)
def test_reasons_are_counted_in_utf16_code_units(vendor: Api, reason: str, status: int) -> None:
    body = json.dumps({"reason": reason}, ensure_ascii=False).encode()
    assert vendor.close(vendor.fresh()["id"], content=body).status_code == status


def test_bad_utf8_becomes_replacement_characters_and_a_byte_order_mark_is_dropped(vendor: Api) -> None:
    assert vendor.close(vendor.fresh()["id"], content=b'{"reason": "a\xffb"}').json()["closedReason"] == "a\ufffdb"
    assert vendor.close(vendor.fresh()["id"], content=b'\xef\xbb\xbf{"reason": "x"}').json()["closedReason"] == "x"


@pytest.mark.parametrize("reason", [b"a\\u0000", b"\\ud800"])
def test_what_the_database_refuses_is_500_while_open_and_200_once_closed(vendor: Api, reason: bytes) -> None:
    row = vendor.fresh()
    body = b'{"reason": "%s"}' % reason
    failed = vendor.close(row["id"], content=body)
    assert (failed.status_code, failed.json()) == (500, {"error": "Internal Server Error"})
    assert vendor.get(row["id"]).json()["closedAt"] is None
    closed = vendor.close(row["id"], {})
    assert vendor.close(row["id"], content=body).content == closed.content


def test_the_text_2f_in_an_id_cannot_be_addressed(vendor: Api) -> None:
    vendor.create("a%2Fb")
    assert vendor.get("a%2Fb").status_code == 404
    vendor.create("a/b")
    assert ask(vendor, "GET", "/api/v1/sessions/a%252Fb", body=None).status == 200


def test_retrieve_of_an_unknown_session_says_not_to_retry_and_comes_before_403(vendor: Api) -> None:
    token = f"authorization: Bearer {vendor.fresh()['publicAccessToken']}\r\n".encode()
    seen = ask(vendor, "GET", "/api/v1/sessions/nobody", token, None)
    assert (seen.status, seen.headers["x-should-retry"], seen.error) == (404, "false", "Not found")
    other = vendor.fresh()
    assert ask(vendor, "GET", path(other["id"]), token, None).status == 403


def test_a_token_of_no_known_environment_is_told_apart(vendor: Api) -> None:
    claims = dict(jwt.decode(vendor.fresh()["publicAccessToken"], options={"verify_signature": False}))
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode({**claims, "sub": "nobody"}, DEFAULT_KEYS[0])
    assert (
        ask(vendor, "POST", CLOSE, f"authorization: Bearer {token}\r\n".encode()).error == "Invalid Public Access Token"
    )


GONE = object()
CLAIMS: list[tuple[str, dict[str, Any], int]] = [
    ("no expiry", {"exp": GONE}, 200),
    ("expired", {"exp": 1}, 401),
    ("no issuer", {"iss": GONE}, 401),
    ("another issuer", {"iss": "https://id.example"}, 401),
    ("no audience", {"aud": GONE}, 401),
    ("another audience", {"aud": "https://api.example"}, 401),
    ("begins later", {"nbf": 4_000_000_000}, 401),
    ("has begun", {"nbf": 1}, 200),
    ("nbf is a text", {"nbf": "1"}, 401),
    ("iat is a text", {"iat": "1"}, 401),
    ("iat is null", {"iat": None}, 401),
    ("no iat", {"iat": GONE}, 200),
    ("no scopes", {"scopes": GONE}, 403),
    ("scopes are null", {"scopes": None}, 403),
    ("scopes are a text", {"scopes": "read:sessions"}, 403),
]


def with_claims(api: Api, changes: dict[str, Any], algorithm: str = "HS256") -> tuple[str, dict[str, str]]:
    """An externalId, and the headers with the token of its session, in which claims are changed."""
    row = api.fresh()
    claims = {**jwt.decode(row["publicAccessToken"], options={"verify_signature": False}), **changes}
    payload = json.dumps({name: claim for name, claim in claims.items() if claim is not GONE}).encode()
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.PyJWS().encode(payload, DEFAULT_KEYS[0], algorithm)
    return row["externalId"], {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("changes", "status"), [case[1:] for case in CLAIMS], ids=[case[0] for case in CLAIMS])
def test_the_claims_of_a_token_decide(vendor: Api, changes: dict[str, Any], status: int) -> None:
    external_id, headers = with_claims(vendor, changes)
    assert vendor.get(external_id, headers=headers).status_code == status


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_any_hmac_signs_a_token(vendor: Api, algorithm: str) -> None:
    external_id, headers = with_claims(vendor, {}, algorithm)
    assert vendor.get(external_id, headers=headers).status_code == 200


@pytest.mark.parametrize("public", [GONE, False, 1])
def test_a_token_that_is_not_public_counts_as_a_key(vendor: Api, public: Any) -> None:
    external_id, headers = with_claims(vendor, {"pub": public})
    answer = vendor.get(external_id, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "Invalid API key")


def test_the_header_of_a_token_has_the_algorithm_alone(vendor: Api) -> None:
    assert jwt.get_unverified_header(vendor.fresh()["publicAccessToken"]) == {"alg": "HS256"}


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("admin", 200),
        ("admin:all", 200),
        ("admin:sessions", 200),
        ("*:sessions", 200),
        ("*:all", 200),
        ("admin:sessions:{url}", 200),
        ("admin:sessions:{id}", 403),
        ("write:sessions", 403),
        ("write:sessions:{url}", 403),
        ("read:sessions:{url}", 403),
    ],
)
def test_admin_scopes_on_the_id_in_the_url_close(vendor: Api, scope: str, status: int) -> None:
    row = vendor.fresh()
    claims = dict(jwt.decode(row["publicAccessToken"], options={"verify_signature": False}))
    scopes = [scope.format(url=row["externalId"], id=row["id"])]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode({**claims, "scopes": scopes}, DEFAULT_KEYS[0])
    headers = {"Authorization": f"Bearer {token}"}
    assert vendor.close(row["externalId"], {}, headers=headers).status_code == status
    if status == 403:
        unknown = vendor.close("nobody", {}, headers=headers)
        assert unknown.status_code == 403


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


def test_a_preview_key_needs_a_branch() -> None:
    with (
        MockServer(secret_keys=["tr_preview_x"], dialect="server") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        headers = {"Authorization": "Bearer tr_preview_x"}
        assert client.get("/api/v1/sessions", headers=headers).status_code == 401
        assert client.get("/api/v1/sessions", headers={**headers, "x-trigger-branch": "b"}).status_code == 200
