"""What happens in an environment, as server-sent events: for pages that are to show it live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from adjourn_mock.control.control import Control
from adjourn_mock.domain.json_text import encode
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.journal import Journal, Tail

__all__ = ["events"]

# No more often than that, and with no more lines at once, so that a server at full load is not busy with reporting.
_PAUSE_SECONDS, _MAX_LINES = 0.15, 100
# The longest that something may go unnoticed that is in no journal.
_PATIENCE_SECONDS = 0.5
_QUIET_ROUNDS = 30


async def events(control: Control, environment: Environment, *, backlog: int) -> AsyncIterator[bytes]:
    """Events until the environment is deleted or the server ends; `control.yaml` lists them."""
    journals: dict[str, Journal] = {
        "environment": environment.journal,
        "unknown-callers": control.service.unknown_callers,
    }
    tails = {name: Tail(journal, max(0, await journal.count() - backlog)) for name, journal in journals.items()}
    state: Any = None
    quiet = 0
    while not control.is_stopping:
        known = control.service.environments.with_id(environment.id)
        if known is None:
            yield _event("gone", {})
            return
        shown = {
            **await control.summary(known),
            "active": [fault.as_json for fault in await control.active_faults(known)],
        }
        # The clock goes: what counts is how it is set.
        now = {**shown, "clock": known.clock.state}
        pieces = [] if now == state else [_event("environment", shown)]
        state = now
        for name, tail in tails.items():
            news = await tail.poll(_MAX_LINES)
            if news.is_cleared:
                pieces.append(_event("cleared", {"journal": name}))
            if news.skipped:
                pieces.append(_event("skipped", {"journal": name, "count": news.skipped}))
            owner = known if name == "environment" else None
            lines = [await control.line(entry, owner) for entry in news.entries]
            pieces += (_event("exchange", {"journal": name, **line}) for line in lines)
        quiet = 0 if pieces else quiet + 1
        if quiet == _QUIET_ROUNDS:
            # Some proxies end what is silent for long.
            pieces, quiet = [b": still here\n\n"], 0
        if pieces:
            yield b"".join(pieces)
        await asyncio.sleep(_PAUSE_SECONDS)
        await _changed(journals)


async def _changed(journals: dict[str, Journal]) -> None:
    """Return when one of them may have changed, or after a while."""
    waiting = [asyncio.ensure_future(journal.changed(_PATIENCE_SECONDS)) for journal in journals.values()]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
            # A journal that has too many waiters raises; it is read in the next round.
            with suppress(ValueError, asyncio.CancelledError):
                await each


def _event(name: str, value: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode(value))
