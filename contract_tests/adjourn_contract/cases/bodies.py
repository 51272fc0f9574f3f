"""Close bodies that are almost JSON, and members that the contract does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["FRAMED_REASONS", "MALFORMED", "UNKNOWN_MEMBERS", "Body", "Padding", "long_bodies", "odd_members", "padded"]


class Body(NamedTuple):
    """A body and what it is, in words."""

    what: str
    content: bytes


# Refused by every JSON reader that follows RFC 8259, or read as something other than an object.
MALFORMED = (
    Body("a brace", b"{"),
    Body("many unclosed brackets", b'{"reason":' + b"[" * 1000),
    Body("an array", b"[]"),
    Body("null", b"null"),
    Body("trailing garbage", b'{"reason":"ok"} x'),
    Body("a word", b"close"),
    Body("a string", b'"ok"'),
    Body("two objects", b'{"reason":"ok"}{"reason":"ok"}'),
    Body("a form", b"reason=ok"),
    Body("a trailing comma", b'{"reason":"ok",}'),
    Body("NaN", b'{"x":NaN}'),
    Body("a closing brace more", b'{"reason":"ok"}}'),
    Body("a comma behind it", b'{"reason":"ok"},'),
    Body("an array with an object", b'[{"reason":"ok"}]'),
    Body("a JSON text in a string", b'"{\\"reason\\":\\"ok\\"}"'),
    Body("a number", b"1"),
    Body("a negative number", b"-1.5"),
    Body("zero", b"0"),
    Body("true", b"true"),
    Body("false", b"false"),
    Body("an empty string", b'""'),
    Body("single quotes", b"{'reason':'ok'}"),
    Body("a name without quotes", b'{reason:"ok"}'),
    Body("a comment", b'{"reason":"ok"} // done'),
    Body("a comment inside", b'{/* why */"reason":"ok"}'),
    Body("an unclosed string", b'{"reason":"ok}'),
    Body("an unclosed object", b'{"reason":"ok"'),
    Body("no colon", b'{"reason" "ok"}'),
    Body("no value", b'{"reason":}'),
    Body("Infinity", b'{"x":Infinity}'),
    Body("negative Infinity", b'{"x":-Infinity}'),
    Body("a leading zero", b'{"x":01}'),
    Body("a plus sign", b'{"x":+1}'),
    Body("a hexadecimal number", b'{"x":0x1F}'),
    Body("a bare dot", b'{"x":1.}'),
    Body("an unknown escape", b'{"reason":"\\x41"}'),
    Body("a control character", b'{"reason":"a\nb"}'),
    Body("XML", b"<reason>ok</reason>"),
    Body("YAML", b"reason: ok"),
    Body("two commas", b'{"a":1,,"b":2}'),
    Body("undefined", b'{"x":undefined}'),
    Body("Python", b'{"x":True}'),
    Body("a short escape", b'{"reason":"\\u12"}'),
    Body("a line before", b"x\n{}"),
    Body("an array unclosed", b"["),
    Body("JSON in UTF-16", '{"reason":"ok"}'.encode("utf-16-le")),
    Body("JSON in UTF-32", '{"reason":"ok"}'.encode("utf-32-be")),
    Body("NUL behind it", b'{"reason":"ok"}\0'),
    Body("a form feed in front", b'\f{"reason":"ok"}'),
    Body("a no-break space in front", '\u00a0{"reason":"ok"}'.encode()),
)

PAST = "2001-02-03T04:05:06.000Z"

# Members of a close body that the contract does not name; none may be stored or change the row.
UNKNOWN_MEMBERS: tuple[dict[str, Any], ...] = (
    {"closedAt": PAST, "closedReason": "injected", "updatedAt": PAST},
    {"tags": ["injected"], "metadata": {"injected": 1}, "expiresAt": PAST},
    {"Reason": "injected", "__proto__": {"reason": "injected"}},
    {"id": "session_injected", "externalId": "injected", "callingRunId": "run_1"},
    {"closedAt": PAST},
    {"closedReason": "injected"},
    {"tags": ["injected"]},
    {"metadata": {"injected": 1}},
    {"Reason": "injected"},
    {"__proto__": {"reason": "injected"}},
    {"expiresAt": PAST},
    {"updatedAt": PAST},
    {"callingRunId": "run_1"},
    {"closedAt": None},
    {"id": "session_injected"},
    {"externalId": "injected"},
    {"type": "injected"},
    {"taskIdentifier": "injected"},
    {"triggerConfig": {"basePayload": {"injected": 1}}},
    {"currentRunId": "run_injected"},
    {"createdAt": PAST},
    {"status": "ACTIVE"},
    {"constructor": {"prototype": {}}},
    {"toString": 1},
    {"REASON": "injected"},
    {"reasons": ["injected"]},
    {"closeReason": "injected"},
    {"message": "injected"},
    {"force": True},
    {"reopen": True},
    {"": 1},
    {"deep": {"er": [[[{}]]]}},
    {"x": 1e30},
    {"number": 12345678901234567890},
    {"dryRun": True},
    {"environment": "prod"},
    {"isCached": True},
    {"\u00fc": "\U0001f98a"},
    {"reason ": "injected"},
    {"closed_at": PAST},
    {"sessionId": "injected"},
    {"closed": False},
)

_START = b'{"reason":"ok"'


class Padding(NamedTuple):
    """How a close body is made long: the bytes before and after what is repeated, and that."""

    how: str
    before: bytes
    unit: bytes
    after: bytes


FRAMED_REASONS = (
    Padding("an unknown member", _START + b',"x":"', b"x", b'"}'),
    Padding("spaces inside", _START, b" ", b"}"),
    Padding("spaces behind", _START + b"}", b" ", b""),
    Padding("spaces in front", b"", b" ", _START + b"}"),
    Padding("line feeds", _START, b"\n", b"}"),
    Padding("letters of two bytes", _START + b',"x":"', "\u00e9".encode(), b'"}'),
    Padding("letters of four bytes", _START + b',"x":"', "\U0001f98a".encode(), b'"}'),
    Padding("escapes", _START + b',"x":"', b"\\u0041", b'"}'),
    Padding("many members", _START, b',"m":0', b"}"),
)


def padded(size_bytes: int, padding: Padding = FRAMED_REASONS[0]) -> bytes:
    """A close body of so many bytes with the reason `ok`."""
    rest = size_bytes - len(padding.before) - len(padding.after)
    count, odd = divmod(rest, len(padding.unit))
    filler = b"x" if padding.after == b'"}' else b" "
    body = padding.before + padding.unit * count + filler * odd + padding.after
    if len(body) != size_bytes:
        raise ValueError(f"{size_bytes} bytes are too few for {padding.how}")
    return body


def odd_members(limit_bytes: int) -> Iterator[Body]:
    """Values of an unknown member that a careless reader fails on, within the limit."""
    half = (limit_bytes - 40) // 2
    yield Body("deep arrays", b"[" * half + b"]" * half)
    yield Body("deep objects", b'{"a":' * (half // 5) + b"1" + b"}" * (half // 5))
    yield Body("a number of many digits", b"1" * half)
    yield Body("a number beyond any double", b"1e999")
    yield Body("a very small number", b"1e-999")
    yield Body("a long name", b'{"' + b"n" * half + b'":1}')


def long_bodies(limit_bytes: int, reason_max_length: int) -> Iterator[Body]:
    """Bodies whose reason is short enough; those over the limit in bytes are for 413."""
    reason = b'{"reason":"%b"}'
    yield Body("characters of four bytes", reason % ("\U0001f98a" * reason_max_length).encode())
    yield Body("escaped characters", reason % (b"\\u00e9" * reason_max_length))
    yield Body("escaped letters", reason % (b"\\u0041" * reason_max_length))
    yield Body("a long name", b'{"reason":"ok","' + b"n" * limit_bytes + b'":1}')
    yield Body("a long other member first", b'{"other":"%b","reason":"ok"}' % (b"x" * limit_bytes))
    yield Body("no reason", b'{"x":"%b"}' % (b"x" * limit_bytes))
    yield Body("an empty object and white space", b"{}" + b" " * limit_bytes)
    yield Body("a nested member", b'{"reason":"ok","x":{"y":[%b0]}}' % (b'"zzzzzzzz",' * (limit_bytes // 8)))
    yield Body("an array of numbers", b'{"reason":"ok","x":[%b0]}' % (b"12," * (limit_bytes // 2)))
    half = b"x" * (limit_bytes // 2)
    yield Body("duplicate members", b'{"reason":"%b","reason":"%b","reason":"ok"}' % (half, half))
