"""What the processes of one mock know of each other's environments, clocks and faults."""

from __future__ import annotations

from typing import Any

import msgspec

from adjourn_mock.environments.active_faults import ActiveFault, FaultScope
from adjourn_mock.environments.agent import AgentScript
from adjourn_mock.environments.environments import Environment, Environments
from adjourn_mock.stores.codec import decode_row, encode_row
from adjourn_mock.stores.store import SharedStore

__all__ = ["EnvironmentSync", "SharedEnvironmentSync"]

# So many tokens for one request a process remembers of an environment.
MAX_SPENT = 10_000


class EnvironmentSync:
    """The environments of a mock that is one process: there is nobody to notify."""

    async def refresh(self) -> None:
        """Take over what other processes have changed."""

    async def save(self, environment: Environment) -> None:
        """Let other processes know of a change."""

    async def drop(self, environment: Environment) -> None:
        """Let other processes know that an environment is gone."""

    async def should_fire(self, environment: Environment, fault: ActiveFault) -> bool:  # noqa: ARG002
        """Whether a fault comes this time, which is then counted."""
        if fault.is_spent or not fault.is_drawn():
            return False
        fault.hits += 1
        return True

    async def refresh_hits(self, environment: Environment) -> None:
        """Bring the counts of an environment's faults up to date."""

    async def count(self, environment: Environment, name: str) -> int:
        """How often something happened before, which is then counted."""
        number = environment.counts.get(name, 0)
        environment.counts[name] = number + 1
        return number

    async def spend(self, environment: Environment, token: str) -> bool:
        """Use a token for one request; False where it was used before."""
        if token in environment.spent:
            return False
        environment.spent[token] = None
        if len(environment.spent) > MAX_SPENT:
            del environment.spent[next(iter(environment.spent))]
        return True


class _FaultRecord(msgspec.Struct):
    id: str
    name: str
    parameters: dict[str, Any]
    scope: FaultScope


class _Record(msgspec.Struct):
    """An environment as it is kept."""

    secret_key: str
    name: str
    dialect: str
    id_seed: int | None
    frozen_at: int | None
    clock: tuple[int, int | None]
    switched: int
    faults: list[_FaultRecord]
    seed: list[msgspec.Raw]
    agent: AgentScript = AgentScript()
    first_agent: AgentScript = AgentScript()
    runs: dict[str, str] = {}
    key_scopes: tuple[str, ...] | None = None


class SharedEnvironmentSync(EnvironmentSync):
    """Environments that a store keeps for several processes, or for the next one.

    Each process has them all in memory and looks, before each request, whether they have changed.
    Two changes of one environment at the same moment: the later one wins.
    """

    def __init__(self, environments: Environments, store: SharedStore) -> None:
        self._environments, self._store = environments, store
        self._version = -1
        self._is_claimed = False

    async def refresh(self) -> None:
        if not self._is_claimed:
            await self._claim()
        version, records = await self._store.changes_since(self._version)
        if version < self._version:
            # The engine was started anew and has forgotten everything.
            await self._claim()
            version, records = await self._store.changes_since(-1)
        if records is None:
            return
        for environment in self._environments:
            if environment.id not in records:
                self._environments.remove(environment)
        for environment_id, record in records.items():
            self._apply(environment_id, msgspec.json.decode(record, type=_Record))
        self._version = version

    async def _claim(self) -> None:
        """Make known what this process was started with; what is there already stays as it is."""
        for environment in self._environments:
            if await self._store.create_environment(environment.id, _record(environment)):
                await self._store.replace(environment.id, environment.seed)
        self._is_claimed = True

    def _apply(self, environment_id: str, record: _Record) -> None:
        environment = self._environments.with_id(environment_id)
        if environment is None:
            environment = self._environments.add(
                record.secret_key,
                name=record.name,
                id_seed=record.id_seed,
                frozen_at=record.frozen_at,
                key_scopes=record.key_scopes,
            )
        environment.dialect = record.dialect
        environment.clock.restore(*record.clock)
        environment.seed = [decode_row(bytes(row)) for row in record.seed]
        environment.agent, environment.first_agent = record.agent, record.first_agent
        environment.runs = record.runs
        faults = [ActiveFault(each.id, each.name, each.parameters, each.scope) for each in record.faults]
        environment.faults.restore(faults, record.switched)

    async def save(self, environment: Environment) -> None:
        await self._store.put_environment(environment.id, _record(environment))

    async def drop(self, environment: Environment) -> None:
        await self._store.delete_environment(environment.id)

    async def should_fire(self, environment: Environment, fault: ActiveFault) -> bool:
        if not fault.is_drawn():
            return False
        fault.hits = await self._store.increment(environment.id, fault.id)
        return fault.scope.times is None or fault.hits <= fault.scope.times

    async def refresh_hits(self, environment: Environment) -> None:
        counters = await self._store.counters(environment.id)
        for fault in environment.faults.active.values():
            hits = counters.get(fault.id, 0)
            fault.hits = hits if fault.scope.times is None else min(hits, fault.scope.times)

    async def count(self, environment: Environment, name: str) -> int:
        return await self._store.increment(environment.id, name) - 1

    async def spend(self, environment: Environment, token: str) -> bool:
        return await self._store.increment(environment.id, f"token {token}") == 1


def _record(environment: Environment) -> str:
    faults = [
        _FaultRecord(fault.id, fault.name, dict(fault.parameters), fault.scope)
        for fault in environment.faults.active.values()
    ]
    record = _Record(
        secret_key=environment.secret_key,
        name=environment.name,
        dialect=environment.dialect,
        id_seed=environment.id_seed,
        frozen_at=environment.frozen_at,
        clock=environment.clock.state,
        switched=environment.faults.enabled_total,
        faults=faults,
        seed=[msgspec.Raw(encode_row(row)) for row in environment.seed],
        agent=environment.agent,
        first_agent=environment.first_agent,
        runs=environment.runs,
        key_scopes=environment.key_scopes,
    )
    return msgspec.json.encode(record).decode()
