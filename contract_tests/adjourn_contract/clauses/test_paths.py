"""Paths and methods that do not exist."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario


@pytest.mark.clause("path.method")
def test_other_methods_on_other_paths_are_405(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for target in (run.path(row["id"]), run.collection):
        answer = scenario.send("DELETE", target)
        scenario.expect(answer, 405, "path.method", "DELETE on a path that does not have it")
    scenario.assert_unchanged(row, "path.method")


@pytest.mark.clause("path.unknown")
def test_other_paths_are_404(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for target in (run.close_path(row["id"]) + "/x", run.close_path(row["id"]) + "d", run.raw_close_path("")):
        answer = scenario.send("POST", target, {})
        if 200 <= answer.status < 300:
            raise scenario.fail("path.unknown", "404 for a path that no operation has", answer.summary)
    scenario.assert_unchanged(row, "path.unknown")


@pytest.mark.clause("path.unknown")
def test_a_slash_behind_the_close_path_is_404_or_a_redirect(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    answer = scenario.send("POST", run.close_path(row["id"]) + "/", {})
    # grey.trailing-slash
    accepted = {"documented": (404,), "server": (301,)}.get(run.dialect or "", (301, 307, 308, 404, 405))
    scenario.expect_status(answer, accepted, "path.unknown", "a slash behind the close path")
    scenario.assert_unchanged(row, "path.unknown")
