"""What each environment sees, and in which order faults are reported."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import pytest

from adjourn_contract.cases.credentials import UNKNOWN_KEY
from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Row, Scenario, ids_of
from adjourn_contract.engine.tokens import Token


@pytest.mark.clause("env.isolation")
def test_an_environment_sees_its_own_sessions_only(run: Run) -> None:
    other = run.need_other_key()

    def play(scenario: Scenario, state: str) -> None:
        row = scenario.open(tags=["shared"], metadata={"a": 1}) if state == "tagged" else scenario.open()
        if state == "closed":
            row = scenario.close(row, {"reason": "mine"})
        # What a server remembers for one key it may not answer to another.
        for key in ids_of(row):
            scenario.retrieve(key)
        for key in ids_of(row):
            assert_hidden(scenario, key, other)
        for key in ids_of(row):
            scenario.assert_same(row, scenario.retrieve(key), "env.isolation", "retrieve afterwards")

    run.each(["open", "closed", "tagged"], play)


def assert_hidden(scenario: Scenario, key: str, other_key: str) -> None:
    """Another environment's session is 404, whatever is asked of it."""
    run = scenario.target
    answer = scenario.send("GET", run.path(key), credential=other_key)
    scenario.expect(answer, 404, "env.isolation", "retrieve of another environment's session", error=True)
    answer = scenario.try_close(key, {"reason": "theirs"}, credential=other_key)
    scenario.expect(answer, 404, "env.isolation", "close of another environment's session", error=True)
    if "updateSession" not in run.unsupported:
        answer = scenario.send("PATCH", run.path(key), {"tags": ["theirs"]}, credential=other_key)
        scenario.expect(answer, 404, "env.isolation", "update of another environment's session", error=True)


class Keys(NamedTuple):
    """Two secret keys, of the environment that creates an externalId first and of the other."""

    first: str
    second: str


def both_orders(run: Run) -> list[Keys]:
    other = run.need_other_key()
    return [Keys(run.key, other), Keys(other, run.key)]


@pytest.mark.clause("env.isolation")
def test_two_environments_may_have_the_same_external_id(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, keys: Keys) -> None:
        name = run.name("twin")
        mine = scenario.open(name, credential=keys.first)
        theirs = twin_of(scenario, mine, keys)
        seen = scenario.try_close(name, {"reason": "second"}, credential=keys.second)
        scenario.expect(seen, 200, "env.isolation", "close by an externalId that two environments have")
        scenario.assert_same({"id": theirs["id"]}, seen.value, "env.isolation", "close by a shared externalId")
        scenario.assert_unchanged(mine, "env.isolation", credential=keys.first)
        closed = scenario.close(mine, {"reason": "first"}, by=name, credential=keys.first)
        after = scenario.retrieve(name, credential=keys.second, clause="env.isolation")
        scenario.assert_same(seen.value, after, "env.isolation", "retrieve after the twin was closed")
        scenario.assert_unchanged(closed, "env.isolation", credential=keys.first)

    run.each(both_orders(run), play)


def twin_of(scenario: Scenario, mine: Row, keys: Keys) -> Row:
    """A session of the second environment with the externalId of one of the first."""
    made = scenario.try_create(mine["externalId"], credential=keys.second)
    scenario.expect(made, 201, "env.isolation", "create with an externalId that another environment has")
    theirs = scenario.retrieve(made.value["id"], credential=keys.second)
    if theirs["id"] == mine["id"]:
        raise scenario.fail("env.isolation", "another session than the other environment's", "the same")
    return theirs


@pytest.mark.clause("env.isolation")
def test_a_closed_session_does_not_reserve_its_external_id_in_another_environment(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, keys: Keys) -> None:
        name = run.name("after")
        closed = scenario.close(scenario.open(name, credential=keys.first), credential=keys.first)
        twin_of(scenario, closed, keys)

    run.each(both_orders(run), play)


@pytest.mark.clause("env.isolation")
def test_a_token_does_not_work_in_another_environment(run: Run) -> None:
    Token.need(run)

    def play(scenario: Scenario, keys: Keys) -> None:
        mine = scenario.open(run.name("twin"), credential=keys.first)
        made = scenario.try_create(mine["externalId"], credential=keys.second)
        token = scenario.expect(made, 201, "env.isolation", "create of a twin").value["publicAccessToken"]
        read = scenario.send("GET", run.path(mine["id"]), credential=token)
        scenario.expect_status(read, (401, 403, 404), "env.isolation", "retrieve with another environment's token")
        closed = scenario.try_close(mine["id"], {}, credential=token)
        scenario.expect(closed, (401, 403, 404), "env.isolation", "close with another environment's token")

    run.each(both_orders(run), play)


