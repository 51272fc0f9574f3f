"""The checker of concurrent histories: it agrees with brute force, and its cost is bounded in steps."""

from __future__ import annotations

from random import Random

import pytest
from generated_histories import MODEL, history, row_text

from adjourn_contract.orders.linearizability import Call, Outcome, check
from adjourn_contract.orders.model import Response, State, Violation
from adjourn_contract.orders.operations import Form, Kind, Operation

OPEN = {"id": "session_1", "externalId": "chat", "tags": [], "closedAt": None, "closedReason": None}


def explained_by_some_order(calls: list[Call], state: State) -> bool:
    """Brute force: every order of effects and reads that real time allows, without memory or shortcuts."""
    parts = [
        (number, part)
        for number, call in enumerate(calls)
        for part in ("effect", "read")
        if part == "effect" or call.response is not None
    ]

    def comes_first(one: tuple[int, str], other: tuple[int, str]) -> bool:
        if one[0] == other[0]:
            return one[1] == "effect" and other[1] == "read"
        return calls[one[0]].response is not None and calls[one[0]].returned < calls[other[0]].invoked

    def after(state: State, part: tuple[int, str]) -> State | Violation:
        call = calls[part[0]]
        is_write = call.operation.kind in (Kind.CREATE, Kind.CLOSE, Kind.UPDATE)
        if part[1] == "effect":
            return MODEL.effect(state, call.operation, call.response) if is_write else state
        assert call.response is not None
        show = MODEL.show if is_write else MODEL.apply
        return show(state, call.operation, call.response)

    def extend(state: State, left: list[tuple[int, str]]) -> bool:
        if all(calls[number].response is None for number, _ in left):
            return True
        for part in left:
            if not any(comes_first(other, part) for other in left if other != part):
                following = after(state, part)
                if not isinstance(following, Violation) and extend(following, [each for each in left if each != part]):
                    return True
        return False

    return extend(state, parts)


def test_the_checker_agrees_with_brute_force_on_ten_thousand_histories() -> None:
    random = Random(20)
    found = {Outcome.LINEARIZABLE: 0, Outcome.VIOLATED: 0}
    for _ in range(10_000):
        calls = history(random, random.choice([2, 2, 3, 3, 3, 4]))
        result = check(calls, MODEL, MODEL.absent)
        assert (result.outcome is Outcome.LINEARIZABLE) == explained_by_some_order(calls, MODEL.absent), calls
        found[result.outcome] += 1
    assert min(found.values()) > 2_000


def opened() -> Call:
    return Call(Operation(Kind.CREATE), row_text(OPEN)._replace(status=201), 0, 1)


def closed_row(reason: str | None, at: str = "10:00") -> dict[str, object]:
    return {**OPEN, "closedAt": at, "closedReason": reason}


def close(reason: str, row: dict[str, object] | None, invoked: float, returned: float) -> Call:
    return Call(Operation(Kind.CLOSE, reason=reason), None if row is None else row_text(row), invoked, returned)


def retrieve(row: dict[str, object], invoked: float, returned: float, by: Form = Form.FRIENDLY) -> Call:
    return Call(Operation(Kind.RETRIEVE, by), row_text(row), invoked, returned)


@pytest.mark.parametrize(
    ("calls", "clause"),
    [
        pytest.param(
            [close("a", closed_row("a"), 2, 4), close("b", closed_row("b"), 3, 5)],
            "close.atomic",
            id="two winners",
        ),
        pytest.param(
            [close("a", closed_row("a"), 2, 4), retrieve(closed_row("b"), 5, 6)],
            "close.atomic",
            id="a winner that later reads do not show",
        ),
        pytest.param(
            [close("a", closed_row("a"), 2, 4), retrieve(OPEN, 5, 6)],
            "close.terminal",
            id="a close that is lost",
        ),
        pytest.param(
            [close("a", closed_row("a"), 2, 9), retrieve(closed_row("a"), 3, 4), retrieve(OPEN, 5, 6)],
            "close.terminal",
            id="a read that goes back to open while the close is under way",
        ),
        pytest.param(
            [Call(Operation(Kind.CREATE), row_text({**OPEN, "id": "session_2"})._replace(status=201), 0.5, 2)],
            "create.cached",
            id="two sessions from creates that overlap",
        ),
        pytest.param(
            [
                Call(Operation(Kind.UPDATE, tags=("during",)), row_text({**OPEN, "tags": ["during"]}), 2, 4),
                close("a", closed_row("a"), 2, 4),
                retrieve(closed_row("a"), 5, 6),
            ],
            "close.preserves",
            id="an update that a close undoes",
        ),
    ],
)
def test_a_history_without_an_order_names_the_clause(calls: list[Call], clause: str) -> None:
    result = check([opened(), *calls], MODEL, MODEL.absent)
    assert result.outcome is Outcome.VIOLATED
    assert result.obstacles
    assert clause in {obstacle.violation.clause for obstacle in result.obstacles}


