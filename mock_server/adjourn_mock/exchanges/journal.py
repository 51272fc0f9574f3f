"""What happened in an environment: the last exchanges, as they came and went."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import unquote

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Request

__all__ = ["DEFAULT_ENTRIES", "Entry", "Journal", "News", "Tail", "wait"]

DEFAULT_ENTRIES = 500


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
        return None if self.segment is None else unquote(self.segment.decode("latin-1"), errors="replace")

    @property
    def request_json(self) -> Any:
        """The body of the request, parsed; None where it is no JSON."""
        return _parsed(self.request_body)

    @property
    def response_json(self) -> Any:
        """The body of the answer, parsed; None where it is no JSON."""
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


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


class Journal(Protocol):
    """The last exchanges of an environment, oldest first; it knows how many there were in all."""

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        """Note an exchange that is over; `at` is in milliseconds since 1970."""

    async def read(self) -> Sequence[Entry]:
        """What is kept, oldest first."""

    async def count(self) -> int:
        """How many there were, those that are forgotten included."""

    async def dropped_since(self, mark: int) -> int:
        """How many exchanges with a number above `mark` were noted and are no longer kept.

        Where it is 0, `read` has every exchange after the mark, and counts made from it are exact.
        """

    async def clear(self) -> None:
        """Forget everything, the count included."""

    async def changed(self, timeout_seconds: float) -> None:
        """Return when an exchange may have been noted, or when the time is over.

        Raises:
            ValueError: too many wait already.
        """


async def wait(
    journal: Journal, matches: Callable[[Entry], bool], *, at_least: int, timeout_seconds: float
) -> Sequence[Entry]:
    """The entries that `matches` accepts, as soon as there are `at_least` so many, or when the time is over.

    Raises:
        ValueError: too many wait already.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = [entry for entry in await journal.read() if matches(entry)]
        left = deadline - time.monotonic()
        if len(found) >= at_least or left <= 0:
            return found
        await journal.changed(left)


@dataclass(frozen=True, slots=True)
class News:
    """What a journal has had since it was last polled.

    Attributes:
        entries: the newest exchanges, oldest first.
        skipped: how many more there were, which are not among `entries`.
        is_cleared: whether the journal was cleared meanwhile.
    """

    entries: Sequence[Entry] = ()
    skipped: int = 0
    is_cleared: bool = False


class Tail:
    """Reads the end of a journal, each exchange once.

    Args:
        journal: the journal to read.
        last_seen: the number of the last exchange that the reader knows.
    """

    def __init__(self, journal: Journal, last_seen: int = 0) -> None:
        self.journal, self._last_seen = journal, last_seen

    async def poll(self, limit: int) -> News:
        """The exchanges since the last poll, up to `limit` of the newest."""
        count = await self.journal.count()
        is_cleared = count < self._last_seen
        if is_cleared:
            self._last_seen = 0
        if count == self._last_seen:
            return News(is_cleared=is_cleared)
        unseen = [entry for entry in await self.journal.read() if entry.number > self._last_seen]
        # Exchanges may have been added between the two reads.
        newest = max(count, unseen[-1].number) if unseen else count
        total = newest - self._last_seen
        self._last_seen = newest
        entries = unseen[-limit:]
        return News(entries, total - len(entries), is_cleared)
