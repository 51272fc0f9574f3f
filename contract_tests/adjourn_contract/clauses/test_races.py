"""Requests that overlap: an order of them must explain every response, and every later read."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.orders.histories import MAX_REQUESTS, Plan, plans
from adjourn_contract.orders.races import run_race


@pytest.mark.alone
@pytest.mark.clause(
    "close.atomic",
    "close.terminal",
    "close.preserves",
    "close.only-one",
    "create.cached",
    "update.applied",
    "env.isolation",
)
def test_an_order_explains_every_concurrent_history(run: Run) -> None:
    run.need("createSession")
    chosen = list(
        plans(
            run.random("histories"),
            run.count(run.profile.histories),
            updates="updateSession" not in run.unsupported,
            lists="listSessions" not in run.unsupported,
            twins=run.other_key is not None,
        )
    )
    undecided: list[Plan] = []

    def race(scenario: Scenario, plan: Plan) -> None:
        if not run_race(scenario, plan):
            undecided.append(plan)

    run.each(chosen, race, whole=True)
    passed = f"{len(chosen) - len(undecided)} concurrent histories of 2 to {MAX_REQUESTS} requests passed"
    run.add_note(f"{passed}; {len(undecided)} were not decided in the steps allowed" if undecided else passed)
