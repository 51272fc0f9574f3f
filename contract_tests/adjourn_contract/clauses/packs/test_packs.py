"""Many pitfalls on one session, for the smoke profile: other profiles try them case by case.

Each request has an answer of its own to expect, so that a failure names its clause; one look afterwards shows whether
any of the requests that were refused had an effect.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from adjourn_contract.cases.bodies import PAST
from adjourn_contract.cases.credentials import UNKNOWN_KEY
from adjourn_contract.cases.packs import (
    BODIES,
    EVERY_PITFALL,
    EVERY_UNKNOWN_MEMBER,
    NEAR_NAMES,
    ODD_PART,
    REASONS,
    long_name,
    near_friendly_ids,
    near_keys,
    near_long_names,
    near_schemes,
    oversized,
)
from adjourn_contract.cases.reasons import encoded
from adjourn_contract.cases.variants import full_session
from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of
from adjourn_contract.engine.tokens import Token

pytestmark = [pytest.mark.smoke, pytest.mark.profile("smoke")]


class Refusal(NamedTuple):
    """Credentials that are refused: the Authorization header, the clause, what they are in words."""

    authorization: str | None
    clause: str
    what: str
    statuses: tuple[int, ...] = (401,)


def wrong_credentials(run: Run) -> list[Refusal]:
    kinds = list(run.contract.key_prefixes.values())
    own = next((kind for kind in kinds if run.key.startswith(kind)), "")
    other = next(kind for kind in reversed(kinds) if kind != own)
    near = near_keys(run.key, run.secrets)
    schemes = near_schemes(run.key)
    return [
        Refusal(None, "auth.required", "without an Authorization header"),
        *(Refusal(each, "auth.scheme", f"with Authorization {each.replace(run.key, 'KEY')!r}") for each in schemes),
        Refusal(f"Bearer {UNKNOWN_KEY}", "auth.unknown-key", "with an unknown key"),
        *(Refusal(f"Bearer {key}", "auth.unknown-key", f"with {what}") for what, key in near),
        # Another environment may have the key; it does not have this session.
        Refusal(
            f"Bearer {other}{run.key.removeprefix(own)}", "auth.unknown-key", f"with the key after {other}", (401, 404)
        ),
    ]


@pytest.mark.clause(
    "auth.required", "auth.scheme", "auth.unknown-key", "auth.first", "auth.no-effect", "body.unknown-members"
)
def test_one_session_refuses_wrong_credentials(run: Run, scenario: Scenario) -> None:
    row = scenario.open(**(full_session(run.contract) if "createSession" not in run.unsupported else {}))
    path, body = run.close_path(row["id"]), {"reason": "intruder"}
    for authorization, clause, what, statuses in wrong_credentials(run):
        answer = scenario.send("POST", path, body, credential=None, authorization=authorization)
        scenario.expect(answer, statuses, clause, f"close {what}", error=True)
    assert_key_counts_in_authorization_alone(scenario, path)
    operation = run.contract.operations["closeSession"].body
    assert operation is not None
    large = b"x" * (operation.limit_bytes + 1)
    answer = scenario.try_close(run.name(), large, credential=UNKNOWN_KEY)
    scenario.expect(answer, 401, "auth.first", "close with wrong credentials and a body that is too large")
    scenario.assert_unchanged(row, "auth.no-effect")
    clause = "body.unknown-members"
    closed = scenario.close(row, EVERY_UNKNOWN_MEMBER, reason_clause=clause, rest_clause=clause, look=False)
    if closed["closedAt"] == PAST:
        raise scenario.fail(clause, "the time of the close", f"the time in the body, {PAST}")
    for key, wrong in ((closed["id"], None), (ids_of(closed)[-1], UNKNOWN_KEY)):
        answer = scenario.try_close(key, body, credential=wrong)
        scenario.expect(answer, 401, "auth.required", "close of a closed session with wrong credentials")
    scenario.assert_unchanged(closed, "auth.no-effect")


def assert_key_counts_in_authorization_alone(scenario: Scenario, path: str) -> None:
    key = scenario.target.key
    elsewhere = [("X-Api-Key", key), ("Proxy-Authorization", f"Bearer {key}"), ("Cookie", f"token={key}")]
    answer = scenario.send("POST", path, {}, credential=None, headers=elsewhere)
    scenario.expect(answer, 401, "auth.required", "close with the key in other headers alone")
    query = "&".join(f"{name}={key}" for name in ("token", "access_token", "api_key"))
    answer = scenario.send("POST", f"{path}?{query}", {}, credential=None)
    scenario.expect(answer, 401, "auth.required", "close with the key in the query")


@pytest.mark.clause("auth.secret-only", "auth.no-effect")
@pytest.mark.partly("auth.token-invalid", "auth.token-scope")
def test_one_session_refuses_bad_tokens(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    created = scenario.create(metadata={})
    name, token = ids_of(created)[-1], Token.of(created["publicAccessToken"])
    row = scenario.retrieve(name)
    seen = scenario.send("GET", run.path(name), credential=token.text)
    scenario.expect(seen, 200, "auth.secret-only", "retrieve with the session's public access token")
    for key in (row["id"], run.name(), run.contract.friendly_prefix + "nobody"):
        answer = scenario.try_close(key, {"reason": "token"}, credential=token.text)
        scenario.expect(answer, 403, "auth.secret-only", "close with a public access token", error=True)
    if "updateSession" not in run.unsupported:
        answer = scenario.send("PATCH", run.path(row["id"]), {"tags": ["token"]}, credential=token.text)
        scenario.expect(answer, 403, "auth.secret-only", "update with a public access token", error=True)
    for what, text in bad_tokens(run, token):
        answer = scenario.send("GET", run.path(name), credential=text)
        scenario.expect(answer, 401, "auth.token-invalid", f"a public access token with {what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")
    # What a server remembers of a row that was retrieved by externalId may be stale now.
    scenario.close(row, {"reason": "null"})


def bad_tokens(run: Run, token: Token) -> list[tuple[str, str]]:
    """Tokens that are not valid, each with the reason why; those that only differ in claims where one can sign them."""
    claims = [
        ("an expiry in the past", token.signed(run.key, exp=1_600_000_000)),
        ("another issuer", token.signed(run.key, iss="https://issuer.example")),
        ("another audience", token.signed(run.key, aud="https://audience.example")),
    ]
    return [
        ("a bad signature", token.with_other_signature()),
        ("no signature", token.without_signature()),
        ("the algorithm none", token.with_algorithm_none()),
        ("a signature with another secret", token.signed(run.other_key or UNKNOWN_KEY)),
        *(claims if token.is_signed_with(run.key) else ()),
    ]


@pytest.mark.partly("env.isolation")
def test_one_session_is_hidden_from_another_environment(run: Run, scenario: Scenario) -> None:
    other = run.need_other_key()
    # grey.trigger-members
    config = {"basePayload": {}, "concurrencyKey": "a", "ttl": "1h"}
    named: dict[str, Any] = {
        "type": run.name("kind"),
        "tags": [run.name("tag")],
        "callingRunId": "run_1",
        "triggerConfig": config,
    }
    has_create = "createSession" not in run.unsupported
    row = scenario.open(**(named if has_create else {}))
    for key in ids_of(row):
        seen = scenario.send("GET", run.path(key), credential=other)
        scenario.expect(seen, 404, "env.isolation", "retrieve of another environment's session", error=True)
        answer = scenario.try_close(key, {"reason": "theirs"}, credential=other)
        scenario.expect(answer, 404, "env.isolation", "close of another environment's session", error=True)
    if has_create and "listSessions" not in run.unsupported:
        # Once its own environment's list shows it, a list of another has had its chance to.
        list_until(scenario, lambda rows: any(each["id"] == row["id"] for each in rows), type=row["type"])
        for filters in ({"type": row["type"]}, {"tags": row["tags"][0]}, {"status": "ACTIVE"}):
            if any(each["id"] == row["id"] for each in scenario.listed(credential=other, **filters)):
                raise scenario.fail("env.isolation", "no session of another environment in a list", row["id"])
    scenario.assert_unchanged(row, "env.isolation")
    scenario.close(row, {"reason": ""}, look=False)


@pytest.mark.clause("id.exact", "id.decoding")
@pytest.mark.partly("id.no-fallback", "id.unknown")
def test_one_session_does_not_answer_to_ids_that_are_almost_its_own(run: Run, scenario: Scenario) -> None:
    prefix, row = run.contract.friendly_prefix, scenario.open()
    without = row["id"].removeprefix(prefix)
    for change in near_friendly_ids(prefix):
        assert_unknown(scenario, change.of(row["id"]), "id.exact", f"a friendly id {change.what}")
    for key, what in (
        (without, "a friendly id without its prefix"),
        (prefix.title() + without, "a friendly id with its prefix in title case"),
        *((prefix + each, "the friendly prefix before an externalId") for each in [row["externalId"]] if each),
    ):
        assert_unknown(scenario, key, "id.no-fallback", what)
    seen = scenario.send("GET", run.raw_path(quote(ids_of(row)[-1], safe="") + "%FF"))
    scenario.expect_status(seen, (400, 404), "id.decoding", "retrieve by a path with %FF")
    seen = scenario.send("GET", run.path(run.name("y" * 300)))
    scenario.expect(seen, (404, 414, 431), "id.unknown", "an unknown id of 300 characters")


def assert_unknown(scenario: Scenario, key: str, clause: str, what: str) -> None:
    """Retrieve by an id that no session has is 404; somebody else's session with exactly this id is left alone."""
    seen = scenario.send("GET", scenario.target.path(key))
    is_anothers = seen.status == 200 and isinstance(seen.value, dict) and seen.value.get("id") == key
    if not is_anothers:
        scenario.expect(seen, 404, clause, f"retrieve by {what}", error=True)


