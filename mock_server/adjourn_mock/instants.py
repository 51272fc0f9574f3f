"""Moments, and how they are written (clause row.times).

Clocks and queries count milliseconds since 1970. Rows keep text, RFC 3339 in UTC to
the millisecond: it is what is sent, and in this form moments order as text does.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

__all__ = ["Clock", "SystemClock", "nearest", "normalized", "rfc3339"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = -62_135_596_800_000
_LAST = 253_402_300_799_999


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


def nearest(milliseconds: int) -> str:
    """Write a moment, or the first or last that can be written where it lies beyond."""
    return rfc3339(min(max(milliseconds, _FIRST), _LAST))


def normalized(text: str) -> str:
    """Bring an RFC 3339 date-time into the form that rows keep.

    Raises:
        ValueError: it is none, or lies outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text.upper().replace(":60", ":59"))
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    try:
        return rfc3339((moment - _EPOCH) // timedelta(milliseconds=1))
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999") from None
