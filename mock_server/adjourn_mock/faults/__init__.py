"""Named faults: each breaks one clause, or the way to the server, as real servers and networks do."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adjourn_mock.faults import (
    answering,
    around,
    auth,
    bodies,
    closing,
    creates,
    ids,
    lists,
    methods,
    races,
    reasons,
    reopening,
    tokens,
)
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.faults.network import NETWORK_FAULTS, NetworkFault

__all__ = ["FAULTS", "NETWORK_FAULTS", "Fault", "NetworkFault", "UnknownFaultError", "change_of"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (
        auth,
        tokens,
        ids,
        bodies,
        reasons,
        closing,
        reopening,
        races,
        methods,
        answering,
        creates,
        lists,
        around,
    )
    for fault in module.FAULTS
}


class UnknownFaultError(LookupError):
    """There is no fault of that name."""


def change_of(name: str, parameters: Mapping[str, Any]) -> tuple[Change, Mapping[str, Any]]:
    """What a fault does to a behaviour, and all its parameters.

    Raises:
        UnknownFaultError: there is none of that name.
        ValueError: a parameter is not as it should be.
    """
    if name in NETWORK_FAULTS:
        try:
            fault = msgspec.convert(dict(parameters), NETWORK_FAULTS[name])
        except msgspec.ValidationError as error:
            raise ValueError(f"{name}: {error}") from None
        return fault.change, msgspec.to_builtins(fault)
    if name not in FAULTS:
        raise UnknownFaultError(f"there is no fault {name!r}; GET /_adjourn/faults and adjourn faults list have them")
    if parameters:
        raise ValueError(f"{name} takes no parameters, not {', '.join(parameters)}")
    return FAULTS[name].change, {}
