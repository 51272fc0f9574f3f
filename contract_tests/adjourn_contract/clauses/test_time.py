"""What only shows after a while: the time of the close, updatedAt, expiry, later closes.

Moments are judged by the server's clock alone: by its createdAt and its `Date`, and by how much time passed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import pytest

from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.retrial import retried
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import precision_seconds, seconds, server_time

TOLERANCE_SECONDS = 1.0
# How far the clock of a gateway or a database may be off that of the server.
SKEW_SECONDS = 300.0
EXPIRES_AFTER_SECONDS = 1.4


class Span(NamedTuple):
    """The least and the most seconds between two things that the server did."""

    least: float
    most: float


def span(scenario: Scenario, first: str, then: str) -> Span:
    """The time between what the server did in two requests of a scenario.

    Args:
        scenario: whose exchanges; each knows when it was sent and when it was answered.
        first: how the target of the first request ends.
        then: how the target of the last one ends.
    """
    start = next(each for each in scenario.exchanges if each.method == "POST" and each.target.endswith(first))
    end = next(each for each in reversed(scenario.exchanges) if each.method == "POST" and each.target.endswith(then))
    return Span(end.began - start.began - start.seconds, end.began + end.seconds - start.began)


class Closed(NamedTuple):
    """A session before and after its first close, and the scenario that closed it."""

    scenario: Scenario
    before: Row
    after: Row


def close_aged(number: int, scenario: Scenario, row: Row) -> Closed:
    by = row["id"] if number % 2 else ids_of(row)[-1]
    return Closed(scenario, row, scenario.close(row, {"reason": "of age"}, by=by))


def coarseness_of(closed: Sequence[Closed]) -> float:
    names = ("createdAt", "closedAt", "updatedAt")
    return precision_seconds([each.after[name] for each in closed for name in names])


@pytest.mark.smoke
@pytest.mark.alone
@pytest.mark.clause("close.closes", "close.updated-at", "close.preserves")
def test_closed_at_and_updated_at_are_the_time_of_the_close(run: Run) -> None:
    by_number: dict[int, Closed] = {}

    def play(_: Scenario, case: tuple[int, tuple[Scenario, Row]]) -> None:
        number, (scenario, row) = case
        by_number[number] = close_aged(number, scenario, row)

    run.each(enumerate(run.aged_sessions()), play, whole=True)
    aged = [by_number[number] for number in sorted(by_number)]
    coarse = coarseness_of(aged)

    def once_more(number: int) -> None:
        scenario = run.scenario()
        row = scenario.open()
        time.sleep(run.profile.age_seconds)
        closed = close_aged(number, scenario, row)
        assert_time_of_close(closed, run.collection, coarseness_of([closed]))

    for number, closed in enumerate(aged):
        once = partial(assert_time_of_close, closed, run.collection, coarse)
        retried(run, once, partial(once_more, number))
    run.closed_early += [(each.scenario, each.after) for each in aged]


def assert_time_of_close(closed: Closed, create_path: str, coarse: float) -> None:
    scenario, before, after = closed
    passed = span(scenario, create_path, "/close")
    moved = seconds(after["updatedAt"]) - seconds(before["updatedAt"])
    if moved <= 0 and passed.least > coarse + TOLERANCE_SECONDS:
        expected = f"updatedAt after {before['updatedAt']}, {passed.least:.1f} s later"
        raise scenario.fail("close.updated-at", expected, after["updatedAt"])
    for clause, name in (("close.closes", "closedAt"), ("close.updated-at", "updatedAt")):
        took = seconds(after[name]) - seconds(before["createdAt"])
        assert_within(scenario, clause, name, took, passed, coarse)


def assert_within(scenario: Scenario, clause: str, name: str, took: float, passed: Span, slack_seconds: float) -> None:
    """A moment lies as long after createdAt as time passed until the close."""
    slack_seconds += TOLERANCE_SECONDS
    if not passed.least - slack_seconds <= took <= passed.most + slack_seconds:
        expected = f"{name} {passed.least:.1f} to {passed.most:.1f} s after createdAt, when the close was sent"
        raise scenario.fail(clause, expected, f"{took:.1f} s after it")


@pytest.mark.alone
@pytest.mark.clause("close.idempotent")
def test_a_close_much_later_changes_nothing(run: Run) -> None:
    # Until a coarse clock shows another time.
    time.sleep(min(run.profile.age_seconds, 1.2))

    def play(_: Scenario, early: tuple[Scenario, Row]) -> None:
        scenario, closed = early
        for key in ids_of(closed):
            scenario.close_again(closed, {"reason": "much later"}, by=key)
        scenario.close_again(closed)
        scenario.assert_unchanged(closed, "close.idempotent")

    run.each(run.closed_early, play, whole=True)


@pytest.mark.smoke
@pytest.mark.waits
@pytest.mark.clause("list.filter")
def test_a_period_shows_sessions_created_within_it(run: Run, scenario: Scenario) -> None:
    run.need("createSession", "listSessions")
    row = scenario.open()
    # Longer than the period of a second, at any precision of createdAt.
    time.sleep(2.2)
    shown = list_until(scenario, lambda rows: bool(rows), externalId=row["externalId"], createdAt={"period": "1h"})
    if not shown:
        raise scenario.fail("list.filter", "a session among those of the last hour", "it is not there")
    if scenario.listed(externalId=row["externalId"], createdAt={"period": "1s"}):
        raise scenario.fail("list.filter", "no session in a list of those of the last second", "one that is older")


@pytest.mark.clause("close.closes")
def test_the_close_is_not_in_the_future(run: Run) -> None:
    def play() -> None:
        scenario = run.scenario()
        row = scenario.open()
        seen = scenario.try_close(row["id"])
        scenario.expect(seen, 200, "close.closes", "close of an open session")
        run.forget(run.key, row["id"])
        closed = scenario.validated_row(seen)
        closed_at, created_at, now = seconds(closed["closedAt"]), seconds(closed["createdAt"]), server_time(seen)
        # A mock may have a clock of its own for its rows, another one than that of its Date.
        if now is not None and abs(created_at - now) < SKEW_SECONDS and closed_at > now + SKEW_SECONDS:
            raise scenario.fail(
                "close.closes", f"closedAt not after the server's Date, {seen.header('date')}", closed["closedAt"]
            )
        if "createSession" not in run.unsupported:
            passed = span(scenario, run.collection, "/close")
            assert_within(scenario, "close.closes", "closedAt", closed_at - created_at, passed, 60)

    retried(run, play)


def soon(row: Row, after_seconds: float) -> str:
    """A date-time by the server's own clock, from the createdAt of a row."""
    moment = datetime.fromtimestamp(seconds(row["createdAt"]), UTC) + timedelta(seconds=after_seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def expired(run: Run, members: Sequence[Row]) -> list[tuple[Scenario, Row]]:
    """Sessions that have expired.

    Raises:
        NotApplicable: the server refuses to create a session that expires soon (grey.create-expired).
    """
    clock, rows = run.scenario().create(), []
    for each in members:
        scenario = run.scenario()
        answer = scenario.try_create(**{"expiresAt": soon(clock, EXPIRES_AFTER_SECONDS), **each})
        if answer.status == 409:
            raise NotApplicable("the server lets no session expire soon")
        scenario.expect(answer, 201, "create.created", "create of a session that expires soon")
        rows.append((scenario, scenario.retrieve(answer.value["id"])))
    time.sleep(EXPIRES_AFTER_SECONDS + 0.4)
    return rows


@pytest.mark.smoke
@pytest.mark.waits
@pytest.mark.clause(
    "close.expired", "close.closes", "close.preserves", "close.idempotent", "close.listed", "list.filter"
)
def test_an_expired_session_can_be_closed(run: Run) -> None:
    run.need("createSession")
    kinds: list[Row] = [{}, {"external_id": None}, {"tags": ["expiring"], "metadata": {"a": 1}}]

    def play() -> None:
        for scenario, row in expired(run, kinds[: run.profile.cases]):
            assert_closes_when_expired(scenario, row)

    retried(run, play)


def assert_closes_when_expired(scenario: Scenario, row: Row) -> None:
    run = scenario.target
    still = scenario.retrieve(row["id"], clause="close.expired")
    scenario.assert_same({"closedAt": None}, still, "close.expired", "retrieve of an expired session")
    is_listed = "listSessions" not in run.unsupported and row["externalId"] is not None
    if is_listed:
        assert_in_lists(scenario, row, "EXPIRED", "list.filter")
    seen = scenario.try_close(ids_of(row)[-1], {"reason": "after its time"})
    scenario.expect(seen, 200, "close.expired", "close of an expired session")
    run.forget(run.key, row["id"])
    closed = scenario.validated_row(seen)
    kept = {name: value for name, value in still.items() if name not in ("closedAt", "closedReason", "updatedAt")}
    expected = {**kept, "closedReason": "after its time"}
    scenario.assert_same(expected, closed, "close.expired", "close of an expired session")
    if closed["closedAt"] is None:
        raise scenario.fail("close.expired", "closedAt to be set", "null")
    took, passed = seconds(closed["closedAt"]) - seconds(row["createdAt"]), span(scenario, run.collection, "/close")
    coarse = precision_seconds([closed["closedAt"]] * 3)
    assert_within(scenario, "close.closes", "closedAt", took, passed, coarse)
    scenario.assert_unchanged(closed, "close.persisted")
    scenario.close_again(closed, {"reason": "later"})
    if is_listed:
        assert_in_lists(scenario, row, "CLOSED", "close.listed")


def assert_in_lists(scenario: Scenario, row: Row, wanted: str, clause: str) -> None:
    """A session that expired is in the list of one status alone."""
    names = scenario.target.contract.schema("Status").definition["enum"]
    for status in sorted(names, key=lambda name: name != wanted):
        count = int(status == wanted)

        def is_right(rows: Sequence[Row], count: int = count) -> bool:
            return len(rows) == count

        shown = list_until(scenario, is_right, externalId=row["externalId"], status=status)
        if not is_right(shown):
            expected = f"a session that has expired {'' if count else 'not '}among the {status} ones"
            raise scenario.fail(clause, expected, f"{len(shown)} sessions")


@pytest.mark.waits
@pytest.mark.clause("close.recreate")
@pytest.mark.partly("close.expired")
def test_the_external_id_of_an_expired_session_is_not_assigned_again(run: Run) -> None:
    run.need("createSession")

    def play() -> None:
        for scenario, row in expired(run, [{}, {"tags": ["expiring"]}]):
            again = scenario.try_create(row["externalId"])
            scenario.expect(again, 409, "close.recreate", "create with an expired session's externalId")
            with scenario.ruling_out(partial(assert_expired_session_closes, scenario, row)):
                scenario.close(scenario.retrieve(row["id"]), {"reason": "after its time"}, look=False)
            again = scenario.try_create(row["externalId"])
            what = "create with the externalId of a session that expired and was closed"
            scenario.expect(again, 409, "close.recreate", what)

    retried(run, play)


def assert_expired_session_closes(scenario: Scenario, row: Row) -> None:
    closed = scenario.try_close(row["id"], {"reason": "after its time"})
    scenario.expect(closed, 200, "close.expired", "close of a session that has expired")
