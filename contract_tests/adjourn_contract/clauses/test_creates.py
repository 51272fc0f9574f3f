"""What create accepts and answers, as far as close needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.boundaries import Boundary, boundaries, together
from adjourn_contract.cases.members import MALFORMED_MEMBERS
from adjourn_contract.engine.json_values import is_same_json
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


def asked(run: Run, *, passing: bool) -> list[Boundary]:
    """The boundaries of create; externalIds carry the run's id and have tests of their own."""
    found = boundaries(run.contract, "CreateSession")
    return [each for each in found if each.passes == passing and each.place != ("externalId",)]


@pytest.mark.clause("create.created", "close.preserves")
def test_create_accepts_values_within_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, group: Sequence[Boundary]) -> None:
        members = {"triggerConfig": run.example["triggerConfig"]}
        for boundary in group:
            members = boundary.put(members)
        row = scenario.open(**members)
        for boundary in group:
            if not is_same_json(boundary.value, boundary.found(row)):
                expected = f"{'.'.join(boundary.place)} {boundary.value!a}"
                raise scenario.fail("create.created", expected, f"{boundary.found(row)!a}")
        scenario.close(row, {"reason": "at the boundary"}, look=False)

    run.each(together(asked(run, passing=True)), play, whole=True)


@pytest.mark.clause("create.invalid")
def test_create_refuses_values_beyond_its_schema(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, wrong: tuple[Boundary, ...]) -> None:
        name = run.name()
        for boundary in wrong:
            made = scenario.send("POST", run.collection, boundary.put({**run.example, "externalId": name}))
            run.remember(run.key, made)
            scenario.expect(made, (400, 422), "create.invalid", f"create with {boundary.what}")
        seen = scenario.send("GET", run.path(name))
        scenario.expect(seen, 404, "create.invalid", "retrieve after create was refused")

    run.each(batches(asked(run, passing=False), 16), play, whole=True)


@pytest.mark.smoke
@pytest.mark.clause("create.invalid")
def test_create_refuses_a_value_that_is_not_an_external_id(run: Run) -> None:
    run.need("createSession")
    longest = run.contract.schema("CreateSession").definition["properties"]["externalId"]["maxLength"]
    wrong: dict[str, object] = {
        "an empty externalId": "",
        "an externalId of white space": "  ",
        "an externalId that is too long": run.name().ljust(longest + 1, "x"),
        "an externalId that is null": None,
        "an externalId that is true": True,
        "an externalId that is a number": 5,
        "an externalId that is an object": {},
        "an externalId that is an array": [run.name()],
    }

    def play(scenario: Scenario, what: str) -> None:
        made = scenario.send("POST", run.collection, {**run.example, "externalId": wrong[what]})
        run.remember(run.key, made)
        scenario.expect(made, (400, 422), "create.invalid", f"create with {what}")

    run.each(wrong, play, whole=True)


@pytest.mark.smoke
@pytest.mark.clause("body.malformed", "server.no-error")
def test_a_create_body_that_is_not_a_json_object_is_refused(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, what: str, content: bytes) -> None:
        made = scenario.send("POST", run.collection, content)
        run.remember(run.key, made)
        scenario.expect(made, (400, 422), "body.malformed", f"a create body that is {what}")

    rest = json.dumps(run.example)[:-1].encode()
    nan, *almost = (
        ("NaN", rest + b',"metadata":{"x":NaN}}'),
        ("01", rest + b',"metadata":{"x":01}}'),
        ("an object with garbage behind it", rest + b"} x"),
        ("two objects", rest + b"}{}"),
    )
    run.each([nan, *MALFORMED_MEMBERS, *almost], lambda scenario, case: play(scenario, *case), whole=True, few=5)


