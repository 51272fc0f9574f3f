"""Lists of the `server` dialect: cursors are texts, broken rules are objects."""

from __future__ import annotations

from typing import Any

import pytest
from sessions_api import Api

LIST = "/api/v1/sessions"


@pytest.fixture
def three(vendor: Api, request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    """A type that three sessions have, and their ids, newest first."""
    kind = request.node.name
    return kind, [vendor.fresh(type=kind)["id"] for _ in range(3)][::-1]


def page(vendor: Api, kind: str, **asked: Any) -> tuple[list[str], dict[str, str]]:
    parameters = {"filter[type]": kind, **{f"page[{name}]": value for name, value in asked.items()}}
    answer = vendor.client.get(LIST, params=parameters).json()
    return [row["id"] for row in answer["data"]], answer["pagination"]


def test_any_text_is_a_cursor(vendor: Api, three: tuple[str, list[str]]) -> None:
    kind, ids = three
    assert page(vendor, kind, after="zzz", size=2)[0] == ids[:2]
    assert page(vendor, kind, after="0")[0] == []
    assert page(vendor, kind, before="zzz")[0] == []
    found, cursors = page(vendor, kind, before="0", size=2)
    assert (found, set(cursors)) == (ids[1:], {"next", "previous"})


def test_a_cursor_with_the_prefix_is_a_text(vendor: Api, three: tuple[str, list[str]]) -> None:
    kind, ids = three
    assert page(vendor, kind, after=ids[0])[0] == ids
    assert page(vendor, kind, before=ids[2])[0] == []


def test_a_cursor_of_a_session_is_its_place(vendor: Api, three: tuple[str, list[str]]) -> None:
    kind, ids = three
    first, cursors = page(vendor, kind, size=1)
    second, _ = page(vendor, kind, size=1, after=cursors["next"])
    assert first + second == ids[:2]


def test_a_short_page_before_a_cursor_has_no_next(vendor: Api, three: tuple[str, list[str]]) -> None:
    kind, ids = three
    cursor = ids[2].removeprefix("session_")
    assert "next" not in page(vendor, kind, before=cursor, size=3)[1]
    assert "next" in page(vendor, kind, before=cursor, size=2)[1]


def test_each_broken_rule_is_an_object(vendor: Api) -> None:
    answer = vendor.client.get(f"{LIST}?page[size]=0&filter[status]=OPEN")
    assert answer.status_code == 400
    first, second = answer.json()["details"]
    assert (first["code"], first["path"]) == ("too_small", ["page[size]"])
    assert (set(second), second["path"]) == ({"code", "message", "path"}, ["filter[status]"])


@pytest.mark.parametrize("query", ["filter[createdAt][to]=1e30", "filter[createdAt][period]=1e9y"])
def test_a_moment_that_the_database_does_not_read_is_500(vendor: Api, query: str) -> None:
    answer = vendor.client.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal Server Error"})
