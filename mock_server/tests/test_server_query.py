"""How the `server` dialect coerces query values."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest

from adjourn_mock import MockServer
from adjourn_mock.dialects.server_query import OutOfRangeError, coerced


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("page[size]", "1e1", "10"),
        ("page[size]", "0x10", "16"),
        ("page[size]", " +5 ", "5"),
        ("page[size]", "five", "five"),
        ("page[size]", "1.5", "1.5"),
        ("page[after]", "", None),
        ("filter[createdAt][from]", "-1", None),
        ("filter[createdAt][to]", "0", None),
        ("filter[createdAt][to]", "1e19", "8640000000000000"),
        ("filter[createdAt][period]", "1h30m", "5400s"),
        ("filter[createdAt][period]", "1.5 hours", "5400s"),
        ("filter[createdAt][period]", "1000", "1s"),
        ("filter[createdAt][period]", "abc", None),
        ("filter[createdAt][period]", "1y", "525960m"),
        ("filter[type]", "", ""),
        ("page[size][]", "1", None),
        ("page[SIZE]", "2", None),
    ],
)
def test_a_value_is_coerced_as_javascript_does(name: str, text: str, expected: str | None) -> None:
    found = dict(parse_qsl(coerced(urlencode({name: text}).encode()).decode(), keep_blank_values=True))
    assert found.get(name) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("filter[createdAt][from]", "1e21"),
        ("filter[createdAt][to]", "-1e30"),
        ("filter[createdAt][period]", "1e9y"),
    ],
)
def test_a_moment_that_the_database_does_not_read_is_out_of_range(name: str, text: str) -> None:
    with pytest.raises(OutOfRangeError):
        coerced(urlencode({name: text}).encode())


def test_the_server_dialect_answers_500_to_what_its_database_does_not_take() -> None:
    import httpx

    chat = {"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {"basePayload": {}}, "externalId": "chat_1"}
    with MockServer(dialect="server") as server, httpx.Client(base_url=server.url, headers=server.headers) as client:
        assert client.post("/api/v1/sessions", json={**chat, "metadata": {"a\0": 1}}).status_code == 500
        assert client.post("/api/v1/sessions", json=chat).status_code == 201
        assert client.patch("/api/v1/sessions/chat_1", json={"tags": ["a\0"]}).status_code == 500
        assert client.get("/api/v1/sessions?page[size]=1e1&filter[createdAt][period]=abc").status_code == 200
        late = {**chat, "externalId": "chat_2", "expiresAt": "2020-01-01T00:00:00Z"}
        assert client.post("/api/v1/sessions", json=late).status_code == 409
        assert client.get("/api/v1/sessions/chat_2").json()["currentRunId"] is None
