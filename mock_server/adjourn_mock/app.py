"""The mock server as an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from adjourn_mock.behaviour import Behaviour
from adjourn_mock.documented import DOCUMENTED
from adjourn_mock.environments import DEFAULT_KEYS, Environments
from adjourn_mock.instants import Clock
from adjourn_mock.memory import MemoryStore
from adjourn_mock.pipeline import Pipeline
from adjourn_mock.routes import Routes
from adjourn_mock.seeds import read_seed
from adjourn_mock.service import Service
from adjourn_mock.tokens import Tokens
from adjourn_mock.vendor import SERVER
from adjourn_spec import Contract, load_contract

__all__ = ["DIALECTS", "MockApp", "as_yaml", "create_app"]

DIALECTS: Mapping[str, Behaviour] = {"documented": DOCUMENTED, "server": SERVER}
_OWN_PATHS = ("/openapi.json", "/openapi.yaml", "/_adjourn/")


class MockApp(Router):
    """The Sessions API, the document in force and the health check, for any ASGI server.

    The API's requests go straight to the pipeline, which routes on the raw path; Starlette
    routes the mock's own paths. A Starlette route around the pipeline costs a tenth of its speed.

    Attributes:
        service: contract, environments and store.
        environments: the same environments, for their keys, names and journals.
    """

    def __init__(self, service: Service, behaviour: Behaviour) -> None:
        super().__init__(
            routes=[
                Route("/openapi.json", _document("application/json", _as_json, service.contract)),
                Route("/openapi.yaml", _document("application/yaml", as_yaml, service.contract)),
                Route("/_adjourn/health", _health),
            ],
            redirect_slashes=False,
            default=_not_found,
        )
        self.service = service
        self.pipeline = Pipeline(service, behaviour)

    @property
    def environments(self) -> Environments:
        return self.service.environments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_own_path(scope):
            await self.pipeline(scope, receive, send)
        else:
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
) -> MockApp:
    """Make a mock server for any ASGI host.

    Args:
        contract: what it keeps; the one that ships with adjourn by default.
        secret_keys: one environment each; without any there is one each for dev, stg and prod.
        dialect: how it answers where the sources disagree, `documented` or `server`.
        seed: sessions that are there from the start, as a file or its content.
        id_seed: makes the ids the same on every run.
        clock: what tells the time; the machine's by default.
        faults: names of faults, each of which breaks a clause; `adjourn faults list` has them.

    Raises:
        KeyFormatError: a secret key has not the form of one.
        DocumentError: the seed is broken.
        ValueError: there is no such dialect or fault.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"there is no dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    behaviour = DIALECTS[dialect]
    if faults:
        behaviour = _with_faults(behaviour, faults)
    contract = contract or load_contract()
    environments = Environments(contract, id_seed=id_seed, clock=clock)
    for secret_key in secret_keys or DEFAULT_KEYS:
        environments.add(secret_key)
    rows = () if seed is None else read_seed(seed, contract, environments)
    store = MemoryStore((environment.id, session) for environment, session in rows)
    service = Service(contract, environments, store, Routes(contract), Tokens(contract.token))
    return MockApp(service, behaviour)


def _with_faults(behaviour: Behaviour, names: Sequence[str]) -> Behaviour:
    # A server without faults does not load them: it starts sooner.
    from adjourn_mock.faults import FAULTS

    for name in names:
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}; adjourn faults list has their names")
        behaviour = FAULTS[name].change(behaviour)
    return behaviour


def _is_own_path(scope: Scope) -> bool:
    path: str = scope["path"]
    if root := scope.get("root_path"):
        path = path.removeprefix(root)
    return path.startswith(_OWN_PATHS)


def _document(
    media_type: str, write: Callable[[Mapping[str, Any]], str], contract: Contract
) -> Callable[[StarletteRequest], Response]:
    """An endpoint that answers the document, written once, when it is first asked for."""
    written: list[str] = []

    def endpoint(request: StarletteRequest) -> Response:  # noqa: ARG001
        if not written:
            written.append(write(contract.document))
        return Response(written[0], media_type=media_type)

    return endpoint


def _as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML text, without aliases."""
    text: str = yaml.dump(document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=120)
    return text


class _PlainDumper(yaml.SafeDumper):
    """Writes what stands in two places twice, rather than as an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _health(request: StarletteRequest) -> Response:  # noqa: ARG001
    return JSONResponse({"status": "ok"})


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await JSONResponse({"error": "Not found"}, status_code=404)(scope, receive, send)
