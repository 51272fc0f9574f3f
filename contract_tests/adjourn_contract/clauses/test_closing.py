"""What happens: the close clauses."""

from __future__ import annotations

from typing import Any

import pytest

from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scene import Row, Scene, forms
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
    sorts: list[dict[str, Any]] = variants(run.contract) if "createSession" not in run.lacks else [{}]

    def play(scene: Scene, members: dict[str, Any]) -> None:
        row = scene.open(**members)
        scene.same(row, scene.retrieve(row["id"]), "retrieve.row", "a second retrieve")
        closed = scene.close(row, {"reason": "user signed out"})
        hold_updated_at(scene, row, closed)
        keys = forms(row)
        for number in range(4):
            for key in keys:
                body = [{"reason": f"again {number}"}, {}, {"reason": ""}, {"reason": "user signed out"}][number]
                scene.again(closed, body, by=key)
        for key in keys:
            scene.same(closed, scene.retrieve(key), "close.idempotent", "retrieve after later closes")
        run.closed_early.append((run.scene(), closed))

    run.each(sorts, play)


def hold_updated_at(scene: Scene, before: Row, closed: Row) -> None:
    if seconds(closed["updatedAt"]) < seconds(before["updatedAt"]):
        raise scene.fail("close.updated-at", f"updatedAt not before {before['updatedAt']}", closed["updatedAt"])
    # Where closedAt is coarser than createdAt it may seem to lie before it by less than a second.
    closed_at, created_at = seconds(closed["closedAt"]), seconds(before["createdAt"])
    if closed_at < (created_at - 0.001 if closed_at % 1 else int(created_at)):
        raise scene.fail("close.closes", f"closedAt not before createdAt, {before['createdAt']}", closed["closedAt"])


@pytest.mark.clause("close.idempotent")
def test_a_null_reason_stays_null_and_an_empty_one_empty(run: Run) -> None:
    def play(scene: Scene, first: Any) -> None:
        closed = scene.close(scene.open(), first)
        for body in ({"reason": "later"}, {}, {"reason": ""}, {"reason": "later still"}, {"reason": "later"}):
            for key in forms(closed):
                scene.again(closed, body, by=key)
        scene.untouched(closed, "close.idempotent")

    run.each([{}, {"reason": ""}, {"reason": "first"}], play)


@pytest.mark.clause("close.idempotent")
def test_a_session_can_be_closed_many_times(run: Run, scene: Scene) -> None:
    closed = scene.close(scene.open(), {"reason": "first"})
    for number in range(run.count(60)):
        by = forms(closed)[-1] if number % 3 else closed["id"]
        scene.again(closed, {"reason": f"close {number}"} if number % 2 else {}, by=by)
    scene.untouched(closed, "close.idempotent")


@pytest.mark.clause("close.terminal", "close.persisted")
def test_nothing_reopens_a_session(run: Run) -> None:
    run.need("createSession")
    updates: list[dict[str, Any]] = [
        {}, {"tags": ["after"]}, {"metadata": {"after": 1}}, {"metadata": None}, {"tags": [], "metadata": {}}, {"closedAt": None}, {"closedAt": None, "closedReason": None}, {"status": "ACTIVE"}, {"closedReason": "changed"},
        {"tags": ["reopen"], "closedAt": None, "expiresAt": "2099-01-01T00:00:00Z"},
    ]  # fmt: skip

    def play(scene: Scene, update: dict[str, Any]) -> None:
        closed = scene.close(scene.open(), {"reason": "for good"})
        if "updateSession" not in run.lacks:
            seen = scene.send("PATCH", run.path(closed["id"]), update)
            if seen.status == 200:
                still_closed(scene, closed, scene.row_of(seen), "update")
        still_closed(scene, closed, scene.retrieve(closed["id"]), "retrieve")
        made = scene.try_create(closed["externalId"], triggerConfig={"basePayload": {"again": 1}})
        scene.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        still_closed(scene, closed, scene.retrieve(closed["externalId"]), "retrieve after create")
        seen = scene.expect(
            scene.try_close(closed["id"], {"reason": "reopened?"}), 200, "close.idempotent", "close after all"
        )
        row = scene.row_of(seen)
        still_closed(scene, closed, row, "a later close")
        scene.same(row, scene.retrieve(closed["id"]), "close.persisted", "retrieve after a later close")

    run.each(updates, play)


def still_closed(scene: Scene, closed: Row, row: Row, when: str) -> None:
    scene.same({name: closed[name] for name in ("id", "closedAt", "closedReason")}, row, "close.terminal", when)


