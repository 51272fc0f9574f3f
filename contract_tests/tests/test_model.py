"""The sequential model: what each operation must answer in each state, and which clause is blamed."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.orders.model import Model, Phase, Response, State, Violation
from adjourn_contract.orders.operations import REFUSALS, Kind, Operation
from adjourn_spec import load_contract

MODEL = Model(load_contract())
ROW: dict[str, Any] = {
    "id": "session_1",
    "externalId": "chat",
    "tags": [],
    "metadata": None,
    "closedAt": None,
    "closedReason": None,
    "updatedAt": "09:00",
}
CLOSED = {**ROW, "closedAt": "10:00", "closedReason": "a", "updatedAt": "10:00"}


def response(status: int, row: dict[str, Any] | None = None) -> Response:
    return Response(status, None if row is None else MODEL.shown(row), str(status))


def after(*steps: tuple[Operation, Response], start: State = MODEL.absent) -> State:
    state = start
    for operation, shown in steps:
        result = MODEL.apply(state, operation, shown)
        assert isinstance(result, State), result
        state = result
    return state


CREATE, RETRIEVE, EXPIRE = Operation(Kind.CREATE), Operation(Kind.RETRIEVE), Operation(Kind.EXPIRE)
CLOSE = Operation(Kind.CLOSE, reason="a")
UPDATE = Operation(Kind.UPDATE, tags=("x",))
OPEN_STATE = after((CREATE, response(201, ROW)))
CLOSED_STATE = after((CLOSE, response(200, CLOSED)), start=OPEN_STATE)
EXPIRED_STATE = OPEN_STATE._replace(is_expired=True)
STATES = {"absent": MODEL.absent, "open": OPEN_STATE, "closed": CLOSED_STATE, "expired": EXPIRED_STATE}


@pytest.mark.parametrize(
    ("state", "operation", "status", "clause"),
    [
        ("absent", CREATE, 201, "create.created"),
        ("open", CREATE, 200, "create.cached"),
        ("closed", CREATE, 409, "close.recreate"),
        ("expired", CREATE, 409, "close.recreate"),
        ("absent", CLOSE, 404, "id.unknown"),
        ("open", CLOSE, 200, "close.closes"),
        ("closed", CLOSE, 200, "close.idempotent"),
        ("expired", CLOSE, 200, "close.expired"),
        ("absent", UPDATE, 404, "id.unknown"),
        ("closed", UPDATE, 200, "update.applied"),
        ("absent", RETRIEVE, 404, "id.unknown"),
        ("expired", RETRIEVE, 200, "retrieve.row"),
        ("open", Operation(Kind.REFUSED, refusal="an unknown key"), 401, "auth.unknown-key"),
        ("closed", Operation(Kind.REFUSED, refusal="another method"), 405, "close.method"),
    ],
)
def test_each_state_asks_for_a_status(state: str, operation: Operation, status: int, clause: str) -> None:
    owed = MODEL.owed(STATES[state], operation)
    assert (owed.clause, owed.statuses) == (clause, {status})
    result = MODEL.apply(STATES[state], operation, response(500))
    assert isinstance(result, Violation)
    assert (result.clause, result.got) == (clause, "500")


@pytest.mark.parametrize(
    ("start", "operation", "row", "clause"),
    [
        (OPEN_STATE, CLOSE, {**CLOSED, "closedReason": "b"}, "reason.verbatim"),
        (OPEN_STATE, Operation(Kind.CLOSE), CLOSED, "reason.optional"),
        (OPEN_STATE, CLOSE, {**CLOSED, "closedAt": None}, "close.closes"),
        (OPEN_STATE, CLOSE, {**CLOSED, "tags": ["x"]}, "close.preserves"),
        (CLOSED_STATE, CLOSE, {**CLOSED, "updatedAt": "11:00"}, "close.idempotent"),
        (CLOSED_STATE, CLOSE, ROW, "close.terminal"),
        (CLOSED_STATE, UPDATE, {**ROW, "tags": ["x"]}, "close.terminal"),
        (CLOSED_STATE, RETRIEVE, ROW, "close.terminal"),
        (CLOSED_STATE, RETRIEVE, {**CLOSED, "closedAt": "10:01"}, "close.persisted"),
        (OPEN_STATE, UPDATE, ROW, "update.applied"),
        (OPEN_STATE, CREATE, {**ROW, "id": "session_2"}, "create.cached"),
        (OPEN_STATE, RETRIEVE, {**ROW, "id": "session_2"}, "id.friendly"),
        (OPEN_STATE, RETRIEVE, CLOSED, "retrieve.row"),
    ],
)
def test_each_member_that_is_wrong_blames_a_clause(
    start: State, operation: Operation, row: dict[str, Any], clause: str
) -> None:
    result = MODEL.apply(start, operation, response(200, row))
    assert isinstance(result, Violation)
    assert result.clause == clause


def test_a_member_is_unknown_until_a_response_shows_it() -> None:
    pending = MODEL.effect(OPEN_STATE, CLOSE, None)
    assert isinstance(pending, State)
    assert pending.phase is Phase.CLOSED
    assert MODEL.member(pending, "closedAt") is None
    seen = after((RETRIEVE, response(200, CLOSED)), start=pending)
    assert MODEL.member(seen, "closedAt") == '"10:00"'
    assert isinstance(MODEL.apply(seen, RETRIEVE, response(200, {**CLOSED, "closedAt": "10:01"})), Violation)


@pytest.mark.parametrize("name", list(REFUSALS))
@pytest.mark.parametrize("state", ["open", "closed", "expired"])
def test_a_refused_request_changes_nothing(name: str, state: str) -> None:
    operation = Operation(Kind.REFUSED, refusal=name)
    status = min(MODEL.owed(STATES[state], operation).statuses)
    assert after((operation, response(status)), start=STATES[state]) == STATES[state]


def test_a_create_refused_with_409_may_touch_two_members_and_no_others() -> None:
    touched = after((CREATE, response(409)), start=CLOSED_STATE)
    after((RETRIEVE, response(200, {**CLOSED, "updatedAt": "12:00"})), start=touched)
    assert isinstance(MODEL.apply(touched, RETRIEVE, response(200, {**CLOSED, "closedReason": "b"})), Violation)


@pytest.mark.parametrize(("state", "status"), [("open", "ACTIVE"), ("closed", "CLOSED"), ("expired", "EXPIRED")])
def test_a_list_finds_the_session_by_its_status_alone(state: str, status: str) -> None:
    for each in ("ACTIVE", "CLOSED", "EXPIRED"):
        operation = Operation(Kind.LIST, status=each)
        missing = MODEL.apply(STATES[state], operation, response(200))
        assert isinstance(missing, Violation) == (each == status)


def test_expiry_leaves_the_row_as_it_is() -> None:
    expired = MODEL.effect(OPEN_STATE, EXPIRE, None)
    assert isinstance(expired, State)
    assert expired.is_expired
    assert expired.members == OPEN_STATE.members
