"""A store in Redis: any number of processes, on any machines, share one state.

<prefix>:version                    counts the changes of environments
<prefix>:environments               hash: environment -> record
<prefix>:<environment>:rows         hash: friendly id -> row
<prefix>:<environment>:ids          hash: externalId -> friendly id
<prefix>:<environment>:order        sorted set of `created_at number friendly-id`, ordered as text
<prefix>:<environment>:places       hash: friendly id -> its member in `order`
<prefix>:<environment>:counters     hash: counter -> value
<prefix>:<environment>:journal      list of entries
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import asyncio as client
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from adjourn_mock import sessions
from adjourn_mock.exchange import Answer, Request
from adjourn_mock.journal import DEFAULT_ENTRIES, Entry
from adjourn_mock.rows import decode_entry, decode_row, encode_entry, encode_row, text_key
from adjourn_mock.sessions import Filter, Page, Session
from adjourn_mock.store import IdTakenError, StoreError, StoreUnavailable
from adjourn_spec import FriendlyId, SessionKey

__all__ = ["RedisStore"]

_TIMEOUT_SECONDS = 5
_BATCH_ROWS = 200
_POLL_SECONDS = 0.02
_JOURNAL = "exchanges"

_FIND = """
local id = ARGV[1]
if ARGV[2] == 'external' then id = redis.call('HGET', KEYS[2], id) end
return id and redis.call('HGET', KEYS[1], id)
"""
# Returns {the row that has the externalId} or {} where the new one was kept, and an error where its id is taken.
_INSERT = """
local id, external, created, row = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if ARGV[5] == '1' then
  local holder = redis.call('HGET', KEYS[2], external)
  if holder then return redis.call('HGET', KEYS[1], holder) end
end
if redis.call('HEXISTS', KEYS[1], id) == 1 then return redis.error_reply('TAKEN') end
local place = created .. ' ' .. string.format('%016d', redis.call('HINCRBY', KEYS[5], 'places', 1)) .. ' ' .. id
redis.call('HSET', KEYS[1], id, row)
redis.call('HSET', KEYS[4], id, place)
redis.call('ZADD', KEYS[3], 0, place)
if ARGV[5] == '1' then redis.call('HSET', KEYS[2], external, id) end
return false
"""
# Puts a row in place of the one that was read, unless it has changed since.
_SWAP = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] ~= ARGV[5] then
  redis.call('HDEL', KEYS[2], ARGV[4])
  redis.call('HSET', KEYS[2], ARGV[5], ARGV[1])
end
return 1
"""
_BATCH = """
local places = redis.call(ARGV[1], KEYS[3], ARGV[2], ARGV[3], 'LIMIT', 0, tonumber(ARGV[4]))
local found = {}
for index, place in ipairs(places) do
  found[2 * index - 1] = place
  found[2 * index] = redis.call('HGET', KEYS[1], string.match(place, '^%S+ %S+ (.*)$'))
end
return found
"""
_REPLACE = """
for index = 1, 4 do redis.call('DEL', KEYS[index]) end
redis.call('HDEL', KEYS[5], 'places')
for index = 1, #ARGV, 5 do
  local id, external, created, row = ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
  local place = created .. ' ' .. string.format('%016d', redis.call('HINCRBY', KEYS[5], 'places', 1)) .. ' ' .. id
  redis.call('HSET', KEYS[1], id, row)
  redis.call('HSET', KEYS[4], id, place)
  redis.call('ZADD', KEYS[3], 0, place)
  if ARGV[index + 4] == '1' then redis.call('HSET', KEYS[2], external, id) end
end
return 1
"""
_RECORDS = """
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
if version == tonumber(ARGV[1]) then return {version} end
return {version, redis.call('HGETALL', KEYS[2])}
"""


