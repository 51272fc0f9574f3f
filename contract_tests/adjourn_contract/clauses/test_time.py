"""What only shows after a while: the time of the close, updatedAt, expiry, later closes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import precision_seconds, seconds

TOLERANCE_SECONDS = 1.0


def lapse(scenario: Scenario, first: str, then: str) -> tuple[float, float]:
    """The least and the most seconds between what the server did in two requests of a scenario.

    Args:
        scenario: whose exchanges; each knows when it was sent and when it was answered.
        first: how the target of the first request ends.
        then: how the target of the last one ends.
    """
    start = next(each for each in scenario.exchanges if each.method == "POST" and each.target.endswith(first))
    end = next(each for each in reversed(scenario.exchanges) if each.method == "POST" and each.target.endswith(then))
    return end.began - start.began - start.seconds, end.began + end.seconds - start.began


def assert_lapse(
    scenario: Scenario, clause: str, name: str, took: float, least: float, most: float, slack: float
) -> None:
    if not least - TOLERANCE_SECONDS - slack <= took <= most + TOLERANCE_SECONDS + slack:
        expected = f"{name} {least:.1f} to {most:.1f} s after createdAt, when the close was sent"
        raise scenario.fail(clause, expected, f"{took:.1f} s after it")


@pytest.mark.clause("close.closes", "close.updated-at", "close.idempotent", "close.preserves", "list.filter")
def test_the_close_has_the_time_at_which_it_happened(run: Run) -> None:
    closed = [
        (scenario, row, scenario.close(row, {"reason": "of age"}, by=ids_of(row)[-1] if number % 2 else row["id"]))
        for number, (scenario, row) in enumerate(run.aged_sessions())
    ]
    coarse = precision_seconds(
        [after[name] for _, _, after in closed for name in ("createdAt", "closedAt", "updatedAt")]
    )
    for scenario, row, after in closed:
        least, most = lapse(scenario, run.collection, "/close")
        took = seconds(after["closedAt"]) - seconds(row["createdAt"])
        assert_lapse(scenario, "close.closes", "closedAt", took, least, most, coarse)
        moved = seconds(after["updatedAt"]) - seconds(row["updatedAt"])
        if moved <= 0 and least > coarse + 1:
            raise scenario.fail(
                "close.updated-at", f"updatedAt after {row['updatedAt']}, {least:.1f} s later", after["updatedAt"]
            )
        assert_lapse(
            scenario,
            "close.updated-at",
            "updatedAt",
            seconds(after["updatedAt"]) - seconds(row["createdAt"]),
            least,
            most,
            coarse,
        )
        if least > 2 + coarse and "listSessions" not in run.unsupported and row["externalId"] is not None:
            latest = scenario.listed(externalId=row["externalId"], createdAt={"period": "1s"})
            if latest:
                raise scenario.fail(
                    "list.filter", "no session in a list of those of the last second", "one that is older"
                )
    time.sleep(min(run.profile.age_seconds, 1.2) if coarse > 0.1 else 0.05)
    for scenario, row, after in closed:
        for key in ids_of(row):
            scenario.close_again(after, {"reason": "later"}, by=key)
            scenario.close_again(after, {}, by=key)
        scenario.assert_unchanged(after, "close.idempotent")
    for scenario, early in run.closed_early:
        for key in ids_of(early):
            scenario.close_again(early, {"reason": "much later"}, by=key)
        scenario.assert_unchanged(early, "close.idempotent")


@pytest.mark.clause("close.closes")
def test_the_close_is_not_in_the_future(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    seen = scenario.try_close(row["id"])
    scenario.expect(seen, 200, "close.closes", "close of an open session")
    closed = scenario.validated_row(seen)
    skew = 300.0
    if abs(seconds(closed["createdAt"]) - time.time()) < skew and seconds(closed["closedAt"]) > time.time() + skew:
        raise scenario.fail("close.closes", "closedAt not in the future", closed["closedAt"])
    took = seconds(closed["closedAt"]) - seconds(closed["createdAt"])
    if "createSession" not in run.unsupported:
        assert_lapse(scenario, "close.closes", "closedAt", took, *lapse(scenario, run.collection, "/close"), 60)


def soon(row: Row, after_seconds: float) -> str:
    """A date-time on the server's own clock, which the row's createdAt shows."""
    moment = datetime.fromtimestamp(seconds(row["createdAt"]) + after_seconds, UTC) + timedelta(seconds=1)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.clause("close.expired", "close.recreate", "close.preserves", "close.idempotent", "close.listed")
def test_an_expired_session_can_be_closed_but_not_created_again(run: Run) -> None:
    run.need("createSession")
    scenario = run.scenario()
    clock = scenario.create()
    rows: list[tuple[Scenario, Row]] = []
    for members in ({}, {"external_id": None}, {"tags": ["expiring"], "metadata": {"a": 1}}, {}):
        each = run.scenario()
        made: dict[str, Any] = {**members, "expiresAt": soon(clock, 0.4)}
        answer = each.try_create(**({"external_id": None, **made} if "external_id" in members else made))
        if answer.status == 409:
            raise NotApplicable("the server lets no session expire soon")
        each.expect(answer, 201, "create.created", "create of a session that expires soon")
        rows.append((each, each.retrieve(answer.value["id"])))
    time.sleep(1.75)
    for number, (each, row) in enumerate(rows):
        if number == 3:
            made_again = each.try_create(row["externalId"])
            each.expect(made_again, 409, "close.recreate", "create with an expired session's externalId")
        still = each.retrieve(row["id"], clause="close.expired")
        if still["closedAt"] is not None:
            raise each.fail("close.expired", "an expired session that was not closed to be open", still["closedAt"])
        seen = each.try_close(ids_of(row)[-1], {"reason": "after its time"})
        each.expect(seen, 200, "close.expired", "close of an expired session")
        run.forget(run.key, row["id"])
        closed = each.validated_row(seen)
        expected = {
            name: value for name, value in still.items() if name not in ("closedAt", "closedReason", "updatedAt")
        }
        each.assert_same(
            {**expected, "closedReason": "after its time"}, closed, "close.expired", "close of an expired session"
        )
        if closed["closedAt"] is None:
            raise each.fail("close.expired", "closedAt to be set", "null")
        took = seconds(closed["closedAt"]) - seconds(row["createdAt"])
        assert_lapse(
            each,
            "close.closes",
            "closedAt",
            took,
            *lapse(each, run.collection, "/close"),
            precision_seconds([closed["closedAt"]] * 3),
        )
        each.assert_unchanged(closed, "close.persisted")
        each.close_again(closed, {"reason": "later"})
        if "listSessions" not in run.unsupported and row["externalId"] is not None:
            shown = [
                len(each.listed(externalId=row["externalId"], status=status))
                for status in ("CLOSED", "ACTIVE", "EXPIRED")
            ]
            if shown != [1, 0, 0]:
                raise each.fail(
                    "close.listed", "a session closed after it had expired among the CLOSED ones alone", repr(shown)
                )
        if row["externalId"] is not None:
            again = each.try_create(row["externalId"])
            each.expect(
                again, 409, "close.recreate", "create with the externalId of a session that expired and was closed"
            )
