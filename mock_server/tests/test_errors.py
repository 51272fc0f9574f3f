"""Errors of the control API: one status for each branch of the tree, and a logged 500 for what is not in it."""

from __future__ import annotations

import logging

import httpx
import pytest

from adjourn_mock import MockApp, create_app
from adjourn_mock.control.control import Control
from adjourn_mock.domain import errors
from adjourn_mock.domain.errors import AdjournError, LimitError, NotFoundError, UnavailableError, UserError
from adjourn_spec import DocumentError

pytestmark = pytest.mark.asyncio


async def call(app: MockApp, method: str = "GET", path: str = "/_adjourn/environments/dev") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UserError("the reason"), 400),
        (DocumentError("seed.yaml", "", "the reason"), 400),
        (NotFoundError("the reason"), 404),
        (UnavailableError("the reason"), 503),
        (LimitError("the reason"), 507),
    ],
)
async def test_each_branch_of_the_tree_has_one_status(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(control: Control, environment: object) -> None:
        raise error

    monkeypatch.setattr(Control, "summary", fails)
    answer = await call(create_app())
    assert (answer.status_code, "the reason" in answer.json()["error"]) == (status, True)


@pytest.mark.parametrize(
    "error", [KeyError("a bug"), LookupError("a bug"), ValueError("a bug"), OverflowError("a bug")]
)
async def test_an_unexpected_error_is_a_logged_500(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(control: Control, environment: object) -> None:
        raise error

    monkeypatch.setattr(Control, "summary", fails)
    with caplog.at_level(logging.ERROR):
        answer = await call(create_app())
    assert (answer.status_code, answer.json()) == (500, {"error": "The mock server failed; its log says why"})
    assert "a bug" in caplog.text


def classes(of: type[AdjournError]) -> set[type[AdjournError]]:
    return {of}.union(*(classes(each) for each in of.__subclasses__()))


async def test_the_drawing_has_every_branch_and_every_error_is_on_one() -> None:
    branches = [UserError, NotFoundError, LimitError, UnavailableError]
    for branch in branches:
        assert f"── {branch.__name__}" in str(errors.__doc__)
    public = {each for each in classes(AdjournError) - {AdjournError} if not each.__name__.startswith("_")}
    assert all(issubclass(each, tuple(branches)) for each in public)


@pytest.mark.parametrize("path", ["/_adjourn/health", "/openapi.json", "/openapi.yaml"])
async def test_another_method_on_a_document_is_405_in_json(path: str) -> None:
    answer = await call(create_app(), "POST", path)
    assert (answer.status_code, answer.json(), answer.headers["allow"]) == (405, {"error": "use GET"}, "GET, HEAD")


@pytest.mark.parametrize("path", ["/_adjournx", "/openapi.jsonx", "/openapi.yaml/x", "/_adjourn.html"])
async def test_a_path_that_only_starts_like_one_of_the_mocks_own_is_unknown(path: str) -> None:
    answer = await call(create_app(), "GET", path)
    assert (answer.status_code, "this mock serves" in answer.json()["error"]) == (404, True)
