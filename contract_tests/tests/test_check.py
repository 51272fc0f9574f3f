"""Whole checks in this process: lawful servers pass, faulty ones fail with proof, what could not run is said."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conforming_servers import LAWFUL
from runs import KEY, OTHER, run_against

import adjourn_contract
from adjourn_contract.check import CheckOptions, check_in_process
from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.run import PROFILES
from adjourn_contract.reports.summary import conclusion
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_mock import MockServer, create_app
from adjourn_mock.faults import FAULTS
from adjourn_spec import load_contract, openapi_path, read_document

TESTS = sorted(Path(adjourn_contract.__file__).parent.glob("clauses/**/test_*.py"))


def checked(url: str, *clauses: str, contract: Any = None, **options: Any) -> Verdicts:
    """The verdicts of a standard check with both keys, in this process."""
    given = {"secret_key": KEY, "other_secret_key": OTHER, "profile": "standard", **options}
    return check_in_process(contract or load_contract(), CheckOptions(url=url, clause=clauses, **given))


def states(verdicts: Verdicts) -> dict[str, str]:
    return {verdict.clause: verdict.state for verdict in verdicts}


# A server may lack channels, tokens for browsers and runs, and may have them without an agent.
AROUND_A_CHAT = ("channel.", "token.", "run.")


def not_passed(verdicts: Verdicts) -> list[tuple[str, str, str]]:
    """What did not pass, apart from what a server may lack around a chat."""
    return [
        (each.clause, each.state, each.reason)
        for each in verdicts
        if each.state != "passed" and not (each.kind == "not applicable" and each.clause.startswith(AROUND_A_CHAT))
    ]


def failed(verdicts: Verdicts) -> list[str]:
    return [verdict.clause for verdict in verdicts.failed]


def marked_clauses() -> set[str]:
    slugs: set[str] = set()
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.clause":
                slugs |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return slugs


def test_every_clause_has_a_test_and_a_fault() -> None:
    owed = {slug for slug, clause in load_contract().clauses.items() if clause.level == "must"}
    assert marked_clauses() == owed
    assert {fault.clause for fault in FAULTS.values()} == owed


def test_each_fault_says_something_else() -> None:
    assert len({fault.summary for fault in FAULTS.values()}) == len(FAULTS)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", [name for name in LAWFUL if name not in ("slow and limited", "only what close needs")])
def test_lawful_servers_pass_every_clause(name: str) -> None:
    with MockServer(LAWFUL[name]()) as server:
        verdicts = checked(server.url)
    assert not_passed(verdicts) == []
    assert verdicts.exit_code == 0


def test_what_a_lawful_server_lacks_is_not_applicable() -> None:
    with MockServer(LAWFUL["only what close needs"]()) as server:
        verdicts = checked(server.url)
    assert {each.kind for each in verdicts if each.state != "passed"} == {"not applicable"}
    assert {"list.page", "update.applied", "close.listed"} <= {slug for slug, *_ in not_passed(verdicts)}
    assert verdicts.exit_code == 0


@pytest.mark.timeout(200)
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize(
    "options",
    [
        "",
        "ids=short times=seconds errors=problem invalid=400 idle=50 eager=1 large=422",
        "ids=uuid times=micro refusal=422 units=points nul=refused media=strict connections=single written=pretty"
        " runs=none first=method cursors=forward",
    ],
)
def test_a_lawful_server_by_other_hands_passes_every_clause(options: str) -> None:
    command = ["node", str(Path(__file__).with_name("independent_server.mjs")), *options.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            verdicts = checked(server.stdout.readline().strip())
        finally:
            server.terminate()
    assert not_passed(verdicts) == []


@pytest.mark.timeout(200)
def test_a_slow_server_that_limits_its_rate_is_not_accused() -> None:
    with MockServer(LAWFUL["slow and limited"]()) as server:
        verdicts = checked(server.url, "close.m*", "close.idempotent")
    assert failed(verdicts) == []
    assert verdicts.exit_code == 0


@pytest.mark.parametrize("dialect", ["documented", "server"])
def test_each_dialect_of_the_mock_satisfies_itself_and_not_the_other(dialect: str) -> None:
    other = {"documented": "server", "server": "documented"}[dialect]
    with MockServer(dialect=dialect) as server:
        assert checked(server.url, "body.*", "reason.*", dialect=dialect).exit_code == 0
        assert checked(server.url, fail_fast=True, dialect=other).exit_code == 1


class TestWithoutCreate:
    """A server whose create is not there: what needs no session of the check's own is checked all the same."""

    SESSIONS = tuple({"id": f"session_pool{number:024d}", "externalId": f"pool_{number}"} for number in range(400))

    @pytest.fixture
    def url(self) -> Any:
        app = create_app(seed={"sessions": list(self.SESSIONS)})

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"] == "/api/v1/sessions":
                start = {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]}
                await send(start)
                await send({"type": "http.response.body", "body": b"no"})
                return
            await app(scope, receive, send)

        with MockServer(serve) as server:  # type: ignore[arg-type]
            yield server.url

    def test_a_pool_of_sessions_stands_in(self, url: str, tmp_path: Path) -> None:
        pool = tmp_path / "pool.json"
        pool.write_text(json.dumps(self.SESSIONS))
        verdicts = checked(url, session_pool=str(pool))
        seen = states(verdicts)
        assert failed(verdicts) == []
        assert seen["reason.type"] == "passed"
        assert seen["id.prefix"] == seen["close.recreate"] == "not checked"
        assert verdicts.exit_code == 2

    def test_without_a_pool_every_clause_has_a_reason_and_the_exit_code_is_2(self, url: str) -> None:
        verdicts = checked(url)
        assert verdicts.exit_code == 2
        assert [each for each in verdicts if each.state == "not checked" and not each.reason] == []
        assert states(verdicts)["close.closes"] == "not checked"
        assert "--session-pool" in list(conclusion(verdicts))[-1]