@pytest.mark.clause("create.invalid")
def test_a_create_body_shorter_than_its_content_length_creates_nothing(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name = run.name()
    content = json.dumps({**run.example, "externalId": name}).encode()
    answer = scenario.send_raw("POST", run.collection, b"Content-Length: %d\r\n" % (len(content) + 50), content)
    run.remember(run.key, answer)
    seen = scenario.send("GET", run.path(name))
    scenario.expect(seen, 404, "create.invalid", "retrieve after a create body that was cut off")


def assert_answer_of_create(scenario: Scenario, made: Row, clause: str, *, is_cached: bool) -> None:
    """Check what create answers beside the row: runId, publicAccessToken and isCached."""
    scenario.assert_same({"isCached": is_cached}, made, clause, "create" if not is_cached else "a repeated create")
    run_id, token, prefix = made.get("runId"), made.get("publicAccessToken"), scenario.target.contract.run_prefix
    if not isinstance(run_id, str) or not run_id.startswith(prefix):
        raise scenario.fail(clause, f"a runId that starts with {prefix}", f"{run_id!r}")
    if not isinstance(token, str):
        raise scenario.fail(clause, "a publicAccessToken", f"{token!r}")
    if token.count(".") != 2:
        raise scenario.fail("token.shape", "a JWT as publicAccessToken", f"{token!r}")


@pytest.mark.smoke
@pytest.mark.clause("create.created", "token.shape")
def test_a_new_session_is_answered_with_a_run_and_a_token(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, external_id: str | None) -> None:
        assert_answer_of_create(scenario, scenario.create(external_id), "create.created", is_cached=False)

    run.each([run.name(), None], play)


@pytest.mark.clause("create.created")
def test_members_that_the_contract_does_not_name_are_accepted(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    # grey.trigger-members
    config = {"basePayload": {}, "concurrencyKey": "a", "ttl": "1h"}
    made = scenario.try_create(callingRunId="run_1", triggerConfig=config)
    scenario.expect(made, 201, "create.created", "create with unknown members")
    scenario.close(scenario.retrieve(made.value["id"]))


@pytest.mark.smoke
@pytest.mark.clause("create.trimmed", "create.cached", "close.recreate")
def test_create_drops_the_white_space_around_an_external_id(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name, what = run.name(), "create with spaces around an externalId"
    made = scenario.expect(scenario.try_create(f"  {name} "), 201, "create.trimmed", what)
    scenario.assert_same({"externalId": name}, made.value, "create.trimmed", "create")
    again = scenario.expect(scenario.try_create(f"\t{name}"), 200, "create.cached", "create with a tab before it")
    scenario.assert_same({"id": made.value["id"]}, again.value, "create.trimmed", "another create")
    scenario.close(scenario.retrieve(name), by=name)
    for closed in (name, f" {name}", f"{name}\n"):
        again = scenario.try_create(closed)
        scenario.expect(again, 409, "close.recreate", f"create with a closed session's externalId, as {closed!r}")


@pytest.mark.smoke
@pytest.mark.clause("create.cached", "token.shape")
def test_a_repeated_create_refreshes_the_trigger_config_and_nothing_else(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    first: Row = {"tags": ["first"], "metadata": {"first": 1}, "triggerConfig": {"basePayload": {"first": 1}}}
    row = scenario.open(**first)
    scenario.assert_same(first, row, "create.created", "retrieve after create")
    config = {"basePayload": {"second": 2}}
    again = scenario.try_create(row["externalId"], tags=["second"], metadata={"second": 2}, triggerConfig=config)
    scenario.expect(again, 200, "create.cached", "create with an open session's externalId")
    answered = scenario.validated_row(again, extra_members=True)
    kept = {name: value for name, value in row.items() if name not in ("triggerConfig", "updatedAt", "currentRunId")}
    expected = {**kept, "triggerConfig": config}
    scenario.assert_same(expected, answered, "create.cached", "a repeated create")
    assert_answer_of_create(scenario, answered, "create.cached", is_cached=True)
    scenario.assert_same(expected, scenario.retrieve(row["id"]), "create.cached", "retrieve after a repeated create")


def padded(body: Row, size_bytes: int) -> bytes:
    """A body of so many bytes."""
    least = len(json.dumps({**body, "metadata": {"x": ""}}))
    return json.dumps({**body, "metadata": {"x": "x" * (size_bytes - least)}}).encode()


@pytest.mark.smoke
@pytest.mark.clause("create.body-limit")
def test_a_create_body_over_the_limit_is_refused(run: Run) -> None:
    run.need("createSession")
    rule = run.contract.operations["createSession"].body
    assert rule is not None

    def play(scenario: Scenario, size: int) -> None:
        name = run.name()
        content, what = padded({**run.example, "externalId": name}, size), f"a create body of {size} bytes"
        for chunks in (None, [content[:1000], content[1000:]]) if size > rule.limit_bytes else (None,):
            made = scenario.send("POST", run.collection, None if chunks else content, chunks=chunks)
            run.remember(run.key, made)
            scenario.expect(made, (201,) if size <= rule.limit_bytes else (413, 422), "create.body-limit", what)
        seen = scenario.send("GET", run.path(name))
        expected = 200 if size <= rule.limit_bytes else 404
        scenario.expect(seen, expected, "create.body-limit", f"retrieve after {what}")

    run.each([rule.limit_bytes + 1, rule.limit_bytes, rule.limit_bytes * 2], play, few=2)
