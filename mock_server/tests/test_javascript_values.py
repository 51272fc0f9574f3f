"""JSON values and dates as JavaScript has them, as a table and beside Node.js."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
from typing import Any

import pytest

from adjourn_mock.dialects.javascript_values import date_of, number_text, printed
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.json_text import encode, read_json

NEW_YEAR = "2099-01-01T00:00:00.000Z"
DATES = [
    ("2099", NEW_YEAR),
    ("2099-01", NEW_YEAR),
    ("2099-1-1", NEW_YEAR),
    ("1/2/2099", "2099-01-02T00:00:00.000Z"),
    ("Jan 1 2099", NEW_YEAR),
    ("2099-02-30T00:00:00Z", "2099-03-02T00:00:00.000Z"),
    ("2099-01-01T24:00:00Z", "2099-01-02T00:00:00.000Z"),
    ("+002099-01-01T00:00:00Z", NEW_YEAR),
    ("2099-01-01 EST", "2099-01-01T05:00:00.000Z"),
    ("January 1, 2099 10:00 PM", "2099-01-01T22:00:00.000Z"),
    ("Thu Jan 01 2099 00:00:00 GMT+0100 (CET)", "2098-12-31T23:00:00.000Z"),
    ("Thu, 01 Jan 2099 00:00:00 GMT", NEW_YEAR),
    (["2099-01-01"], NEW_YEAR),
    ([2099, 1], NEW_YEAR),
    ([1, 2], "2001-01-02T00:00:00.000Z"),
    ("0", "2000-01-01T00:00:00.000Z"),
    ("1", "2001-01-01T00:00:00.000Z"),
    ("12", "2001-12-01T00:00:00.000Z"),
    ("50", "1950-01-01T00:00:00.000Z"),
    ("99", "1999-01-01T00:00:00.000Z"),
    ("100", "0100-01-01T00:00:00.000Z"),
    ("999", "0999-01-01T00:00:00.000Z"),
    ("-1", "2001-01-01T00:00:00.000Z"),
    (None, "1970-01-01T00:00:00.000Z"),
    (True, "1970-01-01T00:00:00.001Z"),
    (1.9, "1970-01-01T00:00:00.001Z"),
    ("2099-01-01T23:59:60Z", None),
    ("2099-01-01T00:00:00+05", None),
    ("20990101", None),
    ("20990101T000000Z", None),
    ("2099-W01-1", None),
    ("2099-01-01T00:00:00 Z", None),
    ("2099-01-01T00:00:00.Z", None),
    ("2099-01-01T00:00:00,5Z", None),
    ("2099-01-01T00", None),
    ("2099-01-01T00:00:00+05:30:15", None),
    ("", None),
    ("soon", None),
    ({}, None),
    ([None], None),
    (math.inf, None),
    ([math.inf], None),
    (8_640_000_000_000_001, None),
]
NUMBERS = [
    (b"1.0", b"1"),
    (b"100.0", b"100"),
    (b"1e21", b"1e+21"),
    (b"1e20", b"100000000000000000000"),
    (b"-0.0", b"0"),
    (b"1e-6", b"0.000001"),
    (b"1e-7", b"1e-7"),
    (b"9007199254740993", b"9007199254740992"),
    (b"-1.5", b"-1.5"),
    (b"5e-324", b"5e-324"),
    (b"1e400", b"null"),
    (b"1" + b"0" * 400, b"null"),
    (b"-" + b"1" + b"0" * 600, b"null"),
    (b"true", b"true"),
]
PIECES_WITHOUT_SPACE = """
    2099 99 1 01 12 31 32 0 00 24 60 59 002099 +002099 - - / : : . . T t Z GMT UTC EST PDT Jan February dec AM pm
    + +01 +0100 +05:30 -08 (CET) ( ) (a(b) , Mon of 123 1234567890123 .5 .000001 :: é _ W01 2099-01-01 T10:00 10:00
    23:59:59.999 -07- 2099/01/01 noon 275760 100000
"""
PIECES = (*PIECES_WITHOUT_SPACE.split(), " ", " ", "\u00a0", "\t", "\ufeff", "\0")


@pytest.mark.parametrize(("value", "expected"), DATES, ids=[str(value) for value, _ in DATES])
def test_a_value_is_the_date_that_javascript_makes_of_it(value: Any, expected: str | None) -> None:
    moment = date_of(value)
    assert (None if moment is None else rfc3339(moment)) == expected


@pytest.mark.parametrize(("sent", "expected"), NUMBERS, ids=[sent[:20].decode() for sent, _ in NUMBERS])
def test_a_number_is_printed_as_javascript_prints_it(sent: bytes, expected: bytes) -> None:
    assert encode(printed(read_json(b'{"a":[%b]}' % sent))) == b'{"a":[%b]}' % expected
    assert encode(printed(read_json(b"[%b]" % sent, infinities=True))) == b"[%b]" % expected


def test_array_indices_come_first_and_proto_is_dropped() -> None:
    value = {"b": 0, "aa": 1, "10": 2, "9": 3, "a": {"__proto__": {"x": 1}, "01": 4, "0": 5}, "4294967295": 6}
    assert json.dumps(printed(value)) == json.dumps(
        {"9": 3, "10": 2, "a": {"0": 5, "01": 4}, "b": 0, "aa": 1, "4294967295": 6}
    )


def test_a_value_of_any_depth_is_printed() -> None:
    deep: Any = 1.0
    for _ in range(100_000):
        deep = [deep]
    assert printed(deep) is deep


def in_node(expression: str, values: list[Any]) -> list[Any]:
    """What Node.js makes of each value `x`, in UTC."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is needed to compare with JavaScript")
    code = f"console.log(JSON.stringify(JSON.parse(require('fs').readFileSync(0, 'utf8')).map(x => {expression})))"
    done = subprocess.run(
        ["node", "-e", code],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def test_dates_are_those_of_node() -> None:
    chosen = random.Random(1)
    values = [value for value, _ in DATES if value != math.inf and value != [math.inf]]
    values += ["".join(chosen.choices(PIECES, k=chosen.randint(1, 9))) for _ in range(5000)]
    found = in_node("new Date(x).getTime()", values)
    assert [(v, e) for v, e in zip(values, found, strict=True) if date_of(v) != e] == []


def test_numbers_are_those_of_node() -> None:
    chosen = random.Random(1)
    numbers = [chosen.uniform(-1, 1) * 10.0 ** chosen.randint(-300, 300) for _ in range(2000)]
    numbers += [chosen.uniform(-1, 1) * 10.0 ** chosen.randint(-10, 25) for _ in range(2000)]
    numbers += [chosen.randint(-(10**22), 10**22) for _ in range(2000)]
    assert in_node("String(x)", numbers) == [number_text(number) for number in numbers]
