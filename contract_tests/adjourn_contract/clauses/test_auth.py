"""Who may call: the auth clauses of secret keys."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.credentials import UNKNOWN_KEY, OtherKey, other_keys, other_schemes
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.transport.exchange import Exchange

OPERATIONS = ("closeSession", "retrieveSession", "createSession", "updateSession", "listSessions")
CLOSE_AND_RETRIEVE = OPERATIONS[:2]


def attempt(scenario: Scenario, operation: str, key: str, authorization: str | None) -> Exchange:
    """Call an operation about a session with another Authorization header, None for none."""
    run = scenario.target
    method, target, body = {
        "createSession": ("POST", run.collection, {**run.example, "externalId": run.name()}),
        "listSessions": ("GET", run.collection, None),
        "retrieveSession": ("GET", run.path(key), None),
        "updateSession": ("PATCH", run.path(key), {"tags": ["intruder"]}),
        "closeSession": ("POST", run.close_path(key), {"reason": "intruder"}),
    }[operation]
    return scenario.send(method, target, body, credential=None, authorization=authorization)


class Refusal(NamedTuple):
    """Credentials that are refused: the Authorization header, the clause, what they are in words."""

    authorization: str | None
    clause: str
    what: str


def assert_refused(
    scenario: Scenario,
    row: Row,
    refusal: Refusal,
    operations: Collection[str] = CLOSE_AND_RETRIEVE,
    statuses: Collection[int] = (401,),
) -> None:
    """Every operation refuses the credentials, and the session is as it was."""
    for operation in operations:
        if operation not in scenario.target.unsupported:
            answer = attempt(scenario, operation, row["id"], refusal.authorization)
            scenario.expect(answer, statuses, refusal.clause, f"{operation} {refusal.what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.required", "auth.no-effect")
def test_without_credentials_every_operation_is_401(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    what = "without an Authorization header"
    assert_refused(scenario, row, Refusal(None, "auth.required", what), OPERATIONS)
    for path in (run.close_path(ids_of(row)[-1]), run.close_path(run.name())):
        for body in (None, {}, {"reason": "x"}):
            answer = scenario.send("POST", path, body, credential=None)
            scenario.expect(answer, 401, "auth.required", f"close {what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.required", "auth.no-effect")
def test_a_key_outside_authorization_is_401(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    elsewhere = {"X-Api-Key": run.key, "Proxy-Authorization": f"Bearer {run.key}", "Cookie": f"token={run.key}"}
    for name, value in elsewhere.items():
        answer = scenario.send("POST", run.close_path(row["id"]), {}, credential=None, headers=[(name, value)])
        scenario.expect(answer, 401, "auth.required", f"close with the key in {name} alone")
    for name in ("token", "access_token", "api_key"):
        answer = scenario.send("POST", f"{run.close_path(row['id'])}?{name}={run.key}", {}, credential=None)
        scenario.expect(answer, 401, "auth.required", f"close with the key in the query, as {name}")
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.scheme", "auth.no-effect")
def test_other_schemes_and_empty_tokens_are_401(run: Run) -> None:
    def play(scenario: Scenario, values: tuple[str, ...]) -> None:
        row = scenario.open()
        for value in values:
            what = f"with Authorization {value.replace(run.key, 'KEY')!r}"
            assert_refused(scenario, row, Refusal(value, "auth.scheme", what))

    run.each(batches(other_schemes(run.key)), play)


@pytest.mark.clause("auth.scheme", "auth.no-effect")
def test_the_scheme_in_another_letter_case_is_bearer_or_401(run: Run) -> None:
    accepted = (401,) if run.dialect == "server" else (200, 401)  # grey.scheme-case

    def play(scenario: Scenario, scheme: str) -> None:
        row, what = scenario.open(), f"with the scheme {scheme}"
        seen = attempt(scenario, "retrieveSession", row["id"], f"{scheme} {run.key}")
        scenario.expect(seen, accepted, "auth.scheme", f"retrieve {what}")
        closed = attempt(scenario, "closeSession", row["id"], f"{scheme} {run.key}")
        scenario.expect(closed, seen.status, "auth.scheme", f"close {what}")
        if closed.status == 401:
            scenario.assert_unchanged(row, "auth.no-effect")
        else:
            scenario.assert_unchanged(scenario.validated_row(closed), "close.persisted")
        wrong = attempt(scenario, "retrieveSession", row["id"], f"{scheme} {UNKNOWN_KEY}")
        scenario.expect(wrong, 401, "auth.unknown-key", f"retrieve {what} and an unknown key")

    run.each(["bearer", "BEARER"], play)


@pytest.mark.clause("auth.unknown-key", "auth.no-effect")
def test_a_key_that_is_not_exactly_registered_is_401(run: Run) -> None:
    def play(scenario: Scenario, others: tuple[OtherKey, ...]) -> None:
        row = scenario.open()
        for what, key in others:
            assert_refused(scenario, row, Refusal(f"Bearer {key}", "auth.unknown-key", f"with {what}"))

    run.each(batches(other_keys(run.key, run.secrets)), play)


@pytest.mark.clause("auth.unknown-key", "auth.no-effect")
def test_every_operation_refuses_an_unknown_key(scenario: Scenario) -> None:
    refusal = Refusal(f"Bearer {UNKNOWN_KEY}", "auth.unknown-key", "with an unknown key")
    assert_refused(scenario, scenario.open(), refusal, OPERATIONS)


@pytest.mark.clause("auth.unknown-key", "auth.no-effect")
@pytest.mark.partly("env.isolation")
def test_a_key_of_another_kind_of_environment_is_another_key(run: Run) -> None:
    prefixes = list(run.contract.key_prefixes.values())
    own = next((prefix for prefix in prefixes if run.key.startswith(prefix)), "")

    def play(scenario: Scenario, prefix: str) -> None:
        key = prefix + run.key.removeprefix(own)
        # Another environment may have the key; it does not have this session.
        clause = "env.isolation" if key in run.secrets else "auth.unknown-key"
        refusal = Refusal(f"Bearer {key}", clause, f"with the key after {prefix}")
        assert_refused(scenario, scenario.open(), refusal, statuses=(401, 404))

    run.each([prefix for prefix in prefixes if prefix != own], play)


@pytest.mark.clause("auth.required", "auth.unknown-key", "auth.scheme", "auth.no-effect")
def test_a_closed_session_refuses_wrong_credentials_too(run: Run) -> None:
    def play(scenario: Scenario, refusal: Refusal) -> None:
        closed = scenario.close(scenario.open(), {"reason": "closed"})
        assert_refused(scenario, closed, refusal)
        answer = attempt(scenario, "closeSession", ids_of(closed)[-1], refusal.authorization)
        scenario.expect(answer, 401, refusal.clause, f"close {refusal.what} by a closed session's externalId")

    wrong = (
        Refusal(None, "auth.required", "without an Authorization header, of a closed session"),
        Refusal(f"Bearer {UNKNOWN_KEY}", "auth.unknown-key", "with an unknown key, of a closed session"),
        Refusal(f"Basic {run.key}", "auth.scheme", "with another scheme, of a closed session"),
    )
    run.each(wrong, play)


@pytest.mark.clause("auth.first", "auth.no-effect")
def test_credentials_are_checked_before_the_body_the_limits_and_the_lookup(run: Run) -> None:
    body = run.contract.operations["closeSession"].body
    assert body is not None
    bodies: dict[str, Any] = {
        "a body that is too large": b"x" * (body.limit_bytes + 1),
        "a body that is not JSON": b"{",
        "a reason that is too long": {"reason": "x" * (run.contract.reason_max_length + 1)},
        "a body that is right": {},
        "a much larger body": b"x" * (body.limit_bytes * 20),
        "an array": b"[]",
        "a reason that is not a string": {"reason": 5},
    }

    def play(scenario: Scenario, what: str) -> None:
        row = scenario.open()
        for key in (row["id"], run.name(), run.contract.friendly_prefix + "nobody"):
            for wrong in (UNKNOWN_KEY, None, "a.b.c"):
                answer = scenario.try_close(key, bodies[what], credential=wrong)
                with scenario.ruling_out(lambda: assert_plain_requests_refused(scenario)):
                    scenario.expect(answer, 401, "auth.first", f"close with wrong credentials and {what}")
        if "updateSession" not in run.unsupported:
            answer = scenario.send("PATCH", run.path(run.name()), bodies[what], credential=UNKNOWN_KEY)
            scenario.expect(answer, 401, "auth.first", f"update of an unknown session with an unknown key and {what}")
        scenario.assert_unchanged(row, "auth.no-effect")

    run.each(bodies, play)


@pytest.mark.smoke
@pytest.mark.clause("auth.first")
def test_credentials_are_checked_before_an_unknown_session_is_looked_up(run: Run, scenario: Scenario) -> None:
    answer = scenario.send("GET", run.path(run.name()), credential=UNKNOWN_KEY)
    with scenario.ruling_out(lambda: assert_plain_requests_refused(scenario)):
        scenario.expect(answer, 401, "auth.first", "retrieve of an unknown session with an unknown key")


def assert_plain_requests_refused(scenario: Scenario) -> None:
    """Where nothing else is wrong with a request, wrong credentials are 401: the order of checks is not at issue."""
    key = scenario.open()["id"]
    for authorization, clause, what in (
        (None, "auth.required", "without an Authorization header"),
        (f"Bearer {UNKNOWN_KEY}", "auth.unknown-key", "with an unknown key"),
    ):
        answer = attempt(scenario, "retrieveSession", key, authorization)
        scenario.expect(answer, 401, clause, f"retrieve of a session that is there {what}")
