"""Every sequence of operations up to a length, each on a session of its own, compared with the model step by step.

Sequences of the full length contain the shorter ones as their beginnings. Where several begin alike, the reads after
the common beginning are made once: the responses of the operations themselves are compared each time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import product
from typing import NamedTuple, Protocol

from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.orders.operations import REFUSALS, Form, Kind, Operation, Session
from adjourn_contract.orders.walk import SUCCESS_END, Walk, model_of

__all__ = ["ALPHABETS", "Coverage", "Exploration", "Letter", "MonotonicTime", "ServerTime", "sequences_of"]


@dataclass(frozen=True, slots=True)
class Letter:
    """An operation of the alphabet.

    Attributes:
        name: in words, for the report.
        operation: makes it, from a number that differs with the letters before it.
    """

    name: str
    operation: Callable[[int], Operation] = field(compare=False)

    @property
    def is_expiry(self) -> bool:
        return self.operation(0).kind is Kind.EXPIRE

    @property
    def needs(self) -> str | None:
        """The operationId that a server without update lacks."""
        return "updateSession" if self.operation(0).kind is Kind.UPDATE else None


Sentence = tuple[Letter, ...]
_FORMS = tuple(Form)
_REFUSALS = tuple(REFUSALS)


def _update(number: int) -> Operation:
    return Operation(Kind.UPDATE, _FORMS[number % 2], tags=(f"step {number}",))


def _refused(number: int) -> Operation:
    return Operation(Kind.REFUSED, _FORMS[number // len(_REFUSALS) % 2], refusal=_REFUSALS[number % len(_REFUSALS)])


def _close(form: Form, *, with_reason: bool) -> Letter:
    name = f"close by {form} {'with' if with_reason else 'without'} a reason"
    return Letter(name, lambda n: Operation(Kind.CLOSE, form, reason=f"step {n}" if with_reason else None))


def _refusal(name: str) -> Letter:
    return Letter(f"refused: {name}", lambda n: Operation(Kind.REFUSED, _FORMS[n % 2], refusal=name))


CREATE_AGAIN = Letter("create again", lambda n: Operation(Kind.CREATE, payload=f"step {n}"))
UPDATE = Letter("update", _update)
REFUSED = Letter("a refused request", _refused)
EXPIRY = Letter("expiry", lambda _: Operation(Kind.EXPIRE))
CLOSES = tuple(_close(form, with_reason=given) for given in (True, False) for form in _FORMS)
_EFFECTS = (CREATE_AGAIN, CLOSES[0], CLOSES[3], UPDATE)
# By name: what has an effect; that with refusals and expiry; every form of each.
ALPHABETS: dict[str, Sentence] = {
    "changes": _EFFECTS,
    "standard": (*_EFFECTS, REFUSED, EXPIRY),
    "forms": (CREATE_AGAIN, *CLOSES, UPDATE, *(_refusal(name) for name in _REFUSALS), EXPIRY),
}


def sequences_of(letters: Sequence[Letter], depth: int) -> Iterator[Sentence]:
    """Every sequence of `depth` letters; a session expires at most once."""
    for sentence in product(letters, repeat=depth):
        if sum(letter.is_expiry for letter in sentence) < 2:
            yield sentence


class ServerTime(Protocol):
    """The server's clock, as far as expiry needs it."""

    def now(self) -> float:
        """Seconds since 1970."""

    def wait_until(self, moment: float) -> None:
        """Return when the server's clock is past `moment`."""


class MonotonicTime:
    """A server's clock: what it showed once, and the time since then.

    Args:
        shown: the moment that the server showed, in seconds since 1970.
        coarse_seconds: how much later it may have been.
    """

    def __init__(self, shown: float, coarse_seconds: float = 0) -> None:
        self._offset = shown + coarse_seconds - time.monotonic()
        self._coarse_seconds = coarse_seconds

    @classmethod
    def shown_by(cls, date_time: str) -> MonotonicTime:
        """The clock of a server that has just written a date-time; one to the second may be a second behind."""
        moment = seconds(date_time)
        return cls(moment, 1.0 if moment % 1 == 0 else 0.0)

    def now(self) -> float:
        return time.monotonic() + self._offset

    def wait_until(self, moment: float) -> None:
        time.sleep(max(0.0, moment + self._coarse_seconds - self.now()))


