"""JSON as JavaScript reads and writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adjourn_mock.domain.json_text import MAX_NESTING, TooDeepError, encode, read_json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": 1e400}', {"a": None}),
        (b'{"a": -1e400}', {"a": None}),
        (b'"\\ud800"', "\ud800"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b" \t\r\n[] ", []),
        (b"9007199254740993", 9007199254740993),
        (b'"\xc3\xa9"', "é"),
        ('{"a":"\ud800"}', {"a": "\ud800"}),
    ],
)
def test_what_javascript_reads_is_read(text: bytes | str, expected: Any) -> None:
    assert read_json(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"{'a': 1}",
        b"[1,]",
        b'{"a": 1}x',
        b"01",
        b"nul",
        b'"\n"',
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"+1",
        b".5",
        b'"\\x41"',
    ],
)  # fmt: skip - a list of texts
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_nesting_has_a_limit(opened: str) -> None:
    closed = "]" if opened == "[" else "}"

    def nested(levels: int) -> bytes:
        return (opened * levels + "1" + closed * levels).encode()

    read_json(nested(MAX_NESTING - 1))
    for levels in (MAX_NESTING + 1, 10_000, 200_000):
        with pytest.raises(TooDeepError):
            read_json(nested(levels))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert len(read_json(b"[" + b"[]," * 5000 + b"[]]")) == 5001


@pytest.mark.parametrize("value", [{"a": [1, None, True, 1.5, "é"]}, {"a": "\ud800"}, [], "", {"\udfff": 1}])
def test_what_is_written_is_read_again(value: Any) -> None:
    assert read_json(encode(value)) == value


def test_it_is_written_compactly_in_utf_8_and_lone_surrogates_escaped() -> None:
    assert encode({"a": "é", "b": [1, 2]}) == '{"a":"é","b":[1,2]}'.encode()
    assert encode("\ud800") == b'"\\ud800"'
    assert json.loads(encode({"a": "\udc00é"})) == {"a": "\udc00é"}
