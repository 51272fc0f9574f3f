"""Who may use the control API."""

from __future__ import annotations

import httpx
import pytest
from control_caller import Control

from adjourn_mock import MockServer, create_app, is_loopback
from adjourn_spec import Contract


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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_another_machine_is_refused(contract: Contract) -> None:
    app = create_app(contract)
    for client, status in (("127.0.0.1", 200), ("192.0.2.7", 403)):
        transport = httpx.ASGITransport(app=app, client=(client, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as caller:
            assert (await caller.get("/_adjourn/environments")).status_code == status


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
