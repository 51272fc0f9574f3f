"""Requests that Schemathesis makes from the document, answers held to our checks."""

from __future__ import annotations

from typing import Any, cast

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode

from adjourn_contract.hooks import hold
from adjourn_contract.run import Run
from adjourn_contract.wire import Exchange

__all__ = ["fuzz"]

# What a server may answer with where a request has U+0000 or a lone surrogate in it (grey.nul, grey.nul-id).
_GREY = ("\\u0000", "\\ud", "%00")


def fuzz(run: Run) -> None:
    """Send valid and invalid requests to every operation that the server has.

    Raises:
        Broken: an answer breaks a clause.
    """
    schema = schemathesis.openapi.from_dict(dict(run.contract.document))
    for result in schema.get_all_operations():
        operation = cast("Any", result).ok()
        if operation.definition.raw.get("operationId") in run.lacks:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _fuzz_operation(run, operation, mode)


def _fuzz_operation(run: Run, operation: Any, mode: GenerationMode) -> None:
    @hypothesis.settings(
        max_examples=run.count(run.profile.schemathesis),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        run.wire.pace()
        response = case.call(
            base_url=run.url, headers={"Authorization": f"Bearer {run.key}"}, timeout=run.wire.timeout_seconds
        )
        if response.status_code == 429:
            return
        _hold(run, response)

    send()


def _hold(run: Run, response: Any) -> None:
    request = response.request
    body = request.body if isinstance(request.body, bytes) else (request.body or "").encode() or None
    target = str(request.url).removeprefix(run.url.rstrip("/"))
    media_type = request.headers.get("content-type", "application/json")
    headers = (("Authorization", f"Bearer {run.key}"), ("Content-Type", media_type))
    status = response.status_code
    exchange = Exchange(request.method, target, headers, body, False, status, (), response.content or b"")
    scene = run.scene()
    scene.note(exchange)
    if response.status_code == 201:
        run.remember(run.key, exchange)
    is_grey = any(mark in f"{exchange.target}{body!r}".lower() for mark in _GREY) or b"\0" in (body or b"")
    if response.status_code >= 500 and not is_grey:
        raise scene.fail(
            "close.closes" if exchange.target.endswith("/close") else "row.schema", "no server error", exchange.said
        )
    fault = None if response.status_code >= 400 else hold(run.contract, response)
    if fault is not None:
        raise scene.fail(*fault)
