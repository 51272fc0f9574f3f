"""What every step of the pipeline may look at: the contract, the environments, the store."""

from __future__ import annotations

from dataclasses import dataclass

from adjourn_mock.environments import Environments
from adjourn_mock.routes import Routes
from adjourn_mock.store import Store
from adjourn_mock.tokens import Tokens
from adjourn_spec import Contract

__all__ = ["Service"]


@dataclass(frozen=True, slots=True)
class Service:
    """One server's world. Steps get it as their first argument."""

    contract: Contract
    environments: Environments
    store: Store
    routes: Routes
    tokens: Tokens
