"""Who may call, and what each environment sees."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from sessions_api import Api, path

from adjourn_mock import DEFAULT_KEYS


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, "none")


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "bearer",
        "bearer tr_dev_adjournx",
        "Basic dHJfZGV2X2Fkam91cm46",
        "tr_dev_adjourn",
        "Token tr_dev_adjourn",
        "Bearer tr_dev_adjournx",
        "Bearer tr_dev_adjour",
        "Bearer TR_DEV_ADJOURN",
        "Bearer xtr_dev_adjourn",
        "Bearer tr_dev_adjourn, Bearer tr_dev_adjourn",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer eyJhbGciOiJIUzI1NiJ9.bnVsbA.x",
    ],
)
def test_other_credentials_are_401_and_change_nothing(api: Api, value: str) -> None:
    row = api.fresh()
    answer = api.close(row["id"], {}, headers={"Authorization": value})
    assert answer.status_code == 401
    assert isinstance(answer.json()["error"], str)
    assert "adjourn" not in answer.text
    assert api.get(row["id"]).json()["closedAt"] is None


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_the_scheme_is_bearer_in_any_letter_case(api: Api, scheme: str) -> None:
    row = api.fresh()
    assert api.close(row["id"], {}, headers={"Authorization": f"{scheme} tr_dev_adjourn"}).status_code == 200


def test_no_credentials_are_401(api: Api) -> None:
    request = api.client.build_request("POST", path("x", "/close"), json={})
    del request.headers["authorization"]
    assert api.client.send(request).status_code == 401


def test_an_environment_sees_its_own_sessions_only(api: Api) -> None:
    row = api.fresh()
    others = {"Authorization": f"Bearer {DEFAULT_KEYS[1]}"}
    for key in (row["id"], row["externalId"]):
        assert api.get(key, headers=others).status_code == 404
        assert api.close(key, {}, headers=others).status_code == 404
    assert api.get(row["id"]).json()["closedAt"] is None
    twin = api.client.post(
        "/api/v1/sessions",
        json={k: row[k] for k in ("type", "taskIdentifier", "triggerConfig", "externalId")},
        headers=others,
    )
    assert twin.status_code == 201
    assert api.close(row["externalId"], {}, headers=others).json()["id"] == twin.json()["id"]
    assert api.get(row["externalId"]).json()["closedAt"] is None


def test_the_public_access_token_is_a_jwt_as_the_service_makes_it(api: Api) -> None:
    row = api.fresh()
    claims = claims_of(row["publicAccessToken"])
    assert jwt.get_unverified_header(row["publicAccessToken"])["alg"] == "HS256"
    assert claims["scopes"] == [f"read:sessions:{row['externalId']}", f"write:sessions:{row['externalId']}"]
    assert claims["pub"] is True
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["iss"], claims["aud"]) == ("https://id.trigger.dev", "https://api.trigger.dev")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        jwt.decode(row["publicAccessToken"], DEFAULT_KEYS[0], ["HS256"], audience=claims["aud"])


def test_a_public_access_token_reads_its_session_and_does_nothing_else(api: Api) -> None:
    row, other = api.fresh(), api.fresh()
    token = {"Authorization": f"Bearer {row['publicAccessToken']}"}
    for key in (row["id"], row["externalId"]):
        assert api.get(key, headers=token).status_code == 200
        refused = api.close(key, {}, headers=token)
        assert refused.status_code == 403
        assert refused.json() == {
            "error": "Unauthorized",
            "code": "unauthorized",
            "param": "access_token",
            "type": "authorization",
        }
        assert api.client.patch(path(key), json={}, headers=token).status_code == 403
    assert api.get(other["id"], headers=token).status_code == 403
    assert api.client.get("/api/v1/sessions", headers=token).status_code == 403
    assert api.client.post("/api/v1/sessions", json={**row, "metadata": {}}, headers=token).status_code in (403, 422)
    assert api.get(row["id"]).json()["closedAt"] is None


def test_a_token_that_is_not_good_is_401(api: Api) -> None:
    row = api.fresh()
    claims = claims_of(row["publicAccessToken"])
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        tokens = {
            "expired": jwt.encode({**claims, "exp": int(time.time()) - 1}, DEFAULT_KEYS[0]),
            "another key": jwt.encode(claims, DEFAULT_KEYS[1]),
            "another algorithm": jwt.encode(claims, DEFAULT_KEYS[0], "HS512"),
            "expiry that is no number": jwt.encode({**claims, "exp": float("nan")}, DEFAULT_KEYS[0]),
            "no expiry": jwt.encode({k: v for k, v in claims.items() if k != "exp"}, DEFAULT_KEYS[0]),
            "another issuer": jwt.encode({**claims, "iss": "https://id.example"}, DEFAULT_KEYS[0]),
            "no issuer": jwt.encode({k: v for k, v in claims.items() if k != "iss"}, DEFAULT_KEYS[0]),
            "another audience": jwt.encode({**claims, "aud": "https://api.example"}, DEFAULT_KEYS[0]),
            "other audiences": jwt.encode({**claims, "aud": ["https://api.example"]}, DEFAULT_KEYS[0]),
            "no audience": jwt.encode({k: v for k, v in claims.items() if k != "aud"}, DEFAULT_KEYS[0]),
            "not public": jwt.encode({**claims, "pub": False}, DEFAULT_KEYS[0]),
            "another environment": jwt.encode({**claims, "sub": "nobody"}, DEFAULT_KEYS[0]),
            "no algorithm": unsigned(claims),
            "cut": row["publicAccessToken"][:-2],
        }
    for name, token in tokens.items():
        for answer in (
            api.get(row["id"], headers={"Authorization": f"Bearer {token}"}),
            api.close(row["id"], {}, headers={"Authorization": f"Bearer {token}"}),
        ):
            assert answer.status_code == 401, name


def test_a_token_for_several_audiences_is_accepted_where_the_api_is_one_of_them(api: Api) -> None:
    row = api.fresh()
    claims = claims_of(row["publicAccessToken"])
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = jwt.encode({**claims, "aud": ["https://api.example", claims["aud"]]}, DEFAULT_KEYS[0])
    assert api.get(row["id"], headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_browsers_may_ask_and_read(api: Api) -> None:
    asked = api.client.options(
        path("x", "/close"),
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert asked.status_code == 200
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    assert asked.headers["access-control-allow-origin"] == "https://app.example"
    assert asked.headers["access-control-max-age"] == "300"
    answer = api.get(api.fresh()["id"], headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-trigger-jwt" in answer.headers["access-control-expose-headers"]


def test_answers_tell_the_rate_limit(api: Api) -> None:
    headers = api.get(api.fresh()["id"]).headers
    assert headers["x-ratelimit-limit"] == str(api.contract.rate_limit.tokens)
    assert int(headers["x-ratelimit-remaining"]) <= api.contract.rate_limit.tokens
    assert abs(int(headers["x-ratelimit-reset"]) - time.time() * 1000) < 60_000