def test_a_read_may_be_from_before_a_close_that_overlaps_with_it() -> None:
    calls = [opened(), close("a", closed_row("a"), 2, 9), retrieve(OPEN, 3, 4), retrieve(closed_row("a"), 5, 6)]
    assert check(calls, MODEL, MODEL.absent).outcome is Outcome.LINEARIZABLE


@pytest.mark.parametrize("seen", [OPEN, closed_row("a")])
def test_a_close_without_a_response_may_come_late_or_never(seen: dict[str, object]) -> None:
    calls = [opened(), close("a", None, 2, 3), retrieve(OPEN, 4, 5), retrieve(seen, 6, 7)]
    assert check(calls, MODEL, MODEL.absent).outcome is Outcome.LINEARIZABLE


def test_a_close_without_a_response_cannot_be_undone() -> None:
    calls = [opened(), close("a", None, 2, 3), retrieve(closed_row("a"), 4, 5), retrieve(OPEN, 6, 7)]
    assert check(calls, MODEL, MODEL.absent).outcome is Outcome.VIOLATED


@pytest.mark.parametrize(("asked_at", "outcome"), [(5.0, Outcome.LINEARIZABLE), (9.0, Outcome.VIOLATED)])
def test_a_list_may_show_the_state_of_up_to_the_lag_ago(asked_at: float, outcome: Outcome) -> None:
    listed = Call(Operation(Kind.LIST, status="ACTIVE"), row_text(OPEN), asked_at, asked_at + 0.1)
    calls = [opened(), close("a", closed_row("a"), 2, 4), listed]
    assert check(calls, MODEL, MODEL.absent, list_lag_seconds=3).outcome is outcome


def test_a_list_never_shows_a_state_that_the_session_did_not_have() -> None:
    listed = Call(Operation(Kind.LIST, status="CLOSED"), row_text(closed_row("b")), 5, 6)
    calls = [opened(), close("a", closed_row("a"), 2, 4), listed]
    assert check(calls, MODEL, MODEL.absent, list_lag_seconds=3).outcome is Outcome.VIOLATED


def twelve_that_overlap() -> list[Call]:
    """Six closes and six reads at the same time, of which the last read fits no order: the worst case."""
    row = closed_row("r0")
    closes = [close(f"r{number}", row, 2, 9) for number in range(6)]
    return [opened(), *closes, *(retrieve(row, 2, 9) for _ in range(5)), retrieve(closed_row("none"), 2, 9)]


def test_twelve_operations_at_once_take_a_bounded_number_of_steps() -> None:
    result = check(twelve_that_overlap(), MODEL, MODEL.absent)
    assert result.outcome is Outcome.VIOLATED
    assert result.steps < 1_000


def test_the_search_is_bounded_by_steps() -> None:
    result = check(twelve_that_overlap(), MODEL, MODEL.absent, max_steps=20)
    assert result.outcome is Outcome.UNDECIDED
    assert result.steps < 60


def test_a_response_of_an_unknown_status_names_what_is_allowed() -> None:
    calls = [opened(), Call(Operation(Kind.CLOSE, reason="a"), Response(500, None, "500 oops"), 2, 3)]
    (obstacle,) = check(calls, MODEL, MODEL.absent).obstacles
    assert obstacle.violation.clause == "close.atomic"
    assert obstacle.violation.got == "500 oops"
    assert obstacle.violation.expected.startswith("200 for close by id")
