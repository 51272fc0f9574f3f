"""Channels in the SQLite file of a store; other processes of this machine append to them as well."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from adjourn_mock.domain.records import Record, RecordHeaders, Settled
from adjourn_mock.stores.channels import Readers
from adjourn_mock.stores.codec import decode_record, encode_record, text_key
from adjourn_mock.stores.polling import Polling
from adjourn_mock.stores.sqlite_file import SqliteFile
from adjourn_spec import ChannelRule

__all__ = ["SqliteChannels"]


class SqliteChannels:
    """Channels that outlive the process, each bounded in records and bytes.

    Readers in other processes notice a record within a poll.
    """

    def __init__(self, file: SqliteFile, rule: ChannelRule) -> None:
        self._file, self._rule = file, rule
        self._place = 0
        self._own_ends: set[int] = set()
        self.readers: Readers = Polling(self._poll)

    async def append(
        self, environment: str, channel: str, body: str, headers: RecordHeaders = (), *, part: str | None, now: int
    ) -> int | None:
        name = text_key(channel)
        async with self._file.transaction() as database:
            if part is not None:
                since = now - 1000 * self._rule.part_seconds
                query = "SELECT 1 FROM records WHERE environment = ? AND channel = ? AND part = ? AND at > ?"
                if database.execute(query, (environment, name, part, since)).fetchone():
                    return None
            record = encode_record(now, body, headers)
            next_seq, size_bytes = database.execute(
                "INSERT INTO channels VALUES (?, ?, 1, ?) ON CONFLICT (environment, name) DO UPDATE"
                " SET next_seq = next_seq + 1, bytes = bytes + excluded.bytes RETURNING next_seq, bytes",
                (environment, name, len(record)),
            ).fetchone()
            seq = int(next_seq) - 1
            database.execute(
                "INSERT INTO records (environment, channel, seq, part, at, record) VALUES (?, ?, ?, ?, ?, ?)",
                (environment, name, seq, part, now, record),
            )
            if seq >= self._rule.records or size_bytes > self._rule.bytes:
                self._drop_oldest(database, environment, name, seq, size_bytes)
        self.readers.wake(environment, channel)
        return seq

    def _drop_oldest(
        self, database: sqlite3.Connection, environment: str, name: bytes, newest: int, size_bytes: int
    ) -> None:
        """Drop the oldest records until there are no more and no more bytes than the rule has; the newest stays."""
        found = database.execute(
            "SELECT seq, length(record) FROM records WHERE environment = ? AND channel = ? AND seq < ? ORDER BY seq",
            (environment, name, newest),
        )
        last, left_bytes = -1, size_bytes
        for seq, record_bytes in found:
            if seq > newest - self._rule.records and left_bytes <= self._rule.bytes:
                break
            last, left_bytes = seq, left_bytes - record_bytes
        found.close()
        if last < 0:
            return
        database.execute(
            "DELETE FROM records WHERE environment = ? AND channel = ? AND seq <= ?", (environment, name, last)
        )
        database.execute(
            "UPDATE channels SET bytes = ? WHERE environment = ? AND name = ?", (left_bytes, environment, name)
        )

    async def read(self, environment: str, channel: str, after: int, limit: int) -> Sequence[Record]:
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT seq, record FROM records WHERE environment = ? AND channel = ? AND seq > ?"
                " ORDER BY seq LIMIT ?",
                (environment, text_key(channel), after, limit),
            ).fetchall()
        return [decode_record(record, seq) for seq, record in rows]

    async def settled(self, environment: str, channel: str) -> Settled:
        with self._file.reading() as database:
            found = database.execute(
                "SELECT seq, record FROM records WHERE environment = ? AND channel = ? ORDER BY seq DESC LIMIT 1",
                (environment, text_key(channel)),
            ).fetchone()
        return Settled(0, None) if found is None else Settled(found[0] + 1, decode_record(found[1], found[0]))

    async def clear(self, environment: str) -> None:
        async with self._file.transaction() as database:
            for table in ("channels", "records"):
                database.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608 - ours
            # A record without a channel reports the end to the readers of other processes.
            made = database.execute(
                "INSERT INTO records (environment, channel, seq, at, record) VALUES (?, x'', 0, 0, x'')",
                (environment,),
            )
            assert made.lastrowid is not None  # noqa: S101 - it was inserted
            self._own_ends.add(made.lastrowid)
        self.readers.end(environment)

    async def _poll(self, is_first: bool) -> None:
        """Wake the readers of what was appended since the last look."""
        with self._file.reading() as database:
            if is_first:
                (place,) = database.execute("SELECT coalesce(max(place), 0) FROM records").fetchone()
                self._place = int(place)
                self._own_ends.clear()
                self.readers.wake_all()
                return
            rows = database.execute(
                "SELECT max(place), environment, channel FROM records WHERE place > ? GROUP BY environment, channel",
                (self._place,),
            ).fetchall()
        for place, environment, name in rows:
            self._place = max(self._place, place)
            if name:
                self.readers.wake(environment, bytes(name).decode("utf-8", "surrogatepass"))
            elif place not in self._own_ends:
                self.readers.end(environment)
            self._own_ends.discard(place)

    async def close(self) -> None:
        self.readers.close()
