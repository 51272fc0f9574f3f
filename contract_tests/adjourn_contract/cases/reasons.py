"""Reasons that are often not recorded as they were sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["ESCAPED", "NOT_STRINGS", "TEXTS", "Escaped", "Length", "blocks", "encoded", "lengths", "long_texts"]

# The most revealing first: several pitfalls in each of the first three, one in each of the rest.
TEXTS = (
    "e\u0301 \u00e9 \ufb01 \u212b \u1100\u1161 \u00df \u0130 \u01c5 \U0001f469\u200d\U0001f680 \U00010348 normalised",
    "\"q\" 'q' \\ \\n \\u0041 %41 %20 + &amp; &lt;b> <script>alert(1)</script> ${x} {0} %s escaped",
    "\ufeff two  spaces\t\ttab\r\nline\rfeed\u00a0\u200b\u2028\n ",
    "null",
    "user signed out",
    "",
    " one around ",
    "\u00e9 composed",
    "e\u0301 decomposed",
    "\U0001f98a",
    '"quoted"',
    "\n",
    "<script>alert(1)</script>",
    " ",
    "  ",
    "   three in front",
    "three behind   ",
    "\t",
    "\ttab\t",
    "line\nfeed",
    "\r\n",
    "cr\rlf\r\n",
    "two  spaces   inside",
    "trailing newline\n",
    "\u00a0no-break\u00a0",
    "\u3000",
    "\ufeffmark",
    "mark\ufeff",
    "zero\u200bwidth",
    "\u200b",
    "soft\u00adhyphen",
    "Upper And lower",
    "ALL CAPS",
    "\u212b \u00c5 A\u030a",
    "\ufb01 \uff21 \u2460 \u00bd",
    "\u1100\u1161 \uac00",
    "\u00df \u1e9e \u0130 \u0131",
    "\u01c5",
    "\U0001f469\u200d\U0001f680",
    "\U0001f1eb\U0001f1f7",
    "\U0001f44d\U0001f3fd",
    "\u2764\ufe0f",
    "\u0645\u0631\u062d\u0628\u0627",
    "\u202eright to left\u202c",
    "\u4f60\u597d",
    "\u0e2a\u0e27\u0e31",
    "\U00010348",
    "\U0010fffd",
    "\U000e0041",
    "\ue000",
    "\ufffd",
    "\ufffe",
    "\uffff",
    "\u2028",
    "\u2029",
    "\u0085",
    "\u007f",
    "\u0001",
    "\u001f",
    "\b\f",
    "\u001b[31m",
    "\u00ad",
    '"',
    "'",
    "`",
    "\\",
    "\\\\",
    "\\n",
    "\\u0041",
    "/",
    "</script>",
    "<b>bold</b>",
    "&",
    "&amp;",
    "&lt;",
    "a & b < c > d",
    "%",
    "%20",
    "%41",
    "+",
    "a+b",
    "100%",
    "%s %d",
    "{}",
    "{0}",
    "{{x}}",
    "${x}",
    "#{x}",
    "$1",
    "~",
    "^",
    "|",
    ";",
    ",",
    "--",
    "'; DROP TABLE sessions; --",
    "/* */",
    "undefined",
    "NaN",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.0",
    "1e5",
    "0x1F",
    "007",
    "[]",
    '{"reason":"x"}',
    "None",
    "nil",
    "2023-11-07T05:31:56Z",
    "2023-11-07",
    "session_abc",
    "run_abc",
    "timeout",
    "http://example.com/?a=b&c=d",
    "a@b.c",
    "C:\\path\\file",
    "../../etc",
    "=1+1",
    "@x",
    "\u2026",
    "\u201cquotes\u201d",
    "\u2013 \u2014",
    "...",
)

# Values that are not strings (clause reason.type).
NOT_STRINGS: tuple[Any, ...] = (
    None,
    0,
    ["ok"],
    {"text": "ok"},
    True,
    1,
    -1,
    1.5,
    False,
    [],
    {},
    [[]],
    1e300,
    12345678901234567890,
    {"reason": "ok"},
    [None],
)


class Escaped(NamedTuple):
    """A close body with escapes, and the reason that it has."""

    content: bytes
    reason: str


ESCAPED = (
    Escaped(b'{"reason":"\\u00e9"}', "\u00e9"),
    Escaped(b'{"reason":"\\ud83e\\udd8a"}', "\U0001f98a"),
    Escaped(b'{"reason":"\\n\\t\\"\\\\\\/\\b\\f\\r"}', '\n\t"\\/\b\f\r'),
    Escaped(b'{"re\\u0061son":"escaped name"}', "escaped name"),
    Escaped(b'{"reason":"first","reason":"last"}', "last"),
)


class Length(NamedTuple):
    """A reason and how many characters it has, counted as code points."""

    characters: int
    reason: str


def encoded(reason: str) -> bytes:
    """A close body with a reason in UTF-8, not escaped."""
    return json.dumps({"reason": reason}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def lengths(limit: int) -> Iterator[Length]:
    """Reasons about the limit of characters, the most revealing first."""
    yield Length(limit, "\u00e9" * limit)
    yield Length(limit + 1, "x" * (limit + 1))
    yield Length(limit + 1, ("e\u0301" * limit)[: limit + 1])
    yield Length(limit + 1, "x" * limit + " ")
    for count in (limit, limit - 1, limit + 2, limit + limit // 2, limit * 2, limit * 3):
        yield Length(count, "x" * count)
    for character in ("\u00e9", "\u20ac", " ", "\u4e2d", "e\u0301", "\t", "\\", '"'):
        for count in (limit, limit + 1):
            yield Length(count, (character * count)[:count])
    yield Length(limit + 1, " " + "x" * limit)
    yield Length(limit + 1, "x" * limit + "\n")
    yield Length(limit, "x" * (limit - 1) + " ")
    # An emoji counts one or two (grey.reason-units): these are within the limit, or over it, in either count.
    yield Length(limit, "\U0001f98a" + "x" * (limit - 2))
    yield Length(limit + 1, "\U0001f98a" + "x" * limit)
    yield Length(limit // 2, "\U0001f98a" * (limit // 2))


def long_texts(limit: int) -> Iterator[str]:
    """Long reasons, to see where one is cut."""
    for length in (limit, limit - 1, 255, 250, 200, 129, 128, 101, 100, 65, 64, 50):
        if length <= limit:
            yield "".join(chr(97 + number % 26) for number in range(length))


def blocks(limit: int, count: Callable[[int], int]) -> Iterator[str]:
    """Reasons from every part of Unicode.

    Args:
        limit: the most characters of a reason.
        count: how many of so many are wanted.
    """
    size = min(limit, 220)
    for start in range(0x20, 0x2F00, 0x2F00 // max(1, count(24))):
        yield _characters(start, size)
    for start in (0x3000, 0x4E00, 0xA000, 0xABC0, 0xD700, 0xE000, 0xF8F0, 0xFB00, 0xFE00, 0xFF00):
        yield _characters(start, size)
    for start in (0x10000, 0x1F300, 0x1F600, 0x1F900, 0x20000, 0xE0100, 0xF0000, 0x10FF80):
        yield _characters(start, min(limit // 2, 100))


def _characters(start: int, size: int) -> str:
    """Consecutive characters, surrogates left out."""
    return "".join(chr(code) for code in range(start, start + size) if not 0xD800 <= code <= 0xDFFF)
