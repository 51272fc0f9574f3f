"""Rows for the tests of stores, and the type of their fixture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.stores.store import Store

NOW = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-01T00:00:01.000Z"
Use = Callable[[Callable[[Store], Awaitable[Any]]], Any]


def row(name: str, external_id: str | None = None, **members: Any) -> Session:
    body = {
        "type": "chat.agent",
        "taskIdentifier": "t",
        "triggerConfig": {"basePayload": {}},
        "externalId": external_id,
    }
    made = sessions.create(body, session_id=f"session_{name}", run_id="run_1", expires_at=None, now=NOW)
    return sessions.replace(made, **members)
