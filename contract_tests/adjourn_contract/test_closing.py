"""What happens: the close clauses."""

from __future__ import annotations

import time
from typing import Any

import pytest

from adjourn_contract.instants import seconds
from adjourn_contract.run import Run
from adjourn_contract.scene import CHAT, Row, Scene
from adjourn_contract.variants import variants


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
        keys = [key for key in (row["id"], row["externalId"]) if key is not None]
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
            for key in (closed["id"], closed["externalId"] or closed["id"]):
                scene.again(closed, body, by=key)
        scene.untouched(closed, "close.idempotent")

    run.each([{}, {"reason": ""}, {"reason": "first"}], play)


@pytest.mark.clause("close.idempotent")
def test_a_session_can_be_closed_many_times(run: Run, scene: Scene) -> None:
    closed = scene.close(scene.open(), {"reason": "first"})
    for number in range(run.count(60)):
        by = closed["externalId"] or closed["id"] if number % 3 else closed["id"]
        scene.again(closed, {"reason": f"close {number}"} if number % 2 else {}, by=by)
    scene.untouched(closed, "close.idempotent")


@pytest.mark.clause("close.terminal")
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
        still_closed(scene, closed, scene.row_of(seen), "a later close")

    run.each(updates, play)


def still_closed(scene: Scene, closed: Row, row: Row, when: str) -> None:
    scene.same({name: closed[name] for name in ("id", "closedAt", "closedReason")}, row, "close.terminal", when)


@pytest.mark.clause("update.applied")
def test_update_replaces_tags_and_metadata_and_keeps_the_rest(run: Run, scene: Scene) -> None:
    run.need("updateSession", "createSession")
    row = scene.open(tags=["a"], metadata={"a": 1})
    for update, expected in (
        ({"tags": ["b", "c"]}, {"tags": ["b", "c"], "metadata": {"a": 1}}),
        ({"metadata": {"b": 2}}, {"tags": ["b", "c"], "metadata": {"b": 2}}),
        ({"metadata": None}, {"tags": ["b", "c"], "metadata": None}),
    ):
        seen = scene.expect(scene.send("PATCH", run.path(row["id"]), update), 200, "update.applied", "a valid update")
        after = scene.row_of(seen)
        kept = {name: value for name, value in row.items() if name not in ("tags", "metadata", "updatedAt")}
        scene.same({**kept, **expected}, after, "update.applied", "update")
        scene.same(expected, scene.retrieve(row["id"]), "update.applied", "retrieve after update")
    closed = scene.close(scene.retrieve(row["id"]), {"reason": "updated before"})
    scene.again(closed)


@pytest.mark.clause("update.external-id")
def test_update_cannot_change_the_external_id(run: Run, scene: Scene) -> None:
    run.need("updateSession", "createSession")
    row = scene.open()
    for external_id in (run.name(), None):
        answer = scene.send("PATCH", run.path(row["id"]), {"externalId": external_id})
        scene.expect(answer, (400, 422), "update.external-id", "update with another externalId")
    scene.untouched(row, "update.external-id")


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
        for key in (row["id"], row["externalId"] or row["id"]):
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


@pytest.mark.clause("close.listed", "list.filter", "row.list")
def test_after_close_the_session_is_listed_as_closed(run: Run) -> None:
    run.need("listSessions", "createSession")

    def listed(scene: Scene, row: Row, status: str | None) -> Row | None:
        if row["externalId"] is None:
            name = f"filter%5Btype%5D={row['type']}"
        else:
            name = "filter%5BexternalId%5D=" + run.path(row["externalId"]).rsplit("/", 1)[1]
        query = name if status is None else f"{name}&filter%5Bstatus%5D={status}"
        answer = scene.expect(
            scene.send("GET", f"{run.collection}?{query}"), 200, "close.listed", "a list by externalId"
        )
        data = answer.value.get("data") if isinstance(answer.value, dict) else None
        if not isinstance(data, list):
            raise scene.fail("row.list", "a list with data", answer.said)
        return next((item for item in data if isinstance(item, dict) and item.get("id") == row["id"]), None)

    def play(scene: Scene, members: dict[str, Any]) -> None:
        row = scene.open(**members)
        if listed(scene, row, "ACTIVE") is None:
            raise scene.fail("close.listed", "an open session in the list of ACTIVE ones", "it is not there")
        if listed(scene, row, "CLOSED") is not None:
            raise scene.fail("close.listed", "no open session in the list of CLOSED ones", "it is there")
        closed = scene.close(row, {"reason": "listed"})
        found = listed(scene, row, "CLOSED")
        if found is None:
            raise scene.fail("close.listed", "a closed session in the list of CLOSED ones", "it is not there")
        for status in ("ACTIVE", "EXPIRED"):
            if listed(scene, row, status) is not None:
                raise scene.fail("close.listed", f"no closed session in the list of {status} ones", "it is there")
        if "triggerConfig" in found:
            raise scene.fail("row.list", "a list row without triggerConfig", "triggerConfig")
        expected = {
            name: value
            for name, value in closed.items()
            if name != "triggerConfig" and (name != "currentRunId" or name in found)
        }
        scene.same(expected, found, "row.list", "a list")

    nameless: Row = {"external_id": None, "type": f"listed.{run.tag}"[:60]}
    sorts: list[Row] = [{}, {"type": "another.type"}, {"tags": ["a"], "metadata": {"a": 1}}, nameless]
    run.each(sorts, play)


@pytest.mark.clause("create.trimmed")
def test_create_drops_the_white_space_around_an_external_id(run: Run, scene: Scene) -> None:
    run.need("createSession")
    name = run.name()
    made = scene.expect(
        scene.try_create(f"  {name} "), 201, "create.trimmed", "create with spaces around an externalId"
    )
    if made.value.get("externalId") != name:
        raise scene.fail("create.trimmed", f"externalId {name!r}", repr(made.value.get("externalId")))


