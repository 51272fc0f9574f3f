"""What happened in an environment: the last exchanges, as they came and went."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from adjourn_mock.exchange import Answer, Request
from adjourn_spec import Operation

__all__ = ["Entry", "Journal"]

DEFAULT_ENTRIES = 500


class Entry(NamedTuple):
    """One exchange.

    Attributes:
        at: when it was answered, in milliseconds since 1970.
        operation: the operationId, or None where no operation was reached.
        raw_path: the path as it was sent, still percent-encoded.
        headers: of the request, credentials included: mask them before they are shown.
        session_id: the friendly id of the session it found or made, if any.
        clause: the clause for which it was refused, if it was.
    """

    at: int
    operation: str | None
    method: str
    raw_path: bytes
    headers: Sequence[tuple[bytes, bytes]]
    request_body: bytes
    status: int
    response_body: bytes
    session_id: str | None
    clause: str | None


class Journal:
    """The last `size` exchanges; older ones are forgotten, `count` still knows how many there were."""

    def __init__(self, size: int = DEFAULT_ENTRIES) -> None:
        self._exchanges: deque[tuple[int, Operation | None, Request, Answer]] = deque(maxlen=size)
        self.count = 0

    def add(self, at: int, operation: Operation | None, request: Request, answer: Answer) -> None:
        """Note an exchange; it is made an `Entry` of when it is read."""
        self._exchanges.append((at, operation, request, answer))
        self.count += 1

    def __iter__(self) -> Iterator[Entry]:
        for at, operation, request, answer in tuple(self._exchanges):
            yield Entry(
                at=at,
                operation=operation.name if operation else None,
                method=request.method,
                raw_path=request.raw_path,
                headers=request.raw_headers,
                request_body=request.body,
                status=answer.status,
                response_body=answer.body,
                session_id=answer.session_id,
                clause=answer.clause,
            )

    def __len__(self) -> int:
        return len(self._exchanges)
