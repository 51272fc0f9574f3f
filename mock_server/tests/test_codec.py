"""Rows and entries as bytes: what goes in comes out, odd text included."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.stores.codec import decode_entry, decode_row, encode_entry, encode_row, text_key

NOW = "2026-01-01T00:00:00.000Z"


def row(**members: Any) -> Session:
    body = {"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {"basePayload": {}}, "externalId": "chat_1"}
    made = sessions.create(body, session_id="session_a", run_id="run_1", expires_at=None, now=NOW)
    return sessions.replace(made, **members)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"closed_at": NOW, "closed_reason": "", "expires_at": NOW},
        {"closed_reason": "\ud800 and \U0001f600 and \0"},
        {"external_id": "\udfff", "tags": ("\ud800", "b")},
        {"metadata": {"a": [1, None, {"b": "\ud800"}]}, "trigger_config": {"n": 2**70, "f": 1.5}},
        {"metadata": None},
    ],
)
def test_a_row_comes_out_as_it_went_in(members: dict[str, Any]) -> None:
    assert decode_row(encode_row(row(**members))) == row(**members)


def entry() -> Entry:
    request = Request(
        "POST",
        b"/x/\xff",
        b"q=%00",
        [(b"a", b"\xff"), (b"a", b"2")],
        {},
        body=b"\x00\xff",
        operation="closeSession",
        faults=("latency", "status"),
        received_at=5,
        segment=b"a%2Fb",
    )  # fmt: skip - one request
    return Entry.of(7, 3, request, Answer(200, b"{}", session=row(closed_reason="\ud800"), before=row(), clause="x"))


def test_an_entry_comes_out_as_it_went_in_with_the_number_that_it_is_given() -> None:
    assert decode_entry(encode_entry(entry()), 9) == entry()._replace(number=9)


def test_an_entry_of_an_earlier_version_is_read_with_defaults_for_what_it_lacks() -> None:
    fields = msgspec.msgpack.decode(encode_entry(entry()))
    earlier = msgspec.msgpack.encode(fields[: Entry._fields.index("faults") + 1])
    read = decode_entry(earlier, 7)
    assert (read.segment, read.received_at, read.faults) == (None, 0, ("latency", "status"))


@pytest.mark.parametrize("text", ["", "a", "é", "\ud800", "\udfff\ud800", "\0"])
def test_texts_that_differ_have_different_keys(text: str) -> None:
    assert text_key(text) != text_key(text + "\ud800")
    assert text_key(text).decode("utf-8", "surrogatepass") == text
