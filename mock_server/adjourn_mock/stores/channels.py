"""Where records of channels live: the protocol, who waits for them, and the default in this process's memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from adjourn_mock.domain.records import Record, RecordHeaders, Settled
from adjourn_spec import ChannelRule

__all__ = ["Channels", "MemoryChannels", "Readers", "Subscription"]

# What a record and a channel take beside their bodies, about.
_RECORD_BYTES, _CHANNEL_BYTES = 200, 700


class Subscription:
    """One reader of a channel, between two reads.

    Attributes:
        is_ended: whether there is nothing more to read: the environment was reset or deleted, or the server stops.
    """

    def __init__(self) -> None:
        self.is_ended = False
        self._event = asyncio.Event()

    def wake(self, *, ended: bool = False) -> None:
        self.is_ended = self.is_ended or ended
        self._event.set()

    def rearm(self) -> None:
        """To be called before a read, so that nothing is missed between the read and `wait`."""
        self._event.clear()

    async def wait(self, timeout_seconds: float) -> bool:
        """Whether something changed within the time."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True


class Readers:
    """Those who wait for records in this process, by environment and channel."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, set[Subscription]]] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return sum(len(each) for channels in self._waiting.values() for each in channels.values())

    @contextmanager
    def subscribe(self, environment: str, channel: str) -> Iterator[Subscription]:
        """A subscription for the length of a `with` block."""
        subscription = Subscription()
        if self._is_closed:
            subscription.wake(ended=True)
        channels = self._waiting.setdefault(environment, {})
        channels.setdefault(channel, set()).add(subscription)
        try:
            yield subscription
        finally:
            mine = channels.get(channel, set())
            mine.discard(subscription)
            if not mine:
                channels.pop(channel, None)
            if not channels and self._waiting.get(environment) is channels:
                del self._waiting[environment]

    def wake(self, environment: str, channel: str) -> None:
        """Report a new record."""
        channels = self._waiting.get(environment)
        if channels:
            for subscription in channels.get(channel, ()):
                subscription.wake()

    def wake_all(self) -> None:
        """Have everybody look again."""
        for channels in self._waiting.values():
            for each in channels.values():
                for subscription in each:
                    subscription.wake()

    def end(self, environment: str) -> None:
        """End the subscriptions of an environment."""
        for each in self._waiting.pop(environment, {}).values():
            for subscription in each:
                subscription.wake(ended=True)

    def close(self) -> None:
        """End all subscriptions, those that are still to come included."""
        self._is_closed = True
        for environment in tuple(self._waiting):
            self.end(environment)


class Channels(Protocol):
    """Records by environment and channel. Every method is atomic; `channel` is any text.

    Attributes:
        readers: those who wait for records in this process.
    """

    readers: Readers

    async def append(
        self, environment: str, channel: str, body: str, headers: RecordHeaders = (), *, part: str | None, now: int
    ) -> int | None:
        """Append a record, unless `part` was appended lately.

        Args:
            environment: its id.
            channel: which.
            body: of the record.
            headers: of a control record.
            part: the part id; None for one that is never repeated.
            now: milliseconds since 1970.

        Returns the sequence number, or None where the part is there already.
        """

    async def read(self, environment: str, channel: str, after: int, limit: int) -> Sequence[Record]:
        """Up to `limit` records with a greater sequence number than `after`, in order."""

    async def settled(self, environment: str, channel: str) -> Settled:
        """The end of a channel."""

    async def clear(self, environment: str) -> None:
        """Forget all channels of an environment and end their readers, in every process."""

    async def close(self) -> None:
        """End all readers of this process."""


class _Channel:
    """The records of one channel in memory."""

    __slots__ = ("next_seq", "parts", "records", "size_bytes")

    def __init__(self, first_seq: int) -> None:
        self.next_seq = first_seq
        self.size_bytes = _CHANNEL_BYTES
        self.records: deque[Record] = deque()
        self.parts: OrderedDict[str, int] = OrderedDict()


class MemoryChannels:
    """Channels of one process. No method awaits, so each is atomic in an event loop.

    A channel is bounded in records and bytes, all of them together in bytes: beyond that the channel that was
    appended to longest ago is forgotten. Its next record, if any, goes on with a greater sequence number.
    """

    def __init__(self, rule: ChannelRule) -> None:
        self._rule = rule
        self._channels: OrderedDict[tuple[str, str], _Channel] = OrderedDict()
        self._left_bytes = rule.total_bytes
        # More than any sequence number of a channel that was forgotten.
        self._floor = 0
        self.readers = Readers()

    async def append(
        self, environment: str, channel: str, body: str, headers: RecordHeaders = (), *, part: str | None, now: int
    ) -> int | None:
        key = (environment, channel)
        found = self._channels.get(key)
        if found is None:
            found = self._channels[key] = _Channel(self._floor)
            self._left_bytes -= _CHANNEL_BYTES
        else:
            self._channels.move_to_end(key)
        if part is not None and not self._is_new(found, part, now):
            return None
        seq = found.next_seq
        found.next_seq += 1
        found.records.append(Record(seq, now, body, headers))
        self._take(found, len(body) + _RECORD_BYTES)
        while len(found.records) > self._rule.records or (
            found.size_bytes > self._rule.bytes and len(found.records) > 1
        ):
            self._take(found, -len(found.records.popleft().body) - _RECORD_BYTES)
        while self._left_bytes < 0 and len(self._channels) > 1:
            self._forget_oldest()
        self.readers.wake(environment, channel)
        return seq

    def _is_new(self, channel: _Channel, part: str, now: int) -> bool:
        oldest = now - 1000 * self._rule.part_seconds
        while channel.parts and next(iter(channel.parts.values())) <= oldest:
            channel.parts.popitem(last=False)
        if part in channel.parts:
            return False
        channel.parts[part] = now
        if len(channel.parts) > self._rule.records:
            channel.parts.popitem(last=False)
        return True

    def _take(self, channel: _Channel, more_bytes: int) -> None:
        channel.size_bytes += more_bytes
        self._left_bytes -= more_bytes

    def _forget_oldest(self) -> None:
        _, channel = self._channels.popitem(last=False)
        self._left_bytes += channel.size_bytes
        self._floor = max(self._floor, channel.next_seq)

    async def read(self, environment: str, channel: str, after: int, limit: int) -> Sequence[Record]:
        found = self._channels.get((environment, channel))
        if found is None or not found.records:
            return ()
        first = max(0, after + 1 - found.records[0].seq)
        last = min(len(found.records), first + limit)
        return [found.records[index] for index in range(first, last)]

    async def settled(self, environment: str, channel: str) -> Settled:
        found = self._channels.get((environment, channel))
        if found is None:
            return Settled(self._floor, None)
        return Settled(found.next_seq, found.records[-1] if found.records else None)

    async def clear(self, environment: str) -> None:
        for key in [key for key in self._channels if key[0] == environment]:
            self._left_bytes += self._channels.pop(key).size_bytes
        self.readers.end(environment)

    async def close(self) -> None:
        self.readers.close()
