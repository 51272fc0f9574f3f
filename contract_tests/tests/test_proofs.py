"""Proofs: their commands reproduce a failure on the faulty server and show nothing wrong on a lawful one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn_contract.clauses import test_lists
from adjourn_contract.clauses.chats import test_channels, test_public_tokens, test_runs
from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.run import PROFILES, Run
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.engine.tokens import Token
from adjourn_contract.proofs.evidence import Evidence
from adjourn_contract.proofs.failure import Failure
from adjourn_contract.proofs.overlaps import claims_of_overlaps
from adjourn_contract.proofs.proving import Written, told, written
from adjourn_contract.proofs.quoting import pipe, word
from adjourn_contract.proofs.replaying import Player
from adjourn_contract.proofs.shrinking import Bounds, renumbered, shrunk
from adjourn_contract.proofs.story import Story
from adjourn_contract.proofs.texts import Vocabulary, filled
from adjourn_contract.proofs.wording import sent_in_words
from adjourn_contract.transport.exchange import Exchange
from adjourn_contract.transport.wire import Wire
from adjourn_mock import MockServer
from adjourn_spec import load_contract

KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"
RUN_DIGITS = "481516234200"
Play = Callable[[Run, Scenario], object]

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


# the failures, each with the fault that it shows


def close_with_a_trimmed_reason(run: Run, scenario: Scenario) -> None:
    scenario.close(scenario.open(), {"reason": " a b "})


def close_twice(run: Run, scenario: Scenario) -> None:
    closed = scenario.close(scenario.open(), {"reason": "first"})
    for number in range(4):
        scenario.close_again(closed, {"reason": f"later {number}"})


def close_with_a_body_that_is_too_large(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    answer = scenario.try_close(row["id"], b'{"x":"' + b"x" * 131_072 + b'"}')
    scenario.expect(answer, 413, "body.limit", "a close body of 131080 bytes")


def close_by_an_id_in_other_letter_case(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    answer = scenario.try_close("session_" + row["id"].removeprefix("session_").upper())
    scenario.expect(answer, 404, "id.exact", "close by a friendly id in upper case")


def retrieve_with_an_expired_token(run: Run, scenario: Scenario) -> None:
    created = scenario.create()
    token = Token.of(created["publicAccessToken"]).signed(KEY, expires_in_seconds=-60)
    answer = scenario.send("GET", run.path(created["id"]), credential=token)
    scenario.expect(answer, 401, "auth.token-invalid", "retrieve with an expired token")


def close_from_another_environment(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    scenario.expect(scenario.try_close(row["id"], credential=OTHER), 404, "env.isolation", "close with another key")


def list_with_the_configuration(run: Run, scenario: Scenario) -> None:
    scenario.open(type=run.name("kind"))
    scenario.listed(externalId=scenario.exchanges[-1].value["externalId"])


def stream_three_records(run: Run, scenario: Scenario) -> None:
    test_channels.test_a_stream_carries_each_record_once_and_resumes(scenario)


def close_beside_a_channel(run: Run, scenario: Scenario) -> None:
    test_channels.test_a_first_close_appends_one_record_with_its_reason_and_ends_appends(scenario)


def sign_a_token_with_the_claims(run: Run, scenario: Scenario) -> None:
    run.token = run.scenario().create()["publicAccessToken"]
    test_public_tokens.test_a_client_signs_tokens_with_the_claims_of_its_environment(run, scenario)


def ask_for_a_run(run: Run, scenario: Scenario) -> None:
    test_runs.test_the_current_run_of_a_session_is_there_and_its_flags_agree(run, scenario)


def filter_lists(run: Run, scenario: Scenario) -> None:
    test_lists.test_a_filter_shows_the_sessions_that_match_and_no_others(run, scenario)


FAILURES: dict[str, Play] = {
    "stream-skips-a-record": stream_three_records,
    "close-record-without-reason": close_beside_a_channel,
    "claims-of-nobody": sign_a_token_with_the_claims,
    "client-signed-tokens-401": sign_a_token_with_the_claims,
    "run-of-another-task": ask_for_a_run,
    "list-ignores-tags": filter_lists,
    "list-first-tag-only": filter_lists,
    "reason-trimmed": close_with_a_trimmed_reason,
    "later-close-replaces-reason": close_twice,
    "limit-none": close_with_a_body_that_is_too_large,
    "id-friendly-any-case": close_by_an_id_in_other_letter_case,
    "token-expired": retrieve_with_an_expired_token,
    "environments-403": close_from_another_environment,
    "list-with-config": list_with_the_configuration,
    "close-204": close_twice,
    "row-tags-null": close_twice,
    "times-with-space": close_twice,
    "type-text": close_twice,
    "echo-key": close_twice,
}


@contextmanager
def running(server: MockServer) -> Iterator[Run]:
    wire = Wire(server.url)
    run = Run(
        wire=wire,
        contract=load_contract(),
        key=KEY,
        other_key=OTHER,
        dialect=None,
        tag=RUN_DIGITS,
        profile=PROFILES["smoke"],
    )
    run.url = server.url
    try:
        yield run
    finally:
        wire.close()


def story_of_failure(run: Run, play: Play) -> Story:
    scenario = run.scenario()
    with pytest.raises(ClauseFailed) as caught:
        play(run, scenario)
    error = caught.value
    failure = Failure(error.expected, error.got, error.exchanges, run.secrets, run.contract, error.row, error.claims)
    return told(failure, error.clause, url=run.url, key=KEY, other_key=OTHER, run=RUN_DIGITS)


@pytest.fixture(scope="module")
def proofs() -> dict[str, Written]:
    made = {}
    for fault, play in FAILURES.items():
        with MockServer(faults=[fault]) as server, running(server) as run:
            player = Player(run.wire, KEY, OTHER, Random(1), run.remember)
            story = renumbered(shrunk(story_of_failure(run, play), player, Bounds()))
            made[fault] = written(story, "The statement of the clause.")
    return made


def run_script(path: Path, server: MockServer, shell: str = "sh") -> int:
    environ = {
        **os.environ,
        "TRIGGER_API_URL": server.url,
        "TRIGGER_SECRET_KEY": KEY,
        "ADJOURN_OTHER_SECRET_KEY": OTHER,
    }
    done = subprocess.run([shell, str(path)], env=environ, capture_output=True, timeout=60, check=False)
    return done.returncode


@pytest.mark.parametrize("fault", FAILURES)
def test_the_script_of_a_proof_fails_on_the_faulty_server_and_passes_on_a_lawful_one(
    fault: str, proofs: dict[str, Written], tmp_path: Path
) -> None:
    script = tmp_path / "proof.sh"
    script.write_text(proofs[fault].script or "exit 3")
    with MockServer(faults=[fault]) as faulty, MockServer() as lawful:
        assert [run_script(script, faulty), run_script(script, lawful)] == [1, 0]
        assert [run_script(script, faulty, "bash"), run_script(script, lawful, "bash")] == [1, 0]


@pytest.mark.parametrize("fault", FAILURES)
def test_the_pytest_file_of_a_proof_fails_on_the_faulty_server_and_passes_on_a_lawful_one(
    fault: str, proofs: dict[str, Written], tmp_path: Path
) -> None:
    module = tmp_path / "test_proof.py"
    module.write_text(proofs[fault].pytest_file or "")
    codes = []
    for faults in ([fault], []):
        with MockServer(faults=faults) as server:
            environ = {
                **os.environ,
                "TRIGGER_API_URL": server.url,
                "TRIGGER_SECRET_KEY": KEY,
                "ADJOURN_OTHER_SECRET_KEY": OTHER,
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            }
            command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(module)]
            done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
            codes.append(done.returncode)
    assert codes == [1, 0], done.stdout


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_commands_and_scripts_are_valid_for_both_shells(shell: str, proofs: dict[str, Written], tmp_path: Path) -> None:
    for fault, proof in proofs.items():
        for text in ("\n".join(proof.commands), proof.script or ""):
            path = tmp_path / "lines.sh"
            path.write_text(text)
            done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), fault


def test_no_proof_has_a_key_or_a_token_in_it(proofs: dict[str, Written]) -> None:
    for proof in proofs.values():
        for text in (*proof.commands, proof.script or "", proof.pytest_file or ""):
            assert KEY not in text
            assert OTHER not in text
            assert "eyJ" not in text


def test_commands_demand_the_keys_that_they_use_and_no_other(proofs: dict[str, Written]) -> None:
    for fault, proof in proofs.items():
        assert ': "${TRIGGER_SECRET_KEY:?}"' in proof.commands
        assert (': "${ADJOURN_OTHER_SECRET_KEY:?}"' in proof.commands) == (fault == "environments-403")


def test_a_long_body_is_generated_in_its_line(proofs: dict[str, Written]) -> None:
    assert max(map(len, proofs["limit-none"].commands)) < 600
    assert any("head -c 131072 /dev/zero | tr" in line for line in proofs["limit-none"].commands)
    assert "'x' * 131072" in (proofs["limit-none"].pytest_file or "")


def test_a_proof_states_in_words_what_was_sent(proofs: dict[str, Written]) -> None:
    assert proofs["limit-none"].sent.endswith("a body of 131080 bytes: x of 131072 characters, 131072 bytes")
    body = '{"reason": "' + "\u00e9" * 256 + '"}'
    exchange = Exchange("POST", "/close", (), body.encode(), chunked=False, status=200, answer_headers=(), answer=b"")
    told_of = sent_in_words(exchange)
    assert told_of == "POST /close with a body of 526 bytes: reason of 256 characters, 512 bytes"


# shrinking


def test_reads_and_later_closes_that_the_failure_does_not_need_are_left_out() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        scenario.open()
        row = scenario.open()
        closed = scenario.close(row, {"reason": "first"})
        scenario.retrieve(row["id"])
        scenario.close_again(closed, {"reason": "first"})
        scenario.close_again(closed, {"reason": "second"})

    with MockServer(faults=["later-close-replaces-reason"]) as server, running(server) as run:
        story = story_of_failure(run, play)
        smaller = shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
    assert len(story.steps) > 8
    methods = [step.exchange.method for step in smaller.steps]
    reasons = [step.exchange.body for step in smaller.steps if step.exchange.target.endswith("/close")]
    assert methods == ["POST", "POST", "POST"]
    assert reasons == [b'{"reason": "first"}', b'{"reason": "second"}']


def test_what_a_lawful_server_acts_on_is_not_left_out() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        closed = scenario.close(scenario.open(), {"reason": "first"})
        made = scenario.try_create(closed["externalId"])
        scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")

    with MockServer(faults=["create-answers-closed"]) as server, running(server) as run:
        story = story_of_failure(run, play)
        smaller = shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
    assert [step.exchange.target.rsplit("/", 1)[1] for step in smaller.steps] == ["sessions", "close", "sessions"]


def test_a_story_that_does_not_show_the_failure_again_stays_whole_and_is_played_in_rounds() -> None:
    with MockServer(faults=["reason-trimmed"]) as server, running(server) as run:
        story = story_of_failure(run, close_with_a_trimmed_reason)
    with MockServer() as lawful, running(lawful) as run:
        player = Player(run.wire, KEY, OTHER, Random(1), run.remember)
        same = shrunk(story, player, Bounds())
    assert same.steps == story.steps
    assert same.rounds > 1


def test_a_story_with_a_name_that_is_not_new_each_time_stays_whole() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        scenario.send("GET", run.path("constructor"))
        scenario.create("constructor")
        scenario.retrieve("constructor")

    with MockServer(faults=["id-miss-remembered"]) as server, running(server) as run:
        story = story_of_failure(run, play)
        same = shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
    assert same == story
    assert len(same.steps) == 3


def test_shrinking_sends_no_more_than_its_bounds() -> None:
    with MockServer(faults=["reason-trimmed"]) as server, running(server) as run:
        story = story_of_failure(run, close_with_a_trimmed_reason)
        run.wire.requests = 0
        shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds(requests=len(story.steps)))
        assert run.wire.requests == len(story.steps)


def test_sessions_of_replays_are_closed_with_the_others() -> None:
    with MockServer(faults=["reason-trimmed"]) as server, running(server) as run:
        story = story_of_failure(run, close_with_a_trimmed_reason)
        noted: list[tuple[str, Exchange]] = []
        player = Player(run.wire, KEY, OTHER, Random(1), lambda key, exchange: noted.append((key, exchange)))
        player.play(story)
    assert [(key, exchange.status) for key, exchange in noted if exchange.status == 201] == [(KEY, 201)]


# overlaps and waits


def timed(exchange: Exchange, began: float, seconds: float) -> Exchange:
    return replace(exchange, began=began, seconds=seconds)


def lines_of(exchanges: list[Exchange]) -> list[str]:
    failure = Failure("200 for a close", exchanges[-1].summary, exchanges, (KEY,), load_contract())
    story = told(failure, "close.atomic", url="http://127.0.0.1:1", key=KEY, other_key=None, run=RUN_DIGITS)
    return list(written(replace(story, rounds=3), "").commands)


def an_exchange(target: str) -> Exchange:
    return Exchange("POST", target, (), b"{}", chunked=False, status=409, answer_headers=(), answer=b"")


def test_requests_that_overlapped_run_side_by_side() -> None:
    lines = lines_of([timed(an_exchange("/a"), 10.0, 0.2), timed(an_exchange("/b"), 10.1, 0.2)])
    sent = [line.strip() for line in lines if "curl" in line]
    assert [line.endswith("&") for line in sent] == [True, True]
    assert "  wait" in lines
    assert "for ROUND in $(seq 3); do" in lines


def a_close(began: float, reason: str, stored: str) -> Exchange:
    row = {"id": "session_cabcdefghij", "closedAt": "2026-01-01T00:00:00Z", "closedReason": stored}
    return Exchange(
        "POST",
        "/api/v1/sessions/session_cabcdefghij/close",
        (("Authorization", f"Bearer {KEY}"),),
        json.dumps({"reason": reason}).encode(),
        chunked=False,
        status=200,
        answer_headers=(),
        answer=json.dumps(row).encode(),
        began=began,
        seconds=0.5,
    )


@pytest.mark.parametrize(
    ("stored", "is_lawful"), [(("one", "one"), True), (("two", "two"), True), (("one", "two"), False)]
)
def test_of_overlapping_closes_any_may_win_and_all_answer_alike(stored: tuple[str, str], is_lawful: bool) -> None:
    exchanges = [a_close(10.0, "one", stored[0]), a_close(10.1, "two", stored[1])]
    claims = tuple(claims_of_overlaps(exchanges))
    assert Evidence(claims).holds(dict(enumerate(exchanges))) is is_lawful


def test_waits_are_in_the_lines() -> None:
    lines = lines_of([timed(an_exchange("/a"), 10.0, 0.2), timed(an_exchange("/b"), 12.2, 0.2)])
    assert "  sleep 2" in lines


# texts


@given(st.text(max_size=40), st.integers(0, 12), st.integers(0, 12), st.sampled_from(["upper", "lower", "swapcase"]))
def test_a_text_with_its_variables_filled_in_is_the_text(around: str, start: int, stop: int, change: str) -> None:
    vocabulary = Vocabulary()
    values = {"RUN": RUN_DIGITS, "ID1": "session_cAbCdefghij0123456789"}
    vocabulary.add(values["RUN"], "RUN", constant_prefix=0)
    vocabulary.add(values["ID1"], "ID1", constant_prefix=8)
    part = getattr(values["ID1"][start : len(values["ID1"]) - stop], change)()
    text = f"{around}{part}{around}{RUN_DIGITS[start:]}"
    assert filled(vocabulary.text_of(text), values) == text


def test_a_part_of_an_id_in_another_letter_case_follows_the_new_id() -> None:
    vocabulary = Vocabulary()
    vocabulary.add("session_cabcdefghij", "ID1", constant_prefix=8)
    text = vocabulary.text_of("/x/session_CABCDEFGHIJ/close")
    assert filled(text, {"ID1": "session_zyxwvutsrqp"}) == "/x/session_ZYXWVUTSRQP/close"


ODD = [
    "",
    "plain",
    "it's",
    'say "x"',
    "$HOME `id` \\ !",
    "a%sb%%",
    "\u00fc\U0001f98a",
    "line\nfeed",
    "tab\t",
    "\u0001",
    "x" * 5000,
    "[" * 400,
    "\u00e9" * 256,
    "\\u0041" * 100,
    '{"a":' * 90 + "1" + "}" * 90,
    "\u00a0\u200b",
    ",".join(map(str, range(600))),
    "a" * 60 + "'" + "%" * 60,
    "-n",
    "\\",
    "--",
]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_words_and_pipes_are_the_text_in_every_shell(shell: str) -> None:
    for text in ODD:
        piped = subprocess.run([shell, "-c", pipe((text,))], capture_output=True, check=True).stdout
        assert piped == text.encode()
        assert len(pipe((text,))) < 500
        if "\n" not in text:
            line = f"printf %s {word((text,))}"
            assert subprocess.run([shell, "-c", line], capture_output=True, check=True).stdout == text.encode()
    assert (
        subprocess.run([shell, "-c", pipe(b"\xff\x00\xfe")], capture_output=True, check=True).stdout == b"\xff\x00\xfe"
    )


def test_a_create_whose_name_is_percent_encoded_in_the_path_is_not_left_out() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        external_id = run.name("a/b c")
        scenario.create(external_id)
        seen = scenario.send("GET", run.raw_path(quote(external_id, safe="")))
        scenario.expect(seen, 200, "id.decoding", "retrieve by the percent-encoded externalId")

    with MockServer(faults=["id-slash-not-decoded"]) as server, running(server) as run:
        story = story_of_failure(run, play)
        smaller = shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
    assert [step.exchange.method for step in smaller.steps] == ["POST", "GET"]


def test_the_wait_before_a_step_that_is_left_out_stays_in_the_story() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        expires_at = datetime.now(UTC) + timedelta(seconds=1)
        row = scenario.create(expiresAt=f"{expires_at:%Y-%m-%dT%H:%M:%S}.{expires_at:%f}"[:23] + "Z")
        time.sleep(1.2)
        scenario.retrieve(row["id"])
        again = scenario.try_create(row["externalId"])
        scenario.expect(again, 409, "close.recreate", "create with an expired session's externalId")

    with MockServer(faults=["create-answers-expired"]) as server, running(server) as run:
        story = story_of_failure(run, play)
        smaller = shrunk(story, Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
    assert [step.exchange.method for step in smaller.steps] == ["POST", "POST"]
    assert smaller.steps[-1].wait_seconds > 1


def test_a_number_is_new_in_each_replay_with_and_without_leading_zeros() -> None:
    def play(run: Run, scenario: Scenario) -> None:
        scenario.create("00481516234")
        seen = scenario.try_close("481516234")
        scenario.expect(seen, 404, "id.exact", "close by an externalId without leading zeros")

    with MockServer(faults=["id-suffix-match"]) as server, running(server) as run:
        story = shrunk(story_of_failure(run, play), Player(run.wire, KEY, OTHER, Random(1), run.remember), Bounds())
        lines = "\n".join(written(story, "").commands)
    assert not story.is_rare
    assert "481516234" not in lines