class RedisStore:
    """A store in a Redis server.

    It connects when it is first used, and again whenever the connection was lost.

    Args:
        url: as `redis://host:port/database`.
        prefix: what its keys start with.

    Raises:
        StoreError: the URL is none.
    """

    def __init__(self, url: str, prefix: str = "adjourn") -> None:
        try:
            self._redis: Any = client.Redis.from_url(
                url, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
            )
        except ValueError as error:
            # The URL may have a password in it.
            raise StoreError(f"that is not the URL of a Redis server: {error}") from None
        self._prefix = prefix
        self._find, self._insert, self._swap = (self._redis.register_script(each) for each in (_FIND, _INSERT, _SWAP))
        self._batch, self._replace = self._redis.register_script(_BATCH), self._redis.register_script(_REPLACE)
        self._records = self._redis.register_script(_RECORDS)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _keys(self, environment: str) -> list[str]:
        return [self._key(environment, part) for part in ("rows", "ids", "order", "places", "counters")]

    @contextmanager
    def _errors(self) -> Iterator[Any]:
        try:
            yield self._redis
        except (TimeoutError, RedisConnectionError, OSError) as error:
            raise StoreUnavailable(f"Redis is not reachable: {error}") from None
        except RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from None

    # sessions

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        kind = "friendly" if type(key) is FriendlyId else "external"
        with self._errors():
            found = await self._find(self._keys(environment), [text_key(key.value), kind])
        return None if not found else decode_row(found)

    async def insert(self, environment: str, session: Session) -> Session:
        with self._errors():
            try:
                holder = await self._insert(self._keys(environment), _members(session))
            except ResponseError as error:
                if "TAKEN" in str(error):
                    raise IdTakenError(session.id) from None
                raise
        return session if holder is None else decode_row(holder)

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        keys, name = self._keys(environment), text_key(session_id)
        with self._errors() as redis:
            while True:
                content = await redis.hget(keys[0], name)
                if content is None:
                    return None
                before = decode_row(content)
                session = change(before)
                if session is before:
                    return session
                ids = [b"" if each.external_id is None else text_key(each.external_id) for each in (before, session)]
                if await self._swap(keys, [name, content, encode_row(session), *ids]):
                    return session

    async def close_once(self, environment: str, session_id: str, reason: str | None, now: str) -> Session | None:
        return await self.amend(environment, session_id, lambda session: sessions.close(session, reason, now))

    async def page(
        self, environment: str, keep: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        place: bytes | None = b""
        if cursor := after or before:
            with self._errors() as redis:
                place = await redis.hget(self._key(environment, "places"), text_key(cursor))
            if place is None:
                return Page((), has_older=False, has_newer=False)
        found = await self._matching(environment, place or b"", keep, now, count=size + 1, newer=before is not None)
        if before is not None:
            return Page(tuple(reversed(found[:size])), has_older=True, has_newer=len(found) > size)
        return Page(tuple(found[:size]), has_older=len(found) > size, has_newer=after is not None)

    async def _matching(
        self, environment: str, place: bytes, keep: Filter, now: str, *, count: int, newer: bool
    ) -> list[Session]:
        """The rows beyond a place that are kept, newest first or, for `newer`, oldest first."""
        lowest = b"-" if keep.created_from is None else b"[" + keep.created_from.encode()
        highest = b"+" if keep.created_to is None else b"(" + keep.created_to.encode() + b"!"
        found: list[Session] = []
        keys = self._keys(environment)
        while True:
            if newer:
                start, stop = (b"(" + place if place else lowest), highest
            else:
                start, stop = (b"(" + place if place else highest), lowest
            command = "ZRANGEBYLEX" if newer else "ZREVRANGEBYLEX"
            with self._errors():
                batch = await self._batch(keys, [command, start, stop, _BATCH_ROWS])
            for member, content in zip(batch[::2], batch[1::2], strict=True):
                place = member
                row = decode_row(content)
                if keep.keeps(row, now):
                    found.append(row)
                    if len(found) == count:
                        return found
            if len(batch) < 2 * _BATCH_ROWS:
                return found

    async def count(self, environment: str) -> int:
        with self._errors() as redis:
            return int(await redis.hlen(self._key(environment, "rows")))

    async def snapshot(self, environment: str) -> Sequence[Session]:
        return await self._matching(environment, b"", Filter(), "", count=-1, newer=True)

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        members = [member for session in rows for member in _members(session)]
        with self._errors():
            await self._replace(self._keys(environment), members)

    def journal(self, environment: str) -> _RedisJournal:
        return _RedisJournal(self, environment)

    # what processes share

    async def records(self, since: int) -> tuple[int, Mapping[str, str] | None]:
        with self._errors():
            version, *rest = await self._records([self._key("version"), self._key("environments")], [since])
        if not rest:
            return int(version), None
        (flat,) = rest
        return int(version), {
            name.decode(): record.decode() for name, record in zip(flat[::2], flat[1::2], strict=True)
        }

    async def claim(self, environment: str, record: str) -> bool:
        with self._errors() as redis:
            made = await redis.hsetnx(self._key("environments"), environment, record)
            await redis.incr(self._key("version"))
        return bool(made)

    async def keep(self, environment: str, record: str) -> None:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.hset(self._key("environments"), environment, record)
                together.incr(self._key("version"))
                await together.execute()

    async def drop(self, environment: str) -> None:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.hdel(self._key("environments"), environment)
                together.delete(*self._keys(environment), self._key(environment, "journal"))
                together.incr(self._key("version"))
                await together.execute()

    async def draw(self, environment: str, counter: str) -> int:
        with self._errors() as redis:
            return int(await redis.hincrby(self._key(environment, "counters"), counter, 1))

    async def counters(self, environment: str) -> Mapping[str, int]:
        with self._errors() as redis:
            counters = await redis.hgetall(self._key(environment, "counters"))
        return {name.decode(): int(value) for name, value in counters.items()}

    async def close(self) -> None:
        await self._redis.aclose()


def _members(session: Session) -> list[bytes]:
    """What the scripts take of a row: id, externalId, createdAt, the row, whether it has an externalId."""
    external_id = session.external_id
    return [
        text_key(session.id),
        b"" if external_id is None else text_key(external_id),
        session.created_at.encode(),
        encode_row(session),
        b"0" if external_id is None else b"1",
    ]


class _RedisJournal:
    """A journal in the same server."""

    def __init__(self, store: RedisStore, environment: str) -> None:
        self._store = store
        self._list, self._counters = store._key(environment, "journal"), store._key(environment, "counters")

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        entry = encode_entry(Entry.of(0, at, request, answer))
        with self._store._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.rpush(self._list, entry)
                together.ltrim(self._list, -DEFAULT_ENTRIES, -1)
                together.hincrby(self._counters, _JOURNAL, 1)
                await together.execute()

    async def read(self) -> Sequence[Entry]:
        with self._store._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.lrange(self._list, 0, -1)
                together.hget(self._counters, _JOURNAL)
                entries, count = await together.execute()
        first = int(count or 0) - len(entries) + 1
        return [decode_entry(entry, number) for number, entry in enumerate(entries, first)]

    async def count(self) -> int:
        with self._store._errors() as redis:
            return int(await redis.hget(self._counters, _JOURNAL) or 0)

    async def clear(self) -> None:
        with self._store._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.delete(self._list)
                together.hdel(self._counters, _JOURNAL)
                await together.execute()

    async def changed(self, timeout_seconds: float) -> None:
        await asyncio.sleep(min(timeout_seconds, _POLL_SECONDS))
