"""Rows and journal entries as bytes, for stores outside of this process."""

from __future__ import annotations

from typing import Any

import msgspec

from adjourn_mock.domain.json_text import encode, read_json
from adjourn_mock.domain.records import Record, RecordHeaders
from adjourn_mock.domain.sessions import Session, from_dict
from adjourn_mock.exchanges.entry import Entry

__all__ = ["decode_entry", "decode_record", "decode_row", "encode_entry", "encode_record", "encode_row", "text_key"]

_decoder = msgspec.json.Decoder(Session)


def encode_row(session: Session) -> bytes:
    """The row as the JSON that is sent."""
    return encode(session)


def decode_row(content: bytes) -> Session:
    try:
        return _decoder.decode(content)
    except msgspec.DecodeError:
        # msgspec reads no lone surrogates.
        return from_dict(read_json(content))


def encode_entry(entry: Entry) -> bytes:
    rows: dict[str, Any] = {
        "session": entry.session and encode_row(entry.session),
        "before": entry.before and encode_row(entry.before),
    }
    return msgspec.msgpack.encode(entry._replace(**rows))


def decode_entry(content: bytes, number: int) -> Entry:
    # An entry of an earlier version has fewer fields; the missing ones have defaults.
    kept: dict[str, Any] = dict(zip(Entry._fields, msgspec.msgpack.decode(content), strict=False))
    return Entry(
        **{
            **kept,
            "number": number,
            "headers": [(name, value) for name, value in kept["headers"]],
            "session": kept["session"] and decode_row(kept["session"]),
            "before": kept["before"] and decode_row(kept["before"]),
            "faults": tuple(kept["faults"]),
        }
    )


def encode_record(at: int, body: str, headers: RecordHeaders) -> bytes:
    """A record of a channel, without its sequence number."""
    return msgspec.msgpack.encode((at, text_key(body), headers))


def decode_record(content: bytes, seq: int) -> Record:
    at, body, headers = msgspec.msgpack.decode(content)
    return Record(seq, at, body.decode("utf-8", "surrogatepass"), tuple((name, value) for name, value in headers))


def text_key(text: str) -> bytes:
    """An externalId as bytes, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")
