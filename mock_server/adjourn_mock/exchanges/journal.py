"""What happened in an environment: the last exchanges, as they came and went."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import unquote
from weakref import WeakSet

import msgspec

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Request

__all__ = ["Entry", "Journal", "MemoryBudget", "MemoryJournal", "Tail", "wait"]

DEFAULT_ENTRIES = 500
DEFAULT_BYTES = 8 * 1024 * 1024
ALL_BYTES = 256 * 1024 * 1024
_EXCHANGE_BYTES = 1024
_MAX_WAITING = 1000


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

    @classmethod
    def of(cls, number: int, at: int, request: Request | _Record, answer: Answer) -> Self:
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
        )

    @property
    def path(self) -> str:
        """The path, percent-decoded: for people."""
        return unquote(self.raw_path.decode("latin-1"), errors="replace")

    @property
    def key(self) -> str | None:
        """The session that the path names, percent-decoded, whether there is one or not."""
        parts = self.raw_path.split(b"/")
        return unquote(parts[4].decode("latin-1"), errors="replace") if len(parts) > 4 else None

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


class Tail:
    """What is new in a journal since it was looked at last.

    Args:
        journal: which.
        last_seen: the number of the last exchange that is known already.
    """

    def __init__(self, journal: Journal, last_seen: int = 0) -> None:
        self.journal, self._last_seen = journal, last_seen

    async def poll(self, limit: int) -> tuple[Sequence[Entry], int, bool]:
        """The newest exchanges, up to `limit`; how many more there were; whether it was emptied meanwhile."""
        count = await self.journal.count()
        is_cleared = count < self._last_seen
        if is_cleared:
            self._last_seen = 0
        if count == self._last_seen:
            return (), 0, is_cleared
        new = [entry for entry in await self.journal.read() if entry.number > self._last_seen]
        missed = count - self._last_seen
        self._last_seen = max([count, *(entry.number for entry in new[-1:])])
        shown = new[-limit:]
        return shown, max(missed, len(new)) - len(shown), is_cleared


class _Record(msgspec.Struct, frozen=True, gc=False):
    """An exchange as it is stored: what an entry is made of when the journal is read.

    The parsed headers and the notes of the request are left out, so that it takes little memory. It is not an
    `Entry` yet because each close pays for it, and few entries are ever read.
    """

    at: int
    operation: str | None
    method: str
    raw_path: bytes
    query: bytes
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes
    faults: tuple[str, ...]
    answer: Answer
    size_bytes: int


class MemoryBudget:
    """What the journals of a process may take together.

    Args:
        limit_bytes: when they take more, the largest forgets half of what it has.
    """

    def __init__(self, limit_bytes: int = ALL_BYTES) -> None:
        self._limit_bytes, self._taken_bytes = limit_bytes, 0
        self._journals: WeakSet[MemoryJournal] = WeakSet()

    def register(self, journal: MemoryJournal) -> None:
        self._journals.add(journal)

    def charge(self, size_bytes: int) -> None:
        """Note that a journal has become larger, or smaller where it is negative."""
        self._taken_bytes += size_bytes
        if self._taken_bytes > self._limit_bytes:
            self._relieve()

    def _relieve(self) -> None:
        journals = sorted(self._journals, key=lambda journal: journal.size_bytes)
        # Those that went away gave nothing back.
        self._taken_bytes = sum(journal.size_bytes for journal in journals)
        while self._taken_bytes > self._limit_bytes and journals:
            self._taken_bytes -= journals.pop().halve()


class MemoryJournal:
    """A journal in this process's memory.

    Args:
        budget: what it shares with others.
        size: the most exchanges that are kept.
        limit_bytes: about the most that they may take.

    Attributes:
        size_bytes: about how much memory it takes.
    """

    def __init__(
        self, budget: MemoryBudget | None = None, *, size: int = DEFAULT_ENTRIES, limit_bytes: int = DEFAULT_BYTES
    ) -> None:
        self._exchanges: deque[_Record] = deque()
        self._size, self._limit_bytes, self.size_bytes = size, limit_bytes, 0
        self._budget = budget or MemoryBudget()
        self._budget.register(self)
        self._waiting: list[asyncio.Future[None]] = []
        self._count = 0

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        self._count += 1
        # The row before it, where another came out, is as large as the one in the answer, about.
        size_bytes = _EXCHANGE_BYTES + request.head_bytes + len(request.body) + 2 * len(answer.body)
        self._exchanges.append(
            _Record(
                at,
                request.operation,
                request.method,
                request.raw_path,
                request.query,
                request.raw_headers,
                request.body,
                request.faults,
                answer,
                size_bytes,
            )
        )
        if len(self._exchanges) > self._size:
            size_bytes -= self._exchanges.popleft().size_bytes
        self.size_bytes += size_bytes
        while self.size_bytes > self._limit_bytes:
            size_bytes -= self._forget()
        if size_bytes:
            self._budget.charge(size_bytes)
        if self._waiting:
            self._wake()

    def _forget(self) -> int:
        """Forget the oldest exchange; how many bytes it took."""
        size_bytes = self._exchanges.popleft().size_bytes
        self.size_bytes -= size_bytes
        return size_bytes

    def halve(self) -> int:
        """Forget the older half; how many bytes it took."""
        return sum(self._forget() for _ in range((len(self._exchanges) + 1) // 2))

    async def clear(self) -> None:
        self._exchanges.clear()
        self._budget.charge(-self.size_bytes)
        self._count = self.size_bytes = 0

    async def read(self) -> Sequence[Entry]:
        return list(self)

    async def count(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        exchanges = tuple(self._exchanges)
        first = self._count - len(exchanges) + 1
        for number, record in enumerate(exchanges, first):
            yield Entry.of(number, record.at, record, record.answer)

    async def changed(self, timeout_seconds: float) -> None:
        if len(self._waiting) >= _MAX_WAITING:
            raise ValueError(f"{_MAX_WAITING} callers wait for this journal already")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait([future], timeout=timeout_seconds)
        finally:
            if future in self._waiting:
                self._waiting.remove(future)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            # A waiter may live in another event loop than the one that serves.
            future.get_loop().call_soon_threadsafe(_finish, future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
