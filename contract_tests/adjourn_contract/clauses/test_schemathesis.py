"""What the document says, by Schemathesis: examples, coverage, fuzzing and stateful phases with our checks."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run

pytestmark = [
    pytest.mark.clause("row.schema", "row.content-type", "server.no-error"),
    pytest.mark.alone,
]


def test_valid_and_invalid_requests_are_answered_as_the_document_says(run: Run) -> None:
    from adjourn_contract.engine.fuzzing import fuzz

    run.need("createSession")
    fuzz(run)
