"""The run of a session, as callers of the runs API see it (clauses run.*)."""

from __future__ import annotations

from typing import Any

from adjourn_mock.domain.clock import milliseconds, rfc3339
from adjourn_mock.domain.sessions import Session, status
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["retrieve_run", "run_row"]

_LIVE, _DONE = "EXECUTING", "COMPLETED"


async def retrieve_run(service: Service, behaviour: Behaviour, call: Call) -> Result:  # noqa: ARG001
    """The run, as the row of its session and what a test has set say."""
    environment = call.caller.environment
    session = await service.store.of_run(environment.id, call.text)
    if session is None:
        raise Refusal("run.unknown")
    return Result("run.row", None, run_row(service, environment, session), about=session)


def run_row(service: Service, environment: Environment, session: Session) -> dict[str, Any]:
    """A run as the document has it; its state is what a test has set or follows the session's."""
    now = environment.clock.now()
    is_live = status(session, rfc3339(now)) == "ACTIVE"
    run_id = session.current_run_id or ""
    state = environment.runs.get(run_id, _LIVE if is_live else _DONE)
    groups = service.contract.schema("RunStatus").definition["x-groups"]
    flags = {name: state in states for name, states in groups.items()}
    ended_at = session.closed_at or (None if is_live else session.expires_at)
    is_finished = flags["isCompleted"]
    finished_at = (ended_at or rfc3339(now)) if is_finished else None
    until = milliseconds(finished_at) if finished_at else now
    return {
        "id": run_id,
        "status": state,
        "taskIdentifier": session.task_identifier,
        "createdAt": session.created_at,
        "updatedAt": finished_at or session.updated_at,
        "startedAt": session.created_at,
        **({"finishedAt": finished_at} if finished_at else {}),
        **flags,
        "isTest": False,
        "tags": list(session.trigger_config.get("tags", ())),
        "costInCents": 0,
        "baseCostInCents": 0,
        "durationMs": max(0, until - milliseconds(session.created_at)),
        "depth": 0,
        "triggerFunction": "trigger",
        "attemptCount": 1,
        "relatedRuns": {},
    }
