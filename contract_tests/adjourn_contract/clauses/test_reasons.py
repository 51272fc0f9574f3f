"""What is recorded: the reason clauses."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.reasons import ESCAPED, NOT_STRINGS, TEXTS, Length, blocks, encoded, lengths, long_texts
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of


class Empty(NamedTuple):
    """A close body without a reason, and the member whose value the session is closed by."""

    body: Any
    by: str


@pytest.mark.smoke
@pytest.mark.clause("reason.optional")
def test_without_a_reason_closed_reason_is_null(run: Run) -> None:
    def play(scenario: Scenario, empty: Empty) -> None:
        row = scenario.open()
        closed = scenario.close(row, empty.body, by=row.get(empty.by) or row["id"], clause="reason.optional")
        scenario.close_again(closed, {"reason": "added later"})
        scenario.close_again(closed)

    cases = (Empty({}, "id"), Empty({}, "externalId"), Empty(b" { } ", "id"), Empty(b"{\n}", "externalId"))
    run.each(cases, play)


@pytest.mark.clause("reason.optional")
def test_a_reason_outside_the_body_is_not_recorded(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    target = run.close_path(row["id"]) + "?reason=elsewhere&closedReason=elsewhere"
    answer = scenario.send("POST", target, {}, headers=[("X-Reason", "elsewhere")])
    closed = scenario.validated_row(scenario.expect(answer, 200, "close.closes", "close with a query"))
    scenario.assert_same({"closedReason": None}, closed, "reason.optional", "close with a reason in the query")


@pytest.mark.clause("reason.optional", "body.no-effect")
def test_a_close_without_a_body_is_like_an_empty_object_or_refused(run: Run, scenario: Scenario) -> None:
    # grey.no-body
    accepted = {"documented": (200,), "server": (400, 413)}.get(run.dialect or "", (200, 400, 413, 422, 415))
    for body, media_type in ((None, None), (b"", "application/json"), (b"", None)):
        row = scenario.open()
        answer = scenario.try_close(row["id"], body, media_type=media_type)
        scenario.expect(answer, accepted, "reason.optional", "a close without a body")
        if answer.status == 200:
            closed = scenario.validated_row(answer)
            scenario.assert_same({"closedReason": None}, closed, "reason.optional", "close without a body")
            scenario.assert_unchanged(closed, "close.persisted")
        else:
            scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.smoke
@pytest.mark.clause("reason.limit", "reason.verbatim", "body.no-effect")
def test_a_reason_at_the_limit_passes_and_one_character_more_is_refused(run: Run) -> None:
    limit, body = run.contract.reason_max_length, run.contract.operations["closeSession"].body
    assert body is not None

    def play(scenario: Scenario, length: Length) -> None:
        row, content = scenario.open(), encoded(length.reason)
        if length.characters <= limit:
            scenario.close(row, content, clause="reason.limit", reason_clause="reason.verbatim")
            return
        what = f"a reason of {length.characters} characters"
        for key in ids_of(row):
            with scenario.ruling_out(lambda: assert_malformed_body_refused(scenario)):
                scenario.assert_close_refused(row, content, "reason.limit", what, by=key)

    # Where the body is over its own limit, that wins (grey.long-body-valid-reason).
    run.each([length for length in lengths(limit) if len(encoded(length.reason)) <= body.limit_bytes], play)


def assert_malformed_body_refused(scenario: Scenario) -> None:
    answer = scenario.try_close(scenario.open()["id"], b"{")
    scenario.expect(answer, REFUSED, "body.malformed", "a close body that is not JSON")


@pytest.mark.clause("reason.limit")
def test_the_unit_of_the_reason_limit_is_that_of_the_dialect(run: Run, scenario: Scenario) -> None:
    accepted = {"documented": (200,), "server": (400,)}.get(run.dialect or "", (200, 400))  # grey.reason-units
    reason = "\U0001f98a" * (run.contract.reason_max_length // 2 + 1)
    answer = scenario.try_close(scenario.open()["id"], encoded(reason))
    scenario.expect(answer, accepted, "reason.limit", "a reason of more emoji than half the limit")


@pytest.mark.clause("reason.type", "body.no-effect")
def test_a_reason_that_is_not_a_string_is_refused(run: Run) -> None:
    def play(scenario: Scenario, reasons: tuple[Any, ...]) -> None:
        row = scenario.open()
        keys = ids_of(row)
        for number, reason in enumerate(reasons):
            what = f"a reason that is {json.dumps(reason)}"
            by = keys[number % len(keys)]
            scenario.assert_close_refused(row, {"reason": reason}, "reason.type", what, by=by)
            body = {"other": 1, "reason": reason}
            scenario.assert_close_refused(row, body, "reason.type", f"{what}, beside another member")

    run.each(batches(NOT_STRINGS, 4), play)


@pytest.mark.clause("reason.verbatim")
def test_the_reason_is_recorded_exactly(run: Run) -> None:
    def play(scenario: Scenario, reason: str) -> None:
        closed = scenario.close(scenario.open(), encoded(reason), clause="reason.verbatim")
        scenario.close_again(closed, {"reason": "another"})

    run.each(TEXTS, play)


@pytest.mark.clause("reason.verbatim", "body.no-effect")
def test_a_reason_with_nul_is_recorded_or_refused(run: Run, scenario: Scenario) -> None:
    # grey.nul
    accepted = {"documented": (200, 400), "server": (500,)}.get(run.dialect or "", (200, 400, 422, 500))
    row, reason = scenario.open(), "a\0b"
    answer = scenario.try_close(row["id"], {"reason": reason})
    scenario.expect(answer, accepted, "reason.verbatim", "a reason with U+0000")
    if answer.status == 200:
        scenario.assert_same({"closedReason": reason}, scenario.validated_row(answer), "reason.verbatim", "close")
    else:
        scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("reason.verbatim")
def test_escapes_in_json_are_decoded(scenario: Scenario) -> None:
    for content, reason in ESCAPED:
        row = scenario.open()
        answer = scenario.try_close(row["id"], content)
        closed = scenario.validated_row(scenario.expect(answer, 200, "reason.verbatim", "a reason with escapes"))
        scenario.assert_same({"closedReason": reason}, closed, "reason.verbatim", "close")
        scenario.assert_unchanged(closed, "close.persisted")


@pytest.mark.clause("reason.verbatim")
def test_long_reasons_and_every_block_of_unicode_are_recorded_whole(run: Run) -> None:
    limit = run.contract.reason_max_length

    def play(scenario: Scenario, reason: str) -> None:
        scenario.close(scenario.open(), encoded(reason), clause="reason.verbatim")

    run.each([*long_texts(limit), *blocks(limit, run.count)], play)
