"""Lists that may show a write a little later (grey.list-lag)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from adjourn_contract.engine.scenario import Row, Scenario

__all__ = ["list_until"]

_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 0.5


def list_until(
    scenario: Scenario, is_right: Callable[[Sequence[Row]], bool], *, credential: str | None = None, **filters: Any
) -> Sequence[Row]:
    """List again until the rows are right, for as long as a list may lag behind writes.

    The lag that is seen is noted in the target. The proof has the last list alone.

    Args:
        scenario: sends the requests.
        is_right: whether the rows are as they should be.
        credential: the secret key, the run's by default.
        filters: of `Scenario.listed`.

    Returns the rows of the last list, right or not.
    """
    target = scenario.target
    began, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
    rows, waited = scenario.listed(credential=credential, **filters), 0.0
    while not is_right(rows):
        if waited >= target.list_lag_seconds:
            return rows
        time.sleep(min(pause, target.list_lag_seconds - waited))
        pause = min(pause * 2, _MAX_PAUSE_SECONDS)
        del scenario.exchanges[-1]
        rows = scenario.listed(credential=credential, **filters)
        waited = time.monotonic() - began
    target.note_list_lag(waited)
    return rows
