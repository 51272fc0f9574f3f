"""Lists as the vendor's server answers them: a cursor is a text that ids are compared with."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Page, Session
from adjourn_mock.pipeline import operations
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import FriendlyId

__all__ = ["list_sessions"]


async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
    """A page as in the documented dialect, and one for any other text as a cursor."""
    asked = call.value.get("page", {})
    cursor = asked.get("after", asked.get("before"))
    if cursor is None or await _is_known(service, call, cursor):
        result = await operations.list_sessions(service, behaviour, call)
    else:
        result = operations.page_result(service, behaviour, await _page_beyond(service, call, cursor))
    size = asked.get("size", service.contract.page_size)
    return _without_next(result) if "before" in asked and len(result.members["data"]) < size else result


async def _is_known(service: Service, call: Call, cursor: str) -> bool:
    """Whether it is the cursor of a session: the session's place counts, for ids of the mock are in no order."""
    key = FriendlyId(service.contract.friendly_prefix + cursor)
    return await service.store.find(call.caller.environment.id, key) is not None


async def _page_beyond(service: Service, call: Call, cursor: str) -> Page:
    """The page of the sessions whose ids, as text, are less than a cursor or, before it, greater."""
    environment, asked = call.caller.environment, call.value["page"]
    now, prefix = environment.clock.now(), service.contract.friendly_prefix
    wanted, at = operations.filter_of(call.value, now), rfc3339(now)
    before = asked.get("before")

    def is_beyond(session: Session) -> bool:
        own = session.id.removeprefix(prefix)
        return (own > cursor if before is not None else own < cursor) and wanted.matches(session, at)

    found: Sequence[Session] = [row for row in await service.store.snapshot(environment.id) if is_beyond(row)]
    size = asked.get("size", service.contract.page_size)
    return Page.of(found if before is not None else found[::-1], size=size, after=asked.get("after"), before=before)


def _without_next(result: Result) -> Result:
    """The server computes `next` of a page before a cursor from its last place, which a short page does not have."""
    pagination = {name: cursor for name, cursor in result.members["pagination"].items() if name != "next"}
    return msgspec.structs.replace(result, members={**result.members, "pagination": pagination})
