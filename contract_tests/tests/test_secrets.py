"""What counts as a secret in an answer."""

from __future__ import annotations

import pytest

from adjourn_contract.broken import Broken
from adjourn_contract.run import PROFILES, Run
from adjourn_contract.wire import Wire
from adjourn_mock import MockServer
from adjourn_spec import load_contract

KEY = "tr_dev_adjourn"


@pytest.mark.parametrize(("reason", "faults"), [(f"signed out by {KEY}", []), ("signed out", ["echo-key"])])
def test_a_key_that_was_sent_as_data_may_be_answered(reason: str, faults: list[str]) -> None:
    with MockServer(faults=faults) as server:
        run = Run(
            wire=Wire(server.url), contract=load_contract(), key=KEY, other_key=None, dialect=None,
            profile=PROFILES["smoke"], tag="secrets", pool=[],
        )  # fmt: skip
        run.url = server.url
        scene = run.scene()
        if faults:
            with pytest.raises(Broken, match=r"row\.no-secrets"):
                scene.close(scene.open(), {"reason": reason})
        else:
            closed = scene.close(scene.open(), {"reason": reason})
            assert scene.retrieve(closed["id"]) == closed
        run.wire._drop()
