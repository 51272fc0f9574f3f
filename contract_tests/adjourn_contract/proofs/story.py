"""A story: the requests of a scenario with variables in them, so that they can be sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adjourn_contract.proofs.evidence import Evidence, Place
from adjourn_contract.proofs.texts import Reference, Text
from adjourn_contract.transport.exchange import Exchange

__all__ = ["KEY", "OTHER_KEY", "RUN", "Capture", "Forgery", "Made", "Moment", "Novelty", "Step", "Story"]

KEY, OTHER_KEY, RUN = "TRIGGER_SECRET_KEY", "ADJOURN_OTHER_SECRET_KEY", "RUN"


@dataclass(frozen=True)
class Capture:
    """A variable that is read from an answer."""

    name: str
    place: Place


@dataclass(frozen=True)
class Novelty:
    """A variable of random digits, as many as `digits`."""

    name: str
    digits: int


@dataclass(frozen=True)
class Moment:
    """A variable that is a time `seconds` after now, as an RFC 3339 text or in milliseconds of the epoch."""

    name: str
    seconds: float
    is_epoch: bool


@dataclass(frozen=True)
class Forgery:
    """A variable that is a token made from another: other claims, another algorithm, another signature.

    Attributes:
        token: the variable of the token that it is made from.
        claims: JSON of the claims that differ; `expires_in_seconds` is counted from now.
        secret: signed with it; without it `signature` says what becomes of the old one.
        signature: `signed`, `passed` on, `tampered` or `none`.
        algorithm: of the header.
    """

    name: str
    token: str
    claims: Text
    expires_in_seconds: int | None
    algorithm: str
    signature: str
    secret: Text = ()


Made = Novelty | Moment | Forgery


@dataclass(frozen=True)
class Step:
    """A request to be sent, and what is read from its answer.

    Attributes:
        number: its place in the scenario.
        wait_seconds: how long to wait before it.
        is_beside_last: whether it overlaps with the step before it.
        made: variables that it needs, to be made before it.
        captures: variables that its answer gives.
        body: the body, as text where it is UTF-8.
        wire: the whole request where it was sent as bytes.
        exchange: the request and answer of the scenario.
    """

    number: int
    target: Text
    headers: tuple[tuple[str, Text], ...]
    body: Text | bytes | None
    wire: Text | bytes | None
    wait_seconds: float
    is_beside_last: bool
    made: tuple[Made, ...]
    exchange: Exchange
    captures: tuple[Capture, ...] = ()

    @property
    def names(self) -> set[str]:
        """The variables that it uses."""
        texts: list[Any] = [self.target, self.body, self.wire, *(value for _, value in self.headers)]
        for each in self.made:
            if isinstance(each, Forgery):
                texts += [each.secret, each.claims, (Reference(each.token),)]
        return {
            part.name for text in texts if isinstance(text, tuple) for part in text if isinstance(part, Reference)
        } - {each.name for each in self.made}


@dataclass(frozen=True)
class Story:
    """Steps, and the evidence at their end.

    Attributes:
        steps: in the order in which they were sent.
        evidence: what a lawful server's answers satisfy, or None where that is not known.
        texts: the texts of the evidence, with variables in them.
        run: the run's id, of digits.
        expected: what the clause asks for, in words.
        got: what came instead.
        clause: the slug.
        url: the server's base URL.
        rounds: how often it is to be played until it shows the failure, where it does not show each time.
        is_rare: the requests were sent again, and the failure did not show.
    """

    steps: tuple[Step, ...]
    evidence: Evidence | None
    texts: dict[str, Text]
    run: str
    url: str
    clause: str
    expected: str
    got: str
    rounds: int = 1
    is_rare: bool = False

    @property
    def names(self) -> set[str]:
        used = {name for step in self.steps for name in step.names}
        return used | {part.name for text in self.texts.values() for part in text if isinstance(part, Reference)}
