"""Which sessions have a run, in memory."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["RunIndex"]


class RunIndex:
    """Friendly ids by run id. Nearly every run belongs to one session, whose id is stored without a container."""

    def __init__(self) -> None:
        self._ids: dict[str, str | dict[str, None]] = {}

    def add(self, run_id: str | None, session_id: str) -> None:
        """Note that a session has a run, or none."""
        if run_id is None:
            return
        before = self._ids.setdefault(run_id, session_id)
        if isinstance(before, dict):
            before[session_id] = None
        elif before != session_id:
            self._ids[run_id] = {before: None, session_id: None}

    def remove(self, run_id: str | None, session_id: str) -> None:
        """Note that a session has a run no longer."""
        if run_id is None:
            return
        before = self._ids.get(run_id)
        if before == session_id:
            del self._ids[run_id]
        elif isinstance(before, dict):
            before.pop(session_id, None)
            if not before:
                del self._ids[run_id]

    def of(self, run_id: str) -> Iterable[str]:
        """The sessions that have a run."""
        found = self._ids.get(run_id, ())
        return (found,) if isinstance(found, str) else found
