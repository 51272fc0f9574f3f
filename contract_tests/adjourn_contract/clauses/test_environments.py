"""What each environment sees, and in which order faults are told."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of


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
            answer = scenario.send("GET", run.path(key), credential=other)
            scenario.expect(answer, 404, "env.isolation", "retrieve of another environment's session", error=True)
            answer = scenario.try_close(key, {"reason": "theirs"}, credential=other)
            scenario.expect(answer, 404, "env.isolation", "close of another environment's session", error=True)
            if "updateSession" not in run.unsupported:
                answer = scenario.send("PATCH", run.path(key), {"tags": ["theirs"]}, credential=other)
                scenario.expect(answer, 404, "env.isolation", "update of another environment's session", error=True)
        for key in ids_of(row):
            scenario.assert_same(row, scenario.retrieve(key), "env.isolation", "retrieve afterwards")

    run.each(["open", "closed", "tagged"], play)


@pytest.mark.clause("env.isolation")
def test_two_environments_may_hold_the_same_external_id(run: Run, scenario: Scenario) -> None:
    other = run.need_other_key()
    run.need("createSession")
    for first, second in ((run.key, other), (other, run.key)):
        name = run.name("twin")
        mine = scenario.open(name, credential=first)
        made = scenario.try_create(name, credential=second)
        scenario.expect(made, 201, "env.isolation", "create with an externalId that another environment has")
        theirs = scenario.retrieve(made.value["id"], credential=second)
        if theirs["id"] == mine["id"]:
            raise scenario.fail("env.isolation", "another session than the other environment's", "the same")
        token = made.value.get("publicAccessToken")
        if run.token is not None and isinstance(token, str):
            read = scenario.send("GET", run.path(mine["id"]), credential=token)
            if read.status == 200:
                raise scenario.fail("env.isolation", "a refusal of another environment's token", read.summary)
            scenario.expect(
                scenario.try_close(mine["id"], {}, credential=token),
                (401, 403, 404),
                "env.isolation",
                "close with another environment's token",
            )
        seen = scenario.try_close(name, {"reason": "second"}, credential=second)
        scenario.expect(seen, 200, "env.isolation", "close by an externalId that two environments have")
        if seen.value.get("id") != theirs["id"]:
            raise scenario.fail(
                "env.isolation", f"the session of the caller's environment, {theirs['id']}", str(seen.value.get("id"))
            )
        scenario.assert_unchanged(mine, "env.isolation", credential=first)
        closed = scenario.close(mine, {"reason": "first"}, by=name, credential=first)
        scenario.assert_same(
            seen.value,
            scenario.retrieve(name, credential=second, clause="env.isolation"),
            "env.isolation",
            "retrieve after the twin was closed",
        )
        scenario.assert_unchanged(closed, "env.isolation", credential=first)
        name = run.name("after")
        scenario.close(scenario.open(name, credential=first), credential=first)
        made = scenario.try_create(name, credential=second)
        scenario.expect(made, 201, "env.isolation", "create with an externalId that another environment has closed")


@pytest.mark.clause("env.isolation")
def test_lists_show_the_callers_environment_only(run: Run) -> None:
    other = run.need_other_key()
    run.need("listSessions", "createSession")

    def play(scenario: Scenario, state: str) -> None:
        row = scenario.open(type=run.name("kind"), taskIdentifier=run.name("task"), tags=[run.name("tag")])
        if state == "CLOSED":
            row = scenario.close(row, {"reason": "mine"})
        for keep in (
            {}, {"externalId": row["externalId"]}, {"type": row["type"]}, {"taskIdentifier": row["taskIdentifier"]},
            {"tags": row["tags"][0]}, {"status": state}, {"createdAt": {"period": "1d"}}, {"type": row["type"], "status": state},
        ):  # fmt: skip
            if any(each["id"] == row["id"] for each in scenario.listed(credential=other, **keep)):
                raise scenario.fail("env.isolation", "no session of another environment in a list", row["id"])
            if not any(each["id"] == row["id"] for each in scenario.listed(**keep)) and "externalId" in keep:
                raise scenario.fail("env.isolation", "the session in a list of its own environment", "it is not there")
        cursor = scenario.page({"size": 1})["pagination"].get("next")
        if isinstance(cursor, str):
            listed = scenario.page({"after": cursor}, credential=other)["data"]
            if any(run.is_ours(each["id"]) and each["type"] == row["type"] for each in listed):
                raise scenario.fail("env.isolation", "no session of another environment behind its cursor", row["id"])

    run.each(["ACTIVE", "CLOSED"], play)


@pytest.mark.clause("error.order")
def test_of_several_faults_the_first_in_order_is_told(run: Run, scenario: Scenario) -> None:
    limit = run.contract.operations["closeSession"].body.limit_bytes  # type: ignore[union-attr]
    large, malformed, long = b"{" + b" " * limit, b"{", {"reason": "x" * (run.contract.reason_max_length + 1)}
    typed = {"reason": 5}
    unknown, friendly = run.name(), run.contract.friendly_prefix + "nobody"
    for key in (unknown, friendly):
        for what, body, statuses in (
            ("a body that is too large for an unknown session", large, (413,)),
            ("a body that is no JSON for an unknown session", malformed, REFUSED),
            ("a reason that is too long for an unknown session", long, REFUSED),
            ("a reason that is no string for an unknown session", typed, REFUSED),
        ):
            scenario.expect(scenario.try_close(key, body), statuses, "error.order", what)
    row = scenario.open()
    scenario.expect(scenario.try_close(row["id"], large), 413, "error.order", "a body that is too large and no JSON")
    huge = {"reason": "x" * (limit + 1)}
    scenario.expect(
        scenario.try_close(row["id"], huge),
        413,
        "error.order",
        "a body that is too large with a reason that is too long",
    )
    if run.token is not None and "createSession" not in run.unsupported:
        token = scenario.create()["publicAccessToken"]
        for what, body, statuses in (
            ("a body that is too large, with a public access token", large, (413,)),
            ("a body that is no JSON, with a public access token", malformed, REFUSED),
            ("a reason that is too long, with a public access token", long, REFUSED),
            ("an unknown session, with a public access token", {}, (403,)),
        ):
            scenario.expect(scenario.try_close(unknown, body, credential=token), statuses, "error.order", what)
    for credential in ("tr_dev_nobodyhasthiskey0123456789", None):
        answer = scenario.send("PUT", run.close_path(row["id"]), large, credential=credential)
        scenario.expect(answer, (401, 405), "error.order", "another method with wrong credentials")
    scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("error.order")
def test_a_closed_session_hides_no_fault(run: Run, scenario: Scenario) -> None:
    limit = run.contract.operations["closeSession"].body.limit_bytes  # type: ignore[union-attr]
    closed = scenario.close(scenario.open(), {"reason": "done"})
    for what, body, statuses in (
        ("a body that is too large for a closed session", {"x": "x" * limit}, (413,)),
        ("a body that is no JSON for a closed session", b"{", REFUSED),
        (
            "a reason that is too long for a closed session",
            {"reason": "x" * (run.contract.reason_max_length + 1)},
            REFUSED,
        ),
        ("a reason that is no string for a closed session", {"reason": 5}, REFUSED),
    ):
        scenario.expect(scenario.try_close(closed["id"], body), statuses, "error.order", what)
    scenario.assert_unchanged(closed, "body.no-effect")
