"""The faults that a server knows, by name, and how a name with parameters is read from text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from adjourn_mock.domain.clock import duration
from adjourn_mock.domain.errors import NotFoundError, UserError
from adjourn_mock.faults.access import auth, isolation, tokens
from adjourn_mock.faults.bodies import framing, json_types, limits, malformed, parsing, reasons, refusals
from adjourn_mock.faults.chats import appends, around, channels, streams
from adjourn_mock.faults.closes import closing, neighbours, orders, races, reopening, repeating
from adjourn_mock.faults.conditions import NETWORK_FAULTS
from adjourn_mock.faults.fault import Fault
from adjourn_mock.faults.network import NetworkFault
from adjourn_mock.faults.operations import creates, filters, lists, updates
from adjourn_mock.faults.paths import decoding, ids, look_alikes, matching, methods
from adjourn_mock.faults.rows import answering, create_answers, expiries, letter_case, losses
from adjourn_mock.pipeline.behaviour import Change

__all__ = ["FAULTS", "FaultCatalogue", "UnknownFaultError"]

_MODULES = (
    auth,
    tokens,
    isolation,
    ids,
    matching,
    decoding,
    limits,
    parsing,
    refusals,
    reasons,
    closing,
    repeating,
    neighbours,
    reopening,
    races,
    orders,
    methods,
    answering,
    creates,
    updates,
    lists,
    look_alikes,
    letter_case,
    json_types,
    expiries,
    losses,
    create_answers,
    malformed,
    filters,
    framing,
    appends,
    streams,
    channels,
    around,
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for module in _MODULES for fault in module.FAULTS}
_MILLISECONDS = "illiseconds"


class UnknownFaultError(NotFoundError):
    """There is no fault of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no fault {name!r}; adjourn faults list and GET /_adjourn/faults have the names")


class FaultCatalogue:
    """The faults that a server knows: those of this package, and others that it is given.

    Args:
        own: more faults; one with the name of another replaces it.
    """

    def __init__(self, own: Sequence[Fault] = ()) -> None:
        self._faults = {**FAULTS, **{fault.name: fault for fault in own}}

    def parse(self, text: str) -> tuple[str, Mapping[str, Any]]:
        """Read `name`, `name=value` or `name=key:value,key:value`, as `latency=200ms`.

        A value alone is the main parameter of a network condition. Parameters in milliseconds may have a unit.

        Returns:
            The name and the parameters, both known to be valid.

        Raises:
            UnknownFaultError: there is no fault of that name.
            ValueError: a parameter is unknown or its value is not allowed.
        """
        name, is_given, given = text.partition("=")
        parameters: dict[str, Any] = {}
        if is_given and name in self._network():
            parameters = _read_parameters(NETWORK_FAULTS[name], given)
        elif is_given and name in self._faults:
            raise UserError(f"{name} takes no parameters; write {name} alone")
        self.change_of(name, parameters)
        return name, parameters

    def change_of(self, name: str, parameters: Mapping[str, Any]) -> tuple[Change, Mapping[str, Any]]:
        """What a fault does to a behaviour, and all its parameters, defaults included.

        Raises:
            UnknownFaultError: there is no fault of that name.
            ValueError: a parameter is unknown or its value is not allowed.
        """
        if name in self._faults:
            if parameters:
                raise UserError(f"{name} takes no parameters, not {', '.join(parameters)}")
            return self._faults[name].change, {}
        if name not in NETWORK_FAULTS:
            raise UnknownFaultError(name)
        try:
            fault = msgspec.convert(dict(parameters), NETWORK_FAULTS[name])
        except msgspec.ValidationError as error:
            raise UserError(f"{name}: {error}") from None
        return fault.change, msgspec.to_builtins(fault)

    def descriptions(self) -> Iterator[Mapping[str, Any]]:
        """Name, summary, clause and parameters of each fault, as JSON members."""
        for name, kind in self._network().items():
            (schema,) = msgspec.json.schema(kind)["$defs"].values()
            yield {"name": name, "summary": kind.summary, "clause": None, "parameters": schema}
        for fault in self._faults.values():
            yield {"name": fault.name, "summary": fault.summary, "clause": fault.clause, "parameters": None}

    def _network(self) -> Mapping[str, type[NetworkFault]]:
        """The network conditions whose names no other fault has taken."""
        return {name: kind for name, kind in NETWORK_FAULTS.items() if name not in self._faults}


def _read_parameters(kind: type[NetworkFault], text: str) -> dict[str, Any]:
    types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    pairs = [part.partition(":") for part in text.split(",")]
    if len(pairs) == 1 and not pairs[0][1]:
        pairs = [(kind.main, ":", text)]
    parameters = {}
    for key, colon, value in pairs:
        if key not in types or not colon:
            allowed = ", ".join(f"{name}:VALUE" for name in types)
            raise UserError(f"{kind.name}: {key!r} is not a parameter with a value; use {allowed}, joined by commas")
        parameters[key] = _read_value(kind, key, value, types[key])
    return parameters


def _read_value(kind: type[NetworkFault], key: str, value: str, of: Any) -> Any:
    try:
        if key.endswith(_MILLISECONDS) and not value[-1:].isdigit():
            return duration(value)
        return msgspec.convert(value, of, strict=False)
    except msgspec.ValidationError as error:
        raise UserError(f"{kind.name}: {key} cannot be {value!r}: {error}") from None
    except ValueError as error:
        raise UserError(f"{kind.name}: {key}: {error}") from None
