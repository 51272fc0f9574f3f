"""Channels in the Redis server of a store.

<prefix>:touched                       stream of environment and channel of each record; without a channel all has ended
<prefix>:<environment>:channels        hash: channel -> its next sequence number
<prefix>:<environment>:channel-bytes   hash: channel -> bytes of its records
<prefix>:<environment>:parts           sorted set of `channel part`, by the moment of its append
<prefix>:<environment>:channel:<name>  list of the channel's records
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from adjourn_mock.domain.records import Record, RecordHeaders, Settled
from adjourn_mock.stores.channels import Readers
from adjourn_mock.stores.codec import decode_record, encode_record, text_key
from adjourn_mock.stores.polling import Polling
from adjourn_spec import ChannelRule

__all__ = ["RedisChannels"]

_TOUCHED_ENTRIES, _BATCH = 20_000, 1000
# KEYS: channels, channel-bytes, parts, the list, touched. ARGV: name, record, part or '', now, the oldest moment that
# counts, how many records, how many bytes, how many entries of touched, environment. Returns the number, -1 repeated.
_APPEND = """
if ARGV[3] ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[5])
  local part = ARGV[1] .. ' ' .. ARGV[3]
  if redis.call('ZSCORE', KEYS[3], part) then return -1 end
  redis.call('ZADD', KEYS[3], ARGV[4], part)
end
local count = redis.call('RPUSH', KEYS[4], ARGV[2])
local bytes = redis.call('HINCRBY', KEYS[2], ARGV[1], #ARGV[2])
while count > tonumber(ARGV[6]) or (bytes > tonumber(ARGV[7]) and count > 1) do
  bytes = redis.call('HINCRBY', KEYS[2], ARGV[1], -#redis.call('LPOP', KEYS[4]))
  count = count - 1
end
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[8], '*', 'e', ARGV[9], 'c', ARGV[1])
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1) - 1
"""
# KEYS: channels, the list. ARGV: name, after, limit. Returns the number of the first record, and the records.
_READ = """
local first = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') - redis.call('LLEN', KEYS[2])
local start = math.max(0, tonumber(ARGV[2]) + 1 - first)
return {first + start, redis.call('LRANGE', KEYS[2], start, start + tonumber(ARGV[3]) - 1)}
"""
# KEYS: channels, channel-bytes, parts, touched. ARGV: what the lists start with, environment, how many entries.
_CLEAR = """
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('DEL', ARGV[1] .. name) end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
return redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[3], '*', 'e', ARGV[2], 'c', '')
"""


class RedisChannels:
    """Channels that any number of processes share. Readers elsewhere notice a record within a poll.

    Args:
        redis: the client.
        prefix: what keys start with.
        errors: turns the client's errors into those of a store.
        rule: what is stored.
    """

    def __init__(
        self, redis: Any, prefix: str, errors: Callable[[], AbstractContextManager[Any]], rule: ChannelRule
    ) -> None:
        self._redis, self._prefix, self._errors, self._rule = redis, prefix, errors, rule
        self._append, self._read, self._clear = (redis.register_script(each) for each in (_APPEND, _READ, _CLEAR))
        self._last: bytes | None = None
        self._own_ends: set[bytes] = set()
        self.readers: Readers = Polling(self._poll)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _list(self, environment: str, name: bytes) -> bytes:
        return self._key(environment, "channel:").encode() + name

    async def append(
        self, environment: str, channel: str, body: str, headers: RecordHeaders = (), *, part: str | None, now: int
    ) -> int | None:
        name = text_key(channel)
        keys = [self._key(environment, each) for each in ("channels", "channel-bytes", "parts")]
        arguments = [
            name,
            encode_record(now, body, headers),
            "" if part is None else text_key(part),
            now,
            now - 1000 * self._rule.part_seconds,
            self._rule.records,
            self._rule.bytes,
            _TOUCHED_ENTRIES,
            environment,
        ]
        with self._errors():
            seq = int(await self._append([*keys, self._list(environment, name), self._key("touched")], arguments))
        if seq < 0:
            return None
        self.readers.wake(environment, channel)
        return seq

    async def read(self, environment: str, channel: str, after: int, limit: int) -> Sequence[Record]:
        name = text_key(channel)
        with self._errors():
            keys = [self._key(environment, "channels"), self._list(environment, name)]
            first, records = await self._read(keys, [name, after, limit])
        return [decode_record(record, seq) for seq, record in enumerate(records, int(first))]

    async def settled(self, environment: str, channel: str) -> Settled:
        name = text_key(channel)
        with self._errors() as redis:
            next_seq = int(await redis.hget(self._key(environment, "channels"), name) or 0)
        last = await self.read(environment, channel, next_seq - 2, 1)
        return Settled(next_seq, last[-1] if last else None)

    async def clear(self, environment: str) -> None:
        keys = [self._key(environment, each) for each in ("channels", "channel-bytes", "parts")]
        prefix = self._key(environment, "channel:")
        with self._errors():
            self._own_ends.add(
                await self._clear([*keys, self._key("touched")], [prefix, environment, _TOUCHED_ENTRIES])
            )
        self.readers.end(environment)

    async def _poll(self, is_first: bool) -> None:
        """Wake the readers of what was appended since the last look."""
        touched = self._key("touched")
        with self._errors() as redis:
            if is_first or self._last is None:
                newest = await redis.xrevrange(touched, count=1)
                self._last = newest[0][0] if newest else b"0-0"
                self._own_ends.clear()
                self.readers.wake_all()
                return
            found = await redis.xread({touched: self._last}, count=_BATCH)
        for _, entries in found or ():
            for entry, fields in entries:
                self._last = entry
                environment, channel = fields[b"e"].decode(), fields[b"c"].decode("utf-8", "surrogatepass")
                if channel:
                    self.readers.wake(environment, channel)
                elif entry not in self._own_ends:
                    self.readers.end(environment)
                self._own_ends.discard(entry)

    async def close(self) -> None:
        self.readers.close()
