"""What happens: the close clauses."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds


@pytest.mark.clause(
    "close.closes",
    "close.persisted",
    "close.preserves",
    "close.updated-at",
    "close.idempotent",
    "row.schema",
    "row.members",
    "row.prefixes",
    "row.times",
    "row.content-type",
    "row.no-secrets",
    "retrieve.row",
    "create.created",
)
def test_every_sort_of_session_closes_once_and_stays_as_it_was(run: Run) -> None:
    sorts: list[dict[str, Any]] = variants(run.contract) if "createSession" not in run.unsupported else [{}]

    def play(scenario: Scenario, members: dict[str, Any]) -> None:
        row = scenario.open(**members)
        scenario.assert_same(row, scenario.retrieve(row["id"]), "retrieve.row", "a second retrieve")
        closed = scenario.close(row, {"reason": "user signed out"})
        assert_updated_at(scenario, row, closed)
        keys = ids_of(row)
        for number in range(4):
            for key in keys:
                body = [{"reason": f"again {number}"}, {}, {"reason": ""}, {"reason": "user signed out"}][number]
                scenario.close_again(closed, body, by=key)
        for key in keys:
            scenario.assert_same(closed, scenario.retrieve(key), "close.idempotent", "retrieve after later closes")
        run.closed_early.append((run.scenario(), closed))

    run.each(sorts, play)


def assert_updated_at(scenario: Scenario, before: Row, closed: Row) -> None:
    if seconds(closed["updatedAt"]) < seconds(before["updatedAt"]):
        raise scenario.fail("close.updated-at", f"updatedAt not before {before['updatedAt']}", closed["updatedAt"])
    # Where closedAt is coarser than createdAt it may seem to lie before it by less than a second.
    closed_at, created_at = seconds(closed["closedAt"]), seconds(before["createdAt"])
    if closed_at < (created_at - 0.001 if closed_at % 1 else int(created_at)):
        raise scenario.fail("close.closes", f"closedAt not before createdAt, {before['createdAt']}", closed["closedAt"])


@pytest.mark.clause("close.idempotent")
def test_a_null_reason_stays_null_and_an_empty_one_empty(run: Run) -> None:
    def play(scenario: Scenario, first: Any) -> None:
        closed = scenario.close(scenario.open(), first)
        for body in ({"reason": "later"}, {}, {"reason": ""}, {"reason": "later still"}, {"reason": "later"}):
            for key in ids_of(closed):
                scenario.close_again(closed, body, by=key)
        scenario.assert_unchanged(closed, "close.idempotent")

    run.each([{}, {"reason": ""}, {"reason": "first"}], play)


@pytest.mark.clause("close.idempotent")
def test_a_session_can_be_closed_many_times(run: Run, scenario: Scenario) -> None:
    closed = scenario.close(scenario.open(), {"reason": "first"})
    for number in range(run.count(60)):
        by = ids_of(closed)[-1] if number % 3 else closed["id"]
        scenario.close_again(closed, {"reason": f"close {number}"} if number % 2 else {}, by=by)
    scenario.assert_unchanged(closed, "close.idempotent")


@pytest.mark.clause("close.terminal", "close.persisted")
def test_nothing_reopens_a_session(run: Run) -> None:
    run.need("createSession")
    updates: list[dict[str, Any]] = [
        {}, {"tags": ["after"]}, {"metadata": {"after": 1}}, {"metadata": None}, {"tags": [], "metadata": {}}, {"closedAt": None}, {"closedAt": None, "closedReason": None}, {"status": "ACTIVE"}, {"closedReason": "changed"},
        {"tags": ["reopen"], "closedAt": None, "expiresAt": "2099-01-01T00:00:00Z"},
    ]  # fmt: skip

    def play(scenario: Scenario, update: dict[str, Any]) -> None:
        closed = scenario.close(scenario.open(), {"reason": "for good"})
        if "updateSession" not in run.unsupported:
            seen = scenario.send("PATCH", run.path(closed["id"]), update)
            if seen.status == 200:
                still_closed(scenario, closed, scenario.validated_row(seen), "update")
        still_closed(scenario, closed, scenario.retrieve(closed["id"]), "retrieve")
        made = scenario.try_create(closed["externalId"], triggerConfig={"basePayload": {"again": 1}})
        scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        still_closed(scenario, closed, scenario.retrieve(closed["externalId"]), "retrieve after create")
        seen = scenario.expect(
            scenario.try_close(closed["id"], {"reason": "reopened?"}), 200, "close.idempotent", "close after all"
        )
        row = scenario.validated_row(seen)
        still_closed(scenario, closed, row, "a later close")
        scenario.assert_same(row, scenario.retrieve(closed["id"]), "close.persisted", "retrieve after a later close")

    run.each(updates, play)


def still_closed(scenario: Scenario, closed: Row, row: Row, when: str) -> None:
    scenario.assert_same(
        {name: closed[name] for name in ("id", "closedAt", "closedReason")}, row, "close.terminal", when
    )


@pytest.mark.clause("close.recreate", "create.cached", "close.persisted")
def test_a_closed_sessions_external_id_is_not_given_again(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, members: dict[str, Any]) -> None:
        name = run.name()
        row = scenario.open(name)
        again = scenario.try_create(name, triggerConfig={"basePayload": {"n": 2}})
        scenario.expect(again, 200, "create.cached", "create with an open session's externalId")
        if again.value.get("id") != row["id"] or again.value.get("isCached") is not True:
            raise scenario.fail("create.cached", f"the session {row['id']} with isCached true", again.summary)
        refreshed = {"triggerConfig": {"basePayload": {"n": 2}}}
        scenario.assert_same(refreshed, scenario.retrieve(name), "create.cached", "retrieve after a repeated create")
        closed = scenario.close(scenario.retrieve(name), {"reason": "closed"})
        for _ in range(2):
            made = scenario.try_create(name, **members)
            scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        after = scenario.retrieve(name)
        touched = () if run.dialect == "documented" else ("triggerConfig", "updatedAt")
        scenario.assert_same(
            {k: v for k, v in closed.items() if k not in touched},
            after,
            "close.recreate",
            "retrieve after a create that was refused",
        )
        scenario.assert_same(
            {k: v for k, v in closed.items() if k not in touched},
            scenario.retrieve(closed["id"]),
            "close.recreate",
            "retrieve after it",
        )

    sorts: list[Row] = [
        {},
        {"type": "another.type"},
        {"tags": ["new"], "metadata": {"new": 1}},
        {"taskIdentifier": "another-task"},
        {"expiresAt": "2099-01-01T00:00:00Z"},
        {"triggerConfig": {"basePayload": {"n": 3}}},
    ]
    run.each(sorts, play)


@pytest.mark.clause("close.only-one")
def test_no_other_session_changes(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    stem = run.name("one")
    alike: Row = {
        "tags": ["shared", "team"],
        "metadata": {"team": 1},
        "type": "shared.type",
        "taskIdentifier": "shared-task",
        "triggerConfig": {"basePayload": {"shared": 1}, "queue": "shared"},
    }
    neighbours = [
        scenario.open(stem + suffix, **members)
        for suffix, members in (
            ("-a", alike), ("-b", alike), ("", alike), ("-ab", {}), ("-", {}), ("/a", alike), ("-A", alike), ("-c", {"type": alike["type"]}), ("-d", {"taskIdentifier": alike["taskIdentifier"]}), ("-e", {"tags": ["shared"]}), ("-f", {"metadata": alike["metadata"]}),
        )
    ]  # fmt: skip
    neighbours += [scenario.open(None, **alike), scenario.open(None)]
    target = scenario.open(stem + "-target", **alike)
    neighbours += [
        scenario.open(stem + "-target2", **alike),
        scenario.open(stem + "-targe", **alike),
        scenario.open(None, **alike),
    ]
    nameless = scenario.open(None, **alike)
    last = scenario.open(stem + "-last", **alike)
    closed = []
    for row, by in ((target, target["externalId"]), (nameless, nameless["id"]), (last, last["id"])):
        closed.append(scenario.close(row, {"reason": "only this one"}, by=by))
        for neighbour in neighbours:
            scenario.assert_unchanged(neighbour, "close.only-one")
    for row in closed:
        scenario.close_again(row)
        scenario.assert_unchanged(row, "close.idempotent")
    for neighbour in neighbours:
        scenario.assert_unchanged(neighbour, "close.only-one")


@pytest.mark.clause("close.method")
def test_other_methods_on_the_close_path_are_405_and_have_no_effect(run: Run) -> None:
    def play(scenario: Scenario, method: str) -> None:
        row = scenario.open()
        overriding = [("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST")]
        bodies: tuple[Any, ...] = (None,) if method in ("GET", "HEAD") else (None, {}, {"reason": "wrong method"})
        for key in ids_of(row):
            for body in bodies:
                for headers in ((), overriding):
                    answer = scenario.send(method, run.close_path(key), body, headers=headers)
                    scenario.expect(answer, 405, "close.method", f"{method} on the close path")
                    assert_allow(scenario, method, answer.header("allow"))
            answer = scenario.send(method, run.close_path(key) + "?_method=POST", None)
            scenario.expect(answer, 405, "close.method", f"{method} on the close path")
        # What OPTIONS answers is CORS' affair, that it has no effect is ours.
        scenario.send("OPTIONS", run.close_path(row["id"]), None)
        scenario.assert_unchanged(row, "close.method")
        closed = scenario.close(row)
        answer = scenario.send(method, run.close_path(row["id"]), None)
        scenario.expect(answer, 405, "close.method", f"{method} on the close path of a closed session")
        scenario.assert_unchanged(closed, "close.method")

    def assert_allow(scenario: Scenario, method: str, allow: str | None) -> None:
        if allow is None and method in ("GET", "HEAD") and run.dialect != "documented":
            return
        if allow is None or "POST" not in [part.strip().upper() for part in allow.split(",")]:
            raise scenario.fail("close.method", f"Allow with POST for {method} on the close path", repr(allow))

    run.each(["GET", "HEAD", "PUT", "PATCH", "DELETE"], play)
