"""Paths and methods that there are not."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario


@pytest.mark.clause("path.method")
def test_other_methods_on_other_paths_are_405(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for target in (run.path(row["id"]), run.collection):
        answer = scenario.send("DELETE", target)
        scenario.expect(answer, 405, "path.method", "DELETE on a path that has it not")
    scenario.assert_unchanged(row, "path.method")


@pytest.mark.clause("path.unknown")
def test_other_paths_are_404(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for target in (run.close_path(row["id"]) + "/x", run.close_path(row["id"]) + "d", run.raw_close_path("")):
        answer = scenario.send("POST", target, {})
        if 200 <= answer.status < 300:
            raise scenario.fail("path.unknown", "404 for a path that no operation has", answer.summary)
    answer = scenario.send("POST", run.close_path(row["id"]) + "/", {})
    accepted = {"documented": (404,), "server": (301,)}.get(run.dialect or "", (301, 307, 308, 404, 405))
    if answer.status not in accepted:
        raise scenario.fail("path.unknown", "404 or a redirect for a slash behind the close path", answer.summary)
    scenario.assert_unchanged(row, "path.unknown")
