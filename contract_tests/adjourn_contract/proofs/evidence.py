"""Evidence: what a lawful server's answers satisfy at the end of a scenario, as data."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from adjourn_contract.transport.exchange import Exchange

__all__ = ["ABSENT", "Claim", "Evidence", "Kind", "Place", "Reading", "canonical", "origin_of", "reading_of"]

Place = tuple[str | int, ...]
Kind = Literal["status", "member", "names", "header", "text", "lapse", "claim", "lifetime", "signature", "records"]
Answers = Mapping[int, Exchange]
ABSENT = ""


@dataclass(frozen=True)
class Reading:
    """A text that is read from an answer.

    Attributes:
        kind: `status`, `member` (canonical JSON, empty where absent), `names` (of an object's members, sorted),
            `header` (empty where absent), `text` (headers and body), `lapse` (seconds from `since` to this member),
            `claim` (of the token in the answer), `lifetime` (seconds from createdAt to the token's expiry),
            `signature` (of that token: `own` where the key of the request has made it, else `another`) or
            `records` (what the records of a channel carry, control records left out; a list or a stream of them).
        step: the number of the exchange in its scenario.
        place: the path of a member; `*` means every element of an array; a header's name.
        since: where a lapse begins.
    """

    kind: Kind
    step: int
    place: Place = ()
    since: Reading | None = None

    @property
    def steps(self) -> set[int]:
        return {self.step} | (self.since.steps if self.since else set())

    def read(self, answers: Answers) -> str:
        """The text in these answers."""
        answer = answers[self.step]
        if self.kind == "status":
            return str(answer.status)
        if self.kind == "header":
            return answer.header(str(self.place[0])) or ABSENT
        if self.kind == "text":
            headers = "\n".join(f"{name}: {value}" for name, value in answer.answer_headers)
            return headers + "\n\n" + answer.answer.decode(errors="replace")
        if self.kind == "lapse" and self.since is not None:
            return _lapse(self.since.read(answers), canonical(_found(answer.value, self.place)))
        if self.kind in ("claim", "lifetime"):
            return self._of_token(answer)
        if self.kind == "signature":
            return _signer(answer)
        if self.kind == "records":
            return _carried(answer.answer.decode(errors="replace"))
        value = _found(answer.value, self.place)
        return canonical(sorted(value) if self.kind == "names" and isinstance(value, dict) else value)

    def _of_token(self, answer: Exchange) -> str:
        """A claim of the token that create answers; `alg` is in its header."""
        try:
            head, payload, _ = answer.value["publicAccessToken"].split(".")
            claims = _decoded(head) | _decoded(payload)
            if self.kind == "claim":
                return canonical(_found(claims, self.place))
            return str(round(claims["exp"] - datetime.fromisoformat(answer.value["createdAt"]).timestamp()))
        except (KeyError, TypeError, ValueError, AttributeError):
            return ABSENT


@dataclass(frozen=True)
class Claim:
    """One statement about answers that is true of a lawful server.

    Attributes:
        reading: what is looked at.
        relation: `is` one of `texts`; `same` as another reading; `like` a regular expression; `unlike` one;
            `within` two numbers of seconds; `without` a text.
        texts: what it is compared with.
        other: the other reading.
    """

    reading: Reading
    relation: Literal["is", "same", "like", "unlike", "within", "without"]
    texts: tuple[str, ...] = ()
    other: Reading | None = None

    @property
    def steps(self) -> set[int]:
        return self.reading.steps | (self.other.steps if self.other else set())

    def holds(self, answers: Answers) -> bool:
        """Whether these answers satisfy it."""
        seen = self.reading.read(answers)
        if self.relation == "is":
            return seen in self.texts
        if self.relation == "same" and self.other is not None:
            return seen == self.other.read(answers)
        if self.relation == "within":
            least, most = map(float, self.texts)
            return bool(seen) and least <= float(seen) <= most
        if self.relation == "without":
            return self.texts[0] not in seen
        return (re.search(self.texts[0], seen) is not None) == (self.relation == "like")


@dataclass(frozen=True)
class Evidence:
    """Claims that are all true of a lawful server, and not all of the one that failed."""

    claims: tuple[Claim, ...]

    @property
    def steps(self) -> set[int]:
        return {step for claim in self.claims for step in claim.steps}

    @property
    def is_timed(self) -> bool:
        """Whether it depends on when the steps happened."""
        return any(claim.relation == "within" for claim in self.claims)

    def holds(self, answers: Answers) -> bool:
        return all(claim.holds(answers) for claim in self.claims)

    def readings(self, answers: Answers) -> tuple[str, ...]:
        """What was read for each claim."""
        return tuple(claim.reading.read(answers) for claim in self.claims)


def canonical(value: Any) -> str:
    """A JSON value as one ASCII text; empty for a member that is absent."""
    return ABSENT if value is _ABSENT else json.dumps(value, sort_keys=True)


def reading_of(exchanges: Sequence[Exchange], row: Any, *place: str | int) -> Reading | None:
    """The reading of a member of a row that one of the answers has, the latest first."""
    for step in reversed(range(len(exchanges))):
        start = origin_of(exchanges[step].value, row)
        if start is not None:
            return Reading("member", step, (*start, *place))
    return None


def origin_of(value: Any, part: Any) -> Place | None:
    """The place of an object in a JSON value, by identity."""
    if value is part:
        return ()
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        for number, each in enumerate(value["data"]):
            if each is part:
                return ("data", number)
    return None


_ABSENT = object()


def _found(value: Any, place: Place) -> Any:
    for number, name in enumerate(place):
        if name == "*":
            rest = place[number + 1 :]
            return [_found(each, rest) for each in value] if isinstance(value, list) else _ABSENT
        try:
            value = value[name]
        except (TypeError, KeyError, IndexError):
            return _ABSENT
    return value


def _signer(answer: Exchange) -> str:
    key = next((value.removeprefix("Bearer ") for name, value in answer.headers if name == "Authorization"), "")
    try:
        content, _, signature = answer.value["publicAccessToken"].rpartition(".")
    except (KeyError, TypeError, AttributeError):
        return ABSENT
    made = base64.urlsafe_b64encode(hmac.digest(key.encode(), content.encode(), "sha256")).decode().rstrip("=")
    return "own" if signature == made else "another"


def _carried(text: str) -> str:
    """What records carry, as canonical JSON; empty where it has none."""
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    try:
        records = [record for event in events or [text] for record in json.loads(event)["records"]]
        bodies = [record if "data" in record else json.loads(record["body"] or "{}") for record in records]
        return canonical([body["data"] for body in bodies if body.get("data")])
    except (KeyError, TypeError, ValueError, AttributeError):
        return ABSENT


def _lapse(since: str, until: str) -> str:
    try:
        start, end = (datetime.fromisoformat(json.loads(text)) for text in (since, until))
        return f"{(end - start).total_seconds():.3f}"
    except (TypeError, ValueError):
        return ABSENT


def _decoded(part: str) -> dict[str, Any]:
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value if isinstance(value, dict) else {}
