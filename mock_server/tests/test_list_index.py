"""Index terms: each session that a filter matches is under a candidate term, and narrow filters read few terms."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Filter, Session
from adjourn_mock.stores.list_index import MAX_TERMS, candidate_terms, index_terms

NOW = "2026-01-01T00:00:00.000Z"


def row(**members: Any) -> Session:
    body = {"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {}, "tags": ["a", "b", "a"]}
    made = sessions.create(body, session_id="session_a", run_id="run_1", expires_at=None, now=NOW)
    return sessions.replace(made, **members)


def test_a_session_stands_once_under_each_of_its_terms() -> None:
    assert index_terms(row()) == ("all", "open", "type chat.agent", "task t", "tag a", "tag b")
    assert "closed" in index_terms(row(closed_at=NOW))


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        (Filter(), [("all",)]),
        (Filter(statuses=("ACTIVE",)), [("open",)]),
        (Filter(statuses=("EXPIRED", "ACTIVE")), [("open",)]),
        (Filter(statuses=("CLOSED",)), [("closed",)]),
        (Filter(statuses=("CLOSED", "ACTIVE")), [("all",)]),
        (Filter(types=("a", "b", "a")), [("type a", "type b")]),
        (Filter(tags=("x",), task_identifiers=("t",)), [("task t",), ("tag x",)]),
        (Filter(tags=tuple(map(str, range(MAX_TERMS + 1)))), [("all",)]),
        (Filter(external_id="chat_1"), [("all",)]),
    ],
)
def test_the_candidates_of_a_filter(wanted: Filter, groups: list[tuple[str, ...]]) -> None:
    assert candidate_terms(wanted) == groups


def test_whatever_a_filter_matches_stands_under_a_term_of_each_group() -> None:
    rows = [
        row(closed_at=closed, expires_at=expires, tags=tags, type=kind)
        for closed, expires, tags, kind in itertools.product(
            (None, NOW), (None, NOW), ((), ("a",), ("a", "b")), ("x", "y")
        )
    ]
    filters = [
        Filter(statuses=statuses, tags=tags, types=types)
        for statuses, tags, types in itertools.product(
            ((), ("ACTIVE",), ("CLOSED",), ("EXPIRED",), ("ACTIVE", "CLOSED")), ((), ("a",), ("b", "c")), ((), ("x",))
        )
    ]
    for wanted, each in itertools.product(filters, rows):
        if wanted.matches(each, NOW):
            assert all(set(group) & set(index_terms(each)) for group in candidate_terms(wanted)), (wanted, each)
