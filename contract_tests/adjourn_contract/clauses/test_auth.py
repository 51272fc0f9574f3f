"""Who may call: the auth clauses."""

from __future__ import annotations

import base64

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import CHAT, Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.engine.tokens import Token

OPERATIONS = ("closeSession", "retrieveSession", "createSession", "updateSession", "listSessions")


def attempt(scenario: Scenario, operation: str, row: Row, authorization: str | None):  # type: ignore[no-untyped-def]
    """Call an operation on a session with other credentials."""
    run = scenario.target
    run.need(operation)
    options = {"credential": None} if authorization is None else {"authorization": authorization}
    if operation == "createSession":
        return scenario.send("POST", run.collection, {**CHAT, "externalId": run.name()}, **options)
    if operation == "listSessions":
        return scenario.send("GET", run.collection, **options)
    if operation == "updateSession":
        return scenario.send("PATCH", run.path(row["id"]), {"tags": ["intruder"]}, **options)
    if operation == "closeSession":
        return scenario.send("POST", run.close_path(row["id"]), {"reason": "intruder"}, **options)
    return scenario.send("GET", run.path(row["id"]), **options)


def refused(  # type: ignore[no-untyped-def]
    scenario: Scenario,
    row: Row,
    authorization: str | None,
    clause: str,
    what: str,
    operations=OPERATIONS,
    statuses=(401,),
) -> None:
    """The same credentials are 401 everywhere, and nothing happens."""
    for operation in operations:
        if operation not in scenario.target.unsupported:
            answer = attempt(scenario, operation, row, authorization)
            scenario.expect(answer, statuses, clause, f"{operation} {what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.required", "auth.no-effect")
