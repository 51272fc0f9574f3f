"""What every step of the pipeline may look at: the contract, the environments, the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from adjourn_mock.domain.clock import Clock, SystemClock
from adjourn_mock.environments.environments import Environment, Environments
from adjourn_mock.environments.sharing import EnvironmentSync
from adjourn_mock.environments.tokens import Tokens
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.exchanges.memory_journal import MemoryJournal
from adjourn_mock.exchanges.routes import Routes
from adjourn_mock.pipeline.turns import Turns
from adjourn_mock.stores.channels import Channels
from adjourn_mock.stores.store import Store
from adjourn_spec import Contract

__all__ = ["Service"]


@dataclass(frozen=True, slots=True)
class Service:
    """One server's world. Steps get it as their first argument.

    Attributes:
        registry: what other processes of the same mock share.
        clock: the time where no environment's clock applies.
        channels: the records of the sessions' channels.
        turns: what agents are writing at the moment.
        unknown_callers: the journal of requests that name no environment.
    """

    contract: Contract
    environments: Environments
    store: Store
    routes: Routes
    tokens: Tokens
    channels: Channels
    sync: EnvironmentSync = field(default_factory=EnvironmentSync)
    clock: Clock = field(default_factory=SystemClock)
    # Who has no key may name sessions without bound: they are not counted by name.
    unknown_callers: Journal = field(default_factory=lambda: MemoryJournal(max_names=0))
    turns: Turns = field(default_factory=Turns)

    def environment_named_by(self, authorization: bytes | None) -> Environment | None:
        """The environment that a header names, in whatever form: whose journal, faults and dialect count.

        It does not decide whether the caller is let in.
        """
        if not authorization:
            return None
        environment = self.environments.with_authorization(authorization)
        if environment is not None:
            return environment
        credential = authorization.split()[-1:]
        if not credential:
            return None
        environment = self.environments.with_key(credential[0])
        if environment is None and credential[0].count(b".") == 2:
            environment = self.environments.with_id(self.tokens.subject(credential[0]))
        return environment
