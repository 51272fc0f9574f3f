"""The SQLite file of a store: made, looked at, written to all or nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from adjourn_mock.stores.store import MAX_MEGABYTES, MEGABYTE_BYTES, StoreError, StoreFullError, StoreUnavailable

__all__ = ["SqliteFile"]

# "adjr": marks a file of ours.
_APPLICATION_ID = 0x61646A72
_SCHEMA_VERSION = 5
# How long SQLite itself waits for another process, with the event loop: for reads, which are hardly ever locked out,
# and while the file is opened. Writes wait between attempts.
_BUSY_MILLISECONDS, _OPENING_MILLISECONDS = 10, 5000
_BUSY_SECONDS, _RETRY_SECONDS = 5, 0.005
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE sessions (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL,
  id BLOB NOT NULL,
  external_id BLOB,
  created_at TEXT NOT NULL,
  row BLOB NOT NULL,
  run BLOB,
  UNIQUE (environment, id),
  UNIQUE (environment, external_id)
);
CREATE INDEX runs ON sessions (environment, run, created_at, place) WHERE run IS NOT NULL;
CREATE TABLE terms (
  environment TEXT NOT NULL, term BLOB NOT NULL, created_at TEXT NOT NULL, place INTEGER NOT NULL,
  PRIMARY KEY (environment, term, created_at, place)
) WITHOUT ROWID;
CREATE TABLE environments (place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE counters (
  environment TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (environment, name)
) WITHOUT ROWID;
CREATE TABLE exchanges (
  environment TEXT NOT NULL, number INTEGER NOT NULL, entry BLOB NOT NULL, PRIMARY KEY (environment, number)
) WITHOUT ROWID;
CREATE TABLE channels (
  environment TEXT NOT NULL, name BLOB NOT NULL, next_seq INTEGER NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (environment, name)
) WITHOUT ROWID;
CREATE TABLE records (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  environment TEXT NOT NULL,
  channel BLOB NOT NULL,
  seq INTEGER NOT NULL,
  part TEXT,
  at INTEGER NOT NULL,
  record BLOB NOT NULL,
  UNIQUE (environment, channel, seq)
);
CREATE INDEX parts ON records (environment, channel, part) WHERE part IS NOT NULL;
CREATE TABLE version (value INTEGER NOT NULL);
INSERT INTO version VALUES (0);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
COMMIT;
"""  # noqa: S608 - two numbers of ours


class SqliteFile:
    """An SQLite file of ours, with a write-ahead log.

    Args:
        path: the file; it is made where there is none.
        megabytes: how large it may become.
        busy_seconds: how long a write waits for those of other processes.

    Raises:
        StoreError: the file is not one of ours, or is damaged; it was not touched.
    """

    def __init__(
        self, path: str | Path, megabytes: float = MAX_MEGABYTES, *, busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        self._path, self._megabytes, self._busy_seconds = str(path), megabytes, busy_seconds
        if Path(path).is_dir():
            raise StoreError(f"{path} is a folder")
        is_new = not Path(path).exists() or Path(path).stat().st_size == 0
        try:
            if not is_new:
                self._examine()
            self._database = self._connect(self._path)
            self._database.execute("PRAGMA journal_mode = WAL")
            # What a killed process wrote is in the system's hands; only a failing machine can lose it.
            self._database.execute("PRAGMA synchronous = NORMAL")
            if is_new:
                self._make()
            (page_bytes,) = self._database.execute("PRAGMA page_size").fetchone()
            self._database.execute(f"PRAGMA max_page_count = {int(megabytes * MEGABYTE_BYTES) // page_bytes}")
            self._database.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be used as a store: {error}") from None

    @staticmethod
    def _connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
        # The server's thread is another one than the one that makes it.
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, uri=uri)
        database.execute(f"PRAGMA busy_timeout = {_OPENING_MILLISECONDS}")
        return database

    def _examine(self) -> None:
        """Look at a file without writing to it."""
        with open(self._path, "rb") as file:
            head = file.read(16)
        if head != b"SQLite format 3\0":
            raise StoreError(f"{self._path} is not an SQLite file; it was left as it is")
        # Read through SQLite, for what was written last may stand in the log beside the file.
        database = self._connect(f"{Path(self._path).absolute().as_uri()}?mode=ro", uri=True)
        try:
            application_id, version = (
                database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            application_id, version, verdict = _APPLICATION_ID, _SCHEMA_VERSION, str(error)
        finally:
            database.close()
        if application_id != _APPLICATION_ID:
            raise StoreError(f"{self._path} is an SQLite file of another program; it was left as it is")
        if version != _SCHEMA_VERSION:
            raise StoreError(f"{self._path} has version {version} of the store, not {_SCHEMA_VERSION}")
        if verdict != "ok":
            raise StoreError(f"{self._path} is damaged ({verdict.splitlines()[0]}); it was left as it is")

    def _make(self) -> None:
        try:
            self._database.executescript(_SCHEMA)
        except sqlite3.OperationalError:
            # Another process may have made it at the same moment.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._database.execute("SELECT value FROM version").fetchone()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The database, its errors raised as those of a store.

        Raises:
            StoreUnavailable, StoreFullError: what went wrong.
        """
        try:
            yield self._database
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                # It is the same error where the disk is full.
                limit = f"it may take {self._megabytes:g} MB, see --max-megabytes"
                raise StoreFullError(f"{self._path} has no room left: {error}; {limit}") from None
            raise StoreUnavailable(f"{self._path}: {error}") from None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[sqlite3.Connection]:
        """All or nothing; no other process writes meanwhile.

        While another process writes, the event loop goes on: the wait is between attempts, not in SQLite. The body
        must not await: the connection is shared by all requests of this process.

        Raises:
            StoreUnavailable: others write for longer than `busy_seconds`.
        """
        await self._begin()
        with self.reading() as database:
            try:
                yield database
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    async def _begin(self) -> None:
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                self._database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                is_busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() >= deadline:
                    raise StoreUnavailable(f"{self._path}: {error}") from None
            else:
                return
            await asyncio.sleep(_RETRY_SECONDS)

    def close(self) -> None:
        self._database.close()
