"""Lists that lag behind writes, as those of a service that lists from a replica."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, cast

from adjourn_mock.domain import sessions
from adjourn_mock.domain.clock import clamped_rfc3339
from adjourn_mock.domain.sessions import Filter, Page, Session
from adjourn_mock.faults.network import Milliseconds, NetworkFault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import Store

__all__ = ["ListLag"]

_BATCH_ROWS = 200


class ListLag(NetworkFault, frozen=True):
    """Lists show sessions as they were so long ago (grey zone grey.list-lag).

    A session that was created since is not listed, one that was closed since is listed as open. The moments that rows
    have decide, by the environment's clock: so it is the same in every store and for writes of every process, and
    under a frozen clock a write is listed once the clock was advanced. Tags and metadata do not lag.

    Attributes:
        milliseconds: by how much.
    """

    name: ClassVar[str] = "list-lag"
    summary: ClassVar[str] = "Lists show a create or a close only after a while."
    main: ClassVar[str] = "milliseconds"

    milliseconds: Milliseconds = 1000

    def change(self, base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            as_of = clamped_rfc3339(call.caller.environment.clock.now() - round(self.milliseconds))
            store = cast("Store", _LaggingStore(service.store, as_of))
            return await base.list(replace(service, store=store), behaviour, call)

        return replace(base, list=list_sessions)


class _LaggingStore:
    """A store whose pages show what it had at a moment; all else is the store's.

    Args:
        store: the store.
        as_of: the moment, RFC 3339 as in rows.
    """

    def __init__(self, store: Store, as_of: str) -> None:
        self._store, self._as_of = store, as_of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def page(
        self, environment: str, wanted: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        """A page of the rows as they were then; states are looked at here, for the store knows those of today."""
        of_any_state = Filter(
            types=wanted.types,
            tags=wanted.tags,
            task_identifiers=wanted.task_identifiers,
            external_id=wanted.external_id,
            created_from=wanted.created_from,
            created_to=wanted.created_to,
        )
        found: list[Session] = []
        older, newer = after, before
        is_over = False
        while len(found) <= size and not is_over:
            page = await self._store.page(
                environment, of_any_state, size=_BATCH_ROWS, after=older, before=newer, now=now
            )
            rows = page.sessions if before is None else tuple(reversed(page.sessions))
            found += (row for row in map(self._row_then, rows) if row is not None and wanted.matches(row, now))
            is_over = not rows or not (page.has_older if before is None else page.has_newer)
            if rows:
                older, newer = (rows[-1].id, None) if before is None else (None, rows[-1].id)
        return Page.of(found[: size + 1], size=size, after=after, before=before)

    def _row_then(self, row: Session) -> Session | None:
        if row.created_at > self._as_of:
            return None
        if row.closed_at is None or row.closed_at <= self._as_of:
            return row
        return sessions.replace(row, closed_at=None, closed_reason=None, updated_at=row.created_at)
