"""What create takes and answers, as far as close needs it."""

from __future__ import annotations

import json

import pytest

from adjourn_contract.cases.boundaries import Edge, edges
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scene import CHAT, Row, Scene


def is_asked(edge: Edge) -> bool:
    """externalIds carry the run's id: they have tests of their own."""
    return edge.place != ("externalId",)


@pytest.mark.clause("create.created", "close.preserves")
def test_create_takes_what_lies_within_the_edges_of_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scene: Scene, edge: Edge) -> None:
        members = edge.put({"triggerConfig": CHAT["triggerConfig"]})
        row = scene.open(**members)
        if edge.found(row) != edge.value:
            raise scene.fail("create.created", f"{'.'.join(edge.place)} {edge.value!a}", f"{edge.found(row)!a}")
        scene.close(row, {"reason": "at the edge"})

    run.each([edge for edge in edges(run.contract, "CreateSession") if edge.passes and is_asked(edge)], play)


@pytest.mark.clause("create.invalid")
def test_create_refuses_what_lies_beyond_the_edges_of_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scene: Scene, edge: Edge) -> None:
        name = run.name()
        made = scene.send("POST", run.collection, edge.put({**CHAT, "externalId": name}))
        run.remember(run.key, made)
        scene.expect(made, (400, 422), "create.invalid", f"create with {edge.what}")
        seen = scene.send("GET", run.path(name))
        scene.expect(seen, 404, "create.invalid", f"retrieve after create with {edge.what} was refused")

    run.each([edge for edge in edges(run.contract, "CreateSession") if not edge.passes and is_asked(edge)], play)


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

    def play(scene: Scene, case: tuple[str, object]) -> None:
        what, external_id = case
        scene.expect(scene.try_create(external_id), (400, 422), "create.invalid", f"create with {what}")

    run.each(wrong.items(), play)


@pytest.mark.clause("create.created")
def test_members_that_the_contract_does_not_name_are_no_hindrance(run: Run, scene: Scene) -> None:
    run.need("createSession")
    config = {"basePayload": {}, "concurrencyKey": "a", "ttl": "1h"}
    made = scene.try_create(callingRunId="run_1", triggerConfig=config)
    scene.expect(made, 201, "create.created", "create with unknown members")
    scene.close(scene.retrieve(made.value["id"]))


@pytest.mark.clause("create.trimmed", "close.recreate")
def test_create_drops_the_white_space_around_an_external_id(run: Run, scene: Scene) -> None:
    run.need("createSession")
    name = run.name()
    made = scene.expect(
        scene.try_create(f"  {name} "), 201, "create.trimmed", "create with spaces around an externalId"
    )
    if made.value.get("externalId") != name:
        raise scene.fail("create.trimmed", f"externalId {name!r}", repr(made.value.get("externalId")))
    again = scene.expect(scene.try_create(f"\t{name}"), 200, "create.cached", "create with a tab before it")
    if again.value.get("id") != made.value["id"]:
        raise scene.fail("create.trimmed", f"the session {made.value['id']}", str(again.value.get("id")))
    scene.close(scene.retrieve(name), by=name)
    for closed in (name, f" {name}", f"{name}\n"):
        again = scene.try_create(closed)
        scene.expect(again, 409, "close.recreate", f"create with a closed session's externalId, as {closed!r}")


@pytest.mark.clause("create.cached")
def test_a_repeated_create_refreshes_the_trigger_config_and_nothing_else(run: Run, scene: Scene) -> None:
    run.need("createSession")
    row = scene.open(tags=["first"], metadata={"first": 1})
    config = {"basePayload": {"second": 2}}
    again = scene.try_create(row["externalId"], tags=["second"], metadata={"second": 2}, triggerConfig=config)
    scene.expect(again, 200, "create.cached", "create with an open session's externalId")
    scene.row_of(again, extra_members=True)
    after = scene.retrieve(row["id"])
    kept = {name: value for name, value in row.items() if name not in ("triggerConfig", "updatedAt")}
    scene.same({**kept, "triggerConfig": config}, after, "create.cached", "retrieve after a repeated create")


def padded(body: Row, size_bytes: int) -> bytes:
    """A body of so many bytes."""
    least = len(json.dumps({**body, "metadata": {"x": ""}}))
    return json.dumps({**body, "metadata": {"x": "x" * (size_bytes - least)}}).encode()


@pytest.mark.clause("create.body-limit", "update.body-limit")
def test_bodies_of_create_and_update_are_bounded(run: Run) -> None:
    run.need("createSession")
    rule = run.contract.operations["createSession"].body
    assert rule is not None

    def play(scene: Scene, size: int) -> None:
        name = run.name()
        made = scene.send("POST", run.collection, padded({**CHAT, "externalId": name}, size))
        run.remember(run.key, made)
        if size <= rule.limit_bytes:
            scene.expect(made, 201, "create.body-limit", f"a create body of {size} bytes")
            scene.close(scene.retrieve(name))
        else:
            scene.expect(made, (413, 422), "create.body-limit", f"a create body of {size} bytes")
            scene.expect(scene.send("GET", run.path(name)), 404, "create.body-limit", "retrieve of what was refused")
        if "updateSession" in run.lacks:
            return
        row = scene.open()
        answer = scene.send("PATCH", run.path(row["id"]), padded({}, size))
        if size <= rule.limit_bytes:
            scene.expect(answer, 200, "update.body-limit", f"an update body of {size} bytes")
        else:
            scene.expect(answer, (413, 422), "update.body-limit", f"an update body of {size} bytes")
            scene.untouched(row, "update.body-limit")

    run.each([rule.limit_bytes, rule.limit_bytes + 1, rule.limit_bytes * 2], play)