@pytest.mark.clause("create.body-limit", "update.body-limit")
def test_bodies_of_create_and_update_are_bounded(run: Run, scene: Scene) -> None:
    run.need("createSession")
    rule = run.contract.operations["createSession"].body
    assert rule is not None
    large = {**CHAT, "externalId": run.name(), "metadata": {"x": "x" * rule.limit_bytes}}
    made = scene.send("POST", run.collection, large)
    run.remember(run.key, made)
    scene.expect(made, (413, 422), "create.body-limit", "a create body over its limit")
    if "updateSession" not in run.lacks:
        row = scene.open()
        answer = scene.send("PATCH", run.path(row["id"]), {"metadata": large["metadata"]})
        scene.expect(answer, (413, 422), "update.body-limit", "an update body over its limit")
        scene.untouched(row, "update.body-limit")


@pytest.mark.clause("update.invalid")
def test_update_refuses_what_breaks_its_schema(run: Run, scene: Scene) -> None:
    run.need("updateSession", "createSession")
    row = scene.open()
    wrong: list[Row] = [{"tags": "x"}, {"tags": ["x" * 500]}, {"metadata": []}, {"metadata": "x"}, {"tags": [1]}]
    for update in wrong:
        answer = scene.send("PATCH", run.path(row["id"]), update)
        scene.expect(answer, (400, 422), "update.invalid", "an update that breaks its schema")
    scene.untouched(row, "update.invalid")


@pytest.mark.clause("path.method")
def test_other_methods_on_other_paths_are_405(run: Run, scene: Scene) -> None:
    row = scene.open()
    for target in (run.path(row["id"]), run.collection):
        answer = scene.send("DELETE", target)
        scene.expect(answer, 405, "path.method", "DELETE on a path that has it not")
    scene.untouched(row, "path.method")


@pytest.mark.clause("create.invalid")
def test_create_refuses_what_breaks_its_schema(run: Run, scene: Scene) -> None:
    run.need("createSession")
    for what, members in (
        ("no type", {"type": None}),
        ("a type that is too long", {"type": "x" * 500}),
        ("triggerConfig without basePayload", {"triggerConfig": {}}),
        ("tags that are no array", {"tags": "a"}),
    ):
        answer = scene.try_create(**members)
        scene.expect(answer, (400, 422), "create.invalid", f"create with {what}")


@pytest.mark.clause("list.invalid", "list.page", "list.order", "list.cursors")
def test_lists_page_newest_first(run: Run, scene: Scene) -> None:
    run.need("listSessions", "createSession")
    kind = f"list.{run.tag}"[:60]
    made = []
    for _ in range(3):
        made.append(scene.open(type=kind)["id"])
        time.sleep(0.01)
    query = f"{run.collection}?filter%5Btype%5D={kind}"
    answer = scene.expect(scene.send("GET", query), 200, "list.page", "a list by type")
    ids = [row.get("id") for row in answer.value["data"]]
    if set(ids) != set(made):
        raise scene.fail("list.filter", "the sessions of that type", repr(ids))
    page = scene.expect(scene.send("GET", f"{query}&page%5Bsize%5D=2"), 200, "list.page", "a page of two")
    if len(page.value["data"]) != 2:
        raise scene.fail("list.page", "two rows", str(len(page.value["data"])))
    cursor = page.value.get("pagination", {}).get("next")
    if not isinstance(cursor, str):
        raise scene.fail("list.cursors", "a cursor for the next page", repr(cursor))
    rest = scene.expect(
        scene.send("GET", f"{query}&page%5Bsize%5D=2&page%5Bafter%5D={cursor}"), 200, "list.cursors", "the next page"
    )
    if {row.get("id") for row in (*page.value["data"], *rest.value["data"])} != set(made):
        raise scene.fail("list.cursors", "all sessions over two pages", rest.said)
    if rest.value["data"] and ids != made[::-1] and _are_told_apart(answer.value["data"]):
        raise scene.fail("list.order", "the newest session first", repr(ids))
    answer = scene.send("GET", f"{run.collection}?page%5Bsize%5D=0")
    scene.expect(answer, (400, 422), "list.invalid", "a page size of 0")


def _are_told_apart(rows: list[Row]) -> bool:
    """Whether createdAt is fine enough to tell which of some sessions is newer."""
    return len({row.get("createdAt") for row in rows}) == len(rows)


@pytest.mark.clause("path.unknown")
def test_other_paths_are_404(run: Run, scene: Scene) -> None:
    row = scene.open()
    for target in (run.close_path(row["id"]) + "/x", run.close_path(row["id"]) + "d"):
        answer = scene.send("POST", target, {})
        if 200 <= answer.status < 300:
            raise scene.fail("path.unknown", "404 for a path that no operation has", answer.said)
    answer = scene.send("POST", run.close_path(row["id"]) + "/", {})
    accepted = {"documented": (404,), "server": (301,)}.get(run.dialect or "", (301, 307, 308, 404, 405))
    if answer.status not in accepted:
        raise scene.fail("path.unknown", "404 or a redirect for a slash behind the close path", answer.said)
    scene.untouched(row, "path.unknown")


@pytest.mark.clause("close.closes")
def test_bodies_of_create_are_not_needed_beyond_the_least(run: Run, scene: Scene) -> None:
    run.need("createSession")
    made = scene.send("POST", run.collection, {**CHAT, "externalId": run.name(), "callingRunId": "run_1"})
    run.remember(run.key, made)
    scene.expect(made, 201, "create.created", "create with an unknown member")
    scene.close(scene.retrieve(made.value["id"]))