@pytest.mark.clause("close.recreate", "create.cached", "close.persisted")
def test_a_closed_sessions_external_id_is_not_given_again(run: Run) -> None:
    run.need("createSession")

    def play(scene: Scene, members: dict[str, Any]) -> None:
        name = run.name()
        row = scene.open(name)
        again = scene.try_create(name, triggerConfig={"basePayload": {"n": 2}})
        scene.expect(again, 200, "create.cached", "create with an open session's externalId")
        if again.value.get("id") != row["id"] or again.value.get("isCached") is not True:
            raise scene.fail("create.cached", f"the session {row['id']} with isCached true", again.said)
        refreshed = {"triggerConfig": {"basePayload": {"n": 2}}}
        scene.same(refreshed, scene.retrieve(name), "create.cached", "retrieve after a repeated create")
        closed = scene.close(scene.retrieve(name), {"reason": "closed"})
        for _ in range(2):
            made = scene.try_create(name, **members)
            scene.expect(made, 409, "close.recreate", "create with a closed session's externalId")
        after = scene.retrieve(name)
        touched = () if run.dialect == "documented" else ("triggerConfig", "updatedAt")
        scene.same(
            {k: v for k, v in closed.items() if k not in touched},
            after,
            "close.recreate",
            "retrieve after a create that was refused",
        )
        scene.same(
            {k: v for k, v in closed.items() if k not in touched},
            scene.retrieve(closed["id"]),
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
def test_no_other_session_changes(run: Run, scene: Scene) -> None:
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
        scene.open(stem + suffix, **members)
        for suffix, members in (
            ("-a", alike), ("-b", alike), ("", alike), ("-ab", {}), ("-", {}), ("/a", alike), ("-A", alike), ("-c", {"type": alike["type"]}), ("-d", {"taskIdentifier": alike["taskIdentifier"]}), ("-e", {"tags": ["shared"]}), ("-f", {"metadata": alike["metadata"]}),
        )
    ]  # fmt: skip
    neighbours += [scene.open(None, **alike), scene.open(None)]
    target = scene.open(stem + "-target", **alike)
    neighbours += [
        scene.open(stem + "-target2", **alike),
        scene.open(stem + "-targe", **alike),
        scene.open(None, **alike),
    ]
    nameless = scene.open(None, **alike)
    last = scene.open(stem + "-last", **alike)
    closed = []
    for row, by in ((target, target["externalId"]), (nameless, nameless["id"]), (last, last["id"])):
        closed.append(scene.close(row, {"reason": "only this one"}, by=by))
        for neighbour in neighbours:
            scene.untouched(neighbour, "close.only-one")
    for row in closed:
        scene.again(row)
        scene.untouched(row, "close.idempotent")
    for neighbour in neighbours:
        scene.untouched(neighbour, "close.only-one")


@pytest.mark.clause("close.method")
def test_other_methods_on_the_close_path_are_405_and_have_no_effect(run: Run) -> None:
    def play(scene: Scene, method: str) -> None:
        row = scene.open()
        overriding = [("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST")]
        bodies: tuple[Any, ...] = (None,) if method in ("GET", "HEAD") else (None, {}, {"reason": "wrong method"})
        for key in forms(row):
            for body in bodies:
                for headers in ((), overriding):
                    answer = scene.send(method, run.close_path(key), body, headers=headers)
                    scene.expect(answer, 405, "close.method", f"{method} on the close path")
                    hold_allow(scene, method, answer.header("allow"))
            answer = scene.send(method, run.close_path(key) + "?_method=POST", None)
            scene.expect(answer, 405, "close.method", f"{method} on the close path")
        # What OPTIONS answers is CORS' affair, that it has no effect is ours.
        scene.send("OPTIONS", run.close_path(row["id"]), None)
        scene.untouched(row, "close.method")
        closed = scene.close(row)
        answer = scene.send(method, run.close_path(row["id"]), None)
        scene.expect(answer, 405, "close.method", f"{method} on the close path of a closed session")
        scene.untouched(closed, "close.method")

    def hold_allow(scene: Scene, method: str, allow: str | None) -> None:
        if allow is None and method in ("GET", "HEAD") and run.dialect != "documented":
            return
        if allow is None or "POST" not in [part.strip().upper() for part in allow.split(",")]:
            raise scene.fail("close.method", f"Allow with POST for {method} on the close path", repr(allow))

    run.each(["GET", "HEAD", "PUT", "PATCH", "DELETE"], play)
