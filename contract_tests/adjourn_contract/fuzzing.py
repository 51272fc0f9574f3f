"""Requests that Schemathesis makes from the document, in all of its phases, answers held to our checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import schemathesis
from schemathesis.engine import events, from_schema

from adjourn_contract.hooks import hold
from adjourn_contract.run import Run
from adjourn_contract.scene import Row
from adjourn_contract.wire import Exchange

__all__ = ["fuzz"]

# What a server may answer 500 to: U+0000 and lone surrogates (grey.nul, grey.nul-id).
_GREY = (b"\\u0000", b"\\ud", b"%00", b"\0")


def fuzz(run: Run) -> None:
    """Run Schemathesis' examples, coverage, fuzzing and stateful phases.

    Ids are changed so that only sessions of this run are made and meant.

    Raises:
        Broken: an answer breaks a clause.
    """
    config = schemathesis.Config.from_dict(
        {
            "headers": {"Authorization": f"Bearer {run.key}"},
            "generation": {"max-examples": run.count(run.profile.schemathesis)},
            "seed": run.random("schemathesis").getrandbits(32),
            "checks": {"enabled": False},
            "request-timeout": run.wire.timeout_seconds,
        }
    )
    schema = schemathesis.openapi.from_dict(dict(run.contract.document), config=config)
    schema.config.base_url = run.url

    @schema.hook("before_call")
    def keep_to_our_sessions(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001
        run.wire.pace()
        parameters = case.path_parameters
        if parameters and "session" in parameters:
            parameters["session"] = quote(_ours(run, unquote(str(parameters["session"]))), safe="")
        body: Row | Any = case.body
        if isinstance(body, dict) and isinstance(body.get("externalId"), str):
            body["externalId"] = _ours(run, body["externalId"])

    for exchange in _exchanges(run, schema):
        _hold(run, exchange)


def _ours(run: Run, key: str) -> str:
    """A key of this run: one that it made, or a name that nobody has."""
    is_ours = run.tag in key or run.made(key)
    return key if is_ours else f"{run.name()}-{key}"


def _exchanges(run: Run, schema: Any) -> Iterator[Any]:
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for interaction in event.recorder.interactions.values():
                if interaction.response is not None:
                    _remember(run, interaction)
                    yield interaction


def _as_exchange(run: Run, interaction: Any) -> Exchange:
    request, response = interaction.request, interaction.response
    target = str(request.uri).removeprefix(run.url.rstrip("/"))
    headers = (("Authorization", f"Bearer {run.key}"), ("Content-Type", "application/json"))
    return Exchange(
        request.method, target, headers, request.body, False, response.status_code, (), response.content or b""
    )


def _remember(run: Run, interaction: Any) -> None:
    if interaction.response.status_code == 201:
        run.remember(run.key, _as_exchange(run, interaction))


def _hold(run: Run, interaction: Any) -> None:
    exchange = _as_exchange(run, interaction)
    operation = next((name for name, each in run.contract.operations.items() if _is_of(each, exchange)), None)
    if exchange.status == 429 or operation is None or operation in run.lacks:
        return
    scene = run.scene()
    scene.note(exchange)
    sent = exchange.target.encode() + (exchange.body or b"").lower()
    if exchange.status >= 500 and not any(mark in sent for mark in _GREY):
        clause = "close.closes" if operation == "closeSession" else "row.schema"
        raise scene.fail(clause, "no server error", exchange.said)
    fault = None if exchange.status >= 400 else hold(run.contract, interaction.response, exchange)
    if fault is not None:
        raise scene.fail(*fault)


def _is_of(operation: Any, exchange: Exchange) -> bool:
    """Whether an exchange is one of an operation's."""
    path = exchange.target.partition("?")[0]
    start, _, end = operation.template.partition("{session}")
    if operation.method != exchange.method or not path.startswith(start) or not path.endswith(end):
        return False
    return (
        path == start if "{session}" not in operation.template else "/" not in path[len(start) : len(path) - len(end)]
    )
