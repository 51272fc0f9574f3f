"""What may be done to a running mock: environments, their state, journal, faults and clock.

The control API and the pytest fixtures are two faces of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adjourn_mock.control.chats import Chats
from adjourn_mock.control.direct_request import answer_request
from adjourn_mock.control.matches import Matches, wait_for_matches
from adjourn_mock.control.redaction import EntryView
from adjourn_mock.control.replay import Difference, replay_in_other_dialect
from adjourn_mock.control.session_search import search_sessions, with_status
from adjourn_mock.domain.clock import duration, milliseconds, rfc3339
from adjourn_mock.domain.errors import NotFoundError, UserError
from adjourn_mock.domain.sessions import Filter, Session, to_dict
from adjourn_mock.environments.active_faults import ActiveFault, FaultScope
from adjourn_mock.environments.environments import Environment, masked
from adjourn_mock.environments.seeds import SeedDocument, read_agent, read_seed
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.pipeline.fault_injection import Catalogue
from adjourn_mock.pipeline.pipeline import Pipeline
from adjourn_spec import FriendlyId

__all__ = ["Control", "UnknownError"]


class UnknownError(NotFoundError):
    """There is no such environment or fault."""


class Control:
    """The world of one server, to be changed from outside.

    Its methods are to be called in the event loop of the server.

    Args:
        pipeline: the server's.
        catalogue: the faults that may be switched on.

    Attributes:
        service: that world.
        dialects: the dialects that an environment may have.
        catalogue: the faults that may be switched on.
        chats: what may be done to its chats.
        is_stopping: whether the server is about to end, for those who wait for something.
    """

    def __init__(self, pipeline: Pipeline, catalogue: Catalogue) -> None:
        self.service, self.dialects, self.catalogue = pipeline.service, pipeline.dialects, catalogue
        self.is_stopping = False
        self.chats = Chats(pipeline.service)
        self._pipeline = pipeline
        self._entry_view = EntryView(pipeline.service.contract)

    # environments

    def environment(self, name: str) -> Environment:
        """An environment by its id or name.

        Raises:
            UnknownError: there is none.
        """
        environments = self.service.environments
        found = environments.with_id(name) or environments.named(name)
        if found is None:
            raise UnknownError(f"there is no environment {name!r}")
        return found

    async def create_environment(
        self,
        *,
        kind: str = "dev",
        name: str | None = None,
        secret_key: str | None = None,
        dialect: str | None = None,
        id_seed: int | None = None,
        clock: str | None = None,
        scopes: Sequence[str] | None = None,
        seed: str | Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> Environment:
        """A new environment, with a secret key of its own.

        Args:
            kind: dev, stg, prod or preview.
            name: the kind and a number by default.
            secret_key: a fresh one by default.
            dialect: documented or server; the server's by default.
            id_seed: makes its ids the same on every run.
            clock: the RFC 3339 moment at which its clock is frozen; by default it runs.
            scopes: what public tokens made with its key may grant; the key is then a named one, `tr_dev_sk_...`.
            seed: the sessions that it has from the start and after each reset, as a file or its content.
            replace: whether an environment that has the name or the key is deleted first, such as one that a
                killed run has left; without it that is an error.

        Raises:
            UserError, DocumentError: an argument is not valid.
            TooManyError: the limit of environments is reached.
        """
        environments = self.service.environments
        if replace:
            await self._delete_holders(name, secret_key)
        environment = environments.add(
            secret_key,
            kind=kind,
            name=name,
            dialect=self.dialects.known(dialect),
            id_seed=id_seed,
            frozen_at=None if clock is None else milliseconds(clock),
            key_scopes=scopes,
        )
        try:
            if seed is not None:
                document = SeedDocument.of(seed)
                environment.seed = self._read_seed(environment, document)
                environment.agent = environment.first_agent = read_agent(document)
                await self.service.store.replace(environment.id, environment.seed)
            await self.service.sync.save(environment)
        except BaseException:
            # Whatever went wrong, a cancelled request included: the caller has no key to delete it with.
            environments.remove(environment)
            raise
        return environment

    async def _delete_holders(self, name: str | None, secret_key: str | None) -> None:
        environments = self.service.environments
        holders = (
            environments.named(name) if name is not None else None,
            environments.with_key(secret_key.encode()) if secret_key is not None else None,
        )
        for holder in {each.id: each for each in holders if each is not None}.values():
            await self.delete_environment(holder)

    async def delete_environment(self, environment: Environment) -> None:
        """Forget an environment and all that is its; its key is unknown from now on."""
        self.service.environments.remove(environment)
        await self._end_chats(environment)
        await self.service.store.replace(environment.id, ())
        await self.service.sync.drop(environment)

    async def reset(self, environment: Environment) -> None:
        """Make an environment what it was at the start: seed, clock, ids; no journal, no faults, no channels."""
        await self._end_chats(environment)
        await self.service.store.replace(environment.id, environment.seed)
        await environment.journal.clear()
        environment.restart()
        await self.service.sync.save(environment)

    async def _end_chats(self, environment: Environment) -> None:
        """Stop what agents write, forget all channels and end their readers."""
        self.service.turns.stop(environment.id)
        await self.service.channels.clear(environment.id)

    async def end_streams(self) -> None:
        """End what is read and written without end, for a server that stops."""
        self.is_stopping = True
        self.service.turns.stop()
        await self.service.channels.close()

    async def change_dialect(self, environment: Environment, dialect: str) -> None:
        """Answer in another dialect from now on.

        Raises:
            ValueError: there is no such dialect.
        """
        environment.dialect = self.dialects.known(dialect)
        await self.service.sync.save(environment)

    async def summary(self, environment: Environment) -> dict[str, Any]:
        """What there is to say of an environment; its key is masked."""
        return {
            "id": environment.id,
            "name": environment.name,
            "kind": environment.kind,
            "secretKey": masked(environment.secret_key),
            "dialect": environment.dialect,
            "clock": self.clock(environment),
            "sessions": await self.service.store.count(environment.id),
            "exchanges": await environment.journal.count(),
            "faults": len(environment.faults),
        }

    # state

    async def export(self, environment: Environment) -> dict[str, Any]:
        """All sessions, in the form of a seed."""
        return {"sessions": [to_dict(row) for row in await self.service.store.snapshot(environment.id)]}

    async def load(self, environment: Environment, state: Mapping[str, Any]) -> int:
        """Put the sessions of a seed in place of those there are; return how many.

        Raises:
            DocumentError: the seed is broken; nothing was changed.
        """
        rows = self._read_seed(environment, state)
        await self._end_chats(environment)
        await self.service.store.replace(environment.id, rows)
        return len(rows)

    def _read_seed(self, environment: Environment, seed: SeedDocument | Mapping[str, Any]) -> Sequence[Any]:
        return [session for _, session in read_seed(seed, self.service.contract, [environment])]

    async def find(self, environment: Environment, session_id: str) -> dict[str, Any]:
        """A session by its friendly id, with its `status`.

        Raises:
            UnknownError: there is none.
        """
        row = await self.service.store.find(environment.id, FriendlyId(session_id))
        if row is None:
            raise UnknownError(f"there is no session {session_id!r}")
        return with_status(row, rfc3339(environment.clock.now()))

    async def search(
        self, environment: Environment, wanted: Filter, *, text: str = "", size: int, after: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Sessions that a filter keeps and whose id or externalId has a text in it, newest first, with `status`.

        Returns up to `size` of them and, where more may follow, the id to continue after. A text that
        few sessions have in them is looked for in so many at a time.
        """
        return await search_sessions(self.service.store, environment, wanted, text=text, size=size, after=after)

    async def perform(
        self, environment: Environment, operation: str, *, segment: str = "", query: str = "", body: Any = None
    ) -> Answer:
        """Do an operation of the API without its being noted and without faults.

        Args:
            environment: whose key is used.
            operation: the operationId.
            segment: the path parameter, percent-encoded.
            query: the raw query.
            body: sent as JSON.
        """
        return await answer_request(self._pipeline, environment, operation, segment=segment, query=query, body=body)

    def token(self, environment: Environment, session: Session) -> str:
        """A public access token for a session, as a create answers it."""
        return self.service.tokens.issue(environment, session.external_id or session.id)

    # journal

    async def entries(
        self, journal: Journal, wanted: JournalFilter, *, at_least: int = 0, timeout_seconds: float = 0
    ) -> Matches:
        """The exchanges that match, as soon as there are `at_least` of them or the time is over."""
        return await wait_for_matches(journal, wanted, at_least=at_least, timeout_seconds=timeout_seconds)

    async def detail(self, entry: Entry, environment: Environment | None) -> dict[str, Any]:
        """An entry for people and machines: keys masked, with what another dialect would have answered."""
        return {**self._entry_view.detail(entry), "differs": await self._difference(entry, environment)}

    async def line(self, entry: Entry, environment: Environment | None) -> dict[str, Any]:
        """An entry as one line of a list."""
        return {**self._entry_view.summary(entry), "differs": await self._difference(entry, environment)}

    async def difference(self, entry: Entry, environment: Environment) -> Difference | None:
        """What the other dialect would have answered, or None where it would have answered the same."""
        return await replay_in_other_dialect(self._pipeline, environment, entry)

    async def _difference(self, entry: Entry, environment: Environment | None) -> dict[str, Any] | None:
        other = None if environment is None else await self.difference(entry, environment)
        return None if other is None else {"dialect": other.dialect, "status": other.status, "clause": other.clause}

    # faults

    async def enable_fault(
        self, environment: Environment, name: str, parameters: Mapping[str, Any] | None = None, **options: Any
    ) -> ActiveFault:
        """Switch a fault on: one that breaks a clause, or one of the network with its parameters.

        Args:
            environment: where.
            name: of the fault.
            parameters: of a network fault.
            options: the members of a `FaultScope`.

        Raises:
            LookupError: there is no such fault.
            ValueError: a parameter or option is not as it should be, or too many faults are on.
        """
        scope = FaultScope(**options)
        if scope.operation is not None and scope.operation not in self.service.contract.operations:
            names = ", ".join(self.service.contract.operations)
            raise UserError(f"there is no operation {scope.operation!r}; there are {names}")
        _, complete = self.catalogue.change_of(name, parameters or {})
        fault = environment.faults.enable(name, complete, scope)
        await self.service.sync.save(environment)
        return fault

    async def disable_fault(self, environment: Environment, fault_id: str | None = None) -> None:
        """Switch a fault off, or all of them.

        Raises:
            UnknownError: it is not on.
        """
        if fault_id is None:
            environment.faults.clear()
        elif not environment.faults.disable(fault_id):
            raise UnknownError(f"no fault {fault_id!r} is on")
        await self.service.sync.save(environment)

    async def active_faults(self, environment: Environment) -> Sequence[ActiveFault]:
        """The faults that are on, with how often each came."""
        await self.service.sync.refresh_hits(environment)
        return list(environment.faults)

    async def spent_faults(self, environment: Environment) -> Sequence[ActiveFault]:
        """The faults that have applied as often as they were enabled for, the last ones."""
        await self.service.sync.refresh_hits(environment)
        return environment.faults.spent

    # clock

    def clock(self, environment: Environment) -> dict[str, Any]:
        return {"now": rfc3339(environment.clock.now()), "frozen": environment.clock.is_frozen}

    async def change_clock(self, environment: Environment, change: str, value: Any = None) -> None:
        """Freeze, set, advance or resume a clock.

        Args:
            environment: whose.
            change: which of the four.
            value: the moment to freeze at (None for now) or to set, RFC 3339; how much to advance.

        Raises:
            ValueError: the value is not one.
        """
        clock = environment.clock
        if change == "freeze":
            clock.freeze(None if value is None else milliseconds(value))
        elif change == "set":
            clock.set(milliseconds(value))
        elif change == "advance":
            clock.advance(duration(value))
        else:
            clock.resume()
        await self.service.sync.save(environment)
