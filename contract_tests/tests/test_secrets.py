"""What counts as a secret in an answer."""

from __future__ import annotations

import pytest
from runs import KEY, run_against

from adjourn_contract.engine.outcomes import Broken
from adjourn_mock import MockServer


@pytest.mark.parametrize(("reason", "faults"), [(f"signed out by {KEY}", []), ("signed out", ["echo-key"])])
def test_a_key_that_was_sent_as_data_may_be_answered(reason: str, faults: list[str]) -> None:
    with MockServer(faults=faults) as server, run_against(server.url) as run:
        scene = run.scene()
        if faults:
            with pytest.raises(Broken, match=r"row\.no-secrets"):
                scene.close(scene.open(), {"reason": reason})
        else:
            closed = scene.close(scene.open(), {"reason": reason})
            assert scene.retrieve(closed["id"]) == closed
