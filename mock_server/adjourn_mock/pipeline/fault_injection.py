"""Which faults apply to a request, and the behaviour that results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from adjourn_mock.environments.active_faults import ActiveFault, ActiveFaults
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.pipeline.behaviour import Behaviour, Change
from adjourn_mock.pipeline.service import Service

__all__ = ["Catalogue", "FaultInjector"]


class Catalogue(Protocol):
    """The faults that a server knows, by name."""

    def change_of(self, name: str, parameters: Mapping[str, Any]) -> tuple[Change, Mapping[str, Any]]:
        """What a fault does to a behaviour, and all its parameters, defaults included.

        Raises:
            LookupError: there is no such fault.
            ValueError: a parameter is not as it should be.
        """

    def descriptions(self) -> Iterable[Mapping[str, Any]]:
        """Name, summary, clause and parameters of each fault, as JSON members."""


class FaultInjector:
    """Finds the faults that apply to a request and wraps the dialect's behaviour in them.

    Args:
        service: the server's.
        catalogue: what the names of faults mean.
    """

    def __init__(self, service: Service, catalogue: Catalogue) -> None:
        self._service, self._catalogue = service, catalogue
        self._made: WeakKeyDictionary[ActiveFaults, _Behaviours] = WeakKeyDictionary()

    async def behaviour_for(self, base: Behaviour, environment: Environment, request: Request) -> Behaviour:
        """How this request is to be answered: as the dialect has it, with the faults that apply."""
        applied = [
            fault
            for fault in environment.faults
            if await self._is_meant(fault, environment, base, request)
            and await self._service.sync.should_fire(environment, fault)
        ]
        request.faults = tuple(fault.name for fault in applied)
        made = self._made.get(environment.faults)
        if made is None or made.removals != environment.faults.removals:
            made = self._made[environment.faults] = _Behaviours(environment.faults.removals)
        # Behaviours are reused: a fault may remember earlier requests.
        key = (environment.dialect, *(fault.id for fault in applied))
        behaviour = made.by_faults.get(key)
        if behaviour is None:
            behaviour = made.by_faults[key] = self._wrapped(base, applied)
        return behaviour

    def _wrapped(self, behaviour: Behaviour, faults: Iterable[ActiveFault]) -> Behaviour:
        for fault in faults:
            change, _ = self._catalogue.change_of(fault.name, fault.parameters)
            behaviour = change(behaviour)
        return behaviour

    async def _is_meant(self, fault: ActiveFault, environment: Environment, base: Behaviour, request: Request) -> bool:
        """Whether a request is one of the operation and the session that a fault is for."""
        scope = fault.scope
        if scope.operation is None and scope.session is None:
            return True
        try:
            route = base.route(self._service, request)
            if scope.operation not in (None, route.operation.name):
                return False
            if scope.session is None:
                return True
            if route.segment is None:
                return False
            text = base.decode(route.segment)
            if text == scope.session:
                return True
            session = await base.find(self._service, environment, base.identify(self._service, text))
        except Refusal:
            return False
        return session is not None and scope.session in (session.id, session.external_id)


class _Behaviours:
    """The behaviours made for one environment since a fault was last removed."""

    def __init__(self, removals: int) -> None:
        self.removals = removals
        self.by_faults: dict[tuple[str, ...], Behaviour] = {}
