"""The faults that are switched on in an environment while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from adjourn_mock.exchange import Refusal

if TYPE_CHECKING:
    from adjourn_mock.behaviour import Behaviour
    from adjourn_mock.environments import Environment
    from adjourn_mock.exchange import Request
    from adjourn_mock.service import Service

__all__ = ["ActiveFault", "Switchboard"]

MAX_ACTIVE = 100


@dataclass(slots=True)
class ActiveFault:
    """A fault that is on.

    Attributes:
        id: `name` and a number.
        name: of the fault.
        parameters: what it was given, as `milliseconds` of a latency.
        operation: only this operation, by its operationId; None for all.
        session: only the session with this id or externalId; None for all.
        times: how many times it comes; None for always.
        probability: how often it comes, 0 to 1.
        seed: makes chance the same on every run.
        hits: how often it came.
    """

    id: str
    name: str
    change: Callable[[Behaviour], Behaviour] = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None
    session: str | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int | None = None
    hits: int = 0
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    @property
    def remaining(self) -> int | None:
        """How many times it is still to come; None for always."""
        return None if self.times is None else self.times - self.hits

    @property
    def shown(self) -> dict[str, Any]:
        """It as JSON members."""
        return {
            "id": self.id,
            "fault": self.name,
            "parameters": self.parameters,
            "operation": self.operation,
            "session": self.session,
            "remaining": self.remaining,
            "probability": self.probability,
            "hits": self.hits,
        }

    def is_drawn(self) -> bool:
        """Whether chance lets it come."""
        return self.probability >= 1 or self.random.random() < self.probability


class Switchboard:
    """Which faults are on, and the behaviour that each request gets.

    Attributes:
        active: those that are on, by id.
        switched: how many were ever switched on, for their ids.
    """

    def __init__(self) -> None:
        self.active: dict[str, ActiveFault] = {}
        self._behaviours: dict[tuple[Any, ...], Behaviour] = {}
        self.switched = 0

    def add(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        operation: str | None = None,
        session: str | None = None,
        times: int | None = None,
        probability: float = 1.0,
        seed: int | None = None,
    ) -> ActiveFault:
        """Switch a fault on.

        Args:
            name: of the fault.
            parameters: of a fault of the network.
            operation: only for this operation, by its operationId.
            session: only for the session with this id or externalId in the path.
            times: only for the next so many requests.
            probability: only for so many of them, 0 to 1.
            seed: makes chance the same on every run.

        Raises:
            LookupError: there is no such fault.
            ValueError: a parameter is not as it should be, or too many faults are on.
        """
        if len(self.active) >= MAX_ACTIVE:
            raise ValueError(f"{MAX_ACTIVE} faults are on, which is the limit; switch some off")
        # A server on which nothing was switched on does not load the faults: it starts sooner.
        from adjourn_mock.faults import change_of

        change, complete = change_of(name, parameters or {})
        self.switched += 1
        fault = ActiveFault(
            f"{name}-{self.switched}", name, change, complete, operation, session, times, probability, seed
        )
        self.active[fault.id] = fault
        return fault

    def restore(self, faults: Iterable[Mapping[str, Any]], switched: int) -> None:
        """Have these faults on, as `add` made them elsewhere; those that are on already stay as they are."""
        wanted = {fault["id"]: fault for fault in faults}
        for fault_id in set(self.active) - set(wanted):
            self.remove(fault_id)
        for fault_id, fault in wanted.items():
            if fault_id not in self.active:
                from adjourn_mock.faults import change_of

                change, _ = change_of(fault["name"], fault["parameters"])
                self.active[fault_id] = ActiveFault(change=change, **fault)
        self.switched = switched

    def remove(self, fault_id: str) -> bool:
        """Switch a fault off; False where it was not on."""
        self._behaviours.clear()
        return self.active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Switch all off."""
        self._behaviours.clear()
        self.active.clear()

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(tuple(self.active.values()))

    def __len__(self) -> int:
        return len(self.active)

    async def over(self, base: Behaviour, service: Service, environment: Environment, request: Request) -> Behaviour:
        """How this request is to be answered: as the dialect has it, with the faults that come."""
        coming = [
            fault
            for fault in self
            if await _is_meant(fault, service, environment, base, request)
            and await service.registry.comes(environment, fault)
        ]
        request.faults = tuple(fault.name for fault in coming)
        # Kept, for a fault may remember what came before.
        key = (environment.dialect, *(fault.id for fault in coming))
        behaviour = self._behaviours.get(key)
        if behaviour is None:
            behaviour = base
            for fault in coming:
                behaviour = fault.change(behaviour)
            self._behaviours[key] = behaviour
        return behaviour


async def _is_meant(
    fault: ActiveFault, service: Service, environment: Environment, base: Behaviour, request: Request
) -> bool:
    """Whether a request is one of the operation and the session that a fault is for."""
    if fault.operation is None and fault.session is None:
        return True
    try:
        route = base.route(service, request)
        if fault.operation not in (None, route.operation.name):
            return False
        if fault.session is None:
            return True
        if route.segment is None:
            return False
        text = base.decode(route.segment)
        if text == fault.session:
            return True
        session = await base.find(service, environment, base.identify(service, text))
    except Refusal:
        return False
    return session is not None and fault.session in (session.id, session.external_id)
