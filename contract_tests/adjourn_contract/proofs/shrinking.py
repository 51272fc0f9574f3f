"""The smallest story that still shows a failure, found by playing it again with steps left out.

Left out is only what changes nothing on a lawful server: reads, requests that were refused, later closes of a closed
session, and sessions that have nothing to do with the one that the evidence is about. A step that a lawful server acts
on stays, though the faulty server shows the failure without it: else the story would accuse lawful servers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from adjourn_contract.proofs.evidence import Claim, Evidence, Reading
from adjourn_contract.proofs.replaying import CannotReplay, Player
from adjourn_contract.proofs.story import RUN, Moment, Step, Story
from adjourn_contract.transport.exchange import Exchange

__all__ = ["Bounds", "renumbered", "shrunk"]

Answers = Mapping[int, Exchange]


@dataclass(frozen=True)
class Bounds:
    """How much is sent at most to shrink one story."""

    requests: int = 200
    seconds: float = 5.0


def shrunk(story: Story, player: Player, bounds: Bounds) -> Story:
    """The story without the steps that the failure does not need.

    A story that does not show the failure each time stays whole and is to be played in many rounds.
    """
    if story.evidence is None or not story.steps:
        return story
    if any(step.is_beside_last for step in story.steps):
        return replace(story, rounds=RACE_ROUNDS)
    is_timed = story.evidence.is_timed
    if not is_timed:
        steps = tuple(replace(step, wait_seconds=min(step.wait_seconds, MOST_WAIT_SECONDS)) for step in story.steps)
        story = replace(story, steps=steps)
    if _wait_seconds(story) > bounds.seconds:
        return story
    if any(_has_fixed_name(step) for step in story.steps):
        # What the server knows of the name by now would decide what a replay shows.
        return story
    search = _Search(story, player, bounds)
    if search.shows(story):
        smallest = search.smallest()
        # A server that fails now and then may have failed by chance; one that counts does not fail twice in a row.
        if all(not search.is_within(smallest) or search.shows(smallest) for _ in range(2)):
            return smallest
    rounds = max(5, min(RARE_ROUNDS, RARE_REQUESTS // len(story.steps)))
    return replace(story, rounds=1 if is_timed else rounds, is_rare=True)


# What depends on microseconds, or on a counter in the server, does not show each time.
RACE_ROUNDS = 20
# A session that was created early waited while other tests ran; no clause needs so long.
MOST_WAIT_SECONDS = 3.5
RARE_ROUNDS = 60
RARE_REQUESTS = 600


class _Search:
    """Plays variants of one story within bounds."""

    def __init__(self, story: Story, player: Player, bounds: Bounds) -> None:
        self._story, self._player, self._bounds = story, player, bounds
        self._sent = 0
        self._began = time.monotonic()
        assert story.evidence is not None  # noqa: S101 - asked before
        self._evidence: Evidence = story.evidence

    def shows(self, story: Story) -> bool:
        """Whether the failure comes again, and in the same way: with the statuses that it had, or another success."""
        self._sent += len(story.steps)
        try:
            played = self._player.play(story)
        except (CannotReplay, KeyError):
            return False
        answers, evidence = played.answers, _with_texts(self._evidence, played.texts)
        had = {step.number: step.exchange.status for step in self._story.steps}
        is_alike = all(_kind(answers[step].status) == _kind(had[step]) for step in evidence.steps)
        return is_alike and not evidence.holds(answers)

    def smallest(self) -> Story:
        story = self._story
        # Where a time is sent, as of a session that expires, what a lawful server answers depends on the waits.
        has_times = any(isinstance(made, Moment) for step in story.steps for made in step.made) or any(
            "period" in step.exchange.target for step in story.steps
        )
        if any(step.wait_seconds for step in story.steps) and not self._evidence.is_timed and not has_times:
            story = self._tried(
                replace(story, steps=tuple(replace(step, wait_seconds=0) for step in story.steps)), story
            )
        units = list(_droppable(story, self._evidence))
        size = len(units)
        while size:
            at = 0
            while at < len(units):
                dropped = {number for unit in units[at : at + size] for number in unit}
                found = self._tried(replace(story, steps=_without(story.steps, dropped)), story)
                if found is story:
                    at += size
                else:
                    story, units = found, [*units[:at], *units[at + size :]]
            size //= 2
        return story

    def _tried(self, smaller: Story, story: Story) -> Story:
        """The smaller story if it shows the failure; else the other."""
        return smaller if self.is_within(smaller) and _is_whole(smaller) and self.shows(smaller) else story

    def is_within(self, story: Story) -> bool:
        """Whether the bounds allow a story to be played once more."""
        return (
            self._sent + len(story.steps) <= self._bounds.requests
            and time.monotonic() - self._began + _wait_seconds(story) < self._bounds.seconds
        )


def _without(steps: Sequence[Step], dropped: Collection[int]) -> tuple[Step, ...]:
    """The other steps; the time that passed before a dropped one passes before the next."""
    left: list[Step] = []
    waited = 0.0
    for step in steps:
        waited += step.wait_seconds
        if step.number not in dropped:
            left.append(replace(step, wait_seconds=round(waited, 1)))
            waited = 0.0
    return tuple(left)


def _kind(status: int) -> int:
    return 200 if 200 <= status < 300 else status


def _has_fixed_name(step: Step) -> bool:
    """Whether it creates a session whose externalId is the same in each run."""
    exchange = step.exchange
    if exchange.method != "POST" or b'"externalId"' not in (exchange.body or b"") or exchange.status >= 400:
        return False
    return not any(name == RUN or name.startswith("NEW") for name in step.names | {made.name for made in step.made})


def _wait_seconds(story: Story) -> float:
    return sum(step.wait_seconds for step in story.steps)


def _is_whole(story: Story) -> bool:
    """Whether each variable is made by an earlier step."""
    known: set[str] = set()
    for step in story.steps:
        if any(re.match(r"(ID|TOKEN|RUNID|NEXT|PREVIOUS)\d", name) and name not in known for name in step.names):
            return False
        known |= {capture.name for capture in step.captures} | {made.name for made in step.made}
    return all(not re.match(r"(ID|TOKEN|RUNID|AT|NEW)\d", name) or name in known for name in story.names)


def _with_texts(evidence: Evidence, texts: Mapping[str, str]) -> Evidence:
    return Evidence(
        tuple(replace(claim, texts=tuple(texts.get(text, text) for text in claim.texts)) for claim in evidence.claims)
    )


# what may be left out


def _droppable(story: Story, evidence: Evidence) -> Iterator[frozenset[int]]:
    """Steps that may be left out, each set as a whole."""
    needed = evidence.steps
    subjects = {step.number: _subjects(step, story.run) for step in story.steps}
    parts = _connected(subjects.values())
    about = [part for part in parts if any(part & subjects[number] for number in needed)]
    # What a list has to leave out counts as much as what it has to show.
    is_about_list = any("*" in claim.reading.place for claim in evidence.claims)
    if all(subjects[number] for number in needed) and not is_about_list:
        for part in parts:
            if part not in about:
                yield frozenset(number for number, names in subjects.items() if names & part)
    closed: set[str] = set()
    for step in story.steps:
        exchange = step.exchange
        is_close = exchange.method == "POST" and exchange.target.endswith("/close") and exchange.status == 200
        is_later_close = is_close and bool(subjects[step.number] & closed)
        closed |= subjects[step.number] if is_close else set()
        if step.number not in needed and (
            exchange.method in ("GET", "HEAD") or exchange.status >= 400 or is_later_close
        ):
            yield frozenset([step.number])


def _subjects(step: Step, run: str) -> set[str]:
    """The sessions that a step is about: friendly ids, and the names that the run made, up to a special character.

    A name is percent-encoded in a path and is not in a body; what is special is so in both.
    """
    exchange = step.exchange
    value = exchange.value if isinstance(exchange.value, dict) else {}
    sent = exchange.target + (exchange.wire_bytes or exchange.body or b"").decode(errors="replace")
    texts = [sent, unquote(sent), *(str(value.get(name)) for name in ("id", "externalId"))]
    found = {name for text in texts for name in re.findall(re.escape(run) + r"-[a-z0-9-]+", text)}
    return found | {each for text in texts for each in re.findall(r"session_[A-Za-z0-9_-]{6,}", text)}


def _connected(sets: Iterable[set[str]]) -> list[set[str]]:
    """Sets that have a member in common, as one."""
    parts: list[set[str]] = []
    for each in sets:
        if each:
            joined = [part for part in parts if part & each]
            parts = [part for part in parts if not part & each] + [set(each).union(*joined)]
    return parts


# numbers


def renumbered(story: Story) -> Story:
    """The story with its steps numbered from 1."""
    numbers = {step.number: number for number, step in enumerate(story.steps, 1)}
    steps = tuple(replace(step, number=numbers[step.number]) for step in story.steps)
    evidence = None
    if story.evidence is not None:
        evidence = Evidence(tuple(_moved(claim, numbers) for claim in story.evidence.claims))
    return replace(story, steps=steps, evidence=evidence)


def _moved(claim: Claim, numbers: Mapping[int, int]) -> Claim:
    other = None if claim.other is None else _moved_reading(claim.other, numbers)
    return replace(claim, reading=_moved_reading(claim.reading, numbers), other=other)


def _moved_reading(reading: Reading, numbers: Mapping[int, int]) -> Reading:
    since = None if reading.since is None else _moved_reading(reading.since, numbers)
    return replace(reading, step=numbers[reading.step], since=since)
