"""What may be sent: the body clauses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Scenario, ids_of


def limit_of(run: Run) -> int:
    body = run.contract.operations["closeSession"].body
    assert body is not None
    return body.limit_bytes


def padded(size: int, how: str) -> bytes:
    """A close body of `size` bytes with a short reason."""
    start = b'{"reason":"ok"'
    if how == "spaces inside":
        return start + b" " * (size - len(start) - 1) + b"}"
    if how == "spaces behind":
        return start + b"}" + b" " * (size - len(start) - 1)
    if how == "spaces in front":
        return b" " * (size - len(start) - 1) + start + b"}"
    if how == "line feeds":
        return start + b"\n" * (size - len(start) - 1) + b"}"
    if how == "letters of two bytes":
        rest = size - len(start) - len(b',"x":""}')
        return start + b',"x":"' + "\u00e9".encode() * (rest // 2) + b"x" * (rest % 2) + b'"}'
    if how == "letters of four bytes":
        rest = size - len(start) - len(b',"x":""}')
        return start + b',"x":"' + "\U0001f98a".encode() * (rest // 4) + b"x" * (rest % 4) + b'"}'
    if how == "escapes":
        rest = size - len(start) - len(b',"x":""}')
        return start + b',"x":"' + b"\\u0041" * (rest // 6) + b"x" * (rest % 6) + b'"}'
    if how == "many members":
        body = start
        number = 0
        while len(body) < size - 24:
            body += b',"m%d":0' % number
            number += 1
        return body + b" " * (size - len(body) - 1) + b"}"
    return start + b',"x":"' + b"x" * (size - len(start) - len(b',"x":""}')) + b'"}'


ASCII = ("an unknown member", "spaces inside", "spaces behind", "spaces in front", "line feeds", "many members")
BYTES = ("letters of two bytes", "letters of four bytes", "escapes")


MALFORMED = {
    "a brace": b"{", "a word": b"close", "trailing garbage": b'{"reason":"ok"} x', "two objects": b'{"reason":"ok"}{"reason":"ok"}', "a closing brace more": b'{"reason":"ok"}}', "a comma behind it": b'{"reason":"ok"},',
    "an array": b"[]", "an array with an object": b'[{"reason":"ok"}]', "a string": b'"ok"', "a JSON text in a string": b'"{\\"reason\\":\\"ok\\"}"', "a number": b"1", "a negative number": b"-1.5", "zero": b"0", "true": b"true", "false": b"false", "null": b"null", "an empty string": b'""',
    "a trailing comma": b'{"reason":"ok",}', "single quotes": b"{'reason':'ok'}", "a name without quotes": b'{reason:"ok"}', "a comment": b'{"reason":"ok"} // done', "a comment inside": b'{/* why */"reason":"ok"}', "an unclosed string": b'{"reason":"ok}', "an unclosed object": b'{"reason":"ok"',
    "no colon": b'{"reason" "ok"}', "no value": b'{"reason":}', "NaN": b'{"x":NaN}', "Infinity": b'{"x":Infinity}', "a leading zero": b'{"x":01}', "a plus sign": b'{"x":+1}', "a hexadecimal number": b'{"x":0x1F}', "a bare dot": b'{"x":1.}', "an unknown escape": b'{"reason":"\\x41"}',
    "a control character": b'{"reason":"a\nb"}', "a form": b"reason=ok", "XML": b"<reason>ok</reason>", "YAML": b"reason: ok", "two commas": b'{"a":1,,"b":2}', "undefined": b'{"x":undefined}', "Python": b'{"x":True}', "a short escape": b'{"reason":"\\u12"}', "a line before": b"x\n{}", "an array unclosed": b"[", "JSON in UTF-16": '{"reason":"ok"}'.encode("utf-16-le"), "JSON in UTF-32": '{"reason":"ok"}'.encode("utf-32-be"), "NUL behind it": b'{"reason":"ok"}\0', "a form feed in front": b'\f{"reason":"ok"}', "a no-break space in front": '\u00a0{"reason":"ok"}'.encode(),
}  # fmt: skip


@pytest.mark.clause("body.malformed", "body.no-effect")
def test_what_is_no_json_object_is_refused_and_has_no_effect(run: Run) -> None:
    def play(scenario: Scenario, case: tuple[str, bytes]) -> None:
        what, body = case
        row = scenario.open()
        for key in ids_of(row):
            answer = scenario.try_close(key, body)
            scenario.expect(answer, REFUSED, "body.malformed", f"a close body that is {what}", error=True)
        scenario.assert_unchanged(row, "body.no-effect")

    run.each(MALFORMED.items(), play)


@pytest.mark.clause("body.malformed")
def test_a_refused_body_does_not_keep_a_session_from_being_closed(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for body in (b"{", b"[]", b"close"):
        scenario.expect(scenario.try_close(row["id"], body), REFUSED, "body.malformed", "a body that is refused")
    scenario.close(row, {"reason": "in the end"})


@pytest.mark.clause("body.malformed")
def test_malformed_bodies_are_refused_in_chunks_and_under_other_media_types_too(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for body in (b'{"reason":"ok"} x', b"[1]"):
        answer = scenario.send("POST", run.close_path(row["id"]), chunks=[body])
        scenario.expect(answer, (*REFUSED, 413), "body.malformed", "a chunked body that is no JSON object")
        answer = scenario.try_close(row["id"], body, media_type="text/plain")
        scenario.expect(answer, (*REFUSED, 415), "body.malformed", "a body that is no JSON object, as text/plain")
    scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("body.unknown-members")
def test_unknown_members_are_ignored(run: Run) -> None:
    past = "2001-02-03T04:05:06.000Z"
    members: list[dict[str, Any]] = [
        {"callingRunId": "run_1"}, {"closedAt": past}, {"closedAt": None}, {"closedReason": "injected"}, {"id": "session_injected"}, {"externalId": "injected"}, {"tags": ["injected"]}, {"metadata": {"injected": 1}},
        {"type": "injected"}, {"taskIdentifier": "injected"}, {"triggerConfig": {"basePayload": {"injected": 1}}}, {"currentRunId": "run_injected"}, {"expiresAt": past}, {"createdAt": past}, {"updatedAt": past}, {"status": "ACTIVE"},
        {"__proto__": {"reason": "injected"}}, {"constructor": {"prototype": {}}}, {"Reason": "injected"}, {"REASON": "injected"}, {"reasons": ["injected"]}, {"closeReason": "injected"}, {"message": "injected"}, {"force": True}, {"reopen": True}, {"": 1},
        {"deep": {"er": [[[{}]]]}}, {"x": 1e30}, {"number": 12345678901234567890}, {"dryRun": True}, {"environment": "prod"}, {"isCached": True}, {"\u00fc": "\U0001f98a"}, {"reason ": "injected"}, {"closed_at": past}, {"sessionId": "injected"}, {"closed": False},
    ]  # fmt: skip

    def play(scenario: Scenario, extra: dict[str, Any]) -> None:
        row = scenario.open()
        closed = scenario.close(
            row,
            {"reason": "ok", **extra},
            clause="body.unknown-members",
            reason_clause="body.unknown-members",
            rest_clause="body.unknown-members",
        )
        if closed["closedAt"] == past or closed["updatedAt"] == past:
            raise scenario.fail("body.unknown-members", "the time of the close", f"the time in the body, {past}")
        row = scenario.open()
        seen = scenario.try_close(row["id"], extra)
        scenario.expect(seen, 200, "body.unknown-members", f"a close body with {sorted(extra)!r} alone")
        bare = scenario.validated_row(seen)
        if bare["closedReason"] is not None:
            raise scenario.fail("body.unknown-members", "closedReason null", repr(bare["closedReason"]))
        expected = {name: value for name, value in row.items() if name not in ("closedAt", "closedReason", "updatedAt")}
        scenario.assert_same(expected, bare, "body.unknown-members", "close")
        scenario.assert_unchanged(bare, "close.persisted")

    run.each(members, play)


@pytest.mark.clause("body.unknown-members")
def test_media_types_and_headers_do_not_change_what_is_recorded(run: Run, scenario: Scenario) -> None:
    for media_type in ("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"):
        scenario.close(scenario.open(), {"reason": "ok"}, media_type=media_type)
    for other in ("text/plain", None, "application/x-www-form-urlencoded"):
        row = scenario.open()
        answer = scenario.try_close(row["id"], {"reason": "ok"}, media_type=other)
        scenario.expect(answer, 200 if run.dialect else (200, 415, 400), "close.closes", f"a close body as {other}")
        if answer.status == 200:
            scenario.assert_same({"closedReason": "ok"}, scenario.validated_row(answer), "reason.verbatim", "close")


@pytest.mark.clause("body.limit", "body.no-effect")
def test_the_limit_passes_and_a_byte_more_does_not(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, size: int) -> None:
        row = scenario.open()
        body = padded(size, "an unknown member")
        if size <= limit:
            scenario.close(row, body, clause="body.limit")
        else:
            # A server may close the connection while it is still sent so much that its answer is lost.
            refused = (413,) if size < limit * 10 else (413, 0)
            for key in ids_of(row):
                scenario.expect(scenario.try_close(key, body), refused, "body.limit", f"a close body of {size} bytes")
                scenario.assert_unchanged(row, "body.no-effect")

    run.each(
        [
            limit,
            limit + 1,
            limit - 1,
            limit // 2,
            limit + 2,
            limit + 10,
            limit + limit // 4,
            limit * 2 - 1,
            limit * 2,
            limit * 4,
            limit * 10,
            limit * 33,
            limit * 100,
        ],
        play,
    )


@pytest.mark.clause("body.limit-bytes", "body.no-effect")
def test_the_limit_counts_the_bytes_on_the_wire(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, case: tuple[str, int]) -> None:
        how, size = case
        row = scenario.open()
        body = padded(size, how)
        assert len(body) == size
        if size <= limit:
            scenario.close(row, body, clause="body.limit-bytes")
        else:
            answer = scenario.try_close(row["id"], body)
            scenario.expect(answer, 413, "body.limit-bytes", f"a close body of {size} bytes with {how}")
            scenario.assert_unchanged(row, "body.no-effect")

    run.each([(how, size) for how in (*ASCII, *BYTES) for size in (limit, limit + 1, limit + 60)], play)


@pytest.mark.clause("body.limit", "body.no-effect")
def test_the_limit_holds_under_other_media_types_too(run: Run) -> None:
    limit = limit_of(run)

    def play(scenario: Scenario, case: tuple[str | None, int]) -> None:
        media_type, size = case
        row = scenario.open()
        answer = scenario.try_close(row["id"], padded(size, "an unknown member"), media_type=media_type)
        scenario.expect(answer, (413, 415), "body.limit", f"a close body of {size} bytes as {media_type}")
        scenario.assert_unchanged(row, "body.no-effect")

    kinds = (
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/merge-patch+json",
        None,
    )
    run.each([(kind, size) for kind in kinds for size in (limit + 1, limit * 3)], play)


@pytest.mark.clause("body.unknown-members", "close.closes")
def test_members_that_are_nested_deeply_or_huge_do_no_harm(run: Run) -> None:
    half = (limit_of(run) - 40) // 2
    odd = {
        "deep arrays": b"[" * half + b"]" * half,
        "deep objects": b'{"a":' * (half // 5) + b"1" + b"}" * (half // 5),
        "a number of many digits": b"1" * half,
        "a number beyond any double": b"1e999",
        "a very small number": b"1e-999",
        "a long name": b'{"' + b"n" * half + b'":1}',
    }

    def play(scenario: Scenario, case: tuple[str, bytes]) -> None:
        what, value = case
        row = scenario.open()
        answer = scenario.try_close(row["id"], b'{"reason":"ok","x":' + value + b"}")
        # How deep is too deep is an implementation's own affair, but no reason to fail.
        scenario.expect(answer, (200, *REFUSED), "close.closes", f"a close body with {what}")
        if answer.status == 200:
            scenario.assert_same(
                {"closedReason": "ok"}, scenario.validated_row(answer), "body.unknown-members", "close"
            )
        else:
            scenario.assert_unchanged(row, "body.no-effect")

    run.each(odd.items(), play)


@pytest.mark.clause("body.limit-bytes")
def test_a_short_reason_of_many_bytes_is_too_large(run: Run) -> None:
    limit, characters = limit_of(run), run.contract.reason_max_length
    bodies = {
        "characters of four bytes": json.dumps({"reason": "\U0001f98a" * characters}, ensure_ascii=False).encode(),
        "escaped characters": b'{"reason":"' + b"\\u00e9" * characters + b'"}',
        "escaped letters": b'{"reason":"' + b"\\u0041" * characters + b'"}',
        "a long name": b'{"reason":"ok","' + b"n" * limit + b'":1}',
        "a short reason and a long other member": json.dumps({"other": "x" * limit, "reason": "ok"}).encode(),
        "no reason": json.dumps({"x": "x" * limit}).encode(),
        "an empty object and white space": b"{}" + b" " * limit,
        "a nested member": json.dumps({"reason": "ok", "x": {"y": ["z" * 8] * (limit // 8)}}).encode(),
        "an array of numbers": json.dumps({"reason": "ok", "x": list(range(limit // 2))}).encode(),
        "duplicate members": b'{"reason":"' + b"x" * (limit // 2) + b'","reason":"' + b"x" * (limit // 2) + b'","reason":"ok"}',
    }  # fmt: skip

    def play(scenario: Scenario, case: tuple[str, bytes]) -> None:
        what, body = case
        if len(body) <= limit:
            return
        row = scenario.open()
        scenario.expect(
            scenario.try_close(row["id"], body), 413, "body.limit-bytes", f"a close body of {len(body)} bytes: {what}"
        )
        scenario.assert_unchanged(row, "body.no-effect")

    run.each(bodies.items(), play)


def split(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.clause("body.limit-chunked", "body.no-effect")
def test_the_limit_holds_for_chunked_bodies(run: Run) -> None:
    limit = limit_of(run)
    sizes = (limit + 1, limit + 100, limit * 2, limit * 8)

    def play(scenario: Scenario, case: tuple[int, int]) -> None:
        size, chunk = case
        row = scenario.open()
        answer = scenario.send(
            "POST", run.close_path(row["id"]), chunks=split(padded(size, "an unknown member"), chunk)
        )
        scenario.expect(answer, 413, "body.limit-chunked", f"a chunked close body of {size} bytes in chunks of {chunk}")
        scenario.assert_unchanged(row, "body.limit-chunked")

    run.each([(size, chunk) for size in sizes for chunk in (64, limit, limit + 1, size)], play)


@pytest.mark.clause("body.limit-chunked")
def test_a_chunked_body_within_the_limit_passes_or_is_413(run: Run, scenario: Scenario) -> None:
    accepted = (200,) if run.dialect == "documented" else (413,) if run.dialect == "server" else (200, 413)
    for size, chunk in ((20, 5), (limit_of(run), 100), (limit_of(run), limit_of(run))):
        row = scenario.open()
        body = padded(size, "an unknown member")
        answer = scenario.send("POST", run.close_path(row["id"]), chunks=split(body, chunk))
        scenario.expect(answer, accepted, "body.limit-chunked", f"a chunked close body of {size} bytes")
        if answer.status == 200:
            closed = scenario.validated_row(answer)
            scenario.assert_same(
                {"id": row["id"], "closedReason": "ok"}, closed, "body.limit-chunked", "a chunked close"
            )
            scenario.assert_unchanged(closed, "close.persisted")
        else:
            scenario.assert_unchanged(row, "body.no-effect")


@pytest.mark.clause("body.limit-chunked")
def test_a_length_that_lies_lets_nothing_past_the_limit(run: Run, scenario: Scenario) -> None:
    limit = limit_of(run)
    wire = run.wire
    body = padded(limit * 2, "an unknown member")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    for lines, content, what in (
        (b"Content-Length: 20\r\nTransfer-Encoding: chunked\r\n", chunked, "chunked with a short Content-Length"),
        (
            b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n" % limit,
            chunked,
            "chunked with a Content-Length within the limit",
        ),
        (b"Content-Length: %d\r\n" % len(body), body[: limit + 200], "a declared length over the limit and less sent"),
    ):
        row = scenario.open()
        head = f"POST {wire.base}{run.close_path(row['id'])} HTTP/1.1\r\nHost: {wire.host}\r\nAuthorization: Bearer {run.key}\r\nContent-Type: application/json\r\nConnection: close\r\n"
        sent = head.encode() + lines + b"\r\n" + content
        # A server may wait for what was declared: it is told that nothing more comes.
        answer = scenario.note(wire.raw(sent, target=run.close_path(row["id"]), ends=True))
        if 200 <= answer.status < 300:
            raise scenario.fail("body.limit-chunked", f"a refusal of {what}", answer.summary)
        scenario.assert_unchanged(row, "body.limit-chunked")