def test_with_one_key_isolation_is_not_checked_and_the_exit_code_is_2() -> None:
    with MockServer() as server:
        verdicts = checked(server.url, "env.isolation", "reason.optional", other_secret_key=None)
        allowed = checked(server.url, "env.isolation", "reason.optional", other_secret_key=None, allow_incomplete=True)
    isolation = next(each for each in verdicts if each.clause == "env.isolation")
    assert (isolation.state, isolation.kind, isolation.remedy) == ("not checked", "could not run", "--other-secret-key")
    assert states(verdicts)["reason.optional"] == "passed"
    assert verdicts.exit_code == 2
    assert "missing: --other-secret-key" in list(conclusion(verdicts))[-1]
    assert allowed.exit_code == 0


def test_a_time_budget_that_ends_early_leaves_clauses_not_checked() -> None:
    with MockServer() as server:
        verdicts = checked(server.url, profile="standard", time_budget=1.5)
    reasons = {each.reason for each in verdicts if each.state == "not checked"}
    assert reasons == {"the time budget is used up"}
    assert verdicts.exit_code == 2


def test_a_fault_that_stops_every_test_is_one_failure_with_what_it_affects() -> None:
    with MockServer(faults=["echo-key"]) as server:
        verdicts = checked(server.url, "row.*", "reason.*", profile="smoke")
        accepted = checked(server.url, "row.*", "reason.*", profile="smoke", accept=("row.no-secrets",))
    secrets = next(each for each in verdicts if each.clause == "row.no-secrets")
    assert failed(verdicts) == ["row.no-secrets"]
    assert {"reason.optional", "row.schema"} <= set(secrets.affects)
    assert verdicts.exit_code == 1
    assert states(accepted)["row.no-secrets"] == "accepted"
    assert accepted.exit_code == 2


def test_an_accepted_clause_does_not_fail_the_check() -> None:
    with MockServer(faults=["reason-trimmed"]) as server:
        verdicts = checked(server.url, "reason.verbatim", accept=("reason.verbatim",), allow_incomplete=True)
    assert states(verdicts)["reason.verbatim"] == "accepted"
    assert verdicts.exit_code == 0


def test_a_refused_key_is_said_in_one_line() -> None:
    with MockServer(secret_keys=["tr_dev_another"]) as server:
        verdicts = checked(server.url)
    assert verdicts.error == "the server refuses the secret key (401)"
    assert verdicts.exit_code == 2


