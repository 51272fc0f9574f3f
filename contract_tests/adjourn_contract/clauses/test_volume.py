"""Many lives, for what shows only now and then."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scene import Row, Scene, forms


@pytest.mark.clause(
    "close.closes", "close.persisted", "close.idempotent", "close.preserves", "close.only-one", "reason.verbatim"
)
def test_many_sessions_live_and_close_alike(run: Run) -> None:
    sorts: list[dict[str, Any]] = variants(run.contract) if "createSession" not in run.lacks else [{}]
    random = run.random("volume")
    bystanders: list[tuple[Scene, Row]] = []
    ended: list[tuple[Scene, Row]] = []

    def live(scene: Scene, number: int) -> None:
        row = scene.open(**sorts[number % len(sorts)] if number % 2 else {})
        if number % 12 == 0:
            bystanders.append((scene, row))
            return
        by = random.choice(forms(row))
        reason = f"life {number}" if number % 5 else None
        closed = scene.close(row, {} if reason is None else {"reason": reason}, by=by)
        for again in range(number % 4):
            scene.again(closed, {"reason": f"again {again}"} if again % 2 else {}, by=row["id"] if again % 2 else by)
        if number % 6 == 1:
            ended.append((scene, closed))

    run.each(range(run.count(run.profile.lives)), live)
    for scene, row in bystanders:
        scene.untouched(row, "close.only-one")
    for scene, closed in ended:
        scene.untouched(closed, "close.idempotent")
