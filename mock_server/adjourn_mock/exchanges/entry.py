"""One exchange of a journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

import msgspec

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Request

__all__ = ["Entry", "StoredExchange"]


class Entry(NamedTuple):
    """One exchange.

    Attributes:
        number: counts up from 1 in each journal.
        at: when it was answered, in milliseconds since 1970, by the environment's clock.
        operation: the operationId, or None where no operation was reached.
        raw_path: the path as it was sent, still percent-encoded.
        headers: of the request, credentials included: mask them before they are shown.
        status: of the answer.
        media_type: of the answer.
        session: the row after it, if there was one.
        before: the row before it, where the operation found one.
        clause: the clause for which it was refused, if it was.
        faults: the names of the faults that were on for it.
        segment: the raw path segment that names a session, where the path has one.
        received_at: when it came in, in milliseconds since 1970, by the machine's clock.
    """

    number: int
    at: int
    operation: str | None
    method: str
    raw_path: bytes
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    request_body: bytes
    status: int
    media_type: bytes
    response_body: bytes
    session: Session | None
    before: Session | None
    clause: str | None
    faults: tuple[str, ...]
    segment: bytes | None = None
    received_at: int = 0

    @classmethod
    def of(cls, number: int, at: int, request: Request, answer: Answer) -> Self:
        return cls(
            number=number,
            at=at,
            operation=request.operation,
            method=request.method,
            raw_path=request.raw_path,
            query=request.query,
            headers=request.raw_headers,
            request_body=request.body,
            status=answer.status,
            media_type=answer.media_type,
            response_body=answer.body,
            session=answer.session,
            before=answer.before,
            clause=answer.clause,
            faults=request.faults,
            segment=request.segment,
            received_at=request.received_at,
        )

    @property
    def path(self) -> str:
        """The path, percent-decoded: for people."""
        return unquote(self.raw_path.decode("latin-1"), errors="replace")

    @property
    def key(self) -> str | None:
        """The session that the path names, percent-decoded, whether it exists or not."""
        return _key_in(self.segment)

    @property
    def request_json(self) -> Any:
        """The body of the request, parsed; None where it is not JSON."""
        return _parsed(self.request_body)

    @property
    def response_json(self) -> Any:
        """The body of the answer, parsed; None where it is not JSON."""
        return _parsed(self.response_body)

    def __str__(self) -> str:
        parts = [f"{self.number:>4}  {self.status}  {self.method:<6} {ascii(self.path)[1:-1]}"]
        if self.clause is not None:
            parts.append(f"refused: {self.clause}")
        if self.faults:
            parts.append(f"faults: {', '.join(self.faults)}")
        return "  ".join(parts)

    def is_about(self, key: str) -> bool:
        """Whether it names or touched the session that has `key` as its id or externalId."""
        session = self.session
        return self.key == key or (session is not None and key in (session.id, session.external_id))


def _key_in(segment: bytes | None) -> str | None:
    return None if segment is None else unquote(segment.decode("latin-1"), errors="replace")


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


class StoredExchange(msgspec.Struct, frozen=True, gc=False):
    """An exchange as it is stored: what an entry is made of when the journal is read.

    It is not an `Entry` yet because each close pays for it, and few entries are ever read.

    Attributes:
        at: as in an entry.
        size_bytes: about how much memory it takes.
    """

    at: int
    request: Request
    answer: Answer
    size_bytes: int

    @property
    def key(self) -> str | None:
        """As in an entry."""
        return _key_in(self.request.segment)

    def as_entry(self, number: int) -> Entry:
        """The entry that it is in the journal under a number."""
        return Entry.of(number, self.at, self.request, self.answer)
