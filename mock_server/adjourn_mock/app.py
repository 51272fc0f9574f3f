"""The mock server as an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from adjourn_mock.control.access import Access
from adjourn_mock.control.control import Control
from adjourn_mock.dialects.documented import DOCUMENTED
from adjourn_mock.dialects.server import SERVER
from adjourn_mock.domain.clock import Clock, SystemClock
from adjourn_mock.domain.errors import NotFoundError, UserError
from adjourn_mock.environments.environments import DEFAULT_KEYS, MAX_ENVIRONMENTS, Environments
from adjourn_mock.environments.seeds import SeedDocument, read_agent, read_seed
from adjourn_mock.environments.sharing import SharedEnvironmentSync
from adjourn_mock.environments.tokens import Tokens
from adjourn_mock.exchanges.routes import Routes
from adjourn_mock.pipeline.behaviour import Behaviour, Change
from adjourn_mock.pipeline.dialects import Dialects
from adjourn_mock.pipeline.fault_injection import Catalogue, FaultInjector
from adjourn_mock.pipeline.pipeline import Elsewhere, Pipeline, unavailable
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.memory import MAX_SESSIONS, MemoryStore
from adjourn_mock.stores.opening import as_shared, open_store
from adjourn_mock.stores.store import MAX_MEGABYTES, StoreUnavailable
from adjourn_spec import Contract, load_contract

if TYPE_CHECKING:
    from adjourn_mock.faults import Fault, FaultCatalogue

__all__ = ["DIALECTS", "MockApp", "as_yaml", "create_app"]

DIALECTS: Mapping[str, Behaviour] = {"documented": DOCUMENTED, "server": SERVER}
_OWN_PATHS = ("/openapi.json", "/openapi.yaml", "/_adjourn")
_METHOD_NOT_ALLOWED = 405


class MockApp(Router):
    """The Sessions API, the document in force and the control API, for any ASGI server.

    The API's requests go straight to the pipeline, which routes on the raw path; Starlette
    routes the mock's own paths. A Starlette route around the pipeline costs a tenth of its speed.

    Args:
        pipeline: answers the API's requests.
        catalogue: the faults that may be switched on.
        access: who may use the control API.

    Attributes:
        pipeline: the same.
        service: contract, environments and store.
        environments: those of the service, for their keys, names and journals.
        control: what may be done to it while it runs.
    """

    def __init__(self, pipeline: Pipeline, catalogue: Catalogue, access: Access) -> None:
        service = pipeline.service
        super().__init__(
            routes=[
                Route("/openapi.json", _Document("application/json", partial(_as_json, service.contract.document))),
                Route("/openapi.yaml", _Document("application/yaml", partial(as_yaml, service.contract.document))),
                Route("/_adjourn/health", _Document("application/json", lambda: '{"status":"ok"}')),
            ],
            redirect_slashes=False,
            default=self._control_api,
        )
        self.service, self.pipeline, self.control = service, pipeline, Control(pipeline, catalogue)
        self._access = access
        self._api: Router | None = None

    @property
    def environments(self) -> Environments:
        return self.service.environments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own_path(scope):
            await self.pipeline(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _control_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self._api is None:
            # Its document is read when it is first asked for: a server starts sooner without.
            from adjourn_mock.control.api import control_api

            self._api = control_api(self.control, self._access)
        await self._api(scope, receive, send)


class SharedMockApp(MockApp):
    """A mock whose state other processes share: before each request it takes over what they have changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await self.service.sync.refresh()
            except StoreUnavailable as error:
                answer = unavailable(error)
                await Response(answer.body, answer.status, media_type="application/json")(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def create_app(
    contract: Contract | None = None,
    *,
    secret_keys: Sequence[str] = DEFAULT_KEYS,
    dialect: str = "documented",
    seed: str | Path | Mapping[str, Any] | None = None,
    id_seed: int | None = None,
    clock: Clock | None = None,
    faults: Sequence[str] = (),
    own_faults: Sequence[Fault] = (),
    control_token: str | None = None,
    is_open_to_this_machine: bool = False,
    store: str = "memory",
    max_sessions: int = MAX_SESSIONS,
    max_megabytes: float = MAX_MEGABYTES,
    max_environments: int = MAX_ENVIRONMENTS,
    stubs: Sequence[str | Path | Mapping[str, Any]] = (),
    passthrough: str | None = None,
) -> MockApp:
    """Make a mock server for any ASGI host.

    Args:
        contract: what it keeps; the one that ships with adjourn by default.
        secret_keys: one environment each; without any there is one each for dev, stg and prod.
        dialect: how it answers where the sources disagree, `documented` or `server`.
        seed: sessions that are there from the start, as a file or its content.
        id_seed: makes the ids the same on every run.
        clock: the source of time; the machine's clock by default.
        faults: faults of every environment, by name; network conditions take parameters, as `latency=200ms`.
            `adjourn faults list` has the names.
        own_faults: faults that can be named beside those that ship with the mock.
        control_token: whoever has it may use the control API; without one only callers on this machine may.
        is_open_to_this_machine: with a token, whether callers on this machine may use it without.
        store: where the state lives: `memory`, `sqlite:PATH` or `redis://HOST:PORT/DATABASE`. The latter two are
            shared by all processes that use them, and outlive them; a seed is for environments that are new there.
        max_sessions: how many a store in memory keeps at most, of all environments together; a create beyond is 507.
        max_megabytes: how much of memory, or of SQLite's file, they may take; what would need more is 507.
        max_environments: the upper limit; a create beyond it is 507.
        stubs: answers to requests outside the Sessions API, as files or their content (`pipeline/elsewhere.py`).
        passthrough: the URL of a server that requests outside the Sessions API are sent to, where no stub answers.

    Raises:
        KeyFormatError: a secret key has not the form of one.
        DocumentError: the seed or a file of stubs is broken.
        ValueError: there is no such dialect or fault.
        StoreError: the store cannot be used.
    """
    catalogue = _LazyCatalogue(own_faults)
    dialects = Dialects(DIALECTS, dialect, [_change(catalogue, fault) for fault in faults])
    contract = contract or load_contract()
    engine = open_store(store, max_sessions, max_megabytes)
    environments = Environments(
        contract, dialect=dialect, id_seed=id_seed, clock=clock, limit=max_environments, journals=engine.journal
    )
    for secret_key in secret_keys or DEFAULT_KEYS:
        environments.add(secret_key)
    document = None if seed is None else SeedDocument.of(seed)
    rows = () if document is None else read_seed(document, contract, environments)
    for environment in environments:
        environment.seed = [session for owner, session in rows if owner is environment]
        if document is not None:
            environment.agent = environment.first_agent = read_agent(document)
        if isinstance(engine, MemoryStore):
            engine.load(environment.id, environment.seed)
    service = Service(
        contract=contract,
        environments=environments,
        store=engine,
        routes=Routes(contract),
        tokens=Tokens(contract.token),
        channels=engine.channels(contract.channels),
        clock=clock or SystemClock(),
    )
    common = as_shared(engine)
    if common is not None:
        service = replace(service, sync=SharedEnvironmentSync(environments, common))
    elsewhere = _elsewhere(stubs, passthrough) if stubs or passthrough else None
    pipeline = Pipeline(service, dialects, FaultInjector(service, catalogue), elsewhere)
    kind = MockApp if common is None else SharedMockApp
    access = Access(control_token, is_open_to_this_machine=is_open_to_this_machine)
    return kind(pipeline, catalogue, access)


def _elsewhere(stubs: Sequence[str | Path | Mapping[str, Any]], passthrough: str | None) -> Elsewhere:
    # Few mocks have other requests: a server starts sooner without.
    from adjourn_mock.pipeline.elsewhere import OtherRequests, read_stubs

    return OtherRequests([stub for source in stubs for stub in read_stubs(source)], passthrough)


class _LazyCatalogue:
    """The faults, loaded when they are first asked for: a server that uses none starts sooner."""

    def __init__(self, own: Sequence[Fault]) -> None:
        self._own = own

    @cached_property
    def _catalogue(self) -> FaultCatalogue:
        from adjourn_mock.faults import FaultCatalogue

        return FaultCatalogue(self._own)

    def parse(self, text: str) -> tuple[str, Mapping[str, Any]]:
        return self._catalogue.parse(text)

    def change_of(self, name: str, parameters: Mapping[str, Any]) -> tuple[Change, Mapping[str, Any]]:
        return self._catalogue.change_of(name, parameters)

    def descriptions(self) -> Iterable[Mapping[str, Any]]:
        return self._catalogue.descriptions()


def _change(catalogue: _LazyCatalogue, text: str) -> Change:
    try:
        change, _ = catalogue.change_of(*catalogue.parse(text))
    except NotFoundError as error:
        raise UserError(str(error)) from error
    return change


def _is_own_path(scope: Scope) -> bool:
    path: str = scope["path"]
    if root := scope.get("root_path"):
        path = path.removeprefix(root)
    return path.startswith(_OWN_PATHS) and (path in _OWN_PATHS or path.startswith("/_adjourn/"))


class _Document:
    """A text that is served under a path of its own, written once, when it is first asked for."""

    def __init__(self, media_type: str, write: Callable[[], str]) -> None:
        self._media_type, self._write = media_type, write

    @cached_property
    def _text(self) -> str:
        return self._write()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            response = Response(self._text, media_type=self._media_type)
        else:
            response = JSONResponse({"error": "use GET"}, _METHOD_NOT_ALLOWED, {"allow": "GET, HEAD"})
        await response(scope, receive, send)


def _as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML text, without aliases."""
    text: str = yaml.dump(document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _PlainDumper(yaml.SafeDumper):
    """Writes what occurs in two places twice, rather than as an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True
