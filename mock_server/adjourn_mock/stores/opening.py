"""Stores by the name that `--store` takes."""

from __future__ import annotations

from typing import cast

from adjourn_mock.stores.memory import MAX_SESSIONS, MemoryStore
from adjourn_mock.stores.store import MAX_MEGABYTES, SharedStore, Store, StoreError

__all__ = ["as_shared", "open_store"]


def open_store(name: str, max_sessions: int = MAX_SESSIONS, max_megabytes: float = MAX_MEGABYTES) -> Store:
    """`memory`, `sqlite:PATH` or `redis://host:port/database` (also `rediss://` and `unix://`).

    Args:
        name: which.
        max_sessions: how many a store in memory keeps at most.
        max_megabytes: how much of memory, or of SQLite's file, they may take; Redis has a limit of its own.

    Raises:
        StoreError: there is no such store, or it cannot be used.
    """
    if name == "memory":
        return MemoryStore(max_sessions, max_megabytes)
    kind, _, rest = name.partition(":")
    if kind == "sqlite" and rest:
        from adjourn_mock.stores.sqlite import SqliteStore

        return SqliteStore(rest, max_megabytes)
    if kind in ("redis", "rediss", "unix") and rest.startswith("//"):
        try:
            from adjourn_mock.stores.redis import RedisStore
        except ImportError:
            raise StoreError("the Redis store needs more: pip install 'adjourn[redis]'") from None
        return RedisStore(name)
    raise StoreError(f"there is no store {name!r}; there are memory, sqlite:PATH and redis://HOST:PORT/DATABASE")


def as_shared(store: Store) -> SharedStore | None:
    """The store as one that other processes, or this one's successor, share; None where it is this process's own."""
    return None if isinstance(store, MemoryStore) else cast("SharedStore", store)
