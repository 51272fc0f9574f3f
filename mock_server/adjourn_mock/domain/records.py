"""Records of a session's channels, and how they are written (clauses channel.stream, channel.records)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from adjourn_mock.domain.json_text import encode, read_json

__all__ = [
    "CONTROL",
    "IN",
    "OUT",
    "TRIM",
    "TURN_COMPLETE",
    "Direction",
    "Message",
    "Record",
    "RecordHeaders",
    "Settled",
    "close_message",
    "control_record",
    "data_body",
]

Direction = Literal["in", "out"]
IN: Direction = "in"
OUT: Direction = "out"
CONTROL, TURN_COMPLETE = "trigger-control", "turn-complete"
RecordHeaders = tuple[tuple[str, str], ...]
# The headers of the command by which an agent has old records removed.
TRIM: RecordHeaders = (("", "trim"),)


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record with its place in a channel.

    Attributes:
        seq: its sequence number, from 0.
        timestamp: when it was appended, in milliseconds since 1970.
        body: JSON with `data` and `id`; empty for a control record.
        headers: pairs of name and value; `trigger-control` names the kind of a control record, an empty name a command.
    """

    seq: int
    timestamp: int
    body: str
    headers: RecordHeaders = ()

    @property
    def control(self) -> str | None:
        """The kind of a control record, such as turn-complete; None for data."""
        return next((value for name, value in self.headers if name == CONTROL), None)

    @property
    def is_command(self) -> bool:
        """Whether it is for the storage, such as a trim: it has a number, and readers skip it."""
        return bool(self.headers) and not self.headers[0][0]

    @property
    def as_event(self) -> dict[str, Any]:
        """It as the stream carries it."""
        return {"seq_num": self.seq, "timestamp": self.timestamp, "body": self.body, "headers": self.headers}

    @property
    def as_row(self) -> dict[str, Any]:
        """It as a list of records has it."""
        value = read_json(self.body) if self.body else {}
        row = {"data": value.get("data"), "id": value.get("id", ""), "seqNum": self.seq}
        return {**row, "headers": self.headers} if self.headers else row


class Settled(msgspec.Struct, frozen=True, gc=False):
    """The end of a channel: the next sequence number, the last record, if it is still stored."""

    next_seq: int
    last: Record | None


class Message(msgspec.Struct, frozen=True):
    """What was appended to `in`, as the agent reads it.

    Attributes:
        seq: its sequence number.
        part: its part id.
        kind: message, stop, action or another text; empty where the record is not a JSON object with a kind.
        trigger: of a message, such as submit-message or close.
        text: of the user's message, its text parts joined; None where there is none.
        data: the record, as JSON where it is JSON, else as text.
        timestamp: when it was appended, in milliseconds since 1970.
    """

    seq: int
    part: str
    kind: str
    trigger: str | None
    text: str | None
    data: Any
    timestamp: int = 0

    @classmethod
    def of(cls, record: Record) -> Message:
        envelope = read_json(record.body) if record.body else {}
        data = envelope.get("data")
        if isinstance(data, str):
            try:
                data = read_json(data)
            except ValueError:
                data = envelope.get("data")
        value = data if isinstance(data, dict) else {}
        payload = value.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        return cls(
            seq=record.seq,
            part=str(envelope.get("id", "")),
            kind=str(value.get("kind", "")),
            trigger=_text_or_none(payload.get("trigger")),
            text=_text_of(payload.get("message")),
            data=data,
            timestamp=record.timestamp,
        )


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text_of(message: Any) -> str | None:
    """The text parts of a UI message, joined."""
    parts = message.get("parts") if isinstance(message, dict) else None
    if not isinstance(parts, list):
        return None
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


def data_body(data: Any, part: str) -> str:
    """The body of a data record."""
    return encode({"data": data, "id": part}).decode()


def control_record(kind: str, headers: Sequence[tuple[str, str]] = ()) -> RecordHeaders:
    """The headers of a control record."""
    return ((CONTROL, kind), *headers)


def close_message(chat_id: str, reason: str | None) -> str:
    """What a first close appends to `in` (clause channel.close-notifies); an empty reason is left out."""
    payload = {"chatId": chat_id, "trigger": "close", **({"closedReason": reason} if reason else {})}
    return encode({"kind": "message", "payload": payload}).decode()
