"""What close owes its callers, in the documented dialect."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sessions_api import CHAT, Api, path

KEY = b"authorization: Bearer tr_dev_adjourn\r\n"


def test_close_records_reason_and_time_and_changes_nothing_else(api: Api) -> None:
    before = api.get(api.fresh(tags=["a"], metadata={"plan": "free"})["id"]).json()
    after = api.close(before["id"], {"reason": "user signed out"}).json()
    assert after["closedReason"] == "user signed out"
    assert after["createdAt"] <= after["closedAt"] <= after["updatedAt"]
    changed = {"closedAt", "closedReason", "updatedAt"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


def test_members_stand_in_the_order_of_the_service(api: Api) -> None:
    assert list(api.close(api.fresh()["id"], {}).json()) == [
        "id",
        "externalId",
        "type",
        "taskIdentifier",
        "triggerConfig",
        "currentRunId",
        "tags",
        "metadata",
        "closedAt",
        "closedReason",
        "expiresAt",
        "createdAt",
        "updatedAt",
    ]


def test_later_closes_answer_the_same_bytes_by_either_id(api: Api) -> None:
    row = api.fresh()
    first = api.close(row["externalId"], {"reason": "first"})
    for key in (row["id"], row["externalId"]):
        for body in ({"reason": "second"}, {}, None):
            again = api.close(key, body)
            assert (again.status_code, again.content) == (200, first.content)
        assert api.get(key).content == first.content


@pytest.mark.parametrize("content", [b"", b"{}", b' { "other" : 1 } '])
def test_without_a_reason_it_is_null(api: Api, content: bytes) -> None:
    row = api.fresh()
    assert api.close(row["id"], content=content).json()["closedReason"] is None


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " ",
        "  padded\t",
        "\r\n",
        "Ünï",
        "e\u0301",
        "\u00e9",
        "🦊",
        '<b>&amp;"\\',
        "\u0000",
        "\u2028",
        "null",
        "%41+",
    ],
)
def test_the_reason_is_kept_as_sent(api: Api, reason: str) -> None:
    row = api.fresh()
    assert api.close(row["id"], {"reason": reason}).json()["closedReason"] == reason
    assert api.get(row["externalId"]).json()["closedReason"] == reason


def test_a_lone_surrogate_survives(api: Api) -> None:
    row = api.fresh()
    answer = api.close(row["id"], content=b'{"reason": "\\ud83d!"}')
    assert answer.json()["closedReason"] == "\ud83d!"
    assert api.get(row["id"]).content == answer.content


def test_the_reason_may_have_as_many_characters_as_the_limit(api: Api) -> None:
    limit = api.contract.reason_max_length
    assert api.close(api.fresh()["id"], {"reason": "x" * limit}).status_code == 200
    assert (
        api.close(api.fresh()["id"], content=json.dumps({"reason": "é" * limit}, ensure_ascii=False)).status_code == 200
    )
    row = api.fresh()
    assert api.close(row["id"], {"reason": "x" * (limit + 1)}).status_code == 400
    assert api.get(row["id"]).json()["closedAt"] is None


@pytest.mark.parametrize("reason", [None, 1, 1.5, True, [], ["x"], {}, {"text": "x"}])
def test_a_reason_that_is_no_string_is_refused_and_leaves_the_session_open(api: Api, reason: Any) -> None:
    row = api.fresh()
    answer = api.close(row["id"], content=json.dumps({"reason": reason}))
    assert answer.status_code == 400
    assert answer.json() == {"error": "Validation error: reason must be a string"}
    assert api.get(row["id"]).json()["closedAt"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"x",
        b'{"reason": "a"} x',
        b"{}{}",
        b"[]",
        b'"x"',
        b"1",
        b"null",
        b"false",
        b"0",
        b'""',
        b"NaN",
        b'{"reason": NaN}',
        b"{'reason': 'a'}",
        b'{"reason": "a",}',
        b'{"reason": "a\x01"}',
        b'{"reason": "\xff"}',
        b"\xef\xbb\xbf{}",
        b" ",
        b"[" * 1000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, content: bytes) -> None:
    row = api.fresh()
    assert api.close(row["id"], content=content).status_code == 400
    assert api.get(row["id"]).json()["closedAt"] is None


@pytest.mark.parametrize(
    "content",
    [
        b'{"closedAt": "x", "id": 1, "callingRunId": "run_1", "externalId": 7}',
        b'{"x": 1e400}',
        b'{"x": 123456789012345678901234567890}',
        b'{"x": ' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"__proto__": {"reason": 1}}',
        b'{"": "\\ud800"}',
    ],
)
def test_unknown_members_are_ignored(api: Api, content: bytes) -> None:
    row = api.fresh()
    answer = api.close(row["id"], content=content)
    assert answer.status_code == 200
    assert answer.json()["id"] == row["id"]
    assert answer.json()["closedReason"] is None


def test_the_last_of_duplicate_members_counts(api: Api) -> None:
    answer = api.close(api.fresh()["id"], content=b'{"reason": 1, "reason": "last"}')
    assert answer.json()["closedReason"] == "last"


def padded(size: int) -> bytes:
    return b'{"reason": "x"' + b" " * (size - 15) + b"}"


def test_the_limit_counts_bytes(api: Api) -> None:
    rule = api.contract.operations["closeSession"].body
    assert rule is not None
    limit = rule.limit_bytes
    assert api.close(api.fresh()["id"], content=padded(limit)).status_code == 200
    assert api.close(api.fresh()["id"], content=padded(limit + 1)).status_code == 413
    emoji = json.dumps({"reason": "🦊" * api.contract.reason_max_length}, ensure_ascii=False).encode()
    assert api.close(api.fresh()["id"], content=emoji).status_code == 413


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 100, 2000])
def test_the_limit_holds_for_chunked_bodies(api: Api, size: int) -> None:
    rule = api.contract.operations["closeSession"].body
    assert rule is not None
    for length, status in ((rule.limit_bytes, b"200"), (rule.limit_bytes + 1, b"413")):
        row = api.fresh()
        head = f"POST {path(row['id'], '/close')} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()
        answer = api.raw(head + KEY + b"\r\n" + chunked(padded(length), size))
        assert answer.split()[1] == status
        assert (api.get(row["id"]).json()["closedAt"] is None) == (status == b"413")


def test_after_an_oversized_body_the_connection_goes_on(api: Api) -> None:
    row = api.fresh()
    large = b"x" * 200_000
    close = f"POST {path(row['id'], '/close')} HTTP/1.1\r\nhost: x\r\n".encode() + KEY
    answer = api.raw(
        close + b"content-length: %d\r\n\r\n" % len(large) + large + close + b"content-length: 2\r\n\r\n{}", answers=2
    )
    assert [part.split()[0] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"413", b"200"]


def test_an_endless_chunked_body_is_refused_before_it_ends(api: Api) -> None:
    row = api.fresh()
    head = f"POST {path(row['id'], '/close')} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n".encode()
    assert api.raw(head + KEY + b"\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n" + b"1\r\nx\r\n").split()[1] == b"413"


def test_an_expired_session_can_be_closed(api: Api) -> None:
    row = api.fresh(expiresAt="2020-01-01T00:00:00Z")
    assert api.close(row["id"], {"reason": "late"}).json()["closedReason"] == "late"


def test_a_closed_session_stays_closed(api: Api) -> None:
    row = api.fresh()
    closed = api.close(row["id"], {"reason": "done"}).json()
    assert api.create(row["externalId"]).status_code == 409
    updated = api.update(row["id"], {"metadata": {"after": 1}}).json()
    assert {k: updated[k] for k in ("closedAt", "closedReason")} == {k: closed[k] for k in ("closedAt", "closedReason")}
    assert api.get(row["id"]).json() == updated
    assert api.close(row["id"], {"reason": "again"}).json() == updated


def test_of_concurrent_closes_one_wins(api: Api) -> None:
    for _ in range(5):
        row = api.fresh()
        keys = [row["id"], row["externalId"]]
        with ThreadPoolExecutor(16) as pool:
            closes = [pool.submit(api.close, keys[n % 2], {"reason": f"r{n}"}) for n in range(16)]
            answers = [close.result().content for close in closes]
        assert len(set(answers)) == 1
        assert api.get(row["id"]).content == answers[0]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_405_with_allow_and_no_effect(api: Api, method: str) -> None:
    row = api.fresh()
    answer = api.client.request(method, path(row["id"], "/close"), content=b"{}" if method != "HEAD" else None)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or "error" in answer.json()
    assert api.get(row["id"]).json()["closedAt"] is None


def test_unknown_is_404(api: Api) -> None:
    for key in ("nobody", "session_nobody", "session_", "Session_x"):
        answer = api.close(key, {})
        assert (answer.status_code, answer.json()) == (404, {"error": "Session not found"})


@pytest.mark.parametrize(
    "key",
    [
        "Ünï/1?a=b#c d+e%20",
        "a/b",
        "a%2Fb",
        "%",
        "100% sure",
        "a+b",
        "a b",
        "a\\b",
        "🦊",
        "e\u0301",
        ";x=1",
        "a:b@c",
        "Session_1",
        "sessions1",
        "my_session_1",
        "x" * 256,
        "close",
        "a\tb",
        "'\"<>",
        "%00",
        "%252F",
        "null",
    ],
)
def test_odd_external_ids_mean_exactly_their_session(api: Api, key: str) -> None:
    created = api.create(key)
    assert created.status_code == 201
    assert api.get(key).json()["externalId"] == key
    assert api.close(key, {"reason": key[:20]}).json()["id"] == created.json()["id"]


def test_ids_that_differ_a_little_are_others(api: Api) -> None:
    row = api.create("Chat/é").json()
    for key in (
        "chat/é",
        "Chat/e\u0301",
        " Chat/é",
        "Chat/é ",
        "Chat",
        "Chat%2Fé",
        "Chat/é/",
        row["id"].upper(),
        row["id"] + "x",
        row["id"][:-1],
        row["id"].removeprefix("session_"),
        " " + row["id"],
    ):
        assert api.close(key, {}).status_code == 404, key
    assert api.get(row["id"]).json()["closedAt"] is None


def test_dot_segments_are_ids_like_any_other(api: Api) -> None:
    for key in ("..", "."):
        api.create(key)
        answer = api.raw(f"POST /api/v1/sessions/{key}/close HTTP/1.1\r\nhost: x\r\n".encode() + KEY + b"\r\n")
        assert answer.split()[1] == b"200"


def test_a_plus_sign_and_lower_case_hex_are_decoded_as_in_rfc_3986(api: Api) -> None:
    api.create("p+q/ü")
    answer = api.raw(b"POST /api/v1/sessions/p+q%2f%c3%bc/close HTTP/1.1\r\nhost: x\r\n" + KEY + b"\r\n")
    assert answer.split()[1] == b"200"


@pytest.mark.parametrize("segment", [b"%ZZ", b"%", b"%2", b"%FF", b"%C3%28", b"%ED%A0%80", b"%C0%AF"])
def test_a_path_that_is_no_percent_encoded_utf8_is_400(api: Api, segment: bytes) -> None:
    answer = api.raw(b"POST /api/v1/sessions/" + segment + b"/close HTTP/1.1\r\nhost: x\r\n" + KEY + b"\r\n")
    assert answer.split()[1] == b"400"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/api",
        "/api/v1/sessions/",
        "/api/v1/sessions//close",
        "/api/v1/sessions/x/close/",
        "/API/v1/sessions",
        "/api/v1/sessions/x/y",
        "/api/v1/sessions/x/y/close",
        "/favicon.ico",
    ],
)
def test_other_paths_are_404(api: Api, target: str) -> None:
    answer = api.client.post(target)
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_refusals_come_in_the_order_of_the_contract(api: Api) -> None:
    large, bad, unknown = b"x" * 2000, b"{", "nobody"
    wrong = {"Authorization": "Bearer tr_dev_wrong"}
    token = {"Authorization": f"Bearer {api.fresh()['publicAccessToken']}"}
    statuses = [
        api.client.get(path(unknown, "/close"), headers=wrong).status_code,
        api.close(unknown, content=large, headers=wrong).status_code,
        api.close(unknown, content=large, headers=token).status_code,
        api.close(unknown, content=bad, headers=token).status_code,
        api.close(unknown, {}, headers=token).status_code,
        api.close(unknown, {}).status_code,
    ]
    assert statuses == [405, 401, 413, 400, 403, 404]


def test_the_mock_serves_any_asgi_host(api: Api) -> None:
    import anyio

    from adjourn import create_app

    async def live() -> int:
        transport = httpx.ASGITransport(create_app())
        headers = {"Authorization": "Bearer tr_dev_adjourn"}
        async with httpx.AsyncClient(transport=transport, base_url="http://mock", headers=headers) as client:
            await client.post("/api/v1/sessions", json={**CHAT, "externalId": "a/b"})
            return (await client.post("/api/v1/sessions/a%2Fb/close", json={})).status_code

    assert anyio.run(live) == 200
