"""What create takes and answers, as far as close needs it."""

from __future__ import annotations

import json

import pytest

from adjourn_contract.cases.boundaries import Edge, boundaries
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


def is_asked(edge: Edge) -> bool:
    """externalIds carry the run's id: they have tests of their own."""
    return edge.place != ("externalId",)


@pytest.mark.clause("create.created", "close.preserves")
def test_create_takes_what_lies_within_the_edges_of_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, edge: Edge) -> None:
        members = edge.put({"triggerConfig": run.example["triggerConfig"]})
        row = scenario.open(**members)
        if edge.found(row) != edge.value:
            raise scenario.fail("create.created", f"{'.'.join(edge.place)} {edge.value!a}", f"{edge.found(row)!a}")
        scenario.close(row, {"reason": "at the edge"})

    run.each([edge for edge in boundaries(run.contract, "CreateSession") if edge.passes and is_asked(edge)], play)


@pytest.mark.clause("create.invalid")
def test_create_refuses_what_lies_beyond_the_edges_of_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, edge: Edge) -> None:
        name = run.name()
        made = scenario.send("POST", run.collection, edge.put({**run.example, "externalId": name}))
        run.remember(run.key, made)
        scenario.expect(made, (400, 422), "create.invalid", f"create with {edge.what}")
        seen = scenario.send("GET", run.path(name))
        scenario.expect(seen, 404, "create.invalid", f"retrieve after create with {edge.what} was refused")

    run.each([edge for edge in boundaries(run.contract, "CreateSession") if not edge.passes and is_asked(edge)], play)


@pytest.mark.clause("create.invalid")
def test_create_refuses_what_is_no_external_id(run: Run) -> None:
    run.need("createSession")
    longest = run.contract.schema("CreateSession").definition["properties"]["externalId"]["maxLength"]
    wrong = {
        "an empty externalId": "",
        "an externalId of white space": "  ",
        "an externalId that is a number": 5,
        "an externalId that is an object": {},
        "an externalId that is too long": run.name().ljust(longest + 1, "x"),
    }

    def play(scenario: Scenario, case: tuple[str, object]) -> None:
        what, external_id = case
        scenario.expect(scenario.try_create(external_id), (400, 422), "create.invalid", f"create with {what}")

    run.each(wrong.items(), play)


@pytest.mark.clause("create.created")
def test_members_that_the_contract_does_not_name_are_no_hindrance(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    # grey.trigger-members
    config = {"basePayload": {}, "concurrencyKey": "a", "ttl": "1h"}
    made = scenario.try_create(callingRunId="run_1", triggerConfig=config)
    scenario.expect(made, 201, "create.created", "create with unknown members")
    scenario.close(scenario.retrieve(made.value["id"]))


@pytest.mark.clause("create.trimmed", "close.recreate")
def test_create_drops_the_white_space_around_an_external_id(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name = run.name()
    made = scenario.expect(
        scenario.try_create(f"  {name} "), 201, "create.trimmed", "create with spaces around an externalId"
    )
    if made.value.get("externalId") != name:
        raise scenario.fail("create.trimmed", f"externalId {name!r}", repr(made.value.get("externalId")))
    again = scenario.expect(scenario.try_create(f"\t{name}"), 200, "create.cached", "create with a tab before it")
    if again.value.get("id") != made.value["id"]:
        raise scenario.fail("create.trimmed", f"the session {made.value['id']}", str(again.value.get("id")))
    scenario.close(scenario.retrieve(name), by=name)
    for closed in (name, f" {name}", f"{name}\n"):
        again = scenario.try_create(closed)
        scenario.expect(again, 409, "close.recreate", f"create with a closed session's externalId, as {closed!r}")


@pytest.mark.clause("create.cached")
def test_a_repeated_create_refreshes_the_trigger_config_and_nothing_else(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    row = scenario.open(tags=["first"], metadata={"first": 1})
    config = {"basePayload": {"second": 2}}
    again = scenario.try_create(row["externalId"], tags=["second"], metadata={"second": 2}, triggerConfig=config)
    scenario.expect(again, 200, "create.cached", "create with an open session's externalId")
    scenario.validated_row(again, extra_members=True)
    after = scenario.retrieve(row["id"])
    kept = {name: value for name, value in row.items() if name not in ("triggerConfig", "updatedAt")}
    scenario.assert_same({**kept, "triggerConfig": config}, after, "create.cached", "retrieve after a repeated create")


def padded(body: Row, size_bytes: int) -> bytes:
    """A body of so many bytes."""
    least = len(json.dumps({**body, "metadata": {"x": ""}}))
    return json.dumps({**body, "metadata": {"x": "x" * (size_bytes - least)}}).encode()


@pytest.mark.clause("create.body-limit")
def test_a_create_body_is_bounded(run: Run) -> None:
    run.need("createSession")
    rule = run.contract.operations["createSession"].body
    assert rule is not None

    def play(scenario: Scenario, size: int) -> None:
        name = run.name()
        made = scenario.send("POST", run.collection, padded({**run.example, "externalId": name}, size))
        run.remember(run.key, made)
        if size <= rule.limit_bytes:
            scenario.expect(made, 201, "create.body-limit", f"a create body of {size} bytes")
            scenario.close(scenario.retrieve(name))
        else:
            scenario.expect(made, (413, 422), "create.body-limit", f"a create body of {size} bytes")
            scenario.expect(
                scenario.send("GET", run.path(name)), 404, "create.body-limit", "retrieve of what was refused"
            )

    run.each([rule.limit_bytes, rule.limit_bytes + 1, rule.limit_bytes * 2], play)


@pytest.mark.clause("update.body-limit")
def test_an_update_body_is_bounded(run: Run) -> None:
    run.need("createSession", "updateSession")
    rule = run.contract.operations["updateSession"].body
    assert rule is not None

    def play(scenario: Scenario, size: int) -> None:
        row = scenario.open()
        answer = scenario.send("PATCH", run.path(row["id"]), padded({}, size))
        if size <= rule.limit_bytes:
            scenario.expect(answer, 200, "update.body-limit", f"an update body of {size} bytes")
        else:
            scenario.expect(answer, (413, 422), "update.body-limit", f"an update body of {size} bytes")
            scenario.assert_unchanged(row, "update.body-limit")

    run.each([rule.limit_bytes, rule.limit_bytes + 1, rule.limit_bytes * 2], play)
