"""Entries as they are shown: keys and tokens are masked wherever they stand, all else is as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adjourn_mock.control.redaction import EntryView
from adjourn_mock.domain import sessions
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_spec import Contract

KEY = "tr_dev_verysecret"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
NOW = "2026-01-01T00:00:00.000Z"


def entry(
    path: str = "/x", query: str = "", headers: Any = (), body: str = "", answer: str = "", external_id: str = "chat_1"
) -> Entry:
    created = {"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {}, "externalId": external_id}
    row = sessions.create(created, session_id="session_a", run_id="run_1", expires_at=None, now=NOW)
    raw_headers = [(name.encode(), value.encode()) for name, value in headers]
    request = Request("POST", path.encode(), query.encode(), raw_headers, {}, body=body.encode())
    return Entry.of(1, 0, request, Answer(200, answer.encode(), session=row))


@pytest.mark.parametrize("secret", [KEY, "tr_prod_verysecret", "tr_preview_verysecret", TOKEN])
@pytest.mark.parametrize(
    "place", ["path", "query", "body", "answer", "external_id", "authorization", "cookie", "x-api-key", "x-other"]
)
def test_a_secret_is_masked_wherever_it_stands(contract: Contract, secret: str, place: str) -> None:
    if place in ("path", "query", "body", "answer", "external_id"):
        shown = EntryView(contract).detail(entry(**{place: f"/before {secret}&after" if place == "path" else secret}))
    else:
        shown = EntryView(contract).detail(entry(headers=[(place, f"Bearer {secret}")]))
    text = json.dumps(shown)
    assert secret not in text
    assert "verysecret" not in text
    assert "c2lnbmF0dXJl" not in text


def test_a_secret_header_is_masked_whatever_it_contains(contract: Contract) -> None:
    shown = EntryView(contract).detail(entry(headers=[("authorization", "Basic dXNlcjpwYXNz"), ("cookie", "session")]))
    assert shown["request"]["headers"] == [["authorization", "Basic dXNlcj..."], ["cookie", "ses..."]]


def test_what_is_not_a_secret_is_shown_as_it_was(contract: Contract) -> None:
    view = EntryView(contract)
    shown = view.detail(entry(path="/a%20b", query="q=1", headers=[("x-a", "b")], body='{"reason":"é"}', answer="{}"))
    assert (shown["path"], shown["query"], shown["request"]["headers"]) == ("/a%20b", "q=1", [["x-a", "b"]])
    assert (shown["request"]["body"], shown["answer"]["body"]) == ('{"reason":"é"}', "{}")
    assert shown["session"] == {"id": "session_a", "externalId": "chat_1"}


def test_a_clause_is_shown_with_its_statement(contract: Contract) -> None:
    slug, clause = next(iter(contract.clauses.items()))
    shown = EntryView(contract).detail(entry()._replace(clause=slug))
    assert (shown["clause"], shown["statement"]) == (slug, clause.statement)
    assert EntryView(contract).detail(entry()._replace(clause="grey.unknown"))["statement"] is None
