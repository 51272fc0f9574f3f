"""A rule of your own, as a test of the contract: pytest --adjourn-url URL --adjourn-secret-key KEY."""

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario


@pytest.mark.clause("close.closes")
def test_a_close_is_dated_on_the_day_it_happens(adjourn_run: Run) -> None:
    def play(scenario: Scenario, reason: str) -> None:
        row = scenario.open()
        closed = scenario.close(row, {"reason": reason})
        if closed["closedAt"][:10] < row["createdAt"][:10]:
            raise scenario.fail("close.closes", f"closedAt not before {row['createdAt']}", closed["closedAt"])

    adjourn_run.each(["signed out", "timed out"], play)
