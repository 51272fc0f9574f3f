"""Many pitfalls of methods, create, update and list on few sessions, for the smoke profile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from adjourn_contract.cases.packs import METHODS, OVERRIDING, beyond_create, beyond_update
from adjourn_contract.cases.variants import full_session
from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario
from adjourn_contract.engine.timestamps import seconds

FAR_AWAY = "2099-12-31T23:59:59.000Z"

pytestmark = [pytest.mark.smoke, pytest.mark.profile("smoke")]


@pytest.mark.partly("close.method", "path.method", "path.unknown")
def test_one_session_refuses_other_methods(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    path, body = run.close_path(row["id"]), {"reason": "wrong method"}
    for method in METHODS:
        answer = scenario.send(method, path, None if method in ("GET", "HEAD") else body)
        assert_not_allowed(scenario, answer, method, "close.method", "the close path", names="POST")
    answer = scenario.send("PUT", path, body, headers=OVERRIDING)
    scenario.expect(answer, 405, "close.method", "PUT on the close path with an overriding header")
    for method in ("DELETE", "PUT", "POST"):
        answer = scenario.send(method, run.path(row["id"]), None if method == "DELETE" else {"tags": ["wrong method"]})
        assert_not_allowed(scenario, answer, method, "path.method", "a session")
    if not {"createSession", "listSessions"} <= run.unsupported.keys():
        answer = scenario.send("PUT", run.collection, {**run.example, "externalId": run.name()})
        run.remember(run.key, answer)
        assert_not_allowed(scenario, answer, "PUT", "path.method", "the collection")
    answer = scenario.send("POST", path + "/x", {})
    if 200 <= answer.status < 300:
        raise scenario.fail("path.unknown", "404 for a path that no operation has", answer.summary)
    scenario.assert_unchanged(row, "close.method")


def assert_not_allowed(
    scenario: Scenario, answer: Any, method: str, clause: str, where: str, *, names: str | None = None
) -> None:
    """A method is 405; Allow, where it must be there, names what may be sent and not what was refused."""
    scenario.expect(answer, 405, clause, f"{method} on {where}")
    header = answer.header("allow")
    allowed = [part.strip().upper() for part in (header or "").split(",")]
    # grey.get-405
    may_lack = header is None and method in ("GET", "HEAD") and scenario.target.dialect != "documented"
    if names is not None and names not in allowed and not may_lack:
        raise scenario.fail(clause, f"Allow with {names} for {method} on {where}", repr(header))
    if method in allowed:
        raise scenario.fail(clause, f"Allow without the refused {method}", repr(header))


@pytest.mark.clause("create.invalid")
def test_create_refuses_what_is_just_beyond_its_schema(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name = run.name()
    for boundary in beyond_create(run.contract):
        made = scenario.send("POST", run.collection, boundary.put({**run.example, "externalId": name}))
        run.remember(run.key, made)
        scenario.expect(made, (400, 422), "create.invalid", f"create with {boundary.what}")
    scenario.expect(scenario.send("GET", run.path(name)), 404, "create.invalid", "retrieve after create was refused")


@pytest.mark.clause("update.invalid")
def test_update_refuses_what_is_just_beyond_its_schema(run: Run, scenario: Scenario) -> None:
    run.need("updateSession", "createSession")
    row = scenario.open(tags=["before"], metadata={"before": 1})
    for boundary in beyond_update(run.contract):
        answer = scenario.send("PATCH", run.path(row["id"]), boundary.put({}))
        scenario.expect(answer, (400, 422), "update.invalid", f"update with {boundary.what}")
    scenario.assert_unchanged(row, "update.invalid")


@pytest.mark.clause("update.applied", "close.terminal")
def test_updates_replace_and_leave_the_rest_before_and_after_a_close(run: Run, scenario: Scenario) -> None:
    run.need("updateSession", "createSession")
    members = full_session(run.contract)
    # An integer is a number without a fraction, however it is written.
    config = {**members["triggerConfig"], "maxAttempts": 2.0}
    row = scenario.open(**{**members, "triggerConfig": config}, metadata={"a": 1})
    scenario.assert_same({"triggerConfig": config}, row, "create.created", "retrieve after create")
    expected = besides_updated_at(row)
    updates: tuple[Row, ...] = ({"metadata": {"b": 2}}, {"tags": ["b"]}, {"metadata": {}}, {"tags": []})
    for update in updates:
        expected = assert_updated(scenario, row, update, expected, "update.applied")
    closed = scenario.close({**row, **expected}, {"reason": "updated before"})
    expected = assert_updated(scenario, row, {"metadata": {"after": 1}}, besides_updated_at(closed), "close.terminal")
    # Whether an update with unknown members is refused is not at issue here.
    scenario.send("PATCH", run.path(row["id"]), {"closedAt": None, "closedReason": None})
    scenario.assert_same(expected, scenario.retrieve(row["id"]), "close.terminal", "retrieve after updates")


def besides_updated_at(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "updatedAt"}


def assert_updated(scenario: Scenario, row: Row, update: Row, before: Row, clause: str) -> Row:
    """The answer of an update has its members and else those of before."""
    answer = scenario.send("PATCH", scenario.target.path(row["id"]), update)
    after = scenario.validated_row(scenario.expect(answer, 200, "update.applied", "a valid update"))
    scenario.assert_same({**before, **update}, after, clause, "update")
    return {**before, **update}


@pytest.mark.clause("list.filter")
@pytest.mark.partly("list.order", "list.page", "list.cursors", "close.only-one")
def test_a_list_turns_its_pages_and_shows_one_session_closed(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    name, kind = run.name(), run.name("paged")
    # A careless close takes others for the session: by tags, task, type, the start of its externalId, or none.
    alike: Row = {"type": kind, "tags": ["paged"], "metadata": {"paged": 1}}
    target = scenario.open(name, **alike)
    others = [scenario.create(None, expiresAt=FAR_AWAY, **alike), scenario.create(f"{name}-b", **alike)]
    scenario.close(target, {"reason": "this one"}, look=False)
    shown = listed(scenario, [target, *others], type=kind)
    for row in shown:
        if row["id"] != target["id"] and row["closedAt"] is not None:
            raise scenario.fail("close.only-one", "closedAt null of another session", repr(row["closedAt"]))
    # A close makes a session no newer; sessions of the same moment may be in any order.
    moments = [seconds(row["createdAt"]) for row in shown]
    if moments != sorted(moments, reverse=True):
        raise scenario.fail("list.order", "the newest session first", repr([row["createdAt"] for row in shown]))
    listed(scenario, others, "close.listed", type=kind, status="ACTIVE")
    assert_pages(scenario, kind, [row["id"] for row in shown])


def listed(scenario: Scenario, rows: Sequence[Row], too_many: str = "list.filter", **filters: str) -> Sequence[Row]:
    """The rows of a list, which are these sessions and no others; `too_many` is the clause that others break."""
    wanted = {row["id"] for row in rows}
    shown = list_until(scenario, lambda found: ids_in(found) == wanted, **filters)
    if ids_in(shown) != wanted:
        expected = f"{sorted(wanted)} in a list filtered by {filters}"
        clause = "list.filter" if wanted - ids_in(shown) else too_many
        raise scenario.fail(clause, expected, f"{sorted(ids_in(shown))}")
    return shown


def ids_in(rows: Sequence[Row]) -> set[str]:
    return {row["id"] for row in rows}


def assert_pages(scenario: Scenario, kind: str, ids: Sequence[str]) -> None:
    """Pages of one row show three sessions in their order, to the last one and back."""
    first = turned(scenario, kind, ids[0])
    if first.get("previous") is not None:
        raise scenario.fail("list.cursors", "no previous on the first page", repr(first["previous"]))
    second = turned(scenario, kind, ids[1], after=first.get("next"))
    third = turned(scenario, kind, ids[2], after=second.get("next"))
    if third.get("next") is not None:
        raise scenario.fail("list.cursors", "no next on the last page", repr(third["next"]))
    if isinstance(previous := third.get("previous"), str):
        turned(scenario, kind, ids[1], before=previous)


def turned(scenario: Scenario, kind: str, wanted: str, **cursor: str | None) -> Row:
    """What a page of one row, which is the one that is wanted, says of its neighbours."""
    if None in cursor.values():
        raise scenario.fail("list.cursors", "next on a page that another one follows", "null")
    page = scenario.page(type=kind, page={"size": 1, **cursor})
    found = [row["id"] for row in page["data"]]
    if len(found) != 1:
        raise scenario.fail("list.page", "1 row on a page of 1", f"{len(found)} rows")
    if found != [wanted]:
        raise scenario.fail("list.cursors", f"the page {[wanted]}", repr(found))
    pagination: Row = page["pagination"]
    return pagination
