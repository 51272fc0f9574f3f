"""A line for each exchange, for whoever watches the server's terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from adjourn_mock.control.control import Control
from adjourn_mock.control.redaction import EntryView
from adjourn_mock.exchanges.journal import Entry, Tail

__all__ = ["live_log"]

# Lines are written so often, and no more at once: a server at full load is not kept busy by telling.
_PAUSE_SECONDS, _MAX_LINES = 0.1, 30
_UNKNOWN_CALLERS = "-"


async def live_log(control: Control, write: Callable[[str], None], *, colour: bool) -> None:
    """Write a line for each exchange of all environments until it is cancelled.

    Args:
        control: of the server.
        write: gets some lines, each with its end.
        colour: whether statuses are coloured.
    """
    entry_view = EntryView(control.service.contract)
    tails = {_UNKNOWN_CALLERS: Tail(control.service.unknown_callers)}
    # What a store has kept from before is no news.
    for environment in control.service.environments:
        tails[environment.name] = Tail(environment.journal, await environment.journal.count())
    while True:
        for environment in control.service.environments:
            tails.setdefault(environment.name, Tail(environment.journal))
        lines = []
        for name, tail in tails.items():
            entries, skipped, _ = await tail.poll(_MAX_LINES)
            if skipped:
                lines.append((entries[0].at if entries else 0, f"{'':12}  {name:<8}  ... {skipped} more\n"))
            lines += ((entry.at, _line(entry_view, name, entry, colour=colour)) for entry in entries)
        if lines:
            write("".join(line for _, line in sorted(lines, key=lambda line: line[0])))
        await asyncio.sleep(_PAUSE_SECONDS)


def _line(entry_view: EntryView, name: str, entry: Entry, *, colour: bool) -> str:
    shown = entry_view.summary(entry)
    status = str(entry.status)
    if colour:
        status = f"\x1b[{32 if entry.status < 300 else 33 if entry.status < 500 else 31}m{status}\x1b[0m"
    target = f"{shown['path']}?{shown['query']}" if shown["query"] else shown["path"]
    # What clients send may hold what a terminal obeys.
    parts = [f"{shown['at'][11:23]}  {name:<8}  {status}  {entry.method:<6}  {ascii(target)[1:-1]}"]
    if entry.clause is not None:
        parts.append(f"refused: {entry.clause}")
    if entry.faults:
        parts.append(f"faults: {', '.join(entry.faults)}")
    return "  ".join(parts) + "\n"
