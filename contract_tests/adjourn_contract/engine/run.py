"""The run of a check: its target, its volume, what it has made and must close again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any, TypeVar

from msgspec.structs import replace

from adjourn_contract.engine.concurrency import Ahead
from adjourn_contract.engine.numbering import in_scope
from adjourn_contract.engine.outcomes import NotChecked, TryAlone
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
        lifecycles: sessions that are lived from create to the last close, for faults that show now and then.
        sequences: alphabets, and how many operations the sequences over them have of which every one is tried.
        cases: how many cases of each table are tried, in the order of the table; None for all.
        histories: how many times requests overlap.
        examples: Hypothesis examples of each property.
        steps: steps of each run of the state machine.
        schemathesis: examples of each operation, 0 for none.
        age_seconds: how long some sessions wait before they are closed.
        requests: how many the whole check sends, about, on a server that has every operation.
        aged: how many sessions wait before they are closed, None for one of each sort.
        sessions: how many the whole check creates at most, for a user to know beforehand.
        is_brief: whether tables are tried in part that every other profile tries whole.
    """

    lifecycles: int
    sequences: tuple[tuple[str, int], ...]
    cases: int | None
    histories: int
    examples: int
    steps: int
    schemathesis: int
    age_seconds: float
    aged: int | None
    requests: int
    sessions: int
    is_brief: bool = False


PROFILES = {
    "smoke": Profile(
        lifecycles=3,
        histories=3,
        examples=3,
        steps=6,
        schemathesis=0,
        age_seconds=1.2,
        aged=2,
        requests=500,
        sessions=150,
        cases=1,
        sequences=(("changes", 2),),
        is_brief=True,
    ),
    "standard": Profile(
        lifecycles=5,
        histories=12,
        examples=4,
        steps=12,
        schemathesis=4,
        age_seconds=2.2,
        aged=5,
        requests=4000,
        sessions=1000,
        cases=4,
        sequences=(("changes", 3), ("standard", 2)),
    ),
    "thorough": Profile(
        lifecycles=1500,
        histories=600,
        examples=200,
        steps=40,
        schemathesis=150,
        age_seconds=3.2,
        aged=None,
        requests=55_000,
        sessions=60_000,
        cases=None,
        sequences=(("standard", 4),),
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
        concurrency: how many scenarios run at once; tests that mostly wait are not counted.
    """

    profile: Profile = field(kw_only=True)
    url: str = ""
    has_answered: bool = False
    latency_seconds: float = 0
    closed_early: list[tuple[Scenario, dict[str, Any]]] = field(default_factory=list)
    left_open: int = 0
    concurrency: int = 1
    _ahead: Ahead | None = None
    _cases: ThreadPoolExecutor | None = None
    _aged: list[tuple[Scenario, dict[str, Any]]] = field(default_factory=list)
    _end: float = float("inf")
    _reported: Observed = field(default_factory=Observed)
    _notes: list[str] = field(default_factory=list)

    def scenario(self) -> Scenario:
        """A story of its own."""
        return Scenario(self)

    # volume

    def each(
        self,
        cases: Iterable[Case],
        act: Callable[[Scenario, Case], object],
        *,
        whole: bool = False,
        few: int | None = None,
    ) -> None:
        """Let `act` play a scenario for each case, several at once where answers are slow.

        Args:
            cases: the most revealing first; the profile may try the first ones alone.
            act: plays the scenario.
            whole: try all cases in every profile, for a number of cases that the profile has decided already.
            few: how many cases a brief profile tries all the same.

        Raises:
            ClauseFailed, NotChecked: of the first case that fails or cannot be checked.
        """
        most = None if whole else self.profile.cases
        tried = list(islice(cases, few if self.profile.is_brief and few is not None else most))
        acts = [in_scope(self.numbering, act) for _ in tried]
        if self.concurrency == 1 or self.latency_seconds < _SLOW_SECONDS or len(tried) < 2:
            for play, case in zip(acts, tried, strict=True):
                play(self.scenario(), case)
            return
        with self._lock:
            # Tests have one half of the connections, the cases of all tests together the other.
            pool = self._cases = self._cases or ThreadPoolExecutor(ceil(self.concurrency / 2))
        futures = [pool.submit(play, self.scenario(), case) for play, case in zip(acts, tried, strict=True)]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()
            wait(futures)

    # tests side by side

    def run_ahead(self, tests: Mapping[str, Callable[[], None]], waiting: Collection[str]) -> None:
        """Let tests run in threads, in their order, where more than one may run at once.

        Args:
            tests: by name.
            waiting: the names of those that mostly wait.
        """
        if self.concurrency > 1:
            self._ahead = Ahead(ceil(self.concurrency / 2))
            for name, test in tests.items():
                self._ahead.start(name, test, waits=name in waiting)

    def is_ahead(self, name: str) -> bool:
        """Whether a test was started by `run_ahead` and its result is still to be fetched."""
        return self._ahead is not None and self._ahead.has(name)

    def result_of(self, name: str) -> None:
        """Wait for the end of a test that runs ahead, and raise what it raised."""
        assert self._ahead is not None  # noqa: S101 - is_ahead() was asked
        try:
            self._ahead.result(name)
        except TryAlone as asked:
            self._ahead.wait()
            asked.play()

    @property
    def has_company(self) -> bool:
        """Whether the caller is a test beside which others may run."""
        return self._ahead is not None and self._ahead.is_here

    def paused(self) -> AbstractContextManager[None]:
        """No test runs ahead meanwhile, except those that mostly wait."""
        return nullcontext() if self._ahead is None else self._ahead.paused()

    def stop_ahead(self) -> None:
        """End the tests that run ahead, and the threads of their cases: they send nothing more."""
        if self._ahead is not None:
            self.wire.deadline = 0.0
            self._ahead.stop()
            self._ahead = None
        if self._cases is not None:
            self._cases.shutdown()
            self._cases = None

    def count(self, wanted: int) -> int:
        """`wanted`, or fewer where the server is so slow that the check would take minutes."""
        slowness = max(1.0, self.latency_seconds / 0.01)
        return max(2, int(wanted / slowness))

    def limit_requests(self, most: int) -> None:
        """Send at most so many requests, those included that close what is left open."""
        # A create that is under way may be one more to close, in each scenario.
        self.wire.allowance = lambda: most - len(self._open) - self.concurrency

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
        self.wire.allowance = lambda: math.inf
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
# An answer that takes longer is waited for side by side with others.
_SLOW_SECONDS = 0.005
_CLOSERS = 16
