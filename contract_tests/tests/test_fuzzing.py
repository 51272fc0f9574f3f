"""Schemathesis' phases go over our wire: about our sessions, held to the contract, bounded in bytes and seconds."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from misbehaving_server import HostileServer
from runs import run_against

from adjourn_contract.engine.fuzzing import fuzz
from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
from adjourn_contract.engine.run import Run
from adjourn_contract.transport.exchange import Exchange, OutOfTime
from adjourn_mock import MockServer, create_app

BUDGET_SECONDS = 3


def heard(run: Run) -> list[Exchange]:
    """Everything that the run sends from now on."""
    exchanges: list[Exchange] = []
    send = run.wire.send

    def listen(*args: Any, **kwargs: Any) -> Exchange:
        exchanges.append(send(*args, **kwargs))
        return exchanges[-1]

    run.wire.send = listen  # type: ignore[method-assign]
    return exchanges


def test_it_asks_for_every_operation_and_means_sessions_of_the_run_alone() -> None:
    with MockServer() as server, run_against(server.url, profile="standard") as run:
        run.profile = replace(run.profile, cases=None, schemathesis=16)
        # It decides which examples there are; so few of another may miss an operation.
        run.tag = "481516234200"
        exchanges = heard(run)
        fuzz(run)
        statuses = Counter(exchange.status for exchange in exchanges)
        assert statuses.keys() >= {200, 201, 400, 401, 404, 422}
        about_rows = [each for each in run.contract.operations.values() if each.template.startswith(run.collection)]
        for operation in about_rows:
            start, _, end = operation.template.partition("{session}")
            asked = [
                each
                for each in exchanges
                if each.method == operation.method
                and each.target.partition("?")[0].startswith(start)
                and each.target.partition("?")[0].endswith(end)
                and each.status == 200
            ]
            # The phases come to a PATCH of a session that is there by chance alone.
            assert asked or operation.method == "PATCH", operation.template
        named = [each.target.split("/")[4].partition("?")[0] for each in exchanges if each.target.count("/") > 3]
        assert named
        assert all(run.tag in name or run.is_ours(name) for name in named if name)


def test_a_server_error_is_reported() -> None:
    app = create_app()

    async def fail_at_a_page_size(scope: Any, receive: Any, send: Any) -> None:
        # A page size that is not a number is what no test of our own asks for.
        if scope["type"] == "http" and "page[size]=" in unquote(scope["query_string"].decode()):
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    faulty: Any = fail_at_a_page_size
    with MockServer(faulty) as server, run_against(server.url, profile="standard") as run:
        with pytest.raises(ClauseFailed, match=r"server\.no-error: expected no server error, got 500") as told:
            fuzz(run)
        assert len(told.value.exchanges) == 1
        assert "page" in told.value.exchanges[0].target


@pytest.mark.parametrize("act", ["drip", "endless body", "endless head", "endless continue", "silent", "close"])
def test_a_server_that_turns_is_told_in_time(act: str) -> None:
    with (
        MockServer() as lawful,
        HostileServer(act, lawful.url, after=30) as server,
        run_against(server.url, profile="standard", timeout_seconds=1) as run,
    ):
        run.wire.deadline = time.monotonic() + BUDGET_SECONDS
        with pytest.raises((ClauseFailed, NotChecked, OutOfTime)):
            fuzz(run)


def test_a_redirect_is_not_followed() -> None:
    with (
        MockServer() as lawful,
        HostileServer("redirect", lawful.url, after=30) as server,
        run_against(server.url, profile="standard", timeout_seconds=1) as run,
    ):
        run.wire.deadline = time.monotonic() + BUDGET_SECONDS
        with suppress(ClauseFailed, NotChecked, OutOfTime):
            fuzz(run)
        assert server.heard == []


def test_what_is_packed_is_not_unpacked() -> None:
    with (
        MockServer() as lawful,
        HostileServer("gzip bomb", lawful.url, after=30) as server,
        run_against(server.url, profile="standard") as run,
        run_against(lawful.url) as first,
    ):
        # What Schemathesis imports when it is first used is not part of an answer.
        fuzz(first)
        tracemalloc.start()
        with pytest.raises(ClauseFailed, match=r"row\.content-type"):
            fuzz(run)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 30_000_000