@pytest.mark.clause("env.isolation")
def test_lists_show_the_callers_environment_only(run: Run) -> None:
    other = run.need_other_key()
    run.need("listSessions", "createSession")

    def play(scenario: Scenario, state: str) -> None:
        row = scenario.open(type=run.name("kind"), taskIdentifier=run.name("task"), tags=[run.name("tag")])
        if state == "CLOSED":
            row = scenario.close(row, {"reason": "mine"})
        # Once its own environment's list shows it, a list of another has had its chance to.
        own = list_until(scenario, lambda rows: any(each["id"] == row["id"] for each in rows), type=row["type"])
        if not any(each["id"] == row["id"] for each in own):
            raise scenario.fail("list.filter", "the session in a list of its own environment", "it is not there")
        for filters in filters_that_match(row, state):
            if any(each["id"] == row["id"] for each in scenario.listed(credential=other, **filters)):
                raise scenario.fail("env.isolation", "no session of another environment in a list", row["id"])
        assert_cursor_shows_nothing(scenario, row, other)

    run.each(["ACTIVE", "CLOSED"], play)


def filters_that_match(row: Row, state: str) -> list[dict[str, Any]]:
    return [
        {},
        {"externalId": row["externalId"]},
        {"type": row["type"]},
        {"taskIdentifier": row["taskIdentifier"]},
        {"tags": row["tags"][0]},
        {"status": state},
        {"createdAt": {"period": "1d"}},
        {"type": row["type"], "status": state},
    ]


def assert_cursor_shows_nothing(scenario: Scenario, row: Row, other_key: str) -> None:
    """A cursor of another environment: a page without its rows, or 400 or 404 (grey.foreign-cursor)."""
    cursor = scenario.page({"size": 1})["pagination"].get("next", row["id"])
    for direction in ("after", "before"):
        answer = scenario.list_query({"page": {direction: cursor}}, credential=other_key)
        what = "a list behind another environment's cursor"
        scenario.expect_status(answer, (200, 400, 404), "env.isolation", what)
        if row["id"] in answer.answer.decode(errors="replace"):
            raise scenario.fail("env.isolation", "no session of another environment behind its cursor", row["id"])


class Faulty(NamedTuple):
    """A close that is wrong in more than one way, and the statuses of the fault that comes first."""

    what: str
    body: Any
    statuses: Collection[int]


def faulty_bodies(run: Run) -> list[Faulty]:
    body = run.contract.operations["closeSession"].body
    assert body is not None
    limit = body.limit_bytes
    return [
        Faulty("a body that is too large and not JSON", b"{" + b" " * limit, (413,)),
        Faulty("a body that is not JSON", b"{", REFUSED),
        Faulty("a reason that is too long", {"reason": "x" * (run.contract.reason_max_length + 1)}, REFUSED),
        Faulty("a reason that is not a string", {"reason": 5}, REFUSED),
        Faulty("a body that is too large and a reason that is too long", {"reason": "x" * (limit + 1)}, (413,)),
    ]


@pytest.mark.clause("error.order")
def test_a_faulty_body_is_reported_before_an_unknown_session(run: Run, scenario: Scenario) -> None:
    for key in (run.name(), run.contract.friendly_prefix + "nobody"):
        for faulty in faulty_bodies(run):
            what = f"{faulty.what}, for an unknown session"
            scenario.expect(scenario.try_close(key, faulty.body), faulty.statuses, "error.order", what)


@pytest.mark.clause("error.order", "body.no-effect")
def test_a_size_over_the_limit_is_reported_before_the_rest(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for faulty in faulty_bodies(run):
        scenario.expect(scenario.try_close(row["id"], faulty.body), faulty.statuses, "error.order", faulty.what)
    scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("error.order")
def test_a_faulty_body_with_a_public_access_token_is_reported_as_either(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    for faulty in faulty_bodies(run):
        # grey.token-order
        accepted = faulty.statuses if run.dialect == "server" else (*faulty.statuses, 403)
        what = f"{faulty.what}, with a public access token"
        scenario.expect(scenario.try_close(run.name(), faulty.body, credential=token), accepted, "error.order", what)
    answer = scenario.try_close(run.name(), {}, credential=token)
    scenario.expect(answer, 403, "error.order", "an unknown session, with a public access token")


@pytest.mark.clause("error.order", "body.no-effect")
def test_wrong_credentials_and_another_method_are_401_or_405(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    large = faulty_bodies(run)[0].body
    for credential in (UNKNOWN_KEY, None):
        answer = scenario.send("PUT", run.close_path(row["id"]), large, credential=credential)
        scenario.expect(answer, (401, 405), "error.order", "another method with wrong credentials")
    scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("error.order", "body.no-effect")
def test_a_faulty_body_is_refused_for_a_closed_session_too(run: Run, scenario: Scenario) -> None:
    closed = scenario.close(scenario.open(), {"reason": "done"})
    for faulty in faulty_bodies(run):
        what = f"{faulty.what}, for a closed session"
        scenario.expect(scenario.try_close(closed["id"], faulty.body), faulty.statuses, "error.order", what)
    scenario.assert_unchanged(closed, "body.no-effect")
