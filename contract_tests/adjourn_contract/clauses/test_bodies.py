"""What may be sent: the body clauses."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.bodies import (
    FRAMED_REASONS,
    MALFORMED,
    PAST,
    UNKNOWN_MEMBERS,
    Body,
    Padding,
    long_bodies,
    odd_members,
    padded,
)
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of


def limit_of(run: Run) -> int:
    body = run.contract.operations["closeSession"].body
    assert body is not None
    return body.limit_bytes


@pytest.mark.clause("body.malformed", "body.no-effect")
def test_a_body_that_is_not_a_json_object_is_refused_and_has_no_effect(run: Run) -> None:
    def play(scenario: Scenario, bodies: tuple[Body, ...]) -> None:
        row = scenario.open()
        keys = ids_of(row)
        for number, body in enumerate(bodies):
            what = f"a close body that is {body.what}"
            scenario.assert_close_refused(row, body.content, "body.malformed", what, by=keys[number % len(keys)])

    run.each(batches(MALFORMED), play, whole=True)


@pytest.mark.clause("body.malformed")
def test_a_session_can_be_closed_after_refused_bodies(scenario: Scenario) -> None:
    row = scenario.open()
    for body in MALFORMED[:3]:
        scenario.assert_close_refused(row, body.content, "body.malformed", f"a close body that is {body.what}")
    scenario.close(row, {"reason": "in the end"})


@pytest.mark.clause("body.malformed", "body.no-effect")
def test_malformed_bodies_are_refused_in_chunks_and_under_other_media_types(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for body in (b'{"reason":"ok"} x', b"[1]"):
        answer = scenario.send("POST", run.close_path(row["id"]), chunks=[body])
        scenario.expect(answer, (*REFUSED, 413), "body.malformed", "a chunked body that is not a JSON object")
        answer = scenario.try_close(row["id"], body, media_type="text/plain")
        scenario.expect(answer, (*REFUSED, 415), "body.malformed", "a body that is not a JSON object, as text/plain")
    scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("body.unknown-members")
def test_unknown_members_are_ignored(run: Run) -> None:
    clause = "body.unknown-members"

    def play(scenario: Scenario, extra: dict[str, Any]) -> None:
        row = scenario.open()
        body = {"reason": "ok", **extra}
        closed = scenario.close(row, body, clause=clause, reason_clause=clause, rest_clause=clause)
        if PAST in (closed["closedAt"], closed["updatedAt"]):
            raise scenario.fail(clause, "the time of the close", f"the time in the body, {PAST}")

    run.each(UNKNOWN_MEMBERS, play)


@pytest.mark.clause("body.unknown-members")
def test_an_unknown_member_alone_is_like_an_empty_object(run: Run) -> None:
    clause = "body.unknown-members"

    def play(scenario: Scenario, extra: dict[str, Any]) -> None:
        row = scenario.open()
        scenario.close(row, extra, clause=clause, reason_clause=clause, rest_clause=clause, look=False)

    run.each(UNKNOWN_MEMBERS, play)


@pytest.mark.clause("body.unknown-members", "close.closes", "reason.verbatim")
def test_the_media_type_does_not_change_what_is_recorded(run: Run, scenario: Scenario) -> None:
    for media_type in ("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"):
        scenario.close(scenario.open(), {"reason": "ok"}, media_type=media_type)
    accepted = (200,) if run.dialect else (200, 415, 400)  # grey.media-type
    for other in ("text/plain", None, "application/x-www-form-urlencoded"):
        row = scenario.open()
        answer = scenario.try_close(row["id"], {"reason": "ok"}, media_type=other)
        scenario.expect(answer, accepted, "close.closes", f"a close body as {other}")
        if answer.status == 200:
            scenario.assert_same({"closedReason": "ok"}, scenario.validated_row(answer), "reason.verbatim", "close")


@pytest.mark.smoke
@pytest.mark.clause("body.limit", "body.no-effect")
def test_a_body_at_the_limit_passes_and_one_byte_more_is_413(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, size: int) -> None:
        row = scenario.open()
        if size <= limit:
            with scenario.ruling_out(lambda: assert_small_unknown_members_pass(scenario)):
                scenario.close(row, padded(size), clause="body.limit")
            return
        # A server may close the connection while so much is still sent that its answer is lost.
        refused = (413,) if size < limit * 10 else (413, 0)
        for key in ids_of(row):
            what = f"a close body of {size} bytes"
            with scenario.ruling_out(lambda: assert_limit_counts_the_whole_body(scenario, limit * 4)):
                scenario.assert_close_refused(row, padded(size), "body.limit", what, by=key, statuses=refused)

    factors = (1, 2, 4, 10, 33, 100)
    near = (limit, limit + 1, limit - 1, limit + 2, limit + 10, limit + limit // 4, limit // 2, limit * 2 - 1)
    run.each([*near, *(limit * factor for factor in factors[1:])], play)


def assert_small_unknown_members_pass(scenario: Scenario) -> None:
    scenario.close(scenario.open(), {"x": "x"}, clause="body.unknown-members", look=False)


def assert_limit_counts_the_whole_body(scenario: Scenario, size: int) -> None:
    """Blame what the limit counts, where a body far beyond it is too large only if its reason is."""
    if scenario.try_close(scenario.open()["id"], {"reason": "x" * size}).status == 413:
        answer = scenario.try_close(scenario.open()["id"], padded(size))
        scenario.expect(answer, 413, "body.limit-bytes", f"a close body of {size} bytes, most of it not the reason")


@pytest.mark.clause("body.limit-bytes", "body.no-effect")
def test_the_limit_counts_the_bytes_on_the_wire(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, padding: Padding) -> None:
        row = scenario.open()
        for size in (limit + 1, limit + 60):
            what = f"a close body of {size} bytes with {padding.how}"
            scenario.assert_close_refused(row, padded(size, padding), "body.limit-bytes", what, statuses=(413,))
        scenario.close(row, padded(limit, padding), clause="body.limit-bytes")

    run.each(FRAMED_REASONS, play)


class Unlabelled(NamedTuple):
    """A body over the limit, under a media type that is not JSON."""

    media_type: str | None
    size: int


@pytest.mark.clause("body.limit", "body.no-effect")
def test_the_limit_applies_under_other_media_types(run: Run) -> None:
    limit = limit_of(run)
    form, patch = "application/x-www-form-urlencoded", "application/merge-patch+json"
    kinds = ("text/plain", "application/octet-stream", form, patch, None)

    def play(scenario: Scenario, cases: tuple[Unlabelled, ...]) -> None:
        row = scenario.open()
        for media_type, size in cases:
            answer = scenario.try_close(row["id"], padded(size), media_type=media_type)
            scenario.expect(answer, (413, 415), "body.limit", f"a close body of {size} bytes as {media_type}")
            scenario.assert_unchanged(row, "body.no-effect")

    run.each(batches(Unlabelled(kind, size) for kind in kinds for size in (limit + 1, limit * 3)), play)


@pytest.mark.clause("body.unknown-members", "close.closes", "server.no-error")
def test_deeply_nested_and_huge_members_do_no_harm(run: Run) -> None:
    def play(scenario: Scenario, odd: Body) -> None:
        row = scenario.open()
        answer = scenario.try_close(row["id"], b'{"reason":"ok","x":' + odd.content + b"}")
        # How deep is too deep is an implementation's own affair, but not a reason to fail.
        scenario.expect(answer, (200, *REFUSED), "close.closes", f"a close body with {odd.what}")
        if answer.status == 200:
            expected = {"closedReason": "ok"}
            scenario.assert_same(expected, scenario.validated_row(answer), "body.unknown-members", "close")
        else:
            scenario.assert_unchanged(row, "body.no-effect")

    # What has a name of its own in JSON is not another value.
    run.each([odd for odd in odd_members(limit_of(run)) if not odd.content.startswith(b'{"n')], play)


@pytest.mark.clause("body.limit-bytes", "body.no-effect")
def test_a_short_reason_in_a_body_over_the_limit_is_413(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, bodies: tuple[Body, ...]) -> None:
        row = scenario.open()
        for what, content in bodies:
            said = f"a close body of {len(content)} bytes: {what}"
            scenario.assert_close_refused(row, content, "body.limit-bytes", said, statuses=(413,))

    cases = [body for body in long_bodies(limit, run.contract.reason_max_length) if len(body.content) > limit]
    run.each(batches(cases), play)


def split(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


class Chunked(NamedTuple):
    """A chunked body: its size, and that of its chunks."""

    size: int
    chunk: int


@pytest.mark.clause("body.limit-chunked", "body.no-effect")
def test_the_limit_applies_to_chunked_bodies(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, cases: tuple[Chunked, ...]) -> None:
        row = scenario.open()
        for size, chunk in cases:
            answer = scenario.send("POST", run.close_path(row["id"]), chunks=split(padded(size), chunk))
            what = f"a chunked close body of {size} bytes in chunks of {chunk}"
            scenario.expect(answer, 413, "body.limit-chunked", what)
            scenario.assert_unchanged(row, "body.limit-chunked")

    sizes = (limit + 1, limit + 100, limit * 2, limit * 8)
    run.each(batches(Chunked(size, chunk) for size in sizes for chunk in (64, limit, limit + 1, size)), play)


@pytest.mark.clause("body.limit-chunked")
def test_a_chunked_body_within_the_limit_passes_or_is_413(run: Run, scenario: Scenario) -> None:
    accepted = {"documented": (200,), "server": (413,)}.get(run.dialect or "", (200, 413))  # grey.chunked
    limit = limit_of(run)
    for size, chunk in (Chunked(40, 5), Chunked(limit, 100), Chunked(limit, limit)):
        row = scenario.open()
        answer = scenario.send("POST", run.close_path(row["id"]), chunks=split(padded(size), chunk))
        scenario.expect(answer, accepted, "body.limit-chunked", f"a chunked close body of {size} bytes")
        if answer.status == 200:
            closed = scenario.validated_row(answer)
            expected = {"id": row["id"], "closedReason": "ok"}
            scenario.assert_same(expected, closed, "body.limit-chunked", "a chunked close")
            scenario.assert_unchanged(closed, "close.persisted")
        else:
            scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("body.malformed", "body.no-effect")
def test_a_body_shorter_than_its_content_length_closes_nothing(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for content in (b'{"reason":"ok"}', b'{"reason":"o'):
        answer = scenario.send_raw("POST", run.close_path(row["id"]), b"Content-Length: 200\r\n", content)
        scenario.assert_unchanged(row, "body.no-effect")
        if 200 <= answer.status < 300:
            raise scenario.fail("body.malformed", "a refusal of a body shorter than its length", answer.summary)


class Framing(NamedTuple):
    """Header lines that contradict the content which follows them."""

    lines: bytes
    content: bytes
    what: str


def contradictory(limit: int) -> list[Framing]:
    body = padded(limit * 2)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    coding, length = b"Transfer-Encoding: chunked\r\n", b"Content-Length: %d\r\n"
    return [
        Framing(length % 20 + coding, chunked, "a chunked body with a short Content-Length"),
        Framing(coding + length % limit, chunked, "a chunked body with a Content-Length within the limit"),
        Framing(length % len(body), body[: limit + 200], "a declared length over the limit and less sent"),
    ]


@pytest.mark.clause("body.limit-chunked")
def test_a_wrong_content_length_does_not_lift_the_limit(run: Run, scenario: Scenario) -> None:
    for framing in contradictory(limit_of(run)):
        row = scenario.open()
        # A server may wait for what was declared: the end of the stream is announced.
        answer = scenario.send_raw("POST", run.close_path(row["id"]), framing.lines, framing.content)
        if 200 <= answer.status < 300:
            raise scenario.fail("body.limit-chunked", f"a refusal of {framing.what}", answer.summary)
        scenario.assert_unchanged(row, "body.limit-chunked")
