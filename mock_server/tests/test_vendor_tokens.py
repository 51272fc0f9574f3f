"""The `server` dialect: keys, branches, and the claims of public access tokens."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jwt
import pytest
from raw_requests import CLOSE, ask
from sessions_api import Api

from adjourn_mock import DEFAULT_KEYS, MockServer


def test_a_token_of_no_known_environment_has_its_own_error(vendor: Api) -> None:
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


def test_a_preview_key_needs_a_branch() -> None:
    with (
        MockServer(secret_keys=["tr_preview_x"], dialect="server") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        headers = {"Authorization": "Bearer tr_preview_x"}
        assert client.get("/api/v1/sessions", headers=headers).status_code == 401
        assert client.get("/api/v1/sessions", headers={**headers, "x-trigger-branch": "b"}).status_code == 200
