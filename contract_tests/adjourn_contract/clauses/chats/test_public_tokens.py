"""Tokens for browsers, for servers that have them: the clauses token.claims to token.request."""

from __future__ import annotations

import time

import pytest

from adjourn_contract.engine.channels import need_operation, path_of
from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.tokens import Token
from adjourn_contract.proofs.evidence import Claim

DAY_SECONDS = 86_400
REFUSED = (401, 403, 404)


@pytest.mark.smoke
@pytest.mark.clause("token.claims", "token.client-signed", "token.key-required")
def test_a_client_signs_tokens_with_the_claims_of_its_environment(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    need_operation(scenario, "createTokenClaims", "token claims", "")
    path = path_of(run, "createTokenClaims")
    seen = scenario.send("POST", path)
    # The environment is what is asked for here.
    run.echoed_secrets |= run.internal_ids
    scenario.expect(seen, 200, "token.claims", "the claims of a token")
    made = scenario.create()
    token = Token.of(made["publicAccessToken"])
    wanted = {"sub": token.claims.get("sub"), "pub": True}
    if not isinstance(seen.value, dict) or {name: seen.value.get(name) for name in wanted} != wanted:
        claims = [
            Claim(scenario.reading("member", "sub", answer=seen), "same", other=scenario.reading("claim", "sub")),
            Claim(scenario.reading("member", "pub", answer=seen), "is", ("true",)),
        ]
        raise scenario.fail("token.claims", f"the claims {wanted}", seen.summary, claims=claims)
    if "_sk_" not in run.key and token.is_signed_with(run.key):
        name = made["externalId"]
        mine = token.signed(run.key, expires_in_seconds=600, scopes=[f"read:sessions:{name}"])
        answer = scenario.send("GET", run.path(name), credential=mine)
        scenario.expect(answer, 200, "token.client-signed", "retrieve with a token that the client has signed")
    refused = scenario.send("POST", path, credential=made["publicAccessToken"])
    scenario.expect(refused, 401, "token.key-required", "the claims with a token", error=True)


@pytest.mark.smoke
@pytest.mark.clause("token.minted", "token.request")
def test_a_minted_token_grants_what_was_asked_for(run: Run, scenario: Scenario) -> None:
    need_operation(scenario, "createPublicToken", "public tokens", "", body={"scopes": ["read:runs"]})
    path = path_of(run, "createPublicToken")
    row, other = scenario.open(), scenario.open()
    wanted = {"scopes": [f"read:sessions:{ids_of(row)[-1]}"], "expirationTime": "10m"}
    seen = scenario.send("POST", path, wanted)
    if seen.status in (401, 403):
        raise NotApplicable("the server makes public tokens for additional keys only")
    scenario.expect(seen, (200, 201), "token.minted", "a public token")
    token = seen.value.get("token") if isinstance(seen.value, dict) else None
    if not isinstance(token, str):
        raise scenario.fail("token.minted", "a token", seen.summary)
    own = scenario.send("GET", run.path(ids_of(row)[-1]), credential=token)
    scenario.expect(own, 200, "token.minted", "retrieve of the session that the token names")
    theirs = scenario.send("GET", run.path(ids_of(other)[-1]), credential=token)
    with scenario.ruling_out(lambda: assert_tokens_of_create_are_bound(scenario, other)):
        scenario.expect(theirs, REFUSED, "token.minted", "retrieve of another session", error=True)
    now = int(time.time())
    for what, body in (
        ("no scopes", {"scopes": []}),
        ("an expiry in the past", {**wanted, "expirationTime": now - DAY_SECONDS}),
        ("an expiry in 40 days", {**wanted, "expirationTime": now + 40 * DAY_SECONDS}),
    ):
        scenario.expect(scenario.send("POST", path, body), 400, "token.request", f"a token with {what}", error=True)


def assert_tokens_of_create_are_bound(scenario: Scenario, other: Row) -> None:
    token = scenario.create()["publicAccessToken"]
    seen = scenario.send("GET", scenario.target.path(other["id"]), credential=token)
    scenario.expect(seen, REFUSED, "auth.token-scope", "retrieve of another session with the token of create")
