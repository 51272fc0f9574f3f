"""Named faults: each breaks one clause, or the way to the server, as real servers and networks do."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adjourn_mock.faults import (
    answering,
    auth,
    bodies,
    closing,
    creates,
    decoding,
    ids,
    isolation,
    limits,
    lists,
    matching,
    methods,
    neighbours,
    races,
    reasons,
    refusals,
    reopening,
    repeating,
    tokens,
    updates,
)
from adjourn_mock.faults.fault import Fault
from adjourn_mock.faults.network import NETWORK_FAULTS, NetworkFault
from adjourn_mock.pipeline.behaviour import Change

__all__ = ["FAULTS", "NETWORK_FAULTS", "Fault", "FaultCatalogue", "NetworkFault", "UnknownFaultError"]

_MODULES = (
    auth,
    tokens,
    isolation,
    ids,
    matching,
    decoding,
    limits,
    bodies,
    refusals,
    reasons,
    closing,
    repeating,
    neighbours,
    reopening,
    races,
    methods,
    answering,
    creates,
    updates,
    lists,
)
FAULTS: dict[str, Fault] = {fault.name: fault for module in _MODULES for fault in module.FAULTS}


class UnknownFaultError(LookupError):
    """There is no fault of that name."""


class FaultCatalogue:
    """The faults that a server knows: those of this package, and others that it is given.

    Args:
        own: more faults; one with the name of another takes its place.
    """

    def __init__(self, own: Sequence[Fault] = ()) -> None:
        self._faults = FAULTS | {fault.name: fault for fault in own}

    def change_of(self, name: str, parameters: Mapping[str, Any]) -> tuple[Change, Mapping[str, Any]]:
        """What a fault does to a behaviour, and all its parameters, defaults included.

        Raises:
            UnknownFaultError: there is none of that name.
            ValueError: a parameter is not as it should be.
        """
        if name in self._faults:
            if parameters:
                raise ValueError(f"{name} takes no parameters, not {', '.join(parameters)}")
            return self._faults[name].change, {}
        if name not in NETWORK_FAULTS:
            raise UnknownFaultError(
                f"there is no fault {name!r}; GET /_adjourn/faults and adjourn faults list have them"
            )
        try:
            fault = msgspec.convert(dict(parameters), NETWORK_FAULTS[name])
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {error}") from None
        return fault.change, msgspec.to_builtins(fault)

    def descriptions(self) -> Iterator[Mapping[str, Any]]:
        """Name, summary, clause and parameters of each fault, as JSON members."""
        for name, kind in NETWORK_FAULTS.items():
            (schema,) = msgspec.json.schema(kind)["$defs"].values()
            yield {"name": name, "summary": kind.summary, "clause": None, "parameters": schema}
        for fault in self._faults.values():
            yield {"name": fault.name, "summary": fault.summary, "clause": fault.clause, "parameters": None}
