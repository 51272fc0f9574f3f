"""Moments as milliseconds since 1970, and how they are written (clause row.times)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

__all__ = ["Clock", "SystemClock", "instant", "rfc3339"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> int:
        """Milliseconds since 1970."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


def rfc3339(milliseconds: int) -> str:
    """Write a moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`.

    Raises:
        OverflowError: the moment lies outside the years 1 to 9999.
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def instant(text: str) -> int:
    """Read an RFC 3339 date-time, to the millisecond.

    Raises:
        ValueError: it is none, or lies outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text.upper().replace(":60", ":59"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    try:
        rfc3339(milliseconds)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None
    return milliseconds
