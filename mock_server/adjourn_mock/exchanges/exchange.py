"""What comes in and what goes out: a request, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import Scope

from adjourn_mock.domain.sessions import Session

__all__ = ["JSON", "Answer", "ClientGone", "Headers", "Refusal", "Request"]

JSON = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]


class Request(msgspec.Struct, gc=False):
    """A request as the server got it.

    Attributes:
        raw_path: the path as it was sent, percent-encoded and without the query, below the mount point.
        headers: by lower-case name; of a repeated header the first line counts.
        body: what was received of the body so far.
        operation: the operationId that it reached, for the journal, like `faults`,
            the names of the faults that are on for it.
        head_bytes: how large path, query and headers are, once somebody looked.
    """

    method: str
    raw_path: bytes
    query: bytes
    raw_headers: list[tuple[bytes, bytes]]
    headers: dict[bytes, bytes]
    body: bytes = b""
    operation: str | None = None
    faults: tuple[str, ...] = ()
    head_bytes: int = 0

    @classmethod
    def of(cls, scope: Scope) -> Request:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if root := scope.get("root_path"):
            raw_path = raw_path.removeprefix(root.encode())
        raw_headers = scope["headers"]
        return cls(scope["method"], raw_path, scope["query_string"], raw_headers, dict(reversed(raw_headers)))


class Answer(msgspec.Struct, gc=False):
    """What is sent back.

    `session` (the row after), `before` (the row that was found) and `clause` (for which it
    is a refusal) are for the journal.
    """

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: Headers = ()
    session: Session | None = None
    before: Session | None = None
    clause: str | None = None

    @property
    def json(self) -> Any:
        """The body, parsed; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Refusal(Exception):  # noqa: N818 - it is a lawful answer
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
