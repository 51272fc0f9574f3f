"""What happened in an environment: the last exchanges, as they came and went."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Entry", "Journal"]

DEFAULT_ENTRIES = 1000


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
        self._entries: deque[Entry] = deque(maxlen=size)
        self.count = 0

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self.count += 1

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
