"""A line for each exchange, for whoever watches the server's terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from adjourn_mock.control.control import Control
from adjourn_mock.control.redaction import EntryView
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.exchanges.journal import Journal, Tail

__all__ = ["live_log"]

# Lines are written no more often, and no more at once: writing must not slow a server at full load.
_PAUSE_SECONDS, _MAX_LINES = 0.1, 30
# How long one wait for a journal lasts; it is then repeated.
_WAIT_SECONDS = 60
_UNKNOWN_CALLERS = "-"


async def live_log(control: Control, write: Callable[[str], None], *, colour: bool) -> None:
    """Write a line for each exchange of all environments until it is cancelled.

    Args:
        control: of the server.
        write: gets some lines, each with its end; it must not block.
        colour: whether statuses are coloured.
    """
    log = _LiveLog(EntryView(control.service.contract), colour=colour)
    log.follow(_UNKNOWN_CALLERS, _UNKNOWN_CALLERS, control.service.unknown_callers, last_seen=0)
    environments = control.service.environments
    for environment in environments:
        # What a store has from an earlier run is not news.
        log.follow(environment.id, environment.name, environment.journal, await environment.journal.count())
    environments.observers.append(log)
    try:
        while True:
            if lines := await log.lines():
                write(lines)
    finally:
        environments.observers.remove(log)
        log.stop()


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """A journal whose exchanges are shown under a name, and the task that waits for news of it."""

    name: str
    tail: Tail
    waiting: asyncio.Task[None]


class _LiveLog:
    """Follows journals by the id of their environment: a name may be given again after a deletion."""

    def __init__(self, entry_view: EntryView, *, colour: bool) -> None:
        self._entry_view, self._colour = entry_view, colour
        self._followed: dict[str, _Followed] = {}
        # Those that may have news, in the order in which they changed.
        self._changed: dict[_Followed, None] = {}
        self._is_changed = asyncio.Event()

    def follow(self, key: str, name: str, journal: Journal, last_seen: int) -> None:
        waiting = asyncio.get_running_loop().create_task(self._wait_for_news(key, journal))
        self._followed[key] = _Followed(name, Tail(journal, last_seen), waiting)

    def added(self, environment: Environment) -> None:
        if environment.id not in self._followed:
            self.follow(environment.id, environment.name, environment.journal, last_seen=0)

    def removed(self, environment: Environment) -> None:
        """Stop waiting for a journal; what it has by now is still shown."""
        self._note(environment.id)
        if (followed := self._followed.pop(environment.id, None)) is not None:
            followed.waiting.cancel()

    def stop(self) -> None:
        for followed in self._followed.values():
            followed.waiting.cancel()

    async def _wait_for_news(self, key: str, journal: Journal) -> None:
        while True:
            # `lines` reads the journal once this task waits for it: nothing comes in between unnoticed.
            self._note(key)
            # Where too many wait for this journal already, it is looked at after each pause.
            with suppress(ValueError):
                await journal.changed(_WAIT_SECONDS)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _note(self, key: str) -> None:
        followed = self._followed.get(key)
        if followed is not None:
            self._changed[followed] = None
            self._is_changed.set()

    async def lines(self) -> str:
        """What is new, once something may be; it is empty where nothing was."""
        await self._is_changed.wait()
        self._is_changed.clear()
        changed, self._changed = self._changed, {}
        lines: list[tuple[int, str]] = []
        for followed in changed:
            news = await followed.tail.poll(_MAX_LINES)
            if news.skipped:
                at = news.entries[0].received_at if news.entries else 0
                lines.append((at, f"{'':12}  {followed.name:<8}  ... {news.skipped} more\n"))
            lines += ((entry.received_at, self._line(followed.name, entry)) for entry in news.entries)
        return "".join(line for _, line in sorted(lines, key=lambda line: line[0]))

    def _line(self, name: str, entry: Entry) -> str:
        shown = self._entry_view.summary(entry)
        status = str(entry.status)
        if self._colour:
            status = f"\x1b[{32 if entry.status < 300 else 33 if entry.status < 500 else 31}m{status}\x1b[0m"
        target = f"{shown['path']}?{shown['query']}" if shown["query"] else shown["path"]
        # The machine's time: the environment's clock may be frozen. And `ascii`, for clients may send
        # what a terminal obeys.
        at = rfc3339(entry.received_at)[11:23]
        parts = [f"{at}  {name:<8}  {status}  {entry.method:<6}  {ascii(target)[1:-1]}"]
        if entry.clause is not None:
            parts.append(f"refused: {entry.clause}")
        if entry.faults:
            parts.append(f"faults: {', '.join(entry.faults)}")
        return "  ".join(parts) + "\n"
