"""Many lives, for what shows only now and then."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of


@pytest.mark.clause(
    "close.closes", "close.persisted", "close.idempotent", "close.preserves", "close.only-one", "reason.verbatim"
)
def test_many_sessions_live_and_close_alike(run: Run) -> None:
    sorts: list[dict[str, Any]] = (
        variants(run.contract, run.account) if "createSession" not in run.unsupported else [{}]
    )
    random = run.random("volume")
    bystanders: list[tuple[Scenario, Row]] = []
    ended: list[tuple[Scenario, Row]] = []

    def live(scenario: Scenario, number: int) -> None:
        row = scenario.open(**sorts[number % len(sorts)] if number % 2 else {})
        if number % 12 == 0:
            bystanders.append((scenario, row))
            return
        by = random.choice(ids_of(row))
        reason = f"life {number}" if number % 5 else None
        closed = scenario.close(row, {} if reason is None else {"reason": reason}, by=by)
        for again in range(number % 4):
            scenario.close_again(
                closed, {"reason": f"again {again}"} if again % 2 else {}, by=row["id"] if again % 2 else by
            )
        if number % 6 == 1:
            ended.append((scenario, closed))

    run.each(range(run.count(run.profile.lifecycles)), live, whole=True)
    for scenario, row in bystanders:
        scenario.assert_unchanged(row, "close.only-one")
    for scenario, closed in ended:
        scenario.assert_unchanged(closed, "close.idempotent")
