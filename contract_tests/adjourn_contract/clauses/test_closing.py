"""What happens: the close clauses."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds


@pytest.mark.smoke
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
    "server.no-error",
)
def test_every_sort_of_session_closes_once_and_stays_as_it_was(run: Run) -> None:
    sorts: list[dict[str, Any]] = (
        variants(run.contract, run.account) if "createSession" not in run.unsupported else [{}]
    )
    later: tuple[Row, ...] = ({"reason": "again"}, {}, {"reason": ""}, {"reason": "user signed out"})

    def play(scenario: Scenario, members: dict[str, Any]) -> None:
        row = scenario.open(**members)
        scenario.assert_same(row, scenario.retrieve(row["id"]), "retrieve.row", "a second retrieve")
        closed = scenario.close(row, {"reason": "user signed out"})
        assert_moments(scenario, row, closed)
        keys = ids_of(row)
        for body in later[: run.profile.cases]:
            for key in keys:
                scenario.close_again(closed, body, by=key)
        for key in keys:
            scenario.assert_same(closed, scenario.retrieve(key), "close.idempotent", "retrieve after later closes")
        run.closed_early.append((run.scenario(), closed))

    run.each(sorts, play)


def assert_moments(scenario: Scenario, before: Row, closed: Row) -> None:
    """The moments of a first close follow those of the open session, by the server's own clock."""
    if seconds(closed["updatedAt"]) < seconds(before["updatedAt"]):
        raise scenario.fail("close.updated-at", f"updatedAt not before {before['updatedAt']}", closed["updatedAt"])
    # Where closedAt is coarser than createdAt it may seem to lie before it by less than a second.
    closed_at, created_at = seconds(closed["closedAt"]), seconds(before["createdAt"])
    if closed_at < (created_at - 0.001 if closed_at % 1 else int(created_at)):
        raise scenario.fail("close.closes", f"closedAt not before createdAt, {before['createdAt']}", closed["closedAt"])


@pytest.mark.clause("close.idempotent")
def test_a_null_reason_stays_null_and_an_empty_one_empty(run: Run) -> None:
    later: tuple[Row, ...] = ({"reason": "later"}, {}, {"reason": ""}, {"reason": "later still"}, {"reason": "later"})

    def play(scenario: Scenario, first: Row) -> None:
        closed = scenario.close(scenario.open(), first)
        for body in later:
            for key in ids_of(closed):
                scenario.close_again(closed, body, by=key)
        scenario.assert_unchanged(closed, "close.idempotent")

    run.each([{}, {"reason": ""}, {"reason": "first"}], play)


@pytest.mark.clause("close.idempotent")
def test_a_session_can_be_closed_many_times(run: Run, scenario: Scenario) -> None:
    closed = scenario.close(scenario.open(), {"reason": "first"})
    for number in range(run.count(run.profile.lifecycles * 2)):
        by = ids_of(closed)[-1] if number % 3 else closed["id"]
        scenario.close_again(closed, {"reason": f"close {number}"} if number % 2 else {}, by=by)
    scenario.assert_unchanged(closed, "close.idempotent")


# Updates that a careless server lets reopen a session.
REOPENING: tuple[Row, ...] = (
    {"closedAt": None, "closedReason": None},
    {"tags": ["after"]},
    {"metadata": {"after": 1}},
    {"status": "ACTIVE"},
    {},
    {"metadata": None},
    {"tags": [], "metadata": {}},
    {"closedAt": None},
    {"closedReason": "changed"},
    {"tags": ["reopen"], "closedAt": None, "expiresAt": "2099-01-01T00:00:00Z"},
)


@pytest.mark.clause("close.terminal")
def test_no_update_reopens_a_session(run: Run) -> None:
    run.need("createSession", "updateSession")

    def play(scenario: Scenario, update: Row) -> None:
        closed = scenario.close(scenario.open(), {"reason": "for good"})
        seen = scenario.send("PATCH", run.path(closed["id"]), update)
        # Whether an update with unknown members is refused is not at issue here.
        if seen.status == 200:
            assert_still_closed(scenario, closed, scenario.validated_row(seen), "update")
        assert_still_closed(scenario, closed, scenario.retrieve(closed["id"]), "retrieve")

    run.each(REOPENING, play)


@pytest.mark.clause("close.terminal", "close.persisted", "close.recreate")
def test_neither_create_nor_close_reopens_a_session(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, body: Row) -> None:
        closed = scenario.close(scenario.open(), body)
        made = scenario.try_create(closed["externalId"], triggerConfig={"basePayload": {"again": 1}})
        scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        assert_still_closed(scenario, closed, scenario.retrieve(closed["externalId"]), "retrieve after create")
        seen = scenario.try_close(closed["id"], {"reason": "reopened?"})
        row = scenario.validated_row(scenario.expect(seen, 200, "close.idempotent", "close after all"))
        assert_still_closed(scenario, closed, row, "a later close")
        scenario.assert_same(row, scenario.retrieve(closed["id"]), "close.persisted", "retrieve after a later close")

    run.each([{"reason": "for good"}, {}], play)


def assert_still_closed(scenario: Scenario, closed: Row, row: Row, when: str) -> None:
    expected = {name: closed[name] for name in ("id", "closedAt", "closedReason")}
    scenario.assert_same(expected, row, "close.terminal", when)


# Create members that differ from those of the session whose externalId they have.
RECREATING: tuple[Row, ...] = (
    {},
    {"triggerConfig": {"basePayload": {"n": 3}}},
    {"tags": ["new"], "metadata": {"new": 1}},
    {"type": "another.type"},
    {"taskIdentifier": "another-task"},
    {"expiresAt": "2099-01-01T00:00:00Z"},
)


