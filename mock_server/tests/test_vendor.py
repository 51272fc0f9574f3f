"""The `server` dialect: how requests are admitted, checked and answered, as a table."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from raw_requests import AUTH, CLOSE, WRONG, ask
from sessions_api import Api, path

SESSIONS = "/api/v1/sessions"
OUT = "/realtime/v1/sessions/nobody/out"
PROBLEM = "application/problem+json; charset=utf-8"
LONG = b"x" * 2000

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


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/realtime/v1/sessions/nobody/in/append"),
        ("GET", "/realtime/v1/sessions/session_nobody/in"),
        ("GET", "/realtime/v1/sessions/session_nobody/in/records"),
    ],
)
def test_a_channel_of_an_unknown_session_is_404_and_not_to_be_retried(vendor: Api, method: str, target: str) -> None:
    seen = ask(vendor, method, target, body=b"{}" if method == "POST" else None)
    assert (seen.status, seen.error, seen.headers["x-should-retry"]) == (404, "Not found", "false")


def test_the_state_of_a_session_comes_before_the_rule_of_the_channel_out(vendor: Api) -> None:
    row, other = vendor.fresh(), vendor.fresh()
    headers = {"Authorization": f"Bearer {row['publicAccessToken']}"}
    target = "/realtime/v1/sessions/{}/out/append"
    assert vendor.client.post(target.format(row["id"]), content="x", headers=headers).status_code == 403
    vendor.close(row["id"], {})
    vendor.close(other["id"], {})
    assert vendor.client.post(target.format(row["id"]), content="x", headers=headers).status_code == 409
    assert vendor.client.post(target.format(other["id"]), content="x", headers=headers).status_code == 403


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
