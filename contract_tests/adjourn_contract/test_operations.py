"""The operations around close: create, update, list, and the paths."""

from __future__ import annotations

import time

import pytest

from adjourn_contract.run import Run
from adjourn_contract.scene import CHAT, Row, Scene


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
