"""What update takes and does, as far as close needs it."""

from __future__ import annotations

import pytest

from adjourn_contract.cases.boundaries import Edge, boundaries
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of


@pytest.mark.clause("update.applied", "close.preserves")
def test_update_replaces_tags_and_metadata_and_keeps_the_rest(run: Run, scenario: Scenario) -> None:
    run.need("updateSession", "createSession")
    row = scenario.open(tags=["a"], metadata={"a": 1, "passed": {"b": 1}})
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
        seen = scenario.expect(scenario.send("PATCH", run.path(by), update), 200, "update.applied", "a valid update")
        after = scenario.validated_row(seen)
        kept = {name: value for name, value in row.items() if name not in ("tags", "metadata", "updatedAt")}
        scenario.assert_same({**kept, **expected}, after, "update.applied", "update")
        for key in (by, other):
            scenario.assert_same(expected, scenario.retrieve(key), "update.applied", "retrieve after update")
    closed = scenario.close(scenario.retrieve(row["id"]), {"reason": "updated before"})
    scenario.close_again(closed)


@pytest.mark.clause("update.applied", "close.terminal")
def test_a_closed_session_can_be_updated_and_stays_closed(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, update: Row) -> None:
        closed = scenario.close(scenario.open(tags=["before"], metadata={"before": 1}), {"reason": "done"})
        answer = scenario.send("PATCH", run.path(ids_of(closed)[-1]), update)
        scenario.expect(answer, 200, "update.applied", "an update of a closed session")
        kept = {name: value for name, value in closed.items() if name != "updatedAt"}
        scenario.assert_same(
            {**kept, **update}, scenario.validated_row(answer), "close.terminal", "an update of a closed session"
        )
        scenario.assert_same({**kept, **update}, scenario.retrieve(closed["id"]), "update.applied", "retrieve after it")

    updates: list[Row] = [{"tags": ["after"]}, {"metadata": {"after": 2}}, {"metadata": None}, {}]
    run.each(updates, play)


@pytest.mark.clause("update.external-id")
def test_update_cannot_change_the_external_id(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, named: bool) -> None:
        row = scenario.open() if named else scenario.open(None)
        for other in (run.name(), None) if named else (run.name(),):
            for update in ({"externalId": other}, {"tags": ["renamed"], "externalId": other}):
                answer = scenario.send("PATCH", run.path(row["id"]), update)
                scenario.expect(answer, 422, "update.external-id", "update with another externalId")
        scenario.assert_unchanged(row, "update.external-id")
        if named:
            answer = scenario.send("PATCH", run.path(row["id"]), {"externalId": row["externalId"]})
            scenario.expect(answer, 200, "update.external-id", "update with the externalId that the session has")
            kept = {name: value for name, value in row.items() if name != "updatedAt"}
            scenario.assert_same(
                kept, scenario.validated_row(answer), "update.external-id", "update with the externalId it has"
            )
        scenario.close(scenario.retrieve(row["id"]), by=ids_of(row)[-1])

    run.each([True, False], play)


@pytest.mark.clause("update.invalid")
def test_update_holds_to_the_edges_of_its_schema(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, edge: Edge) -> None:
        row = scenario.open(tags=["before"], metadata={"before": 1})
        update: Row = edge.put({})
        answer = scenario.send("PATCH", run.path(row["id"]), update)
        if edge.passes:
            scenario.expect(answer, 200, "update.applied", f"update with {edge.what}")
            scenario.assert_same(update, scenario.retrieve(row["id"]), "update.applied", "retrieve after update")
        else:
            scenario.expect(answer, (400, 422), "update.invalid", f"update with {edge.what}")
            scenario.assert_unchanged(row, "update.invalid")

    run.each([edge for edge in boundaries(run.contract, "UpdateSession") if edge.place != ("externalId",)], play)


MALFORMED = (b"{", b"[]", b"null", b'"x"', b"5", b'{"tags":["x"]} x', b"tags=x")


@pytest.mark.clause("body.malformed")
def test_an_update_body_that_is_not_a_json_object_is_refused(run: Run, scenario: Scenario) -> None:
    run.need("updateSession")
    row = scenario.open()
    for body in MALFORMED:
        answer = scenario.send("PATCH", run.path(row["id"]), body)
        scenario.expect(answer, (400, 422), "body.malformed", "an update body that is not a JSON object")
        scenario.assert_unchanged(row, "body.malformed")


@pytest.mark.clause("body.malformed")
def test_a_create_body_that_is_not_a_json_object_is_refused(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    for body in MALFORMED:
        answer = scenario.send("POST", run.collection, body)
        run.remember(run.key, answer)
        scenario.expect(answer, (400, 422), "body.malformed", "a create body that is not a JSON object")
