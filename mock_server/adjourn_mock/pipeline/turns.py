"""Turns of agents that take their time: one for each session, to be stopped from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["SessionTurns", "Turns"]


class Turns:
    """The turns that are being written in this process."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    def of(self, environment: str, session: str) -> SessionTurns:
        """Those of one session, by the key of its channels."""
        return SessionTurns(self._running, (environment, session))

    def stop(self, environment: str | None = None) -> None:
        """Stop those of an environment, or all."""
        for key, task in tuple(self._running.items()):
            if environment is None or key[0] == environment:
                task.cancel()


class SessionTurns:
    """The turn that is being written for one session, if any."""

    def __init__(self, running: dict[tuple[str, str], asyncio.Task[None]], key: tuple[str, str]) -> None:
        self._running, self._key = running, key

    def begin(self, turn: Coroutine[Any, Any, None]) -> None:
        """Write a turn after the one that is being written."""
        task = asyncio.create_task(_after(self._running.get(self._key), turn))
        self._running[self._key] = task
        task.add_done_callback(self._forget)

    def stop(self) -> bool:
        """Stop the turn; whether there was one."""
        task = self._running.get(self._key)
        return task is not None and task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        if self._running.get(self._key) is task:
            del self._running[self._key]


async def _after(before: asyncio.Task[None] | None, turn: Coroutine[Any, Any, None]) -> None:
    try:
        if before is not None:
            await asyncio.wait([before])
    except asyncio.CancelledError:
        turn.close()
        raise
    await turn
