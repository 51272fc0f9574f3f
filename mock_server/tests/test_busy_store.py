"""SQLite while another process writes: the event loop goes on, writes wait, and in the end it is unavailable."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.stores.sqlite import SqliteStore
from adjourn_mock.stores.sqlite_file import SqliteFile
from adjourn_mock.stores.store import StoreUnavailable
from adjourn_spec import FriendlyId

pytestmark = pytest.mark.asyncio
NOW = "2026-01-01T00:00:00.000Z"


def row(name: str) -> Session:
    body = {"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {"basePayload": {}}}
    return sessions.create(body, session_id=name, run_id="run_1", expires_at=None, now=NOW)


def foreign_writer(path: Path) -> sqlite3.Connection:
    """Another connection in the middle of a write."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    return database


async def test_while_another_process_writes_others_are_served_and_the_write_follows(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path)
    await store.insert("one", row("session_a"))
    writer = foreign_writer(path)
    write = asyncio.create_task(store.insert("one", row("session_b")))
    for _ in range(20):
        # Each read is served while the write waits; a wait within SQLite would hold up the loop.
        assert await store.find("one", FriendlyId("session_a")) is not None
        await asyncio.sleep(0)
    assert not write.done()
    writer.execute("ROLLBACK")
    writer.close()
    assert (await write).id == "session_b"
    assert await store.count("one") == 2
    await store.close()


async def test_a_write_that_waits_too_long_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    file = SqliteFile(path, busy_seconds=0.05)
    writer = foreign_writer(path)
    with pytest.raises(StoreUnavailable, match="locked"):
        async with file.transaction():
            raise AssertionError("never reached")
    writer.close()
    async with file.transaction() as database:
        assert database.in_transaction
    file.close()


async def test_an_error_in_a_transaction_takes_it_back(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "state.db")

    async def fails() -> None:
        async with file.transaction() as database:
            database.execute("UPDATE version SET value = 7")
            raise KeyError

    with pytest.raises(KeyError):
        await fails()
    with file.reading() as database:
        assert database.execute("SELECT value FROM version").fetchone() == (0,)
    file.close()
