"""The faults that are switched on in an environment while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["ActiveFault", "ActiveFaults"]

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
    def as_json(self) -> dict[str, Any]:
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


class ActiveFaults:
    """The faults that are on in an environment. What they do to a request is the injector's business.

    Attributes:
        active: those that are on, by id.
        enabled_total: how many were ever switched on, for their ids.
        removals: how often a fault was switched off; what a fault remembered is then forgotten.
    """

    def __init__(self) -> None:
        self.active: dict[str, ActiveFault] = {}
        self.enabled_total = 0
        self.removals = 0

    def enable(
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
            ValueError: too many faults are on.
        """
        if len(self.active) >= MAX_ACTIVE:
            raise ValueError(f"{MAX_ACTIVE} faults are on, which is the limit; switch some off")
        self.enabled_total += 1
        fault_id = f"{name}-{self.enabled_total}"
        fault = ActiveFault(fault_id, name, parameters or {}, operation, session, times, probability, seed)
        self.active[fault.id] = fault
        return fault

    def restore(self, faults: Iterable[Mapping[str, Any]], enabled_total: int) -> None:
        """Have these faults on, as `enable` made them elsewhere; those that are on already stay as they are."""
        wanted = {fault["id"]: fault for fault in faults}
        for fault_id in set(self.active) - set(wanted):
            self.disable(fault_id)
        for fault_id, fault in wanted.items():
            if fault_id not in self.active:
                self.active[fault_id] = ActiveFault(**fault)
        self.enabled_total = enabled_total

    def disable(self, fault_id: str) -> bool:
        """Switch a fault off; False where it was not on."""
        self.removals += 1
        return self.active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Switch all off."""
        self.removals += 1
        self.active.clear()

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(tuple(self.active.values()))

    def __len__(self) -> int:
        return len(self.active)
