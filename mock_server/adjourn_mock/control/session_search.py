"""A search through the sessions of an environment by a text in their ids."""

from __future__ import annotations

from typing import Any

from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Filter, Session, status, to_dict
from adjourn_mock.environments.environments import Environment
from adjourn_mock.stores.store import Store

__all__ = ["MAX_SEARCHED_SESSIONS", "search_sessions", "with_status"]

_BATCH_SESSIONS, MAX_SEARCHED_SESSIONS = 500, 10_000


async def search_sessions(
    store: Store, environment: Environment, wanted: Filter, *, text: str, size: int, after: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Sessions that a filter keeps and whose id or externalId has a text in it, newest first, with `status`.

    Returns up to `size` of them and, where more may follow, the id to continue after. A text that
    few sessions have in them is looked for in so many at a time.
    """
    found: list[dict[str, Any]] = []
    now, text = rfc3339(environment.clock.now()), text.lower()
    cursor, searched = after, 0
    while searched < MAX_SEARCHED_SESSIONS:
        page = await store.page(environment.id, wanted, size=_BATCH_SESSIONS, after=cursor, before=None, now=now)
        for row in page.sessions:
            if len(found) == size:
                return found, cursor
            cursor = row.id
            if text in row.id.lower() or text in (row.external_id or "").lower():
                found.append(with_status(row, now))
        if not page.has_older:
            return found, None
        searched += len(page.sessions)
    return found, cursor


def with_status(row: Session, now: str) -> dict[str, Any]:
    """A session as JSON members, with its `status` at a moment."""
    return {**to_dict(row), "status": status(row, now)}
