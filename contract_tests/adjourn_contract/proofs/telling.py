"""Turns the exchanges of a scenario into a story: what is new in each run becomes a variable."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adjourn_contract.proofs.evidence import Evidence
from adjourn_contract.proofs.story import KEY, OTHER_KEY, RUN, Capture, Forgery, Made, Moment, Novelty, Step, Story
from adjourn_contract.proofs.texts import Text, Vocabulary
from adjourn_contract.transport.exchange import Exchange

__all__ = ["story_of"]

_NEAR_SECONDS = 2 * 86_400
_LEAST_WAIT_SECONDS = 0.3
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_EPOCH_MS = re.compile(r"(?<![0-9])1[0-9]{12}(?![0-9])")
_JWT = re.compile(r"[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
# Without leading zeros, which the same number may have in one name and lack in another.
_DIGITS = re.compile(r"[1-9][0-9]{7,}")


def story_of(
    exchanges: Sequence[Exchange],
    *,
    url: str,
    key: str,
    other_key: str | None,
    run: str,
    clause: str,
    expected: str,
    got: str,
    evidence: Evidence | None = None,
) -> Story:
    """The story of a scenario.

    Args:
        exchanges: what was sent and answered.
        url: the server's base URL.
        key: the secret key; `other_key` one of another environment.
        run: the run's id, the digits that its names have.
        clause: the clause that failed; `expected` and `got` in words.
        evidence: what a lawful server's answers satisfy; its steps are indexes of `exchanges`.
    """
    teller = _Teller(key, other_key, run)
    steps = tuple(teller.step(number, exchange) for number, exchange in enumerate(exchanges))
    texts = {
        text: teller.vocabulary.text_of(text)
        for claim in (evidence.claims if evidence else ())
        if claim.relation in ("is", "like", "unlike", "without")
        for text in claim.texts
    }
    return _without_unused(Story(steps, evidence, texts, run, url, clause, expected, got))


def _without_unused(story: Story) -> Story:
    """Without the captures that nothing uses."""
    used = story.names
    steps = tuple(
        replace(step, captures=tuple(each for each in step.captures if each.name in used)) for step in story.steps
    )
    return replace(story, steps=steps)


@dataclass
class _Teller:
    """Turns exchanges into steps one after the other; remembers which text is which variable."""

    key: str
    other_key: str | None
    run: str
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    _counts: dict[str, int] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)
    _last: Exchange | None = None
    _ended: float = 0

    def __post_init__(self) -> None:
        if self.run:
            self.vocabulary.add(self.run, RUN, constant_prefix=0)
        self._keys = Vocabulary()
        for secret, name in ((self.key, KEY), (self.other_key, OTHER_KEY)):
            if secret:
                self.vocabulary.add(secret, name)
                self._keys.add(secret, name, constant_prefix=secret.rfind("_") + 1)
                basic = base64.b64encode(f"{secret}:".encode()).decode()
                self.vocabulary.add(basic, f"{name}_BASIC")
                self._keys.add(basic, f"{name}_BASIC")

    def step(self, number: int, exchange: Exchange) -> Step:
        made: list[Made] = []
        self._make_novelties(exchange, made)
        step = Step(
            number=number,
            target=self._text(exchange.target, made, exchange),
            headers=tuple((name, self._header(value, made)) for name, value in exchange.headers),
            body=self._content(exchange.body, made, exchange),
            wire=self._content(exchange.wire_bytes, made, exchange),
            wait_seconds=self._wait_seconds(exchange),
            is_beside_last=self._is_beside_last(exchange),
            made=tuple(made),
            exchange=exchange,
            captures=tuple(self._captured(exchange)),
        )
        self._last = exchange
        self._ended = max(self._ended, exchange.began + exchange.seconds)
        return step

    # what is sent

    def _content(self, content: bytes | None, made: list[Made], exchange: Exchange) -> Text | bytes | None:
        if content is None:
            return None
        try:
            return self._text(content.decode(), made, exchange)
        except UnicodeDecodeError:
            return content

    def _text(self, text: str, made: list[Made], exchange: Exchange) -> Text:
        began = time.time() - time.monotonic() + exchange.began if exchange.began else time.time()
        for found in set(_TIME.findall(text)):
            after = datetime.fromisoformat(found).timestamp() - began
            if abs(after) < _NEAR_SECONDS and found not in self.vocabulary.values:
                self._make_moment(found, after, made, is_epoch=False)
        for found in set(_EPOCH_MS.findall(text)):
            after = int(found) / 1000 - began
            if abs(after) < _NEAR_SECONDS:
                self._make_moment(found, after, made, is_epoch=True)
        return self.vocabulary.text_of(text)

    def _make_moment(self, value: str, after_seconds: float, made: list[Made], *, is_epoch: bool) -> None:
        name = self._numbered("AT")
        self.vocabulary.add(value, name)
        made.append(Moment(name, round(after_seconds, 1), is_epoch))

    def _make_novelties(self, exchange: Exchange, made: list[Made]) -> None:
        """Names that a create sends without the run's id: they must be new in each run too."""
        value = _json(exchange.body)
        name = value.get("externalId") if isinstance(value, dict) and exchange.method == "POST" else None
        if not isinstance(name, str):
            return
        self.vocabulary.add_name(name, self.run)
        if self.run in name or any(known in name for known in self.vocabulary.values):
            return
        digits = max(_DIGITS.findall(name), key=len, default=None)
        if digits is not None:
            new = self._numbered("NEW")
            self.vocabulary.add(digits, new)
            made.append(Novelty(new, len(digits)))

    def _header(self, value: str, made: list[Made]) -> Text:
        found = _JWT.search(value)
        token = found[0] if found else None
        if token is not None and token not in self.vocabulary.values:
            forgery = self._forgery(token)
            if forgery is not None:
                made.append(forgery)
        text = self.vocabulary.text_of(value)
        if len(text) == 1 and isinstance(text[0], str):
            return self._keys.text_of(value)
        return text

    def _forgery(self, token: str) -> Forgery | None:
        header, payload, signature = token.split(".")
        claims, algorithm = _claims(payload), (_claims(header) or {}).get("alg")
        if claims is None or not isinstance(algorithm, str):
            return None
        for known, name in reversed(self._tokens.items()):
            _, known_payload, known_signature = known.split(".")
            had = _claims(known_payload) or {}
            changed = {key: value for key, value in claims.items() if had.get(key) != value}
            if len(changed) > 2 or set(had) - set(claims):
                continue
            secret, how = self._signer(header, payload, signature, known_signature)
            expiry = changed.get("exp")
            after = round(expiry - time.time()) if isinstance(expiry, int) else None
            if after is not None and abs(after) < _NEAR_SECONDS:
                del changed["exp"]
            else:
                after = None
            new = self._numbered("FORGED")
            self.vocabulary.add(token, new)
            # A scope has the name of a session, which is another one in each run.
            content = self.vocabulary.text_of(json.dumps(changed))
            return Forgery(new, name, content, after, algorithm, how, secret)
        return None

    def _signer(self, header: str, payload: str, signature: str, known_signature: str) -> tuple[Text, str]:
        """With which secret a token is signed, and what became of the signature of the token it is made from."""
        for secret in (self.key, self.other_key, "tr_dev_nobodyhasthiskey0123456789"):
            if secret:
                digest = hmac.new(secret.encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
                if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == signature:
                    return self.vocabulary.text_of(secret), "signed"
        if signature == known_signature:
            return (), "passed"
        return (), "tampered" if signature else "none"

    # when it is sent

    def _is_beside_last(self, exchange: Exchange) -> bool:
        return bool(self._last and exchange.began and self._last.began and exchange.began < self._ended)

    def _wait_seconds(self, exchange: Exchange) -> float:
        if not self._last or not exchange.began or not self._ended:
            return 0
        waited = exchange.began - self._ended
        return round(waited, 1) if waited >= _LEAST_WAIT_SECONDS else 0

    # what its answer gives

    def _captured(self, exchange: Exchange) -> list[Capture]:
        value = exchange.value
        if not isinstance(value, dict):
            return []
        captures = []
        for place, kind in (
            (("id",), "ID"),
            (("publicAccessToken",), "TOKEN"),
            (("token",), "TOKEN"),
            (("currentRunId",), "RUNID"),
            (("pagination", "next"), "NEXT"),
            (("pagination", "previous"), "PREVIOUS"),
        ):
            found: Any = value
            for part in place:
                found = found.get(part) if isinstance(found, dict) else None
            if isinstance(found, str) and len(found) >= _LEAST_CAPTURED and found not in self.vocabulary.values:
                name = self._numbered(kind)
                self.vocabulary.add(found, name, constant_prefix=found.find("_") + 1 if kind == "ID" else None)
                captures.append(Capture(name, place))
                if kind == "TOKEN" and _JWT.fullmatch(found):
                    self._tokens[found] = name
        return captures

    def _numbered(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}{self._counts[kind]}"


_LEAST_CAPTURED = 6


def _json(content: bytes | None) -> Any:
    try:
        return json.loads(content or b"")
    except (ValueError, RecursionError):
        return None


def _claims(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
