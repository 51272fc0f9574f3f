"""What update accepts and does, as far as close needs it."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.bodies import Body
from adjourn_contract.cases.boundaries import Boundary, boundaries
from adjourn_contract.cases.members import MALFORMED_MEMBERS, TREACHEROUS
from adjourn_contract.cases.variants import full_session
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of


class Update(NamedTuple):
    """An update, and the tags and metadata after it."""

    body: Row
    expected: Row


def successive_updates(metadata: Row) -> list[Update]:
    return [
        Update({"tags": ["b", "c"]}, {"tags": ["b", "c"], "metadata": metadata}),
        Update({"metadata": {"b": 2}}, {"tags": ["b", "c"], "metadata": {"b": 2}}),
        Update({}, {"tags": ["b", "c"], "metadata": {"b": 2}}),
        Update({"tags": []}, {"tags": [], "metadata": {"b": 2}}),
        Update({"metadata": None}, {"tags": [], "metadata": None}),
        Update({"tags": ["d"], "metadata": {"d": 4}}, {"tags": ["d"], "metadata": {"d": 4}}),
    ]


def besides(row: Row, *names: str) -> Row:
    """The members of a row that an update leaves, updatedAt aside."""
    return {name: value for name, value in row.items() if name not in (*names, "updatedAt")}


@pytest.mark.clause("update.applied", "close.preserves")
def test_update_replaces_tags_and_metadata_and_leaves_the_rest(run: Run, scenario: Scenario) -> None:
    run.need("updateSession", "createSession")
    # A row with every member set: what an update loses is seen.
    row = scenario.open(**full_session(run.contract), metadata={"a": 1, "nested": {"b": 1}})
    keys = (row["externalId"], row["id"])
    for number, (update, expected) in enumerate(successive_updates(row["metadata"])):
        answer = scenario.send("PATCH", run.path(keys[number % 2]), update)
        after = scenario.validated_row(scenario.expect(answer, 200, "update.applied", "a valid update"))
        scenario.assert_same({**besides(row), **expected}, after, "update.applied", "update")
        for key in keys:
            scenario.assert_same(expected, scenario.retrieve(key), "update.applied", "retrieve after update")
    closed = scenario.close(scenario.retrieve(row["id"]), {"reason": "updated before"})
    scenario.close_again(closed)


@pytest.mark.smoke
@pytest.mark.clause("update.applied")
def test_an_update_is_stored_as_json_without_change(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, members: Row) -> None:
        update: Row = {name: members[name] for name in ("tags", "metadata") if name in members}
        row = scenario.open()
        answer = scenario.send("PATCH", run.path(row["id"]), update)
        scenario.expect(answer, 200, "update.applied", "a valid update")
        after = scenario.validated_row(answer)
        with scenario.ruling_out(lambda: assert_created_with(scenario, update)):
            scenario.assert_same({**besides(row), **update}, after, "update.applied", "update")
        scenario.assert_same(after, scenario.retrieve(row["id"]), "update.applied", "retrieve after update")

    run.each(TREACHEROUS, play)


def assert_created_with(scenario: Scenario, members: Row) -> None:
    """Blame create where rows show the same members changed without an update."""
    scenario.assert_same(members, scenario.open(**members), "create.created", "retrieve after create")


@pytest.mark.clause("update.applied", "close.terminal")
def test_a_closed_session_can_be_updated_and_stays_closed(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, update: Row) -> None:
        closed = scenario.close(scenario.open(tags=["before"], metadata={"before": 1}), {"reason": "done"})
        answer = scenario.send("PATCH", run.path(ids_of(closed)[-1]), update)
        scenario.expect(answer, 200, "update.applied", "an update of a closed session")
        expected = {**besides(closed), **update}
        after = scenario.validated_row(answer)
        scenario.assert_same(expected, after, "close.terminal", "an update of a closed session")
        scenario.assert_same(expected, scenario.retrieve(closed["id"]), "update.applied", "retrieve after it")

    updates: list[Row] = [{"tags": ["after"]}, {"metadata": {"after": 2}}, {"metadata": None}, {}]
    run.each(updates, play)


@pytest.mark.smoke
@pytest.mark.clause("update.external-id")
def test_update_cannot_change_the_external_id(run: Run) -> None:
    run.need("updateSession", "createSession")
    clause = "update.external-id"

    def play(scenario: Scenario, name: str | None) -> None:
        row = scenario.open(name)
        for other in (run.name(), None) if name else (run.name(),):
            for update in ({"externalId": other}, {"tags": ["renamed"], "externalId": other}):
                answer = scenario.send("PATCH", run.path(row["id"]), update)
                scenario.expect(answer, 422, clause, "update with another externalId")
        scenario.assert_unchanged(row, clause)
        answer = scenario.send("PATCH", run.path(row["id"]), {"externalId": row["externalId"]} if name else {})
        scenario.expect(answer, 200, clause, "update with the externalId that the session has")
        after = scenario.validated_row(answer)
        scenario.assert_same(besides(row), after, clause, "update with the externalId that the session has")
        scenario.close(scenario.retrieve(row["id"]), by=ids_of(row)[-1])

    run.each([run.name(), None], play)


def asked(run: Run, *, passing: bool) -> list[Boundary]:
    """The boundaries of update; an externalId that is another one is refused, whatever its length."""
    found = boundaries(run.contract, "UpdateSession")
    return [each for each in found if each.passes == passing and not (passing and each.place == ("externalId",))]


@pytest.mark.clause("update.applied")
def test_update_accepts_values_within_its_schema(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, right: tuple[Boundary, ...]) -> None:
        row = scenario.open(tags=["before"], metadata={"before": 1})
        for boundary in right:
            update: Row = boundary.put({})
            answer = scenario.send("PATCH", run.path(row["id"]), update)
            scenario.expect(answer, 200, "update.applied", f"update with {boundary.what}")
            scenario.assert_same(update, scenario.retrieve(row["id"]), "update.applied", "retrieve after update")

    run.each(batches(asked(run, passing=True)), play)


@pytest.mark.clause("update.invalid")
def test_update_refuses_values_beyond_its_schema(run: Run) -> None:
    run.need("updateSession", "createSession")

    def play(scenario: Scenario, wrong: tuple[Boundary, ...]) -> None:
        row = scenario.open(tags=["before"], metadata={"before": 1})
        for boundary in wrong:
            answer = scenario.send("PATCH", run.path(row["id"]), boundary.put({}))
            scenario.expect(answer, (400, 422), "update.invalid", f"update with {boundary.what}")
        scenario.assert_unchanged(row, "update.invalid")

    run.each(batches(asked(run, passing=False)), play)


@pytest.mark.smoke
@pytest.mark.clause("body.malformed", "server.no-error")
def test_an_update_body_that_is_not_a_json_object_is_refused(run: Run) -> None:
    run.need("updateSession")

    def play(scenario: Scenario, bodies: tuple[Body, ...]) -> None:
        row = scenario.open()
        for what, content in bodies:
            answer = scenario.send("PATCH", run.path(row["id"]), content)
            scenario.expect(answer, (400, 422), "body.malformed", f"an update body that is {what}")
        scenario.assert_unchanged(row, "body.malformed")

    run.each(batches(MALFORMED_MEMBERS), play)


@pytest.mark.smoke
@pytest.mark.clause("update.body-limit")
def test_an_update_body_over_the_limit_is_refused(run: Run) -> None:
    run.need("createSession", "updateSession")
    rule = run.contract.operations["updateSession"].body
    assert rule is not None

    def play(scenario: Scenario, size: int) -> None:
        row, content = scenario.open(), json.dumps({"metadata": {"x": ""}}).encode()
        content = content.replace(b'""', b'"' + b"x" * (size - len(content)) + b'"')
        what = f"an update body of {size} bytes"
        if size <= rule.limit_bytes:
            answer = scenario.send("PATCH", run.path(row["id"]), content)
            scenario.expect(answer, 200, "update.body-limit", what)
            return
        for chunks in (None, [content[:1000], content[1000:]]):
            answer = scenario.send("PATCH", run.path(row["id"]), None if chunks else content, chunks=chunks)
            scenario.expect(answer, (413, 422), "update.body-limit", what)
        scenario.assert_unchanged(row, "update.body-limit")

    run.each([rule.limit_bytes + 1, rule.limit_bytes, rule.limit_bytes * 2], play, few=2)
