"""What a public access token is, and what it allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pytest

from adjourn_contract.cases.credentials import UNKNOWN_KEY
from adjourn_contract.engine.outcomes import NotApplicable, NotChecked
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.target import Target
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.engine.tokens import Token
from adjourn_contract.proofs.evidence import Claim, canonical

# How far the lifetime of a token may be off what the document says.
LIFETIME_TOLERANCE_SECONDS = 300
_SIGNATURE = "the signature"


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


class Tokens(NamedTuple):
    """A scenario with a session that is open, and its public access token."""

    scenario: Scenario
    row: Row
    token: Token

    @classmethod
    def of(cls, run: Run) -> Tokens:
        Token.need(run)
        scenario = run.scenario()
        created = scenario.create()
        return cls(scenario, scenario.retrieve(created["id"]), Token.of(created["publicAccessToken"]))

    @classmethod
    def signed_with_key(cls, run: Run) -> Tokens:
        """The same, where tokens can be made that differ in their claims alone.

        Raises:
            NotApplicable: tokens are signed with another key than the one that calls.
        """
        made = cls.of(run)
        if not made.token.is_signed_with(run.key):
            raise NotApplicable("tokens are not signed with the secret key of the call, so none can be made")
        return made

    def assert_refused(self, *bad: BadToken) -> None:
        """Every token is 401 for retrieve and close, and the session is as it was."""
        scenario, keys = self.scenario, ids_of(self.row)
        for what, text in bad:
            for answer in (
                scenario.send("GET", scenario.target.path(keys[-1]), credential=text),
                scenario.send("GET", scenario.target.path(keys[0]), credential=text),
                scenario.try_close(keys[-1], {"reason": "bad token"}, credential=text),
            ):
                scenario.expect(answer, 401, "auth.token-invalid", f"a public access token with {what}", error=True)
        scenario.assert_unchanged(self.row, "auth.no-effect")


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_a_token_whose_signature_is_wrong_is_401(run: Run) -> None:
    made = Tokens.of(run)
    token = made.token
    made.assert_refused(
        BadToken("a bad signature", token.with_other_signature()),
        BadToken("no signature", token.without_signature()),
        BadToken("the algorithm none", token.with_algorithm_none()),
        BadToken("another payload", token.with_other_claims(scopes=["admin", "write:sessions", "read:sessions"])),
        BadToken("a signature with another secret", token.signed(UNKNOWN_KEY)),
    )


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_a_token_signed_with_another_environments_key_is_401(run: Run) -> None:
    other = run.need_other_key()
    made = Tokens.of(run)
    made.assert_refused(BadToken("a signature with another environment's key", made.token.signed(other)))


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_an_expired_token_is_401(run: Run) -> None:
    made = Tokens.signed_with_key(run)
    made.assert_refused(
        BadToken("an expiry in the past", made.token.signed(run.key, exp=1_600_000_000)),
        BadToken("an expiry a minute before its issue", made.token.signed(run.key, expires_in_seconds=-60)),
    )


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_a_token_of_another_issuer_or_audience_is_401(run: Run) -> None:
    made = Tokens.signed_with_key(run)
    made.assert_refused(
        BadToken("another issuer", made.token.signed(run.key, iss="https://issuer.example")),
        BadToken("another audience", made.token.signed(run.key, aud="https://audience.example")),
    )


@pytest.mark.clause("auth.token-scope")
def test_a_token_reads_its_own_session_only(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    other = scenario.open()
    for key in ids_of(other):
        answer = scenario.send("GET", run.path(key), credential=token)
        scenario.expect(answer, (401, 403, 404), "auth.token-scope", "retrieve of another session with a token")


class OwedClaim(NamedTuple):
    """What a token has, and whether it is right."""

    name: str
    expected: str
    is_right: bool
    got: object


def claims_owed(run: Target, token: Token, row: Row) -> list[OwedClaim]:
    rule = run.contract.token
    granted = {f"{grant}:{ids_of(row)[-1]}" for grant in rule.grants}
    scopes, expiry = token.claims.get("scopes"), token.claims.get("exp")
    lasts = expiry - seconds(row["createdAt"]) if isinstance(expiry, int | float) else None
    lasts_right = lasts is not None and abs(lasts - rule.lifetime_seconds) < LIFETIME_TOLERANCE_SECONDS
    algorithm, public, subject = token.header.get("alg"), token.claims.get("pub"), token.claims.get("sub")
    return [
        OwedClaim("alg", rule.algorithm, algorithm == rule.algorithm, algorithm),
        OwedClaim("pub", "true", public is True, public),
        OwedClaim("sub", "the environment", bool(subject), subject),
        OwedClaim("scopes", f"{sorted(granted)} and none that means more", _grants(scopes, granted), scopes),
        # With an additional key of the environment the token is signed with the main one.
        OwedClaim(_SIGNATURE, "one with the secret key", "_sk_" in run.key or token.is_signed_with(run.key), "another"),
        OwedClaim("exp", f"{rule.lifetime_seconds} seconds after createdAt", lasts_right, lasts),
    ]


def assert_claims(scenario: Scenario, row: Row, token: Token, claims: Sequence[Claim] = ()) -> None:
    for claim in claims_owed(scenario.target, token, row):
        if not claim.is_right:
            expected = f"{claim.name} of the public access token to be {claim.expected}"
            if claim.name == _SIGNATURE:
                claims = [Claim(scenario.reading("signature"), "is", ("own",))]
            raise scenario.fail("token.shape", expected, repr(claim.got), claims=claims)


def assert_second_token_is_right(scenario: Scenario) -> None:
    """The same after another create of this scenario: a proof cannot depend on those of other tests."""
    scenario.create()
    first, name = scenario.exchanges[-1], scenario.target.name()
    row = scenario.create(name)
    granted = [f"{grant}:{name}" for grant in scenario.target.contract.token.grants]
    scopes = Claim(scenario.reading("claim", "scopes"), "is", (canonical(granted), canonical(granted[::-1])))
    needed = Claim(scenario.reading("status", answer=first), "is", ("201",))
    assert_claims(scenario, row, Token.of(row["publicAccessToken"]), [scopes, needed])


@pytest.mark.smoke
@pytest.mark.clause("token.shape")
def test_the_public_access_token_is_a_jwt_for_its_session(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, external_id: str | None) -> None:
        row = scenario.create(external_id)
        if row.get("publicAccessToken") is None:
            raise NotChecked("create answers no public access token")
        if not isinstance(row["publicAccessToken"], str):
            raise scenario.fail("create.created", "a string as publicAccessToken", repr(row["publicAccessToken"]))
        try:
            token = Token.of(row["publicAccessToken"])
        except ValueError as error:
            raise scenario.fail("token.shape", "a JWT as publicAccessToken", str(error)) from None
        with scenario.ruling_out(lambda: assert_second_token_is_right(scenario)):
            assert_claims(scenario, row, token)

    run.each([run.name(), None], play)


def _grants(scopes: object, granted: set[str]) -> bool:
    """Whether scopes grant what they should, and nothing of other sessions."""
    if not isinstance(scopes, list) or not granted <= set(scopes):
        return False
    return not any(
        str(scope).startswith(("admin", "*")) or str(scope).endswith((":sessions", ":all")) for scope in scopes
    )
