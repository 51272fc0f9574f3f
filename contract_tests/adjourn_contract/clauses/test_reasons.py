"""What is recorded: the reason clauses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of


@pytest.mark.clause("reason.optional")
def test_without_a_reason_it_is_null(run: Run) -> None:
    def play(scenario: Scenario, case: tuple[Any, str]) -> None:
        body, by = case
        row = scenario.open()
        closed = scenario.close(row, body, by=row.get(by) or row["id"], clause="reason.optional")
        scenario.close_again(closed, {"reason": "added later"})
        scenario.close_again(closed)

    run.each([({}, "id"), ({}, "externalId"), (b" { } ", "id"), (b"{\n}", "externalId")], play)


@pytest.mark.clause("reason.optional")
def test_a_reason_elsewhere_is_none(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    target = run.close_path(row["id"]) + "?reason=elsewhere&closedReason=elsewhere"
    answer = scenario.send("POST", target, {}, headers=[("X-Reason", "elsewhere")])
    closed = scenario.validated_row(scenario.expect(answer, 200, "close.closes", "close with a query"))
    if closed["closedReason"] is not None:
        raise scenario.fail("reason.optional", "closedReason null", repr(closed["closedReason"]))


@pytest.mark.clause("reason.optional")
def test_a_close_without_a_body_is_like_an_empty_object_or_refused(run: Run, scenario: Scenario) -> None:
    accepted = {"documented": (200,), "server": (400, 413)}.get(run.dialect or "", (200, 400, 413, 422, 415))
    for body, media_type in ((None, None), (b"", "application/json"), (b"", None)):
        row = scenario.open()
        answer = scenario.try_close(row["id"], body, media_type=media_type)
        scenario.expect(answer, accepted, "reason.optional", "a close without a body")
        if answer.status == 200:
            closed = scenario.validated_row(answer)
            if closed["closedReason"] is not None:
                raise scenario.fail("reason.optional", "closedReason null", repr(closed["closedReason"]))
            scenario.assert_unchanged(closed, "close.persisted")
        else:
            scenario.assert_unchanged(row, "body.no-effect")


def encoded(reason: str) -> bytes:
    return json.dumps({"reason": reason}, ensure_ascii=False).encode("utf-8", "surrogatepass")


@pytest.mark.clause("reason.limit", "body.no-effect")
def test_the_limit_passes_and_a_character_more_does_not(run: Run) -> None:
    limit, body = run.contract.reason_max_length, run.contract.operations["closeSession"].body
    assert body is not None
    texts: list[tuple[int, str]] = []
    for count in (limit, limit - 1, limit + 1, limit + 2, limit + limit // 2, limit * 2, limit * 3):
        texts.append((count, "x" * count))
    for character in ("\u00e9", "\u20ac", " ", "\u4e2d", "e\u0301", "\t", "\\", '"'):
        for count in (limit, limit + 1):
            texts.append((count, (character * count)[:count]))
    texts += [
        (limit + 1, "x" * limit + " "), (limit + 1, " " + "x" * limit), (limit + 1, "x" * limit + "\n"), (limit, " " * limit), (limit, "x" * (limit - 1) + " "), (limit + 1, " " * (limit + 1)),
        (limit, "\U0001f98a" + "x" * (limit - 2)), (limit + 1, "\U0001f98a" + "x" * limit), (limit // 2, "\U0001f98a" * (limit // 2)),
    ]  # fmt: skip

    def play(scenario: Scenario, case: tuple[int, str]) -> None:
        count, reason = case
        content = encoded(reason)
        if len(content) > body.limit_bytes:
            return
        row = scenario.open()
        if count <= limit:
            scenario.close(row, content, clause="reason.limit", reason_clause="reason.verbatim")
            return
        for key in ids_of(row):
            answer = scenario.try_close(key, content)
            scenario.expect(answer, REFUSED, "reason.limit", f"a reason of {count} characters", error=True)
        scenario.assert_unchanged(row, "body.no-effect")

    run.each(texts, play)


@pytest.mark.clause("reason.limit")
def test_emoji_up_to_half_the_limit_pass_in_either_count(run: Run, scenario: Scenario) -> None:
    limit = run.contract.reason_max_length
    if run.dialect is None:
        return
    row = scenario.open()
    answer = scenario.try_close(row["id"], encoded("\U0001f98a" * (limit // 2 + 1)))
    scenario.expect(
        answer,
        200 if run.dialect == "documented" else 400,
        "reason.limit",
        "a reason of more emoji than half the limit",
    )


TYPES: list[Any] = [None, 0, 1, -1, 1.5, True, False, [], ["ok"], {}, {"text": "ok"}, [[]], 1e300, 12345678901234567890, {"reason": "ok"}, [None], ""]  # fmt: skip


@pytest.mark.clause("reason.type", "body.no-effect")
def test_a_reason_that_is_no_string_is_refused(run: Run) -> None:
    def play(scenario: Scenario, reason: Any) -> None:
        row = scenario.open()
        if reason == "" and isinstance(reason, str):
            scenario.close(row, {"reason": reason})
            return
        for key in ids_of(row):
            answer = scenario.try_close(key, {"reason": reason})
            scenario.expect(answer, REFUSED, "reason.type", f"a reason that is {json.dumps(reason)}", error=True)
        answer = scenario.try_close(row["id"], {"other": 1, "reason": reason})
        scenario.expect(
            answer, REFUSED, "reason.type", f"a reason that is {json.dumps(reason)}, beside another member", error=True
        )
        scenario.assert_unchanged(row, "body.no-effect")

    run.each(TYPES, play)


TEXTS = [
    "", " ", "  ", "   three in front", "three behind   ", " one around ", "\t", "\ttab\t", "\n", "line\nfeed", "\r\n", "cr\rlf\r\n", "two  spaces   inside", "trailing newline\n", "\u00a0no-break\u00a0", "\u3000", "\ufeffmark", "mark\ufeff", "zero\u200bwidth", "\u200b",
    "soft\u00adhyphen", "Upper And lower", "ALL CAPS", "\u00e9 composed", "e\u0301 decomposed", "\u212b \u00c5 A\u030a", "\ufb01 \uff21 \u2460 \u00bd", "\u1100\u1161 \uac00", "\u00df \u1e9e \u0130 \u0131", "\u01c5", "\U0001f98a", "\U0001f469\u200d\U0001f680", "\U0001f1eb\U0001f1f7", "\U0001f44d\U0001f3fd", "\u2764\ufe0f",
    "\u0645\u0631\u062d\u0628\u0627", "\u202eright to left\u202c", "\u4f60\u597d", "\u0e2a\u0e27\u0e31", "\U00010348", "\U0010fffd", "\U000e0041", "\ue000", "\ufffd", "\ufffe", "\uffff", "\u2028", "\u2029", "\u0085", "\u007f", "\u0001", "\u001f", "\b\f", "\u001b[31m", "\u00ad",
    '"', '"quoted"', "'", "`", "\\", "\\\\", "\\n", "\\u0041", "/", "</script>", "<b>bold</b>", "<script>alert(1)</script>", "&", "&amp;", "&lt;", "a & b < c > d", "%", "%20", "%41", "+", "a+b", "100%", "%s %d", "{}", "{0}", "{{x}}", "${x}", "#{x}", "$1", "~", "^", "|", ";", ",", "--", "'; DROP TABLE sessions; --", "/* */",
    "null", "undefined", "NaN", "true", "false", "0", "1", "-1", "1.0", "1e5", "0x1F", "007", "[]", '{"reason":"x"}', "None", "nil", "2023-11-07T05:31:56Z", "2023-11-07", "session_abc", "run_abc", "user signed out", "timeout", "http://example.com/?a=b&c=d", "a@b.c", "C:\\path\\file", "../../etc", "=1+1", "@x", "\u2026", "\u201cquotes\u201d", "\u2013 \u2014", "...", "a\u0000b",
]  # fmt: skip


@pytest.mark.clause("reason.verbatim")
def test_the_reason_is_recorded_exactly(run: Run) -> None:
    def play(scenario: Scenario, reason: str) -> None:
        row = scenario.open()
        if "\0" in reason:
            answer = scenario.try_close(row["id"], {"reason": reason})
            accepted = {"documented": (200, 400), "server": (500,)}.get(run.dialect or "", (200, 400, 422, 500))
            scenario.expect(answer, accepted, "reason.verbatim", "a reason with U+0000")
            if answer.status == 200:
                scenario.assert_same(
                    {"closedReason": reason}, scenario.validated_row(answer), "reason.verbatim", "close"
                )
            elif answer.status != 500:
                scenario.assert_unchanged(row, "body.no-effect")
            return
        closed = scenario.close(row, encoded(reason), clause="reason.verbatim")
        scenario.close_again(closed, {"reason": "another"})

    run.each(TEXTS, play)


@pytest.mark.clause("reason.verbatim")
def test_escapes_in_json_are_read(run: Run, scenario: Scenario) -> None:
    for content, reason in (
        (b'{"reason":"\\u00e9"}', "\u00e9"), (b'{"reason":"\\ud83e\\udd8a"}', "\U0001f98a"), (b'{"reason":"\\n\\t\\"\\\\\\/\\b\\f\\r"}', '\n\t"\\/\b\f\r'), (b'{"re\\u0061son":"escaped name"}', "escaped name"), (b'{"reason":"first","reason":"last"}', "last"),
    ):  # fmt: skip
        row = scenario.open()
        closed = scenario.validated_row(
            scenario.expect(scenario.try_close(row["id"], content), 200, "reason.verbatim", "a reason with escapes")
        )
        if closed["closedReason"] != reason:
            raise scenario.fail("reason.verbatim", f"closedReason {reason!a}", f"{closed['closedReason']!a}")
        scenario.assert_unchanged(closed, "close.persisted")


@pytest.mark.clause("reason.verbatim")
def test_long_reasons_are_not_cut_and_every_block_of_unicode_survives(run: Run) -> None:
    limit = run.contract.reason_max_length
    reasons = [
        "".join(chr(97 + n % 26) for n in range(length))
        for length in (limit, limit - 1, 128, 129, 100, 101, 64, 65, 50, 200, 250, 255)
        if length <= limit
    ]
    size = min(limit, 220)
    step = 0x2F00 // max(1, run.count(24))
    for start in range(0x20, 0x2F00, step):
        reasons.append("".join(chr(code) for code in range(start, start + size)))
    for start in (0x3000, 0x4E00, 0xA000, 0xABC0, 0xD700, 0xE000, 0xF8F0, 0xFB00, 0xFE00, 0xFF00):
        reasons.append("".join(chr(code) for code in range(start, start + size) if not 0xD800 <= code <= 0xDFFF))
    for start in (0x10000, 0x1F300, 0x1F600, 0x1F900, 0x20000, 0xE0100, 0xF0000, 0x10FF80):
        reasons.append("".join(chr(code) for code in range(start, start + min(limit // 2, 100))))

    run.each(
        reasons, lambda scenario, reason: scenario.close(scenario.open(), encoded(reason), clause="reason.verbatim")
    )
