"""A store in a file: what was answered is still there after the process was killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from adjourn_mock.domain.sessions import Filter, Page, Session
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.exchanges.journal import DEFAULT_ENTRIES
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_mock.exchanges.signal import Signal
from adjourn_mock.stores.codec import decode_entry, decode_row, encode_entry, encode_row, text_key
from adjourn_mock.stores.list_index import candidate_terms, index_terms
from adjourn_mock.stores.sqlite_channels import SqliteChannels
from adjourn_mock.stores.sqlite_file import SqliteFile
from adjourn_mock.stores.sqlite_queries import BATCH_ROWS, of_external_id, under_terms
from adjourn_mock.stores.store import MAX_MEGABYTES, POLL_SECONDS, IdTakenError
from adjourn_spec import ChannelRule, FriendlyId, SessionKey

__all__ = ["SqliteStore"]


class SqliteStore:
    """A store in an SQLite file with a write-ahead log, for one or more processes of one machine.

    Args:
        path: the file; it is made where there is none.
        megabytes: how large it may become.

    Raises:
        StoreError: the file is not one of ours, or is damaged; it was not touched.
    """

    def __init__(self, path: str | Path, megabytes: float = MAX_MEGABYTES) -> None:
        self._file = SqliteFile(path, megabytes)

    # sessions

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        column = "id" if type(key) is FriendlyId else "external_id"
        with self._file.reading() as database:
            found = database.execute(
                f"SELECT row FROM sessions WHERE environment = ? AND {column} = ?",  # noqa: S608 - one of two names
                (environment, text_key(key.value)),
            ).fetchone()
        return None if found is None else decode_row(found[0])

    async def of_run(self, environment: str, run_id: str) -> Session | None:
        with self._file.reading() as database:
            found = database.execute(
                "SELECT row FROM sessions WHERE environment = ? AND run = ?"
                " ORDER BY created_at DESC, place DESC LIMIT 1",
                (environment, text_key(run_id)),
            ).fetchone()
        return None if found is None else decode_row(found[0])

    async def insert(self, environment: str, session: Session) -> Session:
        async with self._file.transaction() as database:
            if session.external_id is not None:
                holder = database.execute(
                    "SELECT row FROM sessions WHERE environment = ? AND external_id = ?",
                    (environment, text_key(session.external_id)),
                ).fetchone()
                if holder is not None:
                    return decode_row(holder[0])
            try:
                _insert(database, environment, session)
            except sqlite3.IntegrityError:
                raise IdTakenError(session.id) from None
        return session

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        async with self._file.transaction() as database:
            where = (environment, text_key(session_id))
            found = database.execute(
                "SELECT place, row FROM sessions WHERE environment = ? AND id = ?", where
            ).fetchone()
            if found is None:
                return None
            place, before = found[0], decode_row(found[1])
            session = change(before)
            if session is not before:
                database.execute(
                    "UPDATE sessions SET external_id = ?, row = ? WHERE place = ?",
                    (_key(session.external_id), encode_row(session), place),
                )
                if session.current_run_id != before.current_run_id:
                    run = _key(session.current_run_id)
                    database.execute("UPDATE sessions SET run = ? WHERE place = ?", (run, place))
                _enter(database, environment, session, place, before)
        return session

    async def page(
        self, environment: str, wanted: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        place = self._place(environment, cursor) if (cursor := after or before) else ("9999-99", 0)
        if place is None:
            return Page((), has_older=False, has_newer=False)
        found: list[Session] = []
        for row in self._in_order(environment, place, wanted, newer=before is not None):
            if wanted.matches(row, now):
                found.append(row)
                if len(found) > size:
                    break
        return Page.of(found, size=size, after=after, before=before)

    def _place(self, environment: str, session_id: str) -> tuple[str, int] | None:
        with self._file.reading() as database:
            found: tuple[str, int] | None = database.execute(
                "SELECT created_at, place FROM sessions WHERE environment = ? AND id = ?",
                (environment, text_key(session_id)),
            ).fetchone()
        return found

    def _in_order(self, environment: str, place: tuple[str, int], wanted: Filter, *, newer: bool) -> Iterator[Session]:
        """The rows beyond a place that a filter may match, newest first or, for `newer`, oldest first."""
        if wanted.external_id is not None:
            query = of_external_id(environment, wanted.external_id, newer=newer)
        else:
            terms = self._narrowest(environment, candidate_terms(wanted))
            query = under_terms(environment, terms, wanted, newer=newer)
        while True:
            with self._file.reading() as database:
                batch = database.execute(query.sql, query.values(place)).fetchall()
            for created_at, number, row in batch:
                place = created_at, number
                yield decode_row(row)
            if len(batch) < BATCH_ROWS:
                return

    def _narrowest(self, environment: str, groups: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """The group that the fewest sessions stand under; more than a batch of them are as good as any number."""
        if len(groups) == 1:
            return groups[0]

        def count(group: tuple[str, ...]) -> int:
            query = (
                "SELECT count(*) FROM"  # noqa: S608 - a number of ours
                f" (SELECT 1 FROM terms WHERE environment = ? AND term = ? LIMIT {10 * BATCH_ROWS})"
            )
            with self._file.reading() as database:
                return sum(database.execute(query, (environment, text_key(term))).fetchone()[0] for term in group)

        return min(groups, key=count)

    async def count(self, environment: str) -> int:
        with self._file.reading() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM sessions WHERE environment = ?", (environment,)
            ).fetchone()
        return int(count)

    async def snapshot(self, environment: str) -> Sequence[Session]:
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT row FROM sessions WHERE environment = ? ORDER BY created_at, place", (environment,)
            ).fetchall()
        return [decode_row(row) for (row,) in rows]

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        async with self._file.transaction() as database:
            for table in ("sessions", "terms"):
                database.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608 - ours
            for session in rows:
                _insert(database, environment, session)

    def channels(self, rule: ChannelRule) -> SqliteChannels:
        return SqliteChannels(self._file, rule)

    def journal(self, environment: str) -> _SqliteJournal:
        return _SqliteJournal(self._file, environment)

    # what processes share

    async def changes_since(self, since: int) -> tuple[int, Mapping[str, str] | None]:
        with self._file.reading() as database:
            (version,) = database.execute("SELECT value FROM version").fetchone()
            if version == since:
                return version, None
            return version, dict(database.execute("SELECT id, record FROM environments ORDER BY place").fetchall())

    async def create_environment(self, environment: str, record: str) -> bool:
        async with self._file.transaction() as database:
            made = database.execute(
                "INSERT OR IGNORE INTO environments (id, record) VALUES (?, ?)", (environment, record)
            )
            database.execute("UPDATE version SET value = value + 1")
            return made.rowcount == 1

    async def put_environment(self, environment: str, record: str) -> None:
        async with self._file.transaction() as database:
            database.execute(
                "INSERT INTO environments (id, record) VALUES (?, ?)"
                " ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (environment, record),
            )
            database.execute("UPDATE version SET value = value + 1")

    async def delete_environment(self, environment: str) -> None:
        async with self._file.transaction() as database:
            database.execute("DELETE FROM environments WHERE id = ?", (environment,))
            for table in ("sessions", "terms", "counters", "exchanges"):
                database.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608 - ours
            database.execute("UPDATE version SET value = value + 1")

    async def increment(self, environment: str, counter: str) -> int:
        async with self._file.transaction() as database:
            return _draw(database, environment, counter)

    async def counters(self, environment: str) -> Mapping[str, int]:
        with self._file.reading() as database:
            return dict(
                database.execute("SELECT name, value FROM counters WHERE environment = ?", (environment,)).fetchall()
            )

    async def close(self) -> None:
        self._file.close()


def _key(text: str | None) -> bytes | None:
    return None if text is None else text_key(text)


def _insert(database: sqlite3.Connection, environment: str, session: Session) -> None:
    made = database.execute(
        "INSERT INTO sessions (environment, id, external_id, created_at, row, run) VALUES (?, ?, ?, ?, ?, ?)",
        (
            environment,
            text_key(session.id),
            _key(session.external_id),
            session.created_at,
            encode_row(session),
            _key(session.current_run_id),
        ),
    )
    assert made.lastrowid is not None  # noqa: S101 - it was inserted
    _enter(database, environment, session, made.lastrowid)


def _enter(
    database: sqlite3.Connection, environment: str, session: Session, place: int, before: Session | None = None
) -> None:
    """Put a session under its terms, and take it away from those that it had before alone."""
    old, new = () if before is None else index_terms(before), index_terms(session)
    for query, changed in (
        ("DELETE FROM terms WHERE environment = ? AND term = ? AND created_at = ? AND place = ?", set(old) - set(new)),
        ("INSERT INTO terms VALUES (?, ?, ?, ?)", set(new) - set(old)),
    ):
        database.executemany(query, [(environment, text_key(term), session.created_at, place) for term in changed])


def _draw(database: sqlite3.Connection, environment: str, counter: str) -> int:
    (value,) = database.execute(
        "INSERT INTO counters (environment, name, value) VALUES (?, ?, 1)"
        " ON CONFLICT (environment, name) DO UPDATE SET value = value + 1 RETURNING value",
        (environment, counter),
    ).fetchone()
    return int(value)


class _SqliteJournal:
    """A journal in the same file."""

    _COUNTER = "exchanges"

    def __init__(self, file: SqliteFile, environment: str) -> None:
        self._file, self._environment = file, environment
        self._changed = Signal()

    async def add(self, at: int, request: Request, answer: Answer) -> None:
        entry = encode_entry(Entry.of(0, at, request, answer))
        async with self._file.transaction() as database:
            number = _draw(database, self._environment, self._COUNTER)
            database.execute("INSERT INTO exchanges VALUES (?, ?, ?)", (self._environment, number, entry))
            database.execute(
                "DELETE FROM exchanges WHERE environment = ? AND number <= ?",
                (self._environment, number - DEFAULT_ENTRIES),
            )
        self._changed.send()

    async def read(self) -> Sequence[Entry]:
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT number, entry FROM exchanges WHERE environment = ? ORDER BY number", (self._environment,)
            ).fetchall()
        return [decode_entry(entry, number) for number, entry in rows]

    async def count(self) -> int:
        with self._file.reading() as database:
            found = database.execute(
                "SELECT value FROM counters WHERE environment = ? AND name = ?", (self._environment, self._COUNTER)
            ).fetchone()
        return found[0] if found else 0

    async def dropped_since(self, mark: int) -> int:
        with self._file.reading() as database:
            (first,) = database.execute(
                "SELECT min(number) FROM exchanges WHERE environment = ?", (self._environment,)
            ).fetchone()
        return 0 if first is None else max(0, first - 1 - mark)

    async def count_dropped(self, wanted: JournalFilter) -> int | None:  # noqa: ARG002
        # Not counted: each count would be one more write for each request.
        return None

    async def clear(self) -> None:
        async with self._file.transaction() as database:
            database.execute("DELETE FROM exchanges WHERE environment = ?", (self._environment,))
            database.execute(
                "DELETE FROM counters WHERE environment = ? AND name = ?", (self._environment, self._COUNTER)
            )

    async def changed(self, timeout_seconds: float) -> None:
        await self._changed.wait(min(timeout_seconds, POLL_SECONDS))