def test_without_credentials_every_operation_is_401(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    refused(scenario, row, None, "auth.required", "without an Authorization header")
    for path in (run.close_path(ids_of(row)[-1]), run.close_path(run.name())):
        for body in (None, {}, {"reason": "x"}):
            answer = scenario.send("POST", path, body, credential=None)
            scenario.expect(answer, 401, "auth.required", "close without an Authorization header", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.required")
def test_a_key_elsewhere_is_no_authorization(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for headers in (
        ("X-Api-Key", run.key),
        ("Proxy-Authorization", f"Bearer {run.key}"),
        ("Cookie", f"token={run.key}"),
    ):
        answer = scenario.send("POST", run.close_path(row["id"]), {}, credential=None, headers=[headers])
        scenario.expect(answer, 401, "auth.required", f"close with the key in {headers[0]} alone")
    for name in ("token", "access_token", "api_key"):
        answer = scenario.send("POST", f"{run.close_path(row['id'])}?{name}={run.key}", {}, credential=None)
        scenario.expect(answer, 401, "auth.required", f"close with the key in the query, as {name}")
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.scheme", "auth.no-effect")
def test_other_schemes_and_empty_tokens_are_401(run: Run) -> None:
    key = run.key
    basic = base64.b64encode(f"{key}:".encode()).decode()
    values = [
        f"Basic {basic}", f"Basic {key}", f"Token {key}", f"ApiKey {key}", f"Digest {key}", f"bearer {key}", f"BEARER {key}",
        "Bearer", "Bearer  ", f"Bearer{key}", f"Bearer: {key}", f"X Bearer {key}", f"Bearer={key}",
        f"Bearer,{key}", f"JWT {key}", f"Negotiate {key}", "", " ",
    ]  # fmt: skip
    run.each(
        values,
        lambda scenario, value: refused(
            scenario,
            scenario.open(),
            value,
            "auth.scheme",
            f"with Authorization {value.replace(key, 'KEY')!r}",
            OPERATIONS[:2],
        ),
    )


@pytest.mark.clause("auth.unknown-key", "auth.no-effect")
def test_keys_that_are_not_exactly_registered_are_401(run: Run) -> None:
    key = run.key
    kind, _, rest = key.rpartition("_")
    changed = "x" if key[-1] != "x" else "y"
    keys = {
        "an unknown key": "tr_dev_nobodyhasthiskey0123456789",
        "an unknown key of production": "tr_prod_nobodyhasthiskey0123456789",
        "characters added": key + "x", "a digit added": key + "0", "a character less": key[:-1], "a character before": "x" + key,
        "upper case": key.upper(), "swapped case": key.swapcase(), "a capital": key[:1].upper() + key[1:], "title case": f"{kind}_{rest.title()}",
        "its prefix": f"{kind}_", "another last character": key[:-1] + changed,
        "the key twice": key + key, "the word Bearer before the key": f"Bearer {key}", "the key in quotes": f'"{key}"', "the key and a word": f"{key} x", "the key with a comma": f"{key},", "the key percent-encoded": key.replace("_", "%5F"),
        "a word": "undefined", "null": "null", "a star": "*", "dashes": key.replace("_", "-"), "a long suffix": key + "_" + "x" * 40,
        "without its prefix": rest, "a key of additional form": f"{kind}_sk_nobody", "characters added behind a dot": key + ".x",
    }  # fmt: skip
    unlike = [(what, value) for what, value in keys.items() if value not in (key, run.other_key)]
    run.each(
        unlike,
        lambda scenario, case: refused(
            scenario, scenario.open(), f"Bearer {case[1]}", "auth.unknown-key", f"with {case[0]}", OPERATIONS[:2]
        ),
    )
    scenario = run.scenario()
    refused(
        scenario, scenario.open(), "Bearer tr_dev_nobodyhasthiskey0123456789", "auth.unknown-key", "with an unknown key"
    )


@pytest.mark.clause("auth.unknown-key", "auth.no-effect")
def test_a_key_of_another_kind_of_environment_is_another_key(run: Run) -> None:
    prefixes = run.contract.key_prefixes.values()
    rest = next((run.key.removeprefix(prefix) for prefix in prefixes if run.key.startswith(prefix)), None)
    if rest is None:
        return

    def play(scenario: Scenario, prefix: str) -> None:
        # Another environment may have it, and has not this session.
        what = f"with the key after {prefix}"
        refused(
            scenario,
            scenario.open(),
            f"Bearer {prefix}{rest}",
            "auth.unknown-key",
            what,
            OPERATIONS[:2],
            statuses=(401, 404),
        )

    run.each([prefix for prefix in prefixes if not run.key.startswith(prefix)], play)


@pytest.mark.clause("auth.required", "auth.unknown-key", "auth.scheme", "auth.no-effect")
def test_a_closed_session_lets_nobody_in_either(run: Run) -> None:
    wrong = {
        None: ("auth.required", "without an Authorization header"),
        "Bearer tr_dev_nobodyhasthiskey0123456789": ("auth.unknown-key", "with an unknown key"),
        f"Basic {run.key}": ("auth.scheme", "with another scheme"),
    }

    def play(scenario: Scenario, authorization: str | None) -> None:
        clause, what = wrong[authorization]
        closed = scenario.close(scenario.open(), {"reason": "closed"})
        refused(scenario, closed, authorization, clause, f"{what}, of a closed session", OPERATIONS[:2])
        answer = attempt(scenario, "closeSession", {"id": ids_of(closed)[-1]}, authorization)
        scenario.expect(answer, 401, clause, f"close {what} by a closed session's externalId")

    run.each(wrong, play)


@pytest.mark.clause("auth.first", "auth.no-effect")
def test_credentials_are_checked_before_anything_else(run: Run) -> None:
    limit = run.contract.operations["closeSession"].body.limit_bytes  # type: ignore[union-attr]
    bodies = {
        "a body that is too large": b"x" * (limit + 1), "a much larger body": b"x" * (limit * 20), "a body that is no JSON": b"{", "an array": b"[]",
        "a reason that is too long": {"reason": "x" * (run.contract.reason_max_length + 1)}, "a reason that is no string": {"reason": 5}, "a body that is right": {},
    }  # fmt: skip

    def play(scenario: Scenario, case: tuple[str, object]) -> None:
        what, body = case
        row = scenario.open()
        for path in (
            run.close_path(row["id"]),
            run.close_path(run.name()),
            run.close_path(run.contract.friendly_prefix + "nobody"),
        ):
            for options in (
                {"credential": "tr_dev_nobodyhasthiskey0123456789"},
                {"credential": None},
                {"credential": "a.b.c"},
            ):
                answer = scenario.send("POST", path, body, **options)
                scenario.expect(answer, 401, "auth.first", f"close with wrong credentials and {what}")
        for method, target in (("GET", run.path(run.name())), ("PATCH", run.path(run.name()))):
            if method == "GET" or "updateSession" not in run.unsupported:
                answer = scenario.send(
                    method, target, body if method == "PATCH" else None, credential="tr_dev_nobodyhasthiskey0123456789"
                )
                scenario.expect(answer, 401, "auth.first", f"{method} of an unknown session with wrong credentials")
        scenario.assert_unchanged(row, "auth.no-effect")

    run.each(bodies.items(), play)


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


@pytest.mark.clause("auth.secret-only")
def test_a_token_cannot_tell_whether_a_session_exists_by_closing(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    other = scenario.open()
    for key in (other["id"], run.name(), run.contract.friendly_prefix + "nobody"):
        scenario.expect(
            scenario.try_close(key, {}, credential=token),
            403,
            "auth.secret-only",
            "close of another session with a token",
        )
    scenario.assert_unchanged(other, "auth.no-effect")


@pytest.mark.clause("auth.token-invalid", "auth.no-effect")
def test_tokens_that_are_not_good_are_401(run: Run) -> None:
    Token.need(run)
    scenario = run.scenario()
    external_id = run.name()
    created = scenario.create(external_id)
    row = scenario.retrieve(created["id"])
    token = Token.of(created["publicAccessToken"])
    bad = {"a bad signature": token.tampered(), "no signature": token.unsigned(), "the algorithm none": token.without_algorithm(),
           "another payload": token.with_payload(scopes=["admin", "write:sessions", f"read:sessions:{external_id}"]),
           "a signature with another secret": token.signed("tr_dev_nobodyhasthiskey0123456789")}  # fmt: skip
    if run.other_key is not None:
        bad["a signature with another environment's key"] = token.signed(run.other_key)
    if token.is_signed_with(run.key):
        bad["an expiry in the past"] = token.signed(run.key, exp=1_600_000_000)
        bad["an expiry a minute ago"] = token.signed(run.key, expires_in_seconds=-60)
    for what, value in bad.items():
        for answer in (
            scenario.send("GET", run.path(external_id), credential=value),
            scenario.send("GET", run.path(row["id"]), credential=value),
            scenario.try_close(external_id, {"reason": "bad token"}, credential=value),
        ):
            scenario.expect(answer, 401, "auth.token-invalid", f"a public access token with {what}", error=True)
    scenario.assert_unchanged(row, "auth.no-effect")


@pytest.mark.clause("auth.secret-only")
def test_a_token_reads_no_session_but_its_own(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    token = scenario.create()["publicAccessToken"]
    other = scenario.open()
    for key in ids_of(other):
        answer = scenario.send("GET", run.path(key), credential=token)
        scenario.expect(answer, (401, 403, 404), "auth.secret-only", "retrieve of another session with a token")


@pytest.mark.clause("token.shape")
def test_the_public_access_token_is_a_jwt_for_its_session(run: Run) -> None:
    Token.need(run)
    rule = run.contract.token
    tolerance_seconds = 300

    def play(scenario: Scenario, external_id: str | None) -> None:
        row = scenario.create(external_id)
        token = Token.of(row["publicAccessToken"])
        granted = {f"{grant}:{ids_of(row)[-1]}" for grant in rule.grants}
        scopes = token.claims.get("scopes")
        expiry = token.claims.get("exp")
        lasts = expiry - seconds(row["createdAt"]) if isinstance(expiry, int | float) else None
        for what, expected, is_so, got in (
            ("alg", rule.algorithm, token.header.get("alg") == rule.algorithm, token.header.get("alg")),
            ("pub", True, token.claims.get("pub") is True, token.claims.get("pub")),
            ("sub", "the environment", bool(token.claims.get("sub")), token.claims.get("sub")),
            ("scopes", f"{sorted(granted)} and none that means more", _grants(scopes, granted), scopes),
            (
                "exp",
                f"{rule.lifetime_seconds} seconds after createdAt",
                lasts is not None and abs(lasts - rule.lifetime_seconds) < tolerance_seconds,
                lasts,
            ),
        ):
            if not is_so:
                raise scenario.fail("token.shape", f"{what} of the public access token to be {expected}", repr(got))
        # With an additional key of the environment the token is signed with its main one.
        if "_sk_" not in run.key and not token.is_signed_with(run.key):
            raise scenario.fail("token.shape", "a public access token signed with the secret key", "another signature")

    run.each([run.name(), None], play)


def _grants(scopes: object, granted: set[str]) -> bool:
    """Whether scopes grant what they should, and nothing of other sessions."""
    if not isinstance(scopes, list) or not granted <= set(scopes):
        return False
    return not any(
        str(scope).startswith(("admin", "*")) or str(scope).endswith((":sessions", ":all")) for scope in scopes
    )
