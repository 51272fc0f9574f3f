"""Requests that overlap: how they are planned and sent, and that real races are found in each store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from conforming_servers import with_behaviour
from engines import free_port, mock_process, redis_server
from lagging_lists import lagging
from runs import run_against

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.run import Run
from adjourn_contract.orders.histories import MAX_REQUESTS, Plan, Planned, plans, record
from adjourn_contract.orders.linearizability import check
from adjourn_contract.orders.operations import Form, Kind, Operation
from adjourn_contract.orders.races import judge, run_race
from adjourn_contract.reports.lanes import Bar, lanes
from adjourn_mock import MockServer

OTHER = "tr_stg_adjourn"
TWO_CLOSES = Plan((Planned(Operation(Kind.CLOSE, reason="a")), Planned(Operation(Kind.CLOSE, Form.EXTERNAL))))


@contextmanager
def run_of(*faults: str) -> Iterator[Run]:
    with MockServer(faults=list(faults)) as server, run_against(server.url) as run:
        run.other_key = OTHER
        yield run


def first_failure(run: Run, *, histories: int) -> ClauseFailed:
    for plan in plans(run.random("histories"), histories):
        try:
            run_race(run.scenario(), plan)
        except ClauseFailed as error:
            return error
    pytest.fail(f"none of {histories} histories failed")


def test_plans_are_those_of_the_seed_and_the_small_ones_come_first() -> None:
    drawn = list(plans(Random("seed"), 200))
    assert drawn == list(plans(Random("seed"), 200))
    sizes = [len(plan.requests) for plan in drawn]
    assert set(sizes) == set(range(2, MAX_REQUESTS + 1))
    assert sizes[20:] == sorted(sizes[20:])
    kinds = {each.operation.kind for plan in drawn for each in plan.requests}
    assert kinds == set(Kind) - {Kind.EXPIRE}
    assert all(sum(each.is_abandoned for each in plan.requests) <= 1 for plan in drawn)


def test_plans_leave_out_what_the_server_lacks() -> None:
    drawn = list(plans(Random("seed"), 100, updates=False, lists=False, twins=False))
    assert {Kind.UPDATE, Kind.LIST}.isdisjoint(each.operation.kind for plan in drawn for each in plan.requests)
    assert not any(plan.is_twin for plan in drawn)


def test_a_server_that_is_atomic_passes() -> None:
    with run_of() as run:
        for plan in plans(run.random("histories"), 60):
            assert run_race(run.scenario(), plan)


def test_requests_overlap_while_the_server_is_at_work() -> None:
    with run_of("race-20ms") as run:
        history = record(run.scenario(), TWO_CLOSES)
    assert max(each.began for each in history.exchanges) < min(each.began + each.seconds for each in history.exchanges)


def test_a_request_that_follows_another_starts_after_its_response() -> None:
    requests = (*TWO_CLOSES.requests, Planned(Operation(Kind.RETRIEVE), follows=0))
    with run_of("race-20ms") as run:
        first, _, then = record(run.scenario(), Plan(requests)).exchanges
    assert then.began >= first.began + first.seconds


def test_an_abandoned_request_has_no_response_and_may_take_effect_or_not() -> None:
    requests = (TWO_CLOSES.requests[0]._replace(is_abandoned=True), TWO_CLOSES.requests[1])
    with run_of() as run:
        scenario = run.scenario()
        history = record(scenario, Plan(requests))
        assert history.exchanges[0].status == 0
        assert judge(scenario, history).error is None


@pytest.mark.parametrize(
    ("fault", "clause"),
    [
        ("race-1ms", "close.atomic"),
        ("race-own-answers", "close.atomic"),
        ("race-overwrites-winner", "close.atomic"),
        ("race-torn", "close.atomic"),
        ("race-losers-409", "close.atomic"),
        ("race-with-update", "close.terminal"),
        ("race-reads-back", "close.terminal"),
        ("race-loses-update", "close.preserves"),
        ("race-duplicates-session", "create.cached"),
        ("race-coalesced", "env.isolation"),
    ],
)
def test_each_race_is_found_with_its_clause(fault: str, clause: str) -> None:
    with run_of(fault) as run:
        error = first_failure(run, histories=16)
    assert error.clause == clause
    assert "\nrun once more alone, it " in error.got


def test_a_violation_is_shown_as_lanes_with_the_reason() -> None:
    with run_of("race-20ms") as run:
        error = first_failure(run, histories=1)
    lines = error.got.splitlines()
    assert lines[0] == "responses that no order of the requests explains:"
    assert [line.split()[0] for line in lines[1:4]] == ["A", "B", "C"]
    assert lines[4] == "after A, B none can be next:"
    assert "expected closed" in lines[5]


def test_lanes_show_a_missing_response_as_open_ended() -> None:
    bars = [Bar("A", "close", 1.0, 1.004, "200"), Bar("B", "update", 1.002, None, "no response")]
    first, second = lanes(bars)
    assert first == " A    0.00 ms  ├──────────────────────┤  close   200"
    assert second == " B    2.00 ms             ├───────────…  update  no response"


def test_the_cost_of_the_check_is_linear_in_the_number_of_sessions() -> None:
    closes = tuple(
        Planned(Operation(Kind.CLOSE, reason=f"r{number}"), session=number % 3) for number in range(MAX_REQUESTS)
    )
    with run_of() as run:
        history = record(run.scenario(), Plan(closes, sessions=3))
    steps = [check(part.calls, part.model, part.initial).steps for part in history.parts]
    assert len(steps) == 3
    assert max(steps) < 100


@pytest.mark.parametrize("lag_seconds", [0.02, 2.5])
def test_lists_beside_writes_may_lag(lag_seconds: float) -> None:
    listed = tuple(Planned(Operation(Kind.LIST, status=status)) for status in ("ACTIVE", "CLOSED"))
    with MockServer(with_behaviour(lagging(lag_seconds))) as server, run_against(server.url) as run:
        for _ in range(10):
            assert run_race(run.scenario(), Plan((*TWO_CLOSES.requests, *listed)))


def test_a_list_may_not_show_a_status_that_the_session_never_had() -> None:
    requests = (Planned(Operation(Kind.LIST, status="CLOSED")), Planned(Operation(Kind.RETRIEVE)))
    with run_of("list-ignores-status") as run, pytest.raises(ClauseFailed) as caught:
        run_race(run.scenario(), Plan(requests))
    assert caught.value.clause == "list.filter"


@contextmanager
def store_of(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:{folder / 'state.db'}"
        return
    with redis_server(free_port()) as url:
        yield url


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_two_processes_on_one_store_pass(kind: str, tmp_path: Path) -> None:
    with (
        store_of(kind, tmp_path) as store,
        mock_process("--store", store, "--workers", "2") as (_, url),
        run_against(url) as run,
    ):
        run.other_key = OTHER
        for plan in plans(run.random("histories"), 60):
            assert run_race(run.scenario(), plan)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_store_without_atomicity_is_found_across_processes(kind: str, tmp_path: Path) -> None:
    with (
        store_of(kind, tmp_path) as store,
        mock_process("--store", store, "--workers", "2", "--fault", "race-20ms") as (_, url),
        run_against(url) as run,
    ):
        assert first_failure(run, histories=1).clause == "close.atomic"
