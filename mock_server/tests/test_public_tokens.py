"""Public access tokens that are made on request: for one request, and within the scopes of a named key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from adjourn_fixtures import MockEnvironment
from adjourn_mock import MockServer
from adjourn_mock.pipeline.scopes import exceeding

PUBLIC_TOKENS, SESSION = "/api/v1/auth/public-tokens", "/api/v1/sessions/chat_1"
READ = "read:sessions:chat_1"


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    path: Path = tmp_path_factory.mktemp("store") / "state.db"
    with MockServer(store="memory" if request.param == "memory" else f"sqlite:{path}") as started:
        yield started


def mint(env: MockEnvironment, **body: Any) -> str:
    token: str = env.client.post(PUBLIC_TOKENS, json={"scopes": [READ], **body}).raise_for_status().json()["token"]
    return token


def reads(env: MockEnvironment, token: str, path: str = SESSION) -> int:
    return httpx.get(env.url + path, headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("dialect", ["documented", "server"])
def test_a_token_for_one_request_works_once(server: MockServer, dialect: str) -> None:
    with MockEnvironment(server, dialect=dialect) as env:
        env.sessions.create("chat_1")
        token, other = mint(env, oneTimeUse=True), mint(env, oneTimeUse=True)
        assert [reads(env, token), reads(env, token), reads(env, other), reads(env, other)] == [200, 401, 200, 401]


def test_a_token_for_one_request_is_used_up_by_one_that_is_refused(env: MockEnvironment) -> None:
    token = mint(env, oneTimeUse=True)
    assert [reads(env, token, SESSION + "2"), reads(env, token)] == [403, 401]


def test_a_token_stays_used_when_the_agent_gets_another_script(env: MockEnvironment) -> None:
    token = mint(env, oneTimeUse=True)
    reads(env, token)
    env.agent.reset()
    assert reads(env, token) == 401


@pytest.mark.parametrize("body", [{}, {"oneTimeUse": False}], ids=str)
def test_any_other_token_works_again(env: MockEnvironment, body: dict[str, Any]) -> None:
    token = mint(env, **body)
    assert [reads(env, token), reads(env, token)] == [200, 200]


def test_a_named_key_makes_no_token_beyond_its_scopes(server: MockServer) -> None:
    with MockEnvironment(server, scopes=[READ, "read:runs"]) as env:
        env.sessions.create("chat_1")
        assert env.secret_key.startswith("tr_dev_sk_")
        asked = [READ, "write:sessions:chat_1", "read:sessions", "write:sessions:chat_1", "read:runs:run_1"]
        refused = env.client.post(PUBLIC_TOKENS, json={"scopes": asked})
        assert (refused.status_code, refused.json()) == (
            403,
            {
                "error": "Requested scopes exceed the API key's access",
                "code": "scopes_exceed_key_access",
                "deniedScopes": ["write:sessions:chat_1", "read:sessions"],
            },
        )
        assert reads(env, mint(env)) == 200


def test_a_key_without_scopes_makes_any_token(server: MockServer) -> None:
    with MockEnvironment(server, secret_key="tr_dev_sk_free") as env:
        assert mint(env, scopes=["admin"])


def test_a_key_with_scopes_is_a_named_one(server: MockServer) -> None:
    with pytest.raises(ValueError, match="has scopes, so it must start with tr_stg_sk_"):
        MockEnvironment(server, secret_key="tr_stg_mine", scopes=["admin"])


def test_the_scopes_of_a_key_outlive_the_process(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'state.db'}"
    with MockServer(store=store) as first:
        key = first.call(first.app.control.create_environment(name="mine", scopes=["read:runs"])).secret_key
    with MockServer(store=store) as second:
        headers = {"Authorization": f"Bearer {key}"}
        refused = httpx.post(second.url + PUBLIC_TOKENS, json={"scopes": [READ]}, headers=headers)
    assert refused.json()["deniedScopes"] == [READ]


@pytest.mark.parametrize(
    ("held", "denied"),
    [
        (["admin"], []),
        (["read:all"], ["write:sessions:chat_1"]),
        (["read:sessions"], ["write:sessions:chat_1"]),
        (["write:all", "read:sessions:chat"], ["read:sessions:chat_1", "read:sessions:chat_1:out"]),
        (["read:sessions:chat_1", "write:sessions:chat_1"], []),
        (["read"], ["write:sessions:chat_1"]),
        ([], ["read:sessions:chat_1", "read:sessions:chat_1:out", "write:sessions:chat_1"]),
    ],
    ids=str,
)
def test_a_scope_covers_what_it_is_the_beginning_of(held: Sequence[str], denied: list[str]) -> None:
    assert exceeding(["read:sessions:chat_1", "read:sessions:chat_1:out", "write:sessions:chat_1"], held) == denied
