"""What counts as a secret in an answer."""

from __future__ import annotations

import pytest
from runs import KEY, run_against

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_mock import MockServer


@pytest.mark.parametrize(("reason", "faults"), [(f"signed out by {KEY}", []), ("signed out", ["echo-key"])])
def test_a_key_that_was_sent_as_data_may_be_answered(reason: str, faults: list[str]) -> None:
    with MockServer(faults=faults) as server, run_against(server.url) as run:
        scenario = run.scenario()
        if faults:
            with pytest.raises(ClauseFailed, match=r"row\.no-secrets"):
                scenario.close(scenario.open(), {"reason": reason})
        else:
            closed = scenario.close(scenario.open(), {"reason": reason})
            assert scenario.retrieve(closed["id"]) == closed
