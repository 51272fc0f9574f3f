"""What comes in and what goes out: a request, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope

__all__ = ["JSON", "Answer", "ClientGone", "Headers", "Refusal", "Request", "encode"]

JSON = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]


class Request:
    """A request as the server got it, its body still to be received.

    Attributes:
        raw_path: the path as it was sent, percent-encoded and without the query, below the mount point.
        headers: by lower-case name; of a repeated header the first line counts.
        body: what was received of the body so far.
    """

    __slots__ = ("body", "headers", "method", "query", "raw_headers", "raw_path", "receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        root = scope.get("root_path", "")
        self.raw_path = path.removeprefix(root.encode()) if root else path
        self.query: bytes = scope["query_string"]
        self.raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.headers: dict[bytes, bytes] = dict(reversed(self.raw_headers))
        self.receive = receive
        self.body = b""


@dataclass(slots=True)
class Answer:
    """What is sent back; `session_id` and `clause` are for the journal."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: Headers = ()
    session_id: str | None = None
    clause: str | None = None


class Refusal(Exception):
    """A request is not granted.

    Args:
        clause: the clause it breaks; the contract has its status and error text. Or a
            grey zone, with the status and text given here.
        error: a text more precise than the contract's.
        status: where a dialect answers with another status than the contract's.
        media_type: of the body.
        headers: beside those of every answer.
        members: in the body, beside `error`.
        body: the whole body, where it is not JSON made of the above.
    """

    def __init__(
        self,
        clause: str,
        error: str | None = None,
        *,
        status: int | None = None,
        media_type: bytes = JSON,
        headers: Headers = (),
        members: Mapping[str, Any] | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(clause)
        self.clause, self.error, self.status = clause, error, status
        self.media_type, self.headers, self.members, self.body = media_type, headers, members, body


class ClientGone(Exception):  # noqa: N818 - an event, not an error
    """The client disconnected before its request was complete; there is nobody to answer."""


def encode(value: Any) -> bytes:
    """JSON, compact, as UTF-8; lone surrogates, which UTF-8 has no bytes for, are escaped."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


