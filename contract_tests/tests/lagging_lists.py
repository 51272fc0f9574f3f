"""A lawful mock whose lists lag behind its writes (grey.list-lag)."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

from adjourn_mock.dialects.documented import DOCUMENTED
from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.faults.steps import Step, now
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["lagging"]


def lagging(lag_seconds: float) -> Behaviour:
    """Lists by externalId and status show the rows as they were so many seconds ago."""
    versions: dict[str, list[tuple[float, Session]]] = defaultdict(list)

    def remembering(step: Step) -> Step:
        async def remembered(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await step(service, behaviour, call)
            if result.session is not None and result.session.external_id is not None:
                versions[result.session.external_id].append((time.monotonic(), result.session))
            return result

        return remembered

    async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
        wanted = call.value.get("filter[status]", ())
        rows = []
        for at, session in versions[call.value.get("filter[externalId]", "")]:
            if at <= time.monotonic() - lag_seconds:
                is_wanted = sessions.status(session, now(call)) in wanted
                rows = [behaviour.list_row(session)] if is_wanted else []
        return Result("list.page", None, {"data": rows, "pagination": {}})

    return replace(
        DOCUMENTED,
        create=remembering(DOCUMENTED.create),
        update=remembering(DOCUMENTED.update),
        close=remembering(DOCUMENTED.close),
        list=list_sessions,
    )