def test_the_probes_move_with_the_document(tmp_path: Path) -> None:
    document = read_document(openapi_path())
    document["components"]["schemas"]["CloseSession"]["properties"]["reason"]["maxLength"] = 100
    document["components"]["schemas"]["SessionId"]["x-friendly-prefix"] = "sess_"
    document["paths"]["/api/v1/sessions/{session}/close"]["post"]["requestBody"]["x-body-limit-bytes"] = 512
    spec = tmp_path / "other.yaml"
    spec.write_text(yaml.safe_dump(document))
    moved = load_contract(spec)
    clauses = ("reason.limit", "body.limit*", "row.prefixes", "id.*")
    with MockServer(contract=moved) as server:
        assert checked(server.url, *clauses, contract=moved, spec=str(spec)).exit_code == 0
        against = failed(checked(server.url, *clauses))
    assert set(against) & {"reason.limit", "body.limit", "row.prefixes"}


def test_what_the_check_creates_is_closed_and_not_more_than_was_announced() -> None:
    app = create_app()
    with MockServer(app) as server:
        verdicts = checked(server.url)
        rows = [row for each in app.environments for row in asyncio.run(app.service.store.snapshot(each.id))]
    assert verdicts.exit_code == 0
    assert 100 < len(rows) <= PROFILES["standard"].sessions
    assert [row for row in rows if row.closed_at is None] == []
    assert verdicts.observed.left_open == 0


def test_a_proof_sends_added_headers_from_variables_and_shows_no_value() -> None:
    with MockServer(faults=["reason-trimmed"]) as server:
        verdicts = checked(server.url, "reason.verbatim", header=("CF-Access-Client-Secret: s3cr3t-value",))
    proof = next(verdict.proof for verdict in verdicts if verdict.clause == "reason.verbatim")
    assert proof is not None
    added = '-H "CF-Access-Client-Secret: ${CF_ACCESS_CLIENT_SECRET:?}"'
    assert f'curl() {{ command curl {added} "$@"; }}' in proof.curl
    assert "s3cr3t-value" not in str(proof)


def test_options_of_depth_and_of_list_lag_reach_the_run() -> None:
    from adjourn_contract.engine.setup import make_run

    given = {"url": "http://127.0.0.1:9", "secret-key": KEY, "profile": "smoke", "depth": 5, "list-lag": 0.5}
    run = make_run(lambda name, variable=None: given.get(name))
    assert (run.profile.sequences, run.list_lag_seconds) == ((("standard", 5),), 0.5)


def test_a_task_is_that_of_every_session_that_names_none() -> None:
    app = create_app()
    with MockServer(app) as server, run_against(server.url) as run:
        run.task = "my-own-task"
        assert run.scenario().open()["taskIdentifier"] == "my-own-task"


def test_closing_at_the_end_is_bounded_and_what_is_left_open_is_counted() -> None:
    with MockServer() as server, run_against(server.url) as run:
        for _ in range(3):
            run.scenario().open()
        run.limit_time(time.monotonic())
        run.close_all()
        assert run.left_open == 3


def test_a_run_notes_what_was_covered() -> None:
    with MockServer() as server, run_against(server.url) as run:
        run.scenario().open()
        run.add_note("all sequences passed")
        first, second = run.observe(), run.observe()
    assert (first.requests, first.notes) == (2, ("all sequences passed",))
    assert (second.requests, second.notes) == (0, ())


def test_the_same_seed_sends_the_same_requests() -> None:
    def requests() -> list[str]:
        app = create_app(id_seed=1)
        with MockServer(app) as server:
            assert checked(server.url, "close.terminal", "reason.*", seed=7).exit_code == 0
        journal = next(iter(app.environments)).journal
        # Moments differ, and of what is too large nothing is recorded but its beginning.
        seen = [e for e in journal if b"expiresAt" not in e.request_body and e.status != 413]
        # Friendly ids are the server's, given in the order in which the creates come.
        friendly = re.compile(rb"session_[0-9a-z]{20,}")
        return sorted(str((e.method, friendly.sub(b"session_id", e.raw_path), e.request_body)) for e in seen)

    first, second = requests(), requests()
    assert len(first) > 100
    assert first == second


def test_an_operation_that_is_missing_names_its_remedy() -> None:
    with MockServer() as server, run_against(server.url) as run:
        run.unsupported["createSession"] = "the server has no create"
        with pytest.raises(NotChecked) as raised:
            run.need("createSession")
    assert raised.value.remedy == "--session-pool"