@pytest.mark.clause("id.exact", "id.external", "close.only-one")
def test_external_ids_count_to_the_letter(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    longest = run.contract.schema("CreateSession").definition["properties"]["externalId"]["maxLength"]
    # What makes it longer leaves it an externalId.
    name = long_name(run.name(), longest - 10)
    row = scenario.create(name)
    for what, key in near_long_names(name):
        seen = scenario.send("GET", run.path(key))
        scenario.expect(seen, 404, "id.exact", f"retrieve by an externalId with {what}", error=True)
    scenario.assert_same({"externalId": name}, row, "id.external", "create")
    other = scenario.try_create(name.swapcase())
    scenario.expect(other, 201, "id.exact", "create with an externalId with other letter case")
    closed = scenario.try_close(name.swapcase(), {"reason": "the other"})
    scenario.expect(closed, 200, "id.exact", "close by an externalId with other letter case")
    after = scenario.retrieve(name)
    scenario.assert_same({"id": row["id"]}, after, "id.external", "retrieve by its externalId")
    scenario.assert_same({"closedAt": None}, after, "close.only-one", "retrieve after another close")


@pytest.mark.clause("id.external", "id.decoding")
@pytest.mark.partly("id.prefix")
def test_odd_external_ids_mean_their_rows(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    prefix = run.contract.friendly_prefix
    digits = "".join(each for each in run.name() if each.isdigit()).rjust(32, "0")[-32:]
    uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    odd = [("id.prefix", near(prefix, run.name())) for near in NEAR_NAMES]
    odd += [("id.external", uuid), ("id.external", "c" + digits[-24:]), ("id.decoding", f"{run.name()}{ODD_PART}x")]
    for clause, external_id in odd:
        made = scenario.try_create(external_id)
        scenario.expect(made, 201, clause, f"create with the externalId {external_id!r}")
        seen = scenario.send("GET", run.path(external_id))
        scenario.expect(seen, 200, clause, f"retrieve by the externalId {external_id!r}")
        expected = {"id": made.value["id"], "externalId": external_id}
        scenario.assert_same(expected, seen.value, clause, f"retrieve by the externalId {external_id!r}")
    lower = re.sub("%..", lambda escape: escape[0].lower(), quote(odd[-1][1], safe=""))
    seen = scenario.send("GET", run.raw_path(lower))
    scenario.expect(seen, 200, "id.decoding", "retrieve by an externalId that is encoded in lower case")


@pytest.mark.clause("body.malformed", "body.limit", "body.no-effect", "reason.limit", "reason.verbatim", "error.order")
@pytest.mark.partly("body.limit-bytes", "body.limit-chunked", "reason.type")
def test_one_session_refuses_wrong_bodies_and_closes_in_the_end(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    keys = ids_of(row)
    for what, content in BODIES:
        answer = scenario.try_close(row["id"], content)
        scenario.expect(answer, REFUSED, "body.malformed", f"a close body that is {what}", error=True)
    assert_sizes_refused(run, scenario, row["id"], keys[-1])
    for number, reason in enumerate(REASONS):
        answer = scenario.try_close(keys[number % len(keys)], {"reason": reason})
        scenario.expect(answer, REFUSED, "reason.type", f"a reason that is {reason!r}", error=True)
    most = run.contract.reason_max_length
    for content in (encoded(("e\u0301" * most)[: most + 1]), encoded("x" * most + " ")):
        answer = scenario.try_close(row["id"], content)
        scenario.expect(answer, REFUSED, "reason.limit", f"a reason of {most + 1} characters", error=True)
    answer = scenario.try_close(run.name(), b"{")
    scenario.expect(answer, REFUSED, "error.order", "a body that is not JSON, for an unknown session")
    scenario.assert_unchanged(row, "body.no-effect")
    closed = scenario.close(row, encoded(EVERY_PITFALL), by=keys[-1])
    answer = scenario.try_close(row["id"], b"{")
    scenario.expect(answer, REFUSED, "error.order", "a body that is not JSON, for a closed session")
    scenario.close_again(closed, {}, by=keys[-1])


def assert_sizes_refused(run: Run, scenario: Scenario, key: str, name: str) -> None:
    """Bodies over the limit are 413, however they are long and however they are sent."""
    operation = run.contract.operations["closeSession"].body
    assert operation is not None
    limit = operation.limit_bytes
    bodies = oversized(limit, run.contract.reason_max_length)
    for what, content in bodies:
        answer = scenario.try_close(key, content)
        scenario.expect(answer, 413, "body.limit-bytes", f"a close body of {len(content)} bytes: {what}")
    large = bodies[-1].content
    answer = scenario.send("POST", run.close_path(key), chunks=[large[:64], large[64:]])
    scenario.expect(answer, 413, "body.limit-chunked", "a chunked close body over the limit")
    answer = scenario.try_close(name, large, media_type="text/plain")
    scenario.expect(answer, (413, 415), "body.limit", "a close body over the limit as text/plain")
    answer = scenario.try_close(name, b"{" + b" " * limit)
    scenario.expect(answer, 413, "error.order", "a body that is too large and not JSON")
