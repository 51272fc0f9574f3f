"""Where the other dialect would have answered otherwise: "differs in production"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.types import Message

from adjourn_mock.domain.clock import SettableClock
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment, Environments
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, ClientGone, Request
from adjourn_mock.pipeline.pipeline import Pipeline
from adjourn_mock.pipeline.service import Service
from adjourn_mock.pipeline.turns import Turns
from adjourn_mock.stores.memory import MemoryStore
from adjourn_spec import ExternalId

__all__ = ["Difference", "replay_in_other_dialect"]

# What two answers to one request may differ in by nature.
_BY_NATURE = (
    "id",
    "currentRunId",
    "runId",
    "publicAccessToken",
    "createdAt",
    "updatedAt",
    "closedAt",
    "data",
    "pagination",
    "records",
    "seq",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """What another dialect would have answered.

    Attributes:
        dialect: which.
        status: its status.
        clause: the clause or grey zone for which it refuses, if it does.
    """

    dialect: str
    status: int
    clause: str | None


async def replay_in_other_dialect(pipeline: Pipeline, environment: Environment, entry: Entry) -> Difference | None:
    """How the other dialect would have answered an exchange, or None where it would have answered the same.

    The request goes once more through the steps of the other dialect, over a store that has
    just the session it was about, as it was then, and a clock that is frozen at that time.
    Exchanges with faults are left out, and those whose body was not read.
    """
    if entry.faults or entry.operation is None:
        return None
    service = pipeline.service
    clock = SettableClock()
    clock.freeze(entry.at)
    environments = Environments(service.contract, clock=clock)
    environments.add(environment.secret_key)
    store = MemoryStore()
    store.load(environment.id, await _sessions_then(service, environment, entry))
    shadow = replace(
        service,
        environments=environments,
        store=store,
        channels=store.channels(service.contract.channels),
        turns=Turns(),
    )
    headers = list(entry.headers)
    request = Request.with_head(entry.method, entry.raw_path, entry.query, headers)

    async def receive() -> Message:
        if not entry.request_body and int(request.headers.get(b"content-length", b"0")) > 0:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": entry.request_body}

    other = next(name for name in pipeline.dialects if name != environment.dialect)
    try:
        answer = await Pipeline(shadow, pipeline.dialects).answer(pipeline.dialects[other], request, receive)
    except ClientGone:
        return None
    if answer.status == entry.status and (answer.status >= 400 or _same(entry.response_body, answer)):
        return None
    return Difference(other, answer.status, answer.clause)


async def _sessions_then(service: Service, environment: Environment, entry: Entry) -> list[Session]:
    if entry.before is not None:
        return [entry.before]
    if entry.status < 300 or entry.clause == "id.unknown":
        return []
    key = _external_id(entry.request_body) if entry.key is None else entry.key
    session = None
    if key is not None:
        known = service.contract.identify(key) if entry.key is not None else ExternalId(key)
        session = await service.store.find(environment.id, known)
    return [] if session is None else [session]


def _external_id(body: bytes) -> str | None:
    value = _json(body)
    external_id = value.get("externalId") if isinstance(value, dict) else None
    return external_id.strip() if isinstance(external_id, str) else None


def _same(body: bytes, answer: Answer) -> bool:
    return bool(_essence(_json(body)) == _essence(_json(answer.body)))


def _essence(value: Any) -> Any:
    return {name: value[name] for name in value if name not in _BY_NATURE} if isinstance(value, dict) else value


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
