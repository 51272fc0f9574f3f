"""The channels of a session, for servers that have them: the clauses channel.*."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from adjourn_contract.engine.channels import Channels
from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.tokens import Token
from adjourn_contract.proofs.evidence import ABSENT, Claim, canonical
from adjourn_contract.transport.exchange import Exchange

REFUSED = (401, 403, 404)
# Servers before October 2026 answer 400 (grey.append-closed); closed and expired are not always distinguished.
ENDED = (400, 409)
EXPIRES_SECONDS, PAST_EXPIRY_SECONDS = 1.5, 1.8
STREAM_SECONDS, BEFORE_CLOSE_SECONDS = 2, 0.3


def texts(records: Any, member: str = "data") -> list[Any]:
    """What records carry, without control records."""
    return [record[member] for record in records if record.get(member) not in (None, "")]


def streamed_data(records: Any) -> list[Any]:
    return [json.loads(body)["data"] for body in texts(records, "body")]


@pytest.mark.clause("channel.append", "channel.append-idempotent", "channel.records", "channel.cursor")
def test_records_are_numbered_and_stored_once(scenario: Scenario) -> None:
    channels = Channels(scenario, scenario.open())
    first = channels.appended("in", "one", part="part-1")
    second = channels.appended("in", "two", part="part-2", by=ids_of(channels.row)[-1])
    if second <= first:
        claim = Claim(scenario.reading("member", "seq"), "unlike", (f"^{second}$",))
        raise scenario.fail("channel.append", f"a sequence number after {first}", str(second), claims=[claim])
    again = channels.append("in", "one", part="part-1")
    scenario.expect(again, 200, "channel.append-idempotent", "a repeated part id")
    found = channels.records("in")
    clause = "channel.append-idempotent" if texts(found)[:2] == ["one", "two"] else "channel.records"
    channels.assert_carried(texts(found), ["one", "two"], clause, "the records one and two")
    if [record.get("seqNum") for record in found] != [first, second]:
        raise scenario.fail("channel.records", f"the sequence numbers {first} and {second}", repr(found))
    later = texts(channels.records("in", first))
    channels.assert_carried(later, ["two"], "channel.records", f"the record two alone after {first}")
    scenario.expect(channels.ask_records("in", "x"), 400, "channel.cursor", "the cursor x", error=True)


@pytest.mark.smoke
@pytest.mark.waits
@pytest.mark.clause("channel.stream", "channel.resume", "channel.timeout")
def test_a_stream_carries_each_record_once_and_resumes(scenario: Scenario) -> None:
    channels = Channels(scenario, scenario.open())
    numbers = [channels.appended("in", text) for text in ("one", "two", "three")]
    found = channels.streamed("in")
    carried, wanted = streamed_data(found), ["one", "two", "three"]
    channels.assert_carried(carried, wanted, "channel.stream", "the records one, two and three")
    if [record.get("seq_num") for record in found] != numbers:
        raise scenario.fail("channel.stream", f"the sequence numbers {numbers}", repr(found))
    resumed = streamed_data(channels.streamed("in", Last_Event_ID=str(numbers[0]), clause="channel.resume"))
    channels.assert_carried(resumed, ["two", "three"], "channel.resume", f"two and three after {numbers[0]}")
    refused = channels.stream("in", timeout="0")
    if refused.status != 400:
        raise scenario.fail("channel.timeout", "400 for Timeout-Seconds: 0", refused.summary)


@pytest.mark.waits
@pytest.mark.clause("channel.stream")
def test_an_open_stream_does_not_end_by_a_close(scenario: Scenario) -> None:
    channels = Channels(scenario, scenario.open())

    def read() -> tuple[Exchange, float]:
        return channels.stream("in", timeout=str(STREAM_SECONDS)), time.monotonic()

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        time.sleep(BEFORE_CLOSE_SECONDS)
        closed = scenario.try_close(channels.row["id"], {"reason": "while a stream is open"})
        at = time.monotonic()
        seen, ended = reading.result()
    scenario.expect(closed, 200, "close.closes", "close of an open session")
    scenario.expect_status(seen, 200, "channel.stream", "an open stream")
    # Its own timeout ends it, a record moves that on; a close that ends it does so at once.
    if ended - at < (STREAM_SECONDS - BEFORE_CLOSE_SECONDS) / 2:
        raise scenario.fail("channel.stream", "the stream to go on after a close", "its end with the close")


@pytest.mark.smoke
@pytest.mark.clause("channel.close-notifies", "channel.append-closed", "channel.read-after-close")
def test_a_first_close_appends_one_record_with_its_reason_and_ends_appends(scenario: Scenario) -> None:
    row = scenario.open()
    channels = Channels(scenario, row)
    channels.appended("in", "before")
    # A message starts a run where the session has none.
    row = scenario.retrieve(row["id"])
    scenario.close(row, {"reason": "user signed out"}, look=False)
    scenario.try_close(row["id"], {"reason": "another"})
    refused = channels.append("in", "after")
    scenario.expect(refused, ENDED, "channel.append-closed", "an append to a closed session", error=True)
    for member, wanted in (("code", "session_closed"), ("closedReason", "user signed out")):
        if member in refused.value and refused.value[member] != wanted:
            claim = Claim(scenario.reading("member", member), "is", (ABSENT, canonical(wanted)))
            raise scenario.fail("channel.append-closed", f"{member} {wanted!r}", refused.summary, claims=[claim])
    found = texts(channels.records("in", clause="channel.read-after-close"))
    if found[:1] != ["before"] or "after" in found:
        clause = "channel.append-closed" if "after" in found else "channel.read-after-close"
        before = Claim(scenario.reading("records"), "like", ('^."before"',))
        after = Claim(scenario.reading("records"), "unlike", ('"after"',))
        raise scenario.fail(clause, "the record of before the close alone", repr(found), claims=[before, after])
    _assert_notified(scenario, row, found[1:])


def _assert_notified(scenario: Scenario, row: Row, found: list[Any]) -> None:
    if row["currentRunId"] is None:
        raise NotApplicable("the server starts no runs, so a close has nobody to notify")
    messages = [json.loads(each) if isinstance(each, str) else each for each in found]
    payloads = [
        each["payload"] for each in messages if isinstance(each, dict) and isinstance(each.get("payload"), dict)
    ]
    wanted = ("close", "user signed out")
    if [(each.get("trigger"), each.get("closedReason")) for each in payloads] != [wanted]:
        carried = scenario.reading("records")
        claims = [
            Claim(carried, "like", ("trigger.{2,8}close",)),
            Claim(carried, "like", ("closedReason.{2,8}user signed out",)),
            Claim(carried, "unlike", ("trigger.{2,8}close.*trigger.{2,8}close",)),
        ]
        raise scenario.fail("channel.close-notifies", f"one record with {wanted}", repr(found), claims=claims)


@pytest.mark.clause("channel.close-notifies")
def test_a_close_by_the_current_run_appends_nothing(scenario: Scenario) -> None:
    row = scenario.open()
    channels = Channels(scenario, row)
    if row["currentRunId"] is None:
        raise NotApplicable("the server starts no runs, so a close has nobody to notify")
    scenario.close(row, {"callingRunId": row["currentRunId"]}, look=False)
    found = texts(channels.records("in"))
    channels.assert_carried(found, [], "channel.close-notifies", "no record for a close by the current run")


@pytest.mark.waits
@pytest.mark.clause("channel.append-expired")
def test_an_expired_session_takes_no_records(scenario: Scenario) -> None:
    now = datetime.fromisoformat(scenario.open()["createdAt"])
    expires_at = (now + timedelta(seconds=EXPIRES_SECONDS)).isoformat()
    made = scenario.try_create(expiresAt=expires_at)
    scenario.expect(made, 201, "create.created", "a create that expires soon")
    channels = Channels(scenario, made.value)
    time.sleep(PAST_EXPIRY_SECONDS)
    seen = channels.append("in", "late")
    scenario.expect(seen, ENDED, "channel.append-expired", "an append to an expired session", error=True)


@pytest.mark.smoke
@pytest.mark.clause("channel.scopes", "channel.out-secret", "channel.in-secret")
def test_a_token_appends_to_in_and_reads_out_of_its_own_session(run: Run, scenario: Scenario) -> None:
    Token.need(run)
    made = scenario.create()
    mine = Channels(scenario, made)
    other = Channels(scenario, scenario.open())
    token = made["publicAccessToken"]
    own = mine.append("in", "mine", credential=token)
    with scenario.ruling_out(lambda: assert_token_retrieves(scenario, made)):
        scenario.expect(own, 200, "channel.scopes", "an append to in with the session's token")
    read = mine.ask_records("out", credential=token)
    scenario.expect(read, 200, "channel.scopes", "the records of out with the session's token")
    for what, seen in (
        ("an append to another session's in", other.append("in", "theirs", credential=token)),
        ("another session's out", other.ask_records("out", credential=token)),
    ):
        scenario.expect(seen, REFUSED, "channel.scopes", f"{what} with a token", error=True)
    seen = mine.append("out", "mine", credential=token)
    scenario.expect(seen, 403, "channel.out-secret", "an append to out with a token", error=True)
    seen = mine.ask_records("in", credential=token)
    scenario.expect(seen, 403, "channel.in-secret", "the records of in with a token", error=True)


def assert_token_retrieves(scenario: Scenario, made: Row) -> None:
    seen = scenario.send("GET", scenario.target.path(made["id"]), credential=made["publicAccessToken"])
    scenario.expect(seen, 200, "auth.secret-only", "retrieve with the session's token")


@pytest.mark.clause("channel.append-limit")
def test_a_record_over_the_limit_is_413(run: Run, scenario: Scenario) -> None:
    channels = Channels(scenario, scenario.open())
    body = run.contract.operations["appendToIn"].body
    assert body is not None
    seen = channels.append("in", "x" * (body.limit_bytes + 1))
    scenario.expect(seen, (0, 413), "channel.append-limit", "a record of a byte more than the limit")


@pytest.mark.clause("channel.settled")
def test_a_settled_channel_is_answered_at_once(scenario: Scenario) -> None:
    row = scenario.open()
    channels = Channels(scenario, row)
    message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
    payload = {"chatId": ids_of(row)[-1], "trigger": "submit-message", "message": message}
    channels.appended("in", json.dumps({"kind": "message", "payload": payload}))
    headers = [record.get("headers") or [] for record in channels.records("out")[-1:]]
    if not any(["trigger-control", "turn-complete"] in each for each in headers):
        raise NotApplicable("no agent completes a turn on this server")
    seen = channels.stream("out", timeout="1", X_Peek_Settled="1")
    if seen.status != 200 or (seen.header("x-session-settled") or "").lower() != "true":
        claim = Claim(scenario.reading("header", "x-session-settled"), "like", ("^[Tt]rue$",))
        raise scenario.fail("channel.settled", "200 with X-Session-Settled: true", seen.summary, claims=[claim])
