"""What a public access token is, and what it allows."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from adjourn_contract.cases.credentials import UNKNOWN_KEY
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.engine.tokens import Token

# How far the lifetime of a token may be off what the document says.
LIFETIME_TOLERANCE_SECONDS = 300


@pytest.mark.clause("auth.secret-only", "auth.no-effect")
def test_a_public_access_token_reads_but_neither_closes_nor_updates(run: Run) -> None:
    Token.need(run)

    def play(scenario: Scenario, members: Row) -> None:
        external_id = run.name()
        created = scenario.create(external_id, **members)
        token = created["publicAccessToken"]
        row = scenario.retrieve(created["id"])
        seen = scenario.send("GET", run.path(external_id), credential=token)
        scenario.expect(seen, 200, "auth.secret-only", "retrieve with the session's public access token")
        for key in (row["id"], external_id):
            for body in ({"reason": "token"}, {}):
                answer = scenario.try_close(key, body, credential=token)
                scenario.expect(answer, 403, "auth.secret-only", "close with a public access token", error=True)
        if "updateSession" not in run.unsupported:
            answer = scenario.send("PATCH", run.path(row["id"]), {"tags": ["token"]}, credential=token)
            scenario.expect(answer, 403, "auth.secret-only", "update with a public access token", error=True)
        scenario.assert_unchanged(row, "auth.no-effect")
        closed = scenario.close(row, {"reason": "secret key"})
        answer = scenario.try_close(row["id"], {}, credential=token)
        scenario.expect(answer, 403, "auth.secret-only", "close of a closed session with a public access token")
        scenario.assert_unchanged(closed, "auth.no-effect")

    sorts: list[Row] = [{}, {"tags": ["a"]}, {"type": "another.type", "metadata": {"a": 1}}]
    run.each(sorts, play)


@pytest.mark.clause("auth.secret-only", "auth.no-effect")
def test_a_close_with_a_token_does_not_show_whether_a_session_exists(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    other = scenario.open()
    for key in (other["id"], run.name(), run.contract.friendly_prefix + "nobody"):
        answer = scenario.try_close(key, {}, credential=token)
        scenario.expect(answer, 403, "auth.secret-only", "close of another session with a token")
    scenario.assert_unchanged(other, "auth.no-effect")


class BadToken(NamedTuple):
    """A token that is not valid, and why, in words."""

    what: str
    text: str


def bad_tokens(run: Run, token: Token, external_id: str) -> list[BadToken]:
    scopes = ["admin", "write:sessions", f"read:sessions:{external_id}"]
    bad = [
        BadToken("a bad signature", token.with_other_signature()),
        BadToken("no signature", token.without_signature()),
        BadToken("the algorithm none", token.with_algorithm_none()),
        BadToken("another payload", token.with_other_claims(scopes=scopes)),
        BadToken("a signature with another secret", token.signed(UNKNOWN_KEY)),
    ]
    if run.other_key is not None:
        bad.append(BadToken("a signature with another environment's key", token.signed(run.other_key)))
    if token.is_signed_with(run.key):
        bad.append(BadToken("an expiry in the past", token.signed(run.key, exp=1_600_000_000)))
        bad.append(BadToken("an expiry a minute before its issue", token.signed(run.key, expires_in_seconds=-60)))
    return bad


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_a_token_that_is_not_valid_is_401(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    external_id = run.name()
    created = scenario.create(external_id)
    row = scenario.retrieve(created["id"])
    for what, text in bad_tokens(run, Token.of(created["publicAccessToken"]), external_id):
        for answer in (
            scenario.send("GET", run.path(external_id), credential=text),
            scenario.send("GET", run.path(row["id"]), credential=text),
            scenario.try_close(external_id, {"reason": "bad token"}, credential=text),
        ):
            scenario.expect(answer, 401, "auth.token-invalid", f"a public access token with {what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.token-scope")
def test_a_token_reads_its_own_session_only(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    other = scenario.open()
    for key in ids_of(other):
        answer = scenario.send("GET", run.path(key), credential=token)
        scenario.expect(answer, (401, 403, 404), "auth.token-scope", "retrieve of another session with a token")


class Claim(NamedTuple):
    """What a token has, and whether it is right."""

    name: str
    expected: str
    is_right: bool
    got: object


def claims_owed(run: Run, token: Token, row: Row) -> list[Claim]:
    rule = run.contract.token
    granted = {f"{grant}:{ids_of(row)[-1]}" for grant in rule.grants}
    scopes, expiry = token.claims.get("scopes"), token.claims.get("exp")
    lasts = expiry - seconds(row["createdAt"]) if isinstance(expiry, int | float) else None
    lasts_right = lasts is not None and abs(lasts - rule.lifetime_seconds) < LIFETIME_TOLERANCE_SECONDS
    algorithm, public, subject = token.header.get("alg"), token.claims.get("pub"), token.claims.get("sub")
    return [
        Claim("alg", rule.algorithm, algorithm == rule.algorithm, algorithm),
        Claim("pub", "true", public is True, public),
        Claim("sub", "the environment", bool(subject), subject),
        Claim("scopes", f"{sorted(granted)} and none that means more", _grants(scopes, granted), scopes),
        # With an additional key of the environment the token is signed with the main one.
        Claim(
            "the signature", "one with the secret key", "_sk_" in run.key or token.is_signed_with(run.key), "another"
        ),
        Claim("exp", f"{rule.lifetime_seconds} seconds after createdAt", lasts_right, lasts),
    ]


@pytest.mark.clause("token.shape")
def test_the_public_access_token_is_a_jwt_for_its_session(run: Run) -> None:
    Token.need(run)

    def play(scenario: Scenario, external_id: str | None) -> None:
        row = scenario.create(external_id)
        try:
            token = Token.of(row["publicAccessToken"])
        except ValueError as error:
            raise scenario.fail("token.shape", "a JWT as publicAccessToken", str(error)) from None
        for claim in claims_owed(run, token, row):
            if not claim.is_right:
                expected = f"{claim.name} of the public access token to be {claim.expected}"
                raise scenario.fail("token.shape", expected, repr(claim.got))

    run.each([run.name(), None], play)


def _grants(scopes: object, granted: set[str]) -> bool:
    """Whether scopes grant what they should, and nothing of other sessions."""
    if not isinstance(scopes, list) or not granted <= set(scopes):
        return False
    return not any(
        str(scope).startswith(("admin", "*")) or str(scope).endswith((":sessions", ":all")) for scope in scopes
    )
