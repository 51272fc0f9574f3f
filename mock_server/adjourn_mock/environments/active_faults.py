"""The faults that are enabled in an environment while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from adjourn_mock.domain.errors import UserError

__all__ = ["ActiveFault", "ActiveFaults", "FaultScope"]

MAX_ACTIVE = 100


class FaultScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests a fault applies to.

    Attributes:
        operation: only those of this operation, by its operationId; None for all.
        session: only those for the session with this id or externalId in the path; None for all.
        times: only the next so many; None for all.
        probability: only this share of them, 0 to 1.
        seed: makes chance the same on every run.
    """

    operation: str | None = None
    session: str | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int | None = None


@dataclass(slots=True)
class ActiveFault:
    """A fault that is enabled.

    Attributes:
        id: `name` and a number.
        name: the fault's name in the catalogue.
        parameters: what it was given, such as `milliseconds` of a latency.
        scope: which requests it applies to.
        hits: how many requests it has applied to.
    """

    id: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scope: FaultScope = FaultScope()  # noqa: RUF009 - it is frozen
    hits: int = 0
    random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.random = Random(self.scope.seed)

    @property
    def remaining(self) -> int | None:
        """How many requests it will still apply to; None for all."""
        return None if self.scope.times is None else max(0, self.scope.times - self.hits)

    @property
    def is_spent(self) -> bool:
        """Whether it has applied to as many requests as it was enabled for."""
        return self.remaining == 0

    @property
    def as_json(self) -> dict[str, Any]:
        """It as JSON members."""
        return {
            "id": self.id,
            "fault": self.name,
            "parameters": self.parameters,
            "operation": self.scope.operation,
            "session": self.scope.session,
            "remaining": self.remaining,
            "probability": self.scope.probability,
            "hits": self.hits,
        }

    def is_drawn(self) -> bool:
        """Whether chance lets it apply."""
        return self.scope.probability >= 1 or self.random.random() < self.scope.probability


class ActiveFaults:
    """The faults that are enabled in an environment. What they do to a request is the injector's business.

    Iteration and length leave out those that are spent.

    Attributes:
        active: all that were enabled and not disabled, by id, the last spent ones included.
        enabled_total: how many were ever enabled, for their ids.
        removals: how often a fault was disabled; what a fault remembered is then forgotten.
    """

    def __init__(self) -> None:
        self.active: dict[str, ActiveFault] = {}
        self.enabled_total = 0
        self.removals = 0

    @property
    def spent(self) -> Sequence[ActiveFault]:
        """Those that have applied as often as they were enabled for, the last ones."""
        return [fault for fault in self.active.values() if fault.is_spent]

    def enable(
        self, name: str, parameters: Mapping[str, Any] | None = None, scope: FaultScope | None = None
    ) -> ActiveFault:
        """Enable a fault.

        Args:
            name: the fault's name in the catalogue.
            parameters: of a network condition.
            scope: which requests it applies to; all by default.

        Raises:
            UserError: too many faults are enabled.
        """
        if len(self.active) >= MAX_ACTIVE:
            if not (spent := self.spent):
                raise UserError(f"{MAX_ACTIVE} faults are enabled, which is the limit; disable some")
            del self.active[spent[0].id]
        self.enabled_total += 1
        fault = ActiveFault(f"{name}-{self.enabled_total}", name, parameters or {}, scope or FaultScope())
        self.active[fault.id] = fault
        return fault

    def restore(self, faults: Iterable[ActiveFault], enabled_total: int) -> None:
        """Have the faults enabled that `enable` made elsewhere; those that are enabled already stay as they are."""
        wanted = {fault.id: fault for fault in faults}
        for fault_id in set(self.active) - set(wanted):
            self.disable(fault_id)
        self.active.update({fault_id: fault for fault_id, fault in wanted.items() if fault_id not in self.active})
        self.enabled_total = enabled_total

    def disable(self, fault_id: str) -> bool:
        """Disable a fault; False where it was not enabled."""
        self.removals += 1
        return self.active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Disable all."""
        self.removals += 1
        self.active.clear()

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter([fault for fault in self.active.values() if not fault.is_spent])

    def __len__(self) -> int:
        return sum(not fault.is_spent for fault in self.active.values())
