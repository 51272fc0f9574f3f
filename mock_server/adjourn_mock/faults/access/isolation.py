"""Faults of env.isolation: what one environment can see of another."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.access.auth import first
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import Step, around
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import FriendlyId, SessionKey

__all__ = ["FAULTS"]


def seeing_all(*, friendly: bool = False, external: bool = False, status: int | None = None) -> Change:
    """Find sessions of other environments by one form of id, or refuse them with a status."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            session = await base.find(service, environment, key)
            if session is not None or not (friendly if isinstance(key, FriendlyId) else external):
                return session
            for other in service.environments:
                if other is not environment and (found := await base.find(service, other, key)) is not None:
                    if status is not None:
                        raise Refusal("auth.secret-only", "It belongs to another environment", status=status)
                    return found
            return None

        return replace(base, find=find)

    return change


def caching_by_path(base: Behaviour) -> Behaviour:
    """Retrieve answers from a cache that ignores who calls."""
    rows: dict[str, Session] = {}

    async def retrieve(service: Service, behaviour: Behaviour, call: Call) -> Result:
        found = await behaviour.find(service, call.caller.environment, call.key)
        if found is None and call.text in rows:
            return Result("retrieve.row", rows[call.text], {})
        result = await base.retrieve(service, behaviour, call)
        if result.session is not None:
            rows[call.text] = result.session
        return result

    return replace(base, retrieve=retrieve)


def one_store_for_all(base: Behaviour) -> Behaviour:
    def authenticate(service: Service, request: Request) -> Caller:
        return Caller(first(service), base.authenticate(service, request).token)

    return replace(base, authenticate=authenticate)


def coalescing(pause_seconds: float) -> Change:
    """Do closes that overlap on one path once, whoever sent them."""

    def wrap(close: Step) -> Step:
        running: dict[str, asyncio.Task[Result]] = {}

        async def later(service: Service, behaviour: Behaviour, call: Call) -> Result:
            await asyncio.sleep(pause_seconds)
            return await close(service, behaviour, call)

        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            task = running.get(call.text)
            if task is None:
                task = running[call.text] = asyncio.ensure_future(later(service, behaviour, call))
                task.add_done_callback(lambda _: running.pop(call.text))
            return await asyncio.shield(task)

        return faulty

    return around("close", wrap)


FAULTS = named(
    {
        "environments-mixed": Breach("env.isolation", "The server shows all keys one environment.", one_store_for_all),
        "environments-leak-friendly-ids": Breach(
            "env.isolation",
            "The server finds another environment's session by its friendly id.",
            seeing_all(friendly=True),
        ),
        "environments-leak-external-ids": Breach(
            "env.isolation",
            "The server finds another environment's session by its externalId.",
            seeing_all(external=True),
        ),
        "environments-share-cache": Breach(
            "env.isolation", "The server retrieves what another environment has retrieved before.", caching_by_path
        ),
        "environments-403": Breach(
            "env.isolation",
            "The server answers 403 for another environment's session.",
            seeing_all(friendly=True, external=True, status=403),
        ),
        "race-coalesced": Breach(
            "env.isolation",
            "The server does overlapping closes on one path once, whoever sent them.",
            coalescing(0.002),
        ),
    }
)
