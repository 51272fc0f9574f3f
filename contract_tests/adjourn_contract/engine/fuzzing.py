"""Requests that Schemathesis makes from the document, in all of its phases, answers held to our checks."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote

import requests
import schemathesis
from requests.adapters import HTTPAdapter
from schemathesis.engine import events, from_schema
from urllib3 import HTTPHeaderDict, HTTPResponse

from adjourn_contract.engine.answers import first_finding
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import NO_ERROR, Row
from adjourn_contract.transport.exchange import Exchange, Unreachable

__all__ = ["fuzz"]

_TAG = "sessions"
# What a server may answer 500 to, or not at all: U+0000 and lone surrogates (grey.nul, grey.nul-id).
_GREY = (b"\\u0000", b"\\ud", b"%00", b"\0")
# Members of triggerConfig that name things of an account (grey.account-names).
_OF_AN_ACCOUNT = ("lockToVersion", "region")
# What the wire sets itself, and what only says who is calling.
_NOT_PASSED_ON = ("accept", "accept-encoding", "connection", "content-length", "host", "transfer-encoding")
_NOT_TOLD = ("user-agent", "x-schemathesis-testcaseid")


def fuzz(run: Run) -> None:
    """Run Schemathesis' examples, coverage, fuzzing and stateful phases.

    Ids are changed so that only sessions of this run are made and meant.

    Raises:
        ClauseFailed: an answer breaks a clause.
        OutOfTime: the time for the check is over.
    """
    config = schemathesis.Config.from_dict(
        {
            "headers": {"Authorization": f"Bearer {run.key}"},
            "generation": {"max-examples": run.count(run.profile.schemathesis)},
            # The values at the borders of each schema take hundreds of requests; cases/ has those that reveal most.
            "phases": {"coverage": {"enabled": run.profile.cases is None}},
            "seed": run.random("schemathesis").getrandbits(32),
            "checks": {"enabled": False},
            "suppress-health-check": ["all"],
        }
    )
    schema = schemathesis.openapi.from_dict(_about_sessions(run.contract.document), config=config)
    # No host: what does not go over our wire goes nowhere.
    schema.config.base_url = "/"
    adapter = _Adapter(run)
    _send_over(adapter, run, schema)
    stream = from_schema(schema).execute()
    for event in stream:
        if trouble := adapter.error or _trouble(event):
            stream.stop()
            raise trouble


def _about_sessions(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the operations on rows alone: streams take their time, and channels have tests of their own."""
    paths = {
        path: item
        for path, item in document["paths"].items()
        if any(_TAG in operation.get("tags", ()) for operation in item.values() if isinstance(operation, dict))
    }
    return {**document, "paths": paths}


def _trouble(event: events.EngineEvent) -> Exception | None:
    """What hindered Schemathesis."""
    if isinstance(event, events.FatalError):
        return event.exception
    return event.value if isinstance(event, events.NonFatalError) else None


class _Adapter(HTTPAdapter):
    """Sends over our wire, which bounds answers in bytes and seconds, and holds each answer to the contract.

    Attributes:
        trouble: why nothing more is sent.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self.error: Exception | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ARG002
        if self.error is None:
            try:
                exchange = _exchange(self._run, request)
                _hold(self._run, exchange)
            except Exception as trouble:  # noqa: BLE001 - the engine would keep it to itself
                self.error = trouble
            else:
                return self.build_response(request, _as_urllib3(exchange))
        raise requests.ConnectionError(request=request)


def _send_over(adapter: _Adapter, run: Run, schema: Any) -> None:
    """Have Schemathesis send by an adapter to our target, about our sessions.

    Its engine makes HTTP sessions of its own and takes none.
    """
    own = schema.transport

    class Transport:
        def __getattr__(self, name: str) -> Any:
            return getattr(own, name)

        def send(self, case: Any, *, session: requests.Session | None = None, **kwargs: Any) -> Any:
            _keep_to_our_sessions(run, case)
            session = session or requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, adapter)
            return own.send(case, session=session, **{**kwargs, "base_url": run.url, "allow_redirects": False})

    schema.__class__ = type("SchemaOverWire", (type(schema),), {"transport": Transport()})


def _keep_to_our_sessions(run: Run, case: Any) -> None:
    parameters = case.path_parameters
    if parameters and "session" in parameters:
        parameters["session"] = quote(_ours(run, unquote(str(parameters["session"]))), safe="")
    body: Row | Any = case.body
    if isinstance(body, dict) and isinstance(body.get("externalId"), str):
        body["externalId"] = _ours(run, body["externalId"])
    config = body.get("triggerConfig") if isinstance(body, dict) else None
    if isinstance(config, dict):
        for name in _OF_AN_ACCOUNT:
            config.pop(name, None)


def _ours(run: Run, key: str) -> str:
    """A key of this run: one that it made, or an unknown name."""
    is_ours = run.tag in key or run.is_ours(key)
    return key if is_ours else f"{run.name()}-{key}"


def _exchange(run: Run, request: requests.PreparedRequest) -> Exchange:
    """Send a request, twice where no answer comes; status 0 where none comes again."""
    target = str(request.url).removeprefix(run.url.rstrip("/"))
    body = request.body.encode() if isinstance(request.body, str) else request.body
    if not isinstance(body, bytes | None):
        raise TypeError(f"a body that is {type(body).__name__}")
    listed = tuple(
        (name, value.decode("latin-1") if isinstance(value, bytes) else value)
        for name, value in request.headers.items()
        if name.lower() not in (*_NOT_PASSED_ON, *_NOT_TOLD)
    )
    method = str(request.method)
    for _ in range(2):
        try:
            exchange = run.wire.send(method, target, listed, body)
        except Unreachable:
            continue
        if exchange.status == 201:
            run.remember(run.key, exchange)
        return exchange
    return Exchange(method, target, listed, body, False, 0, (), b"")


def _as_urllib3(exchange: Exchange) -> HTTPResponse:
    # Not unpacked: nothing was asked to be packed, and a small body may unpack to a huge one.
    headers = [(name, value) for name, value in exchange.answer_headers if name.lower() != "content-encoding"]
    return HTTPResponse(
        BytesIO(exchange.answer), HTTPHeaderDict(headers), exchange.status, preload_content=False, decode_content=False
    )


def _hold(run: Run, exchange: Exchange) -> None:
    operation = next((name for name, each in run.contract.operations.items() if _is_of(each, exchange)), None)
    if exchange.is_from_gateway or operation is None or operation in run.unsupported:
        return
    scenario = run.scenario()
    scenario.note(exchange)
    sent = exchange.target.encode() + (exchange.body or b"").lower()
    is_failure = exchange.status == 0 or exchange.status >= 500
    if is_failure and not any(mark in sent for mark in _GREY):
        raise scenario.fail(NO_ERROR, "no server error", exchange.summary)
    fault = None if exchange.status >= 400 else first_finding(run.contract, exchange)
    if fault is not None:
        raise scenario.fail(*fault)


def _is_of(operation: Any, exchange: Exchange) -> bool:
    """Whether an exchange is one of an operation's."""
    path = exchange.target.partition("?")[0]
    start, _, end = operation.template.partition("{session}")
    if operation.method != exchange.method or not path.startswith(start) or not path.endswith(end):
        return False
    return (
        path == start if "{session}" not in operation.template else "/" not in path[len(start) : len(path) - len(end)]
    )
