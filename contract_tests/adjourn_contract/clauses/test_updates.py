"""What update takes and does, as far as close needs it."""

from __future__ import annotations

import pytest

from adjourn_contract.cases.boundaries import Edge, edges
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scene import Row, Scene, forms


@pytest.mark.clause("update.applied", "close.preserves")
def test_update_replaces_tags_and_metadata_and_keeps_the_rest(run: Run, scene: Scene) -> None:
    run.need("updateSession", "createSession")
    row = scene.open(tags=["a"], metadata={"a": 1, "kept": {"b": 1}})
    by, other = row["externalId"], row["id"]
    for update, expected in (
        ({"tags": ["b", "c"]}, {"tags": ["b", "c"], "metadata": row["metadata"]}),
        ({"metadata": {"b": 2}}, {"tags": ["b", "c"], "metadata": {"b": 2}}),
        ({}, {"tags": ["b", "c"], "metadata": {"b": 2}}),
        ({"tags": []}, {"tags": [], "metadata": {"b": 2}}),
        ({"metadata": None}, {"tags": [], "metadata": None}),
        ({"tags": ["d"], "metadata": {"d": 4}}, {"tags": ["d"], "metadata": {"d": 4}}),
    ):
        by, other = other, by
        seen = scene.expect(scene.send("PATCH", run.path(by), update), 200, "update.applied", "a valid update")
        after = scene.row_of(seen)
        kept = {name: value for name, value in row.items() if name not in ("tags", "metadata", "updatedAt")}
        scene.same({**kept, **expected}, after, "update.applied", "update")
        for key in (by, other):
            scene.same(expected, scene.retrieve(key), "update.applied", "retrieve after update")
    closed = scene.close(scene.retrieve(row["id"]), {"reason": "updated before"})
    scene.again(closed)


@pytest.mark.clause("update.applied", "close.terminal")
def test_a_closed_session_can_be_updated_and_stays_closed(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scene: Scene, update: Row) -> None:
        closed = scene.close(scene.open(tags=["before"], metadata={"before": 1}), {"reason": "done"})
        answer = scene.send("PATCH", run.path(forms(closed)[-1]), update)
        scene.expect(answer, 200, "update.applied", "an update of a closed session")
        kept = {name: value for name, value in closed.items() if name != "updatedAt"}
        scene.same({**kept, **update}, scene.row_of(answer), "close.terminal", "an update of a closed session")
        scene.same({**kept, **update}, scene.retrieve(closed["id"]), "update.applied", "retrieve after it")

    updates: list[Row] = [{"tags": ["after"]}, {"metadata": {"after": 2}}, {"metadata": None}, {}]
    run.each(updates, play)


@pytest.mark.clause("update.external-id")
def test_update_cannot_change_the_external_id(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scene: Scene, named: bool) -> None:
        row = scene.open() if named else scene.open(None)
        for other in (run.name(), None) if named else (run.name(),):
            for update in ({"externalId": other}, {"tags": ["renamed"], "externalId": other}):
                answer = scene.send("PATCH", run.path(row["id"]), update)
                scene.expect(answer, 422, "update.external-id", "update with another externalId")
        scene.untouched(row, "update.external-id")
        if named:
            answer = scene.send("PATCH", run.path(row["id"]), {"externalId": row["externalId"]})
            scene.expect(answer, 200, "update.external-id", "update with the externalId that the session has")
            kept = {name: value for name, value in row.items() if name != "updatedAt"}
            scene.same(kept, scene.row_of(answer), "update.external-id", "update with the externalId it has")
        scene.close(scene.retrieve(row["id"]), by=forms(row)[-1])

    run.each([True, False], play)


@pytest.mark.clause("update.invalid")
def test_update_holds_to_the_edges_of_its_schema(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scene: Scene, edge: Edge) -> None:
        row = scene.open(tags=["before"], metadata={"before": 1})
        update: Row = edge.put({})
        answer = scene.send("PATCH", run.path(row["id"]), update)
        if edge.passes:
            scene.expect(answer, 200, "update.applied", f"update with {edge.what}")
            scene.same(update, scene.retrieve(row["id"]), "update.applied", "retrieve after update")
        else:
            scene.expect(answer, (400, 422), "update.invalid", f"update with {edge.what}")
            scene.untouched(row, "update.invalid")

    run.each([edge for edge in edges(run.contract, "UpdateSession") if edge.place != ("externalId",)], play)


@pytest.mark.clause("body.malformed")
def test_bodies_that_are_no_objects_are_refused_elsewhere_too(run: Run) -> None:
    def play(scene: Scene, body: bytes) -> None:
        row = scene.open()
        if "updateSession" not in run.lacks:
            answer = scene.send("PATCH", run.path(row["id"]), body)
            scene.expect(answer, (400, 422), "body.malformed", "an update body that is no JSON object")
        if "createSession" not in run.lacks:
            answer = scene.send("POST", run.collection, body)
            run.remember(run.key, answer)
            scene.expect(answer, (400, 422), "body.malformed", "a create body that is no JSON object")
        scene.untouched(row, "body.malformed")

    run.each([b"{", b"[]", b'"x"', b"5", b'{"tags":["x"]} x', b"tags=x"], play)