class Coverage(NamedTuple):
    """What an exploration has covered."""

    sequences: int
    depth: int
    letters: tuple[str, ...]
    has_expiry: bool

    @property
    def words(self) -> str:
        """A sentence for the report."""
        shown = f"all {self.sequences} sequences of up to {self.depth} operations passed ({', '.join(self.letters)})"
        return shown if self.has_expiry else f"{shown}; without expiry: the server lets no session expire soon"


class _Tale(NamedTuple):
    """A sequence under way: its walk, its letters, and when its session expires, on the server's clock."""

    walk: Walk
    sentence: Sentence
    expires_at: float

    @property
    def expiry(self) -> int:
        """The place of the expiry among the letters."""
        return next(place for place, letter in enumerate(self.sentence) if letter.is_expiry)


class Exploration:
    """Runs every sequence of an alphabet against a target.

    Args:
        run: the target.
        letters: the alphabet.
        depth: how many operations a sequence has after the create.
        clock: the server's, or None to read it from a row.
    """

    def __init__(self, run: Run, letters: Sequence[Letter], depth: int, clock: ServerTime | None = None) -> None:
        self._run, self._depth, self._clock = run, depth, clock
        self._letters = tuple(letter for letter in letters if letter.needs not in run.unsupported)
        self._limit = depth
        self._seen: set[Sentence] = set()
        self._failure: ClauseFailed | None = None
        self._stale: list[tuple[Walk, str]] = []
        self._waiting: list[_Tale] = []
        self._lock = threading.Lock()

    def explore(self) -> Coverage:
        """Run them all.

        Returns what was covered.

        Raises:
            ClauseFailed: the shortest sequence that the model does not allow.
            NotChecked: the server is too slow for sessions that expire.
        """
        sentences = list(sequences_of(self._letters, self._depth))
        lasting = [sentence for sentence in sentences if not any(letter.is_expiry for letter in sentence)]
        expiring = [sentence for sentence in sentences if any(letter.is_expiry for letter in sentence)]
        self._run.each(lasting, self._run_lasting, whole=True)
        expires = bool(expiring) and self._explore_expiring(expiring)
        self._look_again()
        if self._failure is not None:
            raise self._failure
        count = len(sentences) if expires else len(lasting)
        return Coverage(count, self._depth, tuple(letter.name for letter in self._letters), expires or not expiring)

    def _run_lasting(self, scenario: Scenario, sentence: Sentence) -> None:
        if not self._is_known(sentence):
            walk = self._walk(scenario)
            self._attempt(walk, sentence, range(len(sentence)), walk.create)

    def _is_known(self, sentence: Sentence) -> bool:
        """Whether nothing is left to learn from a sequence: a failure as short was found, or it was seen."""
        with self._lock:
            return self._limit == 0 or sentence[: self._limit] in self._seen

    def _walk(self, scenario: Scenario) -> Walk:
        return Walk(scenario, Session(self._run.key, self._run.name("s")), model_of(scenario))

    def _attempt(
        self, walk: Walk, sentence: Sentence, places: range, begin: Callable[[], object] = lambda: None
    ) -> bool:
        """Take some steps of a sequence, none longer than the shortest failure; whether all went well."""
        place = 0
        try:
            begin()
            for place in places:
                if place >= self._limit:
                    break
                self._step(walk, sentence[: place + 1])
        except ClauseFailed as error:
            with self._lock:
                if self._failure is None or place < self._limit:
                    self._failure, self._limit = error, place
            return False
        return True

    def _step(self, walk: Walk, beginning: Sentence) -> None:
        before = walk.model.status_of(walk.state)
        walk.step(beginning[-1].operation(self._number(beginning)))
        with self._lock:
            is_new = beginning not in self._seen
            self._seen.add(beginning)
        if not is_new:
            return
        is_last = len(beginning) == self._depth
        walk.probe(is_last=is_last)
        after = walk.model.status_of(walk.state)
        if after != before and "listSessions" not in self._run.unsupported:
            statuses = (after,) if is_last else (before, after)
            stale = [(walk, status) for status in statuses if walk.list_shows(status) is not None]
            with self._lock:
                self._stale += stale

    def _number(self, beginning: Sentence) -> int:
        """A number that is the same wherever a sequence begins so, and mostly another one elsewhere."""
        number = 0
        for letter in beginning:
            number = number * len(self._letters) + self._letters.index(letter) + 1
        return number

    def _look_again(self) -> None:
        """Look once more at lists that showed an older state, when they may no longer do so (grey.list-lag)."""
        lag_seconds = self._run.list_lag_seconds
        for walk, status in self._stale:
            last = walk.scenario.exchanges[-1]
            time.sleep(max(0.0, last.began + last.seconds + lag_seconds - time.monotonic()))
            violation = walk.list_shows(status)
            if violation is not None and self._failure is None:
                expected = f"{violation.expected}, {lag_seconds:g} s after the last change"
                self._failure = walk.scenario.fail(violation.clause, expected, violation.got)

    # sessions that expire

    def _explore_expiring(self, sentences: Sequence[Sentence]) -> bool:
        """Run sequences with an expiry: all up to it, one wait, then the rest. Whether the server lets sessions expire.

        Raises:
            NotChecked: sessions expired while their sequences were under way, twice.
        """
        clock = self._clock or self._read_clock()
        if not self._lets_expire(clock):
            return False
        for start in range(0, len(sentences), _BATCH):
            self._explore_batch(sentences[start : start + _BATCH], clock)
        return True

    def _explore_batch(self, sentences: Sequence[Sentence], clock: ServerTime) -> None:
        left = list(sentences)
        for patience in _PATIENCE:
            self._waiting = []
            self._run.each(left, partial(self._run_to_expiry, clock=clock, patience=patience), whole=True)
            late = {tale.sentence for tale in self._waiting if _is_late(tale, clock)}
            in_time = [tale for tale in self._waiting if tale.sentence not in late]
            if in_time:
                clock.wait_until(max(tale.expires_at for tale in in_time) + _MARGIN_SECONDS)
            self._run.each(in_time, lambda _, tale: self._finish(tale), whole=True)
            left = sorted(late, key=sentences.index)
            if not left:
                return
        raise NotChecked(f"the server is too slow: sessions expired while {len(left)} sequences were under way")

    def _read_clock(self) -> ServerTime:
        return MonotonicTime.shown_by(self._walk(self._run.scenario()).create()["createdAt"])

    def _lets_expire(self, clock: ServerTime) -> bool:
        moment = _date_time(clock.now() + self._lifetime_seconds)
        return self._run.scenario().try_create(expiresAt=moment).status < SUCCESS_END

    @property
    def _lifetime_seconds(self) -> float:
        """How long a session lives that has to come to its expiry after a few requests."""
        return _LIFETIME_SECONDS + _REQUESTS_PER_STEP * self._depth * self._run.latency_seconds

    def _run_to_expiry(self, scenario: Scenario, sentence: Sentence, *, clock: ServerTime, patience: float) -> None:
        if self._is_known(sentence):
            return
        walk = self._walk(scenario)
        tale = _Tale(walk, sentence, clock.now() + patience * self._lifetime_seconds)
        moment = _date_time(tale.expires_at)
        if self._attempt(walk, sentence, range(tale.expiry), lambda: walk.create(expiresAt=moment)):
            with self._lock:
                self._waiting.append(tale)

    def _finish(self, tale: _Tale) -> None:
        self._attempt(tale.walk, tale.sentence, range(tale.expiry, len(tale.sentence)))


def _is_late(tale: _Tale, clock: ServerTime) -> bool:
    """Whether a session may have expired before its sequence came to that."""
    last = tale.walk.scenario.exchanges[-1]
    since_seconds = max(0.0, time.monotonic() - last.began - last.seconds)
    return clock.now() - since_seconds > tale.expires_at - _MARGIN_SECONDS


def _date_time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# How long a session that expires lives at least, how far its end has to be for a verdict, the requests of a step,
# and how many times as long it lives at the second attempt.
_LIFETIME_SECONDS = 1.5
_MARGIN_SECONDS = 0.3
_REQUESTS_PER_STEP = 5
_PATIENCE = (1.0, 4.0)
# How many sequences wait for their expiry together.
_BATCH = 1000
