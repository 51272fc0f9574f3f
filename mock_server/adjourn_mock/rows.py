"""Rows and journal entries as bytes, for stores outside of this process."""

from __future__ import annotations

import json

import msgspec

from adjourn_mock.exchange import encode
from adjourn_mock.journal import Entry
from adjourn_mock.sessions import Session

__all__ = ["decode_entry", "decode_row", "encode_entry", "encode_row", "text_key"]

_decoder = msgspec.json.Decoder(Session)
_entries = msgspec.msgpack.Decoder(Entry)


def encode_row(session: Session) -> bytes:
    """The row as the JSON that is sent."""
    return encode(session)


def decode_row(content: bytes) -> Session:
    try:
        return _decoder.decode(content)
    except msgspec.DecodeError:
        # msgspec reads no lone surrogates.
        return msgspec.convert(json.loads(content), Session)


def encode_entry(entry: Entry) -> bytes:
    try:
        return msgspec.msgpack.encode(entry)
    except (UnicodeEncodeError, OverflowError):
        # Its row has lone surrogates, or numbers beyond 64 bits; the bodies have all that there is to say.
        return msgspec.msgpack.encode(entry._replace(session=None, before=None))


def decode_entry(content: bytes, number: int) -> Entry:
    return _entries.decode(content)._replace(number=number)


def text_key(text: str) -> bytes:
    """An externalId as bytes, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")