@pytest.mark.clause("close.recreate", "create.cached", "close.persisted")
def test_the_external_id_of_a_closed_session_is_not_assigned_again(run: Run) -> None:
    run.need("createSession")
    # grey.recreate-touches
    touched = () if run.dialect == "documented" else ("triggerConfig", "updatedAt")

    def play(scenario: Scenario, members: Row) -> None:
        name = run.name()
        row = scenario.open(name)
        again = scenario.try_create(name, triggerConfig={"basePayload": {"n": 2}})
        scenario.expect(again, 200, "create.cached", "create with an open session's externalId")
        scenario.assert_same({"id": row["id"], "isCached": True}, again.value, "create.cached", "a repeated create")
        refreshed = scenario.retrieve(name)
        expected = {"triggerConfig": {"basePayload": {"n": 2}}}
        scenario.assert_same(expected, refreshed, "create.cached", "retrieve after a repeated create")
        closed = scenario.close(refreshed, {"reason": "closed"})
        made = scenario.try_create(name, **members)
        scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        kept = {member: value for member, value in closed.items() if member not in touched}
        for key in ids_of(closed):
            scenario.assert_same(kept, scenario.retrieve(key), "close.recreate", "retrieve after a refused create")
        made = scenario.try_create(name, **members)
        scenario.expect(made, 409, "close.recreate", "another create with a closed session's externalId")

    run.each(RECREATING, play)


ALIKE: Row = {
    "tags": ["shared", "team"],
    "metadata": {"team": 1},
    "type": "shared.type",
    "taskIdentifier": "shared-task",
    "triggerConfig": {"basePayload": {"shared": 1}, "queue": "shared"},
}
# What follows the stem of an externalId, and the members of a session that shares something with the one closed.
NEIGHBOURS: tuple[tuple[str, Row], ...] = (
    ("-a", ALIKE),
    ("-b", ALIKE),
    ("", ALIKE),
    ("-ab", {}),
    ("-", {}),
    ("/a", ALIKE),
    ("-A", ALIKE),
    ("-c", {"type": ALIKE["type"]}),
    ("-d", {"taskIdentifier": ALIKE["taskIdentifier"]}),
    ("-e", {"tags": ["shared"]}),
    ("-f", {"metadata": ALIKE["metadata"]}),
)


@pytest.mark.clause("close.only-one", "close.idempotent")
def test_a_close_changes_no_other_session(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    stem = run.name("one")
    neighbours = [scenario.open(stem + suffix, **members) for suffix, members in NEIGHBOURS]
    neighbours += [scenario.open(None, **ALIKE), scenario.open(None)]
    target = scenario.open(stem + "-target", **ALIKE)
    neighbours += [scenario.open(stem + suffix, **ALIKE) for suffix in ("-target2", "-targe")]
    neighbours.append(scenario.open(None, **ALIKE))
    nameless, last = scenario.open(None, **ALIKE), scenario.open(stem + "-last", **ALIKE)
    closed = []
    for row, by in ((target, target["externalId"]), (nameless, nameless["id"]), (last, last["id"])):
        closed.append(scenario.close(row, {"reason": "only this one"}, by=by))
    for neighbour in neighbours:
        scenario.assert_unchanged(neighbour, "close.only-one")
    for row in closed:
        scenario.close_again(row)
        scenario.assert_unchanged(row, "close.idempotent")


OVERRIDING = [("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST")]


@pytest.mark.clause("close.method")
def test_other_methods_on_the_close_path_are_405_and_have_no_effect(run: Run) -> None:
    def play(scenario: Scenario, method: str) -> None:
        row = scenario.open()
        bodies: tuple[Row | None, ...] = (None,) if method in ("GET", "HEAD") else (None, {"reason": "wrong method"})
        for key in ids_of(row):
            for body in bodies:
                for headers in ((), OVERRIDING):
                    assert_not_allowed(scenario, method, run.close_path(key), body, headers)
            assert_not_allowed(scenario, method, run.close_path(key) + "?_method=POST")
        scenario.assert_unchanged(row, "close.method")
        closed = scenario.close(row)
        assert_not_allowed(scenario, method, run.close_path(row["id"]))
        scenario.assert_unchanged(closed, "close.method")

    run.each(["GET", "PUT", "HEAD", "PATCH", "DELETE"], play, whole=True)


def assert_not_allowed(scenario: Scenario, method: str, path: str, body: Row | None = None, headers: Any = ()) -> None:
    answer = scenario.send(method, path, body, headers=headers)
    scenario.expect(answer, 405, "close.method", f"{method} on the close path")
    allow = answer.header("allow")
    # grey.get-405
    may_lack_allow = method in ("GET", "HEAD") and scenario.target.dialect != "documented"
    names_post = allow is not None and "POST" in [part.strip().upper() for part in allow.split(",")]
    if not names_post and not (allow is None and may_lack_allow):
        raise scenario.fail("close.method", f"Allow with POST for {method} on the close path", repr(allow))
    if allow is not None and method in [part.strip().upper() for part in allow.split(",")]:
        raise scenario.fail("close.method", f"Allow without the refused {method}", repr(allow))


@pytest.mark.clause("close.method")
def test_options_on_the_close_path_has_no_effect(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    # What OPTIONS answers is a matter of CORS.
    scenario.send("OPTIONS", run.close_path(row["id"]), None)
    scenario.assert_unchanged(row, "close.method")
