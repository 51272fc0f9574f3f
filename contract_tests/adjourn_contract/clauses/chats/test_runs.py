"""The run of a session, for servers that have runs: the clauses run.*."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.channels import need_operation, path_of
from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.proofs.evidence import Claim, canonical


@pytest.mark.smoke
@pytest.mark.clause("run.row", "run.states", "run.unknown")
def test_the_current_run_of_a_session_is_there_and_its_flags_agree(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    shown = scenario.exchanges[-1]
    run_id = row["currentRunId"]
    if run_id is None:
        raise NotApplicable("the server starts no runs")
    need_operation(scenario, "retrieveRun", "runs", run_id)
    seen = scenario.send("GET", path_of(run, "retrieveRun", run_id))
    scenario.expect(seen, 200, "run.row", "retrieve of a session's current run")
    value = seen.value if isinstance(seen.value, dict) else {}
    wanted = {"id": run_id, "taskIdentifier": row["taskIdentifier"]}
    if {name: value.get(name) for name in wanted} != wanted:
        claims = [
            Claim(scenario.reading("member", name), "same", other=scenario.reading("member", of_row, answer=shown))
            for name, of_row in (("id", "currentRunId"), ("taskIdentifier", "taskIdentifier"))
        ]
        raise scenario.fail("run.row", f"the run {wanted}", seen.summary, claims=claims)
    groups = run.contract.schema("RunStatus").definition["x-groups"]
    flags = {name: value.get("status") in states for name, states in groups.items()}
    wrong = {name: value[name] for name in flags if name in value and value[name] is not flags[name]}
    if wrong:
        claims = [Claim(scenario.reading("member", name), "is", (canonical(flags[name]),)) for name in wrong]
        raise scenario.fail("run.states", f"the flags of {value.get('status')}", repr(wrong), claims=claims)
    unknown = scenario.send("GET", path_of(run, "retrieveRun", run.contract.run_prefix + "nobody"))
    scenario.expect(unknown, 404, "run.unknown", "retrieve of an unknown run", error=True)
