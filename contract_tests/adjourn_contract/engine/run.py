"""The run of a check: its target, its volume, what it has made and must close again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec.structs import replace

from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.engine.target import Target
from adjourn_contract.reports.outcome import Observed
from adjourn_contract.transport.exchange import OutOfTime

__all__ = ["PROFILES", "Profile", "Run"]

Case = TypeVar("Case")


@dataclass(frozen=True)
class Profile:
    """How much is tried.

    Attributes:
        lives: sessions that are lived from create to the last close, for faults that show now and then.
        depth: how many operations the sequences have of which every one is tried; `alphabet` names the operations.
        histories: how many times requests overlap.
        examples: Hypothesis examples of each property.
        steps: steps of each run of the state machine.
        schemathesis: examples of each operation, 0 for none.
        age_seconds: how long some sessions wait before they are closed.
        sessions: how many the whole check creates at most, for a user to know beforehand.
    """

    lifecycles: int
    depth: int
    alphabet: str
    histories: int
    examples: int
    steps: int
    schemathesis: int
    age_seconds: float
    sessions: int


PROFILES = {
    "smoke": Profile(
        lifecycles=10,
        histories=8,
        examples=5,
        steps=8,
        schemathesis=0,
        age_seconds=1.2,
        sessions=2000,
        depth=2,
        alphabet="effects",
    ),
    "standard": Profile(
        lifecycles=160,
        histories=48,
        examples=20,
        steps=14,
        schemathesis=8,
        age_seconds=2.2,
        sessions=6000,
        depth=3,
        alphabet="standard",
    ),
    "thorough": Profile(
        lifecycles=1500,
        histories=600,
        examples=200,
        steps=40,
        schemathesis=150,
        age_seconds=3.2,
        sessions=60_000,
        depth=4,
        alphabet="standard",
    ),
}


@dataclass
class Run(Target):
    """One check of one target.

    Attributes:
        profile: how much is tried.
        url: the server's base URL, as it was given.
        has_answered: whether any answer has come.
        latency_seconds: how long an answer takes at least.
        closed_early: sessions closed at the start, to be closed again at the end.
        left_open: sessions that could not be closed at the end.
    """

    profile: Profile = field(kw_only=True)
    url: str = ""
    has_answered: bool = False
    latency_seconds: float = 0
    closed_early: list[tuple[Scenario, dict[str, Any]]] = field(default_factory=list)
    left_open: int = 0
    _aged: list[tuple[Scenario, dict[str, Any]]] = field(default_factory=list)
    _end: float = float("inf")
    _reported: Observed = field(default_factory=Observed)
    _notes: list[str] = field(default_factory=list)

    def scenario(self) -> Scenario:
        """A story of its own."""
        return Scenario(self)

    # volume

    def each(self, cases: Iterable[Case], act: Callable[[Scenario, Case], object]) -> None:
        """Let `act` play a scenario for each case, several at once where answers are slow.

        Raises:
            ClauseFailed, NotChecked: what the first case that has something to say says.
        """
        listed = list(cases)
        if self.latency_seconds < 0.005 or len(listed) < 2:
            for case in listed:
                act(self.scenario(), case)
            return
        with ThreadPoolExecutor(min(16, len(listed))) as pool:
            for future in [pool.submit(act, self.scenario(), case) for case in listed]:
                future.result()

    def count(self, wanted: int) -> int:
        """`wanted`, or fewer where the server is so slow that the check would take minutes."""
        slowness = max(1.0, self.latency_seconds / 0.01)
        return max(2, int(wanted / slowness))

    def limit_time(self, end: float) -> None:
        """Let the whole check end at a moment, in seconds on the monotonic clock; a part is reserved for closing."""
        left_seconds = max(0.0, end - time.monotonic())
        # What remains of the process after the last request ends takes a moment too.
        self._end = end - min(_EXIT_SECONDS, left_seconds / 4)
        self.wire.deadline = end - min(_CLOSING_SECONDS, left_seconds * _CLOSING_SHARE)

    def close_all(self) -> None:
        """Close the sessions that the run created and left open, several at once and within a bounded time.

        What could not be closed is counted in `left_open`.
        """
        self.wire.deadline = min(self._end, time.monotonic() + _CLOSING_SECONDS)
        with self._lock:
            left, self._open = list(self._open), {}
        with ThreadPoolExecutor(_CLOSERS) as pool:
            self.left_open += sum(not is_closed for is_closed in pool.map(self._close_left, left))

    def _close_left(self, session: tuple[str, str]) -> bool:
        key, session_id = session
        if self.is_gone:
            return False
        try:
            return self.scenario().send("POST", self.close_path(session_id), {}, credential=key).status == 200
        except (NotChecked, OutOfTime):
            return False

    # what is measured

    def add_note(self, text: str) -> None:
        """Add a sentence to the report, such as how much was covered."""
        with self._lock:
            self._notes.append(text)

    def observe(self) -> Observed:
        """What was measured since the last call."""
        with self._lock:
            notes, self._notes = tuple(self._notes), []
        now = Observed(
            requests=self.wire.requests,
            rate_limited=self.wire.rate_limited,
            gateway_errors=self.wire.gateway_errors,
            list_lag_seconds=self.observed_list_lag_seconds,
            left_open=self.left_open,
            is_gone=self.is_gone,
            notes=notes,
        )
        before, self._reported = self._reported, now
        return replace(
            now,
            requests=now.requests - before.requests,
            rate_limited=now.rate_limited - before.rate_limited,
            gateway_errors=now.gateway_errors - before.gateway_errors,
            left_open=now.left_open - before.left_open,
        )

    # sessions that grow old while others are checked

    def create_early(self, sessions: Sequence[dict[str, Any]]) -> None:
        """Make sessions now that are to be closed after a while."""
        for members in sessions:
            scenario = self.scenario()
            self._aged.append((scenario, scenario.open(**members)))

    def aged_sessions(self) -> list[tuple[Scenario, dict[str, Any]]]:
        """The planted sessions, once they are old enough."""
        aged, self._aged = self._aged, []
        if aged:
            made = aged[-1][0].exchanges[-1].began
            time.sleep(max(0.0, self.profile.age_seconds - (time.monotonic() - made)))
        return aged


# Closing what is left open: at most so long, at most so much of a time budget, so many at once.
_CLOSING_SECONDS = 15.0
_CLOSING_SHARE = 0.4
_EXIT_SECONDS = 0.4
_CLOSERS = 16
