"""Stores that cannot be opened."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engines import free_port
from stored_rows import row

from adjourn_mock.stores.opening import as_shared, open_store
from adjourn_mock.stores.store import StoreError, StoreUnavailable
from adjourn_spec import ExternalId


@pytest.mark.parametrize("name", ["nothing", "sqlite:", "sqlite", "redis:host", "postgres://x", ""])
def test_a_store_that_is_none_is_last_seen(name: str) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        open_store(name)


def test_a_foreign_or_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    import sqlite3

    text, foreign, damaged, cut = (tmp_path / name for name in ("text.db", "foreign.db", "damaged.db", "cut.db"))
    text.write_text("dear diary")
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE mine (value)")
    database.close()

    async def fill(path: Path) -> None:
        store = open_store(f"sqlite:{path}")
        for number in range(300):
            await store.insert("one", row(f"{number}", f"chat_{number}"))
        common = as_shared(store)
        assert common is not None
        await common.close()

    for path in (damaged, cut):
        asyncio.run(fill(path))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:5000] + b"\xa5" * 8000 + content[13000:])
    cut.write_bytes(content[: len(content) // 2])
    for path, message in (
        (text, "not an SQLite"),
        (foreign, "another program"),
        (damaged, "damaged"),
        (cut, "damaged"),
    ):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=message):
            open_store(f"sqlite:{path}")
        assert path.read_bytes() == before
    with pytest.raises(StoreError, match="is a folder"):
        open_store(f"sqlite:{tmp_path}")
    with pytest.raises(StoreError, match="unable to open"):
        open_store(f"sqlite:{tmp_path / 'no' / 'where.db'}")


def test_a_redis_that_is_not_there_is_unavailable() -> None:
    async def act() -> None:
        store = open_store(f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(StoreUnavailable, match="not reachable"):
            await store.find("one", ExternalId("x"))

    asyncio.run(act())
