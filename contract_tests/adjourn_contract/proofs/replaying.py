"""Sends the requests of a story to a server again and collects the answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from adjourn_contract.proofs.commands import in_groups
from adjourn_contract.proofs.story import KEY, OTHER_KEY, RUN, Forgery, Made, Moment, Novelty, Step, Story
from adjourn_contract.proofs.texts import Text, filled
from adjourn_contract.transport.exchange import Exchange, Unreachable
from adjourn_contract.transport.wire import Wire

__all__ = ["CannotReplay", "Played", "Player"]


class CannotReplay(Exception):  # noqa: N818 - an outcome, not an error
    """A request needs what no answer gave."""


@dataclass(frozen=True)
class Played:
    """The answers to a story that was played again.

    Attributes:
        answers: by the number of their step.
        texts: what the texts of the evidence are with the new names and ids, by what they were.
    """

    answers: Mapping[int, Exchange]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Player:
    """Plays stories against one server.

    Attributes:
        wire: the connection to it.
        key: the secret key; `other_key` one of another environment.
        random: where new names come from.
        note: called with the secret key and the exchange after each answer, so that new sessions can be closed.
        sleep: waits so many seconds.
    """

    wire: Wire
    key: str
    other_key: str | None
    random: Random
    note: Callable[[str, Exchange], None]
    sleep: Callable[[float], None] = time.sleep

    def play(self, story: Story) -> Played:
        """Send the requests; the answers by the number of their step, and what the texts of the evidence are now.

        Raises:
            CannotReplay: an answer lacks what a later request needs.
            OutOfTime: the time for the check is over.
        """
        bindings = self._secrets() | {RUN: self._digits(len(story.run))}
        answers: dict[int, Exchange] = {}
        for group in in_groups(story.steps):
            for step in group:
                if step.wait_seconds:
                    self.sleep(step.wait_seconds)
                for made in step.made:
                    bindings[made.name] = self._made(made, bindings)
            for step, answer in zip(group, self._sent(group, bindings), strict=True):
                answers[step.number] = answer
                self.note(bindings[OTHER_KEY] if OTHER_KEY in step.names else self.key, answer)
                for capture in step.captures:
                    bindings[capture.name] = _captured(answer, capture.place)
        texts = {original: filled(text, bindings) for original, text in story.texts.items()}
        return Played(answers, texts)

    def _secrets(self) -> dict[str, str]:
        bindings = {KEY: self.key, OTHER_KEY: self.other_key or self.key}
        basic = {f"{name}_BASIC": base64.b64encode(f"{key}:".encode()).decode() for name, key in bindings.items()}
        return bindings | basic

    def _digits(self, count: int) -> str:
        return str(self.random.randrange(10**count)).zfill(count)

    def _sent(self, group: Sequence[Step], bindings: Mapping[str, str]) -> Sequence[Exchange]:
        if len(group) == 1:
            return [self._send(group[0], bindings)]
        with ThreadPoolExecutor(len(group)) as pool:
            return list(pool.map(lambda step: self._send(step, bindings), group))

    def _send(self, step: Step, bindings: Mapping[str, str]) -> Exchange:
        try:
            target = filled(step.target, bindings)
            method = step.exchange.method
            if step.wire is not None:
                return self.wire.raw(_bytes(step.wire, bindings), method=method, target=target, ends=True)
            headers = [(name, filled(value, bindings)) for name, value in step.headers]
            body = None if step.body is None else _bytes(step.body, bindings)
            if step.exchange.chunked:
                return self.wire.send(method, target, headers, chunks=[body or b""])
            return self.wire.send(method, target, headers, body)
        except KeyError as missing:
            raise CannotReplay(f"no answer gave {missing}") from None
        except Unreachable:
            return Exchange(method, target, (), None, chunked=False, status=0, answer_headers=(), answer=b"")

    def _made(self, made: Made, bindings: Mapping[str, str]) -> str:
        if isinstance(made, Novelty):
            return self._digits(made.digits)
        if isinstance(made, Moment):
            at = datetime.now(UTC) + timedelta(seconds=made.seconds)
            return str(int(at.timestamp() * 1000)) if made.is_epoch else f"{at:%Y-%m-%dT%H:%M:%S}.{at:%f}"[:23] + "Z"
        return _forged(made, bindings)


def _bytes(text: Text | bytes, bindings: Mapping[str, str]) -> bytes:
    return text if isinstance(text, bytes) else filled(text, bindings).encode()


def _captured(answer: Exchange, place: Sequence[Any]) -> str:
    value: Any = answer.value
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str):
        raise CannotReplay(f"an answer has no {place[-1]}")
    return value


def _forged(forgery: Forgery, bindings: Mapping[str, str]) -> str:
    head, payload, signature = bindings[forgery.token].split(".")
    changes = json.loads(filled(forgery.claims, bindings))
    if changes or forgery.expires_in_seconds is not None:
        claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
        if forgery.expires_in_seconds is not None:
            claims["exp"] = int(time.time()) + forgery.expires_in_seconds
        payload = _encoded(json.dumps(claims).encode())
    if forgery.algorithm != "HS256" or forgery.signature == "signed":
        head = _encoded(json.dumps({"alg": forgery.algorithm, "typ": "JWT"}).encode())
    secret = filled(forgery.secret, bindings)
    made = _encoded(hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest())
    signatures = {"signed": made, "none": "", "passed": signature, "tampered": made[::-1]}
    return f"{head}.{payload}.{signatures[forgery.signature]}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
