"""Every sequence of operations on one session, up to the depth of the profile, compared with the sequential model."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.orders.sequences import ALPHABETS, Exploration


@pytest.mark.waits
@pytest.mark.clause(
    "close.closes",
    "close.persisted",
    "close.idempotent",
    "close.terminal",
    "close.preserves",
    "close.recreate",
    "close.expired",
    "create.cached",
    "update.applied",
    "body.no-effect",
    "auth.no-effect",
    "close.method",
)
def test_every_sequence_of_operations_satisfies_the_model(run: Run) -> None:
    run.need("createSession")
    for alphabet, depth in run.profile.sequences:
        run.add_note(Exploration(run, ALPHABETS[alphabet], depth).explore().words)


@pytest.mark.profile("thorough")
@pytest.mark.clause("close.idempotent", "close.recreate", "close.expired", "close.listed")
def test_every_form_of_each_operation_satisfies_the_model_in_pairs(run: Run) -> None:
    run.need("createSession")
    run.add_note(Exploration(run, ALPHABETS["forms"], 2).explore().words)
