"""The mock server as an ASGI application."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound, Route, Router
from starlette.types import Receive, Scope, Send

from adjourn_mock.behaviour import Behaviour
from adjourn_mock.documented import DOCUMENTED
from adjourn_mock.environments import DEFAULT_KEYS, Environment, Environments
from adjourn_mock.instants import Clock
from adjourn_mock.memory import MemoryStore
from adjourn_mock.pipeline import Pipeline
from adjourn_mock.routes import Routes
from adjourn_mock.seeds import Seed, read_seed
from adjourn_mock.service import Service
from adjourn_mock.tokens import Tokens
from adjourn_mock.vendor import SERVER
from adjourn_spec import Contract, load_contract

__all__ = ["DIALECTS", "MockApp", "SessionsRoute", "as_yaml", "create_app"]

DIALECTS: Mapping[str, Behaviour] = {"documented": DOCUMENTED, "server": SERVER}
_OWN_PATHS = ("/openapi.json", "/openapi.yaml", "/_adjourn/")


class SessionsRoute(BaseRoute):
    """Every path but the mock's own: routing on the raw path is the pipeline's business."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http":
            return Match.NONE, {}
        path: str = scope["path"]
        is_ours = not path.removeprefix(scope.get("root_path", "")).startswith(_OWN_PATHS)
        return (Match.FULL if is_ours else Match.NONE), {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.pipeline(scope, receive, send)


class MockApp(Router):
    """The Sessions API, the document in force and the health check, for any ASGI server.

    Attributes:
        service: contract, environments and store.
        environments: the same environments, for their keys, names and journals.
    """

    def __init__(self, service: Service, behaviour: Behaviour, seed: Seed = ()) -> None:
        super().__init__(
            routes=[
                SessionsRoute(Pipeline(service, behaviour)),
                Route("/openapi.json", _document("application/json", _as_json, service.contract)),
                Route("/openapi.yaml", _document("application/yaml", as_yaml, service.contract)),
                Route("/_adjourn/health", _health),
            ],
            redirect_slashes=False,
            default=_not_found,
        )
        self.service = service
        self._seed: list[tuple[Environment, Any]] = list(seed)

    @property
    def environments(self) -> Environments:
        return self.service.environments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while self._seed:
            environment, session = self._seed.pop(0)
            await self.service.store.insert(environment.id, session)
        await self.middleware_stack(scope, receive, send)


def create_app(
    contract: Contract | None = None,
    *,
    secret_keys: Sequence[str] = DEFAULT_KEYS,
    dialect: str = "documented",
    seed: str | Path | Mapping[str, Any] | None = None,
    id_seed: int | None = None,
    clock: Clock | None = None,
) -> MockApp:
    """Make a mock server for any ASGI host.

    Args:
        contract: what it keeps; the one that ships with adjourn by default.
        secret_keys: one environment each; without any there is one each for dev, stg and prod.
        dialect: how it answers where the sources disagree, `documented` or `server`.
        seed: sessions that are there from the start, as a file or its content.
        id_seed: makes the ids the same on every run.
        clock: what tells the time; the machine's by default.

    Raises:
        KeyFormatError: a secret key has not the form of one.
        DocumentError: the seed is broken.
        ValueError: there is no such dialect.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"there is no dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    contract = contract or load_contract()
    environments = Environments(contract, id_seed=id_seed, clock=clock)
    for secret_key in secret_keys or DEFAULT_KEYS:
        environments.add(secret_key)
    service = Service(contract, environments, MemoryStore(), Routes(contract), Tokens(contract.token))
    rows = () if seed is None else read_seed(seed, contract, environments)
    return MockApp(service, DIALECTS[dialect], rows)


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
