"""The live log: each exchange of each environment once, whatever its name and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from adjourn_mock import MockApp, create_app, live_log
from adjourn_mock.exchanges.memory_journal import MemoryJournal

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def log_of(app: MockApp) -> AsyncIterator[list[str]]:
    """The lines of a live log, written while the block runs and until what happened in it is shown."""
    lines: list[str] = []
    is_over = asyncio.Event()

    def write(text: str) -> None:
        lines.extend(text.splitlines())
        if "the-last" in text:
            is_over.set()

    task = asyncio.create_task(live_log(app.control, write, colour=False))
    # It follows the environments before it waits for the first time.
    await asyncio.sleep(0)
    try:
        yield lines
        await retrieve(app, "tr_dev_adjourn", "the-last")
        await is_over.wait()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def retrieve(app: MockApp, key: str, session: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mock") as client:
        await client.get(f"/api/v1/sessions/{session}", headers={"Authorization": f"Bearer {key}"})


async def test_an_environment_that_has_the_name_of_a_deleted_one_is_shown() -> None:
    app = create_app()
    async with log_of(app) as lines:
        for number in range(3):
            environment = await app.control.create_environment(name="suite")
            await retrieve(app, environment.secret_key, f"chat_{number}")
            await app.control.delete_environment(environment)
    shown = [line.split()[-3] for line in lines if "  suite " in line]
    assert shown == [f"/api/v1/sessions/chat_{number}" for number in range(3)]


async def test_deleted_environments_are_forgotten() -> None:
    app = create_app()
    tasks = len(asyncio.all_tasks())
    async with log_of(app):
        followed = len(asyncio.all_tasks())
        for _ in range(20):
            await app.control.delete_environment(await app.control.create_environment())
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == followed
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks
    assert app.environments.observers == []


async def test_lines_show_the_time_of_the_machine_under_a_frozen_clock() -> None:
    app = create_app()
    (environment, *_) = app.environments
    environment.clock.freeze(0)
    async with log_of(app) as lines:
        await retrieve(app, environment.secret_key, "chat_1")
    assert not lines[0].startswith("00:00:00.000")


async def test_a_journal_that_does_not_change_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app()
    counted = 0
    count = MemoryJournal.count

    async def counting(journal: MemoryJournal) -> int:
        nonlocal counted
        counted += 1
        return await count(journal)

    async with log_of(app):
        await retrieve(app, "tr_dev_adjourn", "chat_1")
        monkeypatch.setattr(MemoryJournal, "count", counting)
        await retrieve(app, "tr_stg_adjourn", "chat_2")
    # The two journals that had an exchange, each once or twice, of four.
    assert counted <= 5
