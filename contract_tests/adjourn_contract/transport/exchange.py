"""A request that was sent, and the answer to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Exchange", "Headers", "OutOfTime", "RateLimited", "Unreachable"]

_GATEWAY_STATUSES = (502, 503, 504)
Headers = tuple[tuple[str, str], ...]


class Unreachable(ConnectionError):  # noqa: N818 - said of the server
    """No answer: the connection is refused, reset or silent."""


class OutOfTime(Exception):  # noqa: N818 - an outcome of the check, not an error of the server
    """The time or the number of requests for the check is used up: nothing more is sent.

    Attributes:
        remedy: the option that limits it.
    """

    def __init__(self, reason: str, remedy: str = "--time-budget") -> None:
        super().__init__(reason)
        self.remedy = remedy


class RateLimited(OutOfTime):
    """The server answers 429 to one request for longer than the check waits."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. `status` is 0 where the connection ended without one.

    `target` is the raw path with its query; `body` is what was sent, without framing;
    `began` is seconds on the monotonic clock; `gateway_errors` counts answers of a gateway to the same request before;
    `is_resent` means that a kept connection ended without an answer before, so that the server may have acted twice.
    """

    method: str
    target: str
    headers: Headers
    body: bytes | None
    chunked: bool
    status: int
    answer_headers: Headers = field(repr=False)
    answer: bytes = field(repr=False)
    began: float = 0
    seconds: float = 0
    wire_bytes: bytes | None = None
    gateway_errors: int = 0
    is_resent: bool = False

    def header(self, name: str) -> str | None:
        """A header of the answer."""
        return next((value for key, value in self.answer_headers if key.lower() == name.lower()), None)

    @property
    def is_from_gateway(self) -> bool:
        """Whether a gateway answered in place of the server: 502, 503 or 504 that is not JSON."""
        return self.status in _GATEWAY_STATUSES and "json" not in self.media_type

    @property
    def media_type(self) -> str:
        """The answer's media type in lower case, without parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def value(self) -> Any:
        """The answer as JSON, or None where it is none."""
        try:
            return json.loads(self.answer)
        except (ValueError, RecursionError):
            return None

    @property
    def summary(self) -> str:
        """Status and body, short enough for one line."""
        text = self.answer[:400].decode(errors="replace").replace("\n", " ")
        # A terminal would do what some characters say.
        if not text.isprintable():
            text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
        return f"{self.status} {text}".strip() if self.status else "no answer: the connection was closed"
