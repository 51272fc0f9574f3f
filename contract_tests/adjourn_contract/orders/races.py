"""A race: a plan that is recorded, checked, and run once more alone before it fails."""

from __future__ import annotations

import time
from typing import NamedTuple

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.orders.contradictions import Contradiction
from adjourn_contract.orders.histories import History, Plan, record
from adjourn_contract.orders.linearizability import Outcome, check
from adjourn_contract.orders.operations import Kind
from adjourn_contract.orders.walk import SUCCESS_END

__all__ = ["Race", "judge", "run_race"]

SERVER_ERROR = 500
_PAUSE_SECONDS = 0.2


class Race(NamedTuple):
    """What one history showed.

    Attributes:
        error: what failed, or None.
        is_undecided: whether the search ended at its limit of steps.
    """

    error: ClauseFailed | None
    is_undecided: bool = False


def run_race(scenario: Scenario, plan: Plan) -> bool:
    """Record a history and check it; where it fails, once more alone.

    Returns whether it was decided.

    Raises:
        ClauseFailed: no order explains the history; the text has the result of both runs.
    """
    race = _recorded(scenario, plan)
    if race.error is None:
        return not race.is_undecided
    time.sleep(_PAUSE_SECONDS)
    again = _recorded(type(scenario)(scenario.target), plan).error
    second = "passed" if again is None else f"failed as well ({again.clause})"
    error = race.error
    raise ClauseFailed(error.clause, error.expected, f"{error.got}\nrun once more alone, it {second}", error.exchanges)


def _recorded(scenario: Scenario, plan: Plan) -> Race:
    try:
        return judge(scenario, record(scenario, plan))
    except ClauseFailed as error:
        return Race(error)


def judge(scenario: Scenario, history: History) -> Race:
    """Check a history, session by session.

    Raises:
        ClauseFailed: a response violates a clause by itself, whatever the order.
    """
    _assert_each_response(scenario, history)
    is_undecided, lag_seconds = False, scenario.target.list_lag_seconds
    for part in history.parts:
        missing = sum(call.response is None for call in part.calls)
        if missing > 1:
            raise scenario.fail("close.atomic", "a response to each of several requests at once", f"{missing} missing")
        result = check(part.calls, part.model, part.initial, list_lag_seconds=lag_seconds)
        is_undecided = is_undecided or result.outcome is Outcome.UNDECIDED
        if result.outcome is Outcome.VIOLATED:
            found = Contradiction(part.calls, part.model, part.initial, lag_seconds)
            return Race(scenario.fail(found.clause, found.expected, found.text))
    return Race(None, is_undecided)


def _assert_each_response(scenario: Scenario, history: History) -> None:
    """Check what any response owes, and that it is of its own session."""
    sessions = [part.session for part in history.parts]
    owners = {session.id: session for session in sessions if session.id is not None}
    for planned, exchange in zip(history.plan.requests, history.exchanges, strict=True):
        if exchange.status == 0:
            continue
        operation = planned.operation
        if exchange.status >= SERVER_ERROR:
            scenario.expect(exchange, 200, "close.atomic", f"{operation.words} beside other requests")
        scenario.expect(exchange, exchange.status, "close.atomic", operation.words)
        if exchange.status >= SUCCESS_END or operation.kind is Kind.LIST:
            continue
        row = scenario.validated_row(exchange, extra_members=operation.kind is Kind.CREATE)
        session = sessions[planned.session]
        owner = owners.get(row["id"], session)
        if owner is not session:
            clause = "close.only-one" if owner.credential == session.credential else "env.isolation"
            raise scenario.fail(clause, f"the row of {session.id} for {operation.words}", f"the row of {owner.id}")
