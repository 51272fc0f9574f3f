"""The journal of an environment in Redis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal import DEFAULT_ENTRIES
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.exchanges.signal import Signal
from adjourn_mock.stores.codec import decode_entry, encode_entry
from adjourn_mock.stores.store import POLL_SECONDS

__all__ = ["RedisJournal"]

_COUNTER = "exchanges"


class RedisJournal:
    """A journal in the Redis server of a store.

    Args:
        prefix: what the keys of its environment start with.
        errors: turns the client's errors into those of a store.
    """

    def __init__(self, prefix: str, errors: Callable[[], AbstractContextManager[Any]]) -> None:
        self._errors = errors
        self._list, self._counters = f"{prefix}:journal", f"{prefix}:counters"
        self._changed = Signal()

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        entry = encode_entry(Entry.of(0, at, request, answer))
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.rpush(self._list, entry)
                together.ltrim(self._list, -DEFAULT_ENTRIES, -1)
                together.hincrby(self._counters, _COUNTER, 1)
                await together.execute()
        self._changed.send()

    async def read(self) -> Sequence[Entry]:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.lrange(self._list, 0, -1)
                together.hget(self._counters, _COUNTER)
                entries, count = await together.execute()
        first = int(count or 0) - len(entries) + 1
        return [decode_entry(entry, number) for number, entry in enumerate(entries, first)]

    async def count(self) -> int:
        with self._errors() as redis:
            return int(await redis.hget(self._counters, _COUNTER) or 0)

    async def dropped_since(self, mark: int) -> int:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.llen(self._list)
                together.hget(self._counters, _COUNTER)
                length, count = await together.execute()
        return max(0, int(count or 0) - int(length) - mark)

    async def count_dropped(self, wanted: JournalFilter) -> int | None:  # noqa: ARG002
        # Not counted: each count would be one more write for each request.
        return None

    async def clear(self) -> None:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.delete(self._list)
                together.hdel(self._counters, _COUNTER)
                await together.execute()

    async def changed(self, timeout_seconds: float) -> None:
        await self._changed.wait(min(timeout_seconds, POLL_SECONDS))
