"""What comes in and what goes out: a request, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeVar

import msgspec
from starlette.types import Scope

from adjourn_mock.domain.sessions import Session

__all__ = ["JSON", "Answer", "ClientGone", "Headers", "Note", "Notes", "Refusal", "Request"]

JSON = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]
Notes = dict[Any, Any]
T = TypeVar("T")


class Request(msgspec.Struct, gc=False):
    """A request as the server received it.

    What was sent never changes; the steps fill in what they find out: `body`, `operation`, `segment`, `faults`,
    `notes`.

    Attributes:
        raw_path: the path as it was sent, percent-encoded and without the query, below the mount point.
        headers: by lower-case name; of a repeated header the first line counts.
        head_bytes: the size of path, query and headers together.
        body: the part of the body that was received.
        operation: the operationId of the operation that the request reached.
        faults: the names of the faults that apply to it.
        segment: the raw path segment that names a session.
        received_at: when it came in, in milliseconds since 1970, by the machine's clock.
        notes: what one step hands to a later one; read and written through a `Note`.
    """

    method: str
    raw_path: bytes
    query: bytes
    raw_headers: list[tuple[bytes, bytes]]
    headers: dict[bytes, bytes]
    head_bytes: int = 0
    received_at: int = 0
    body: bytes = b""
    operation: str | None = None
    faults: tuple[str, ...] = ()
    notes: Notes = {}
    segment: bytes | None = None

    @classmethod
    def of(cls, scope: Scope, received_at: int) -> Request:
        """The request of an ASGI scope."""
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if root := scope.get("root_path"):
            raw_path = raw_path.removeprefix(root.encode())
        return cls.with_head(scope["method"], raw_path, scope["query_string"], scope["headers"], received_at)

    @classmethod
    def with_head(
        cls, method: str, raw_path: bytes, query: bytes, raw_headers: list[tuple[bytes, bytes]], received_at: int = 0
    ) -> Request:
        """A request of which nothing but the request line and the headers is known."""
        headers: dict[bytes, bytes] = {}
        head_bytes = len(raw_path) + len(query)
        for name, value in reversed(raw_headers):
            headers[name] = value
            head_bytes += len(name) + len(value)
        return cls(method, raw_path, query, raw_headers, headers, head_bytes, received_at)


class Note(Generic[T]):
    """A value that one step of a behaviour leaves for a later step of the same request.

    Each instance is a key of its own, so notes of different faults never collide.

    Args:
        meaning: what the value is, for the reader of a debugger.
    """

    __slots__ = ("meaning",)

    def __init__(self, meaning: str) -> None:
        self.meaning = meaning

    def __repr__(self) -> str:
        return f"Note({self.meaning!r})"

    def write(self, notes: Notes, value: T) -> None:
        """Leave a value."""
        notes[self] = value

    def read(self, notes: Notes) -> T | None:
        """The value that was left, or None."""
        value: T | None = notes.get(self)
        return value


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is sent back; `msgspec.structs.replace` makes a changed one.

    `session` (the row after), `before` (the row that was found) and `clause` (for which it
    is a refusal) are for the journal. `events` makes the pieces of an answer that is a stream;
    it has no other body and no length.
    """

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: Headers = ()
    session: Session | None = None
    before: Session | None = None
    clause: str | None = None
    events: Callable[[], AsyncIterator[bytes]] | None = None

    @property
    def json(self) -> Any:
        """The body, parsed; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, eq=False)
class Refusal(Exception):  # noqa: N818 - it is a lawful answer
    """A request is not granted; `dataclasses.replace` makes a changed one.

    Args:
        clause: the clause it violates; the contract has its status and error text. Or a
            grey zone, with the status and text given here.
        error: a text more precise than the contract's.
        status: where a dialect answers with another status than the contract's.
        media_type: of the body.
        headers: beside those of every answer.
        members: in the body, beside `error`.
        body: the whole body, where it is not JSON made of the above.
    """

    clause: str
    error: str | None = None
    _: KW_ONLY
    status: int | None = None
    media_type: bytes = JSON
    headers: Headers = ()
    members: Mapping[str, Any] | None = None
    body: bytes | None = None


class ClientGone(Exception):  # noqa: N818 - an event, not an error
    """The client disconnected before its request was complete; there is nobody to answer."""
