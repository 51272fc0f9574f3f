"""Moments, and how they are written (clause row.times).

Clocks and queries count milliseconds since 1970. Rows keep text, RFC 3339 in UTC to
the millisecond: it is what is sent, and in this form moments order as text does.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from adjourn_mock.domain.errors import UserError

__all__ = [
    "Clock",
    "SettableClock",
    "SystemClock",
    "canonical",
    "clamped_rfc3339",
    "duration",
    "milliseconds",
    "rfc3339",
    "within_calendar",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = -62_135_596_800_000
_LAST = 253_402_300_799_999
_DURATION = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)?")
# RFC 3339, 5.6: `T` and `Z` in either case, a space in place of `T`; no week dates, no basic format.
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Clock(Protocol):
    """A source of time."""

    def now(self) -> int:
        """Milliseconds since 1970."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class SettableClock:
    """A clock that can be frozen, set and advanced.

    It runs with `base` until it is set.

    Args:
        base: the clock that is used where nothing was set.
    """

    def __init__(self, base: Clock | None = None) -> None:
        self._system = (base or SystemClock()).now
        self._ahead = 0
        self._frozen_at: int | None = None

    @property
    def is_frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    def state(self) -> tuple[int, int | None]:
        """By how much it is ahead, and where it is frozen; for `restore`."""
        return self._ahead, self._frozen_at

    def restore(self, ahead: int, frozen_at: int | None) -> None:
        """Make it as `state` was."""
        self._ahead, self._frozen_at = ahead, frozen_at

    def now(self) -> int:
        if self._frozen_at is not None:
            return self._frozen_at
        now = self._system() + self._ahead
        return now if now < _LAST else _LAST

    def freeze(self, at: int | None = None) -> None:
        """Freeze at `at`, or at the present moment."""
        self._frozen_at = within_calendar(self.now() if at is None else at)

    def set(self, at: int) -> None:
        """Make it `at`; a frozen clock stays frozen, another goes on from there."""
        at = within_calendar(at)
        if self._frozen_at is None:
            self._ahead = at - self._system()
        else:
            self._frozen_at = at

    def advance(self, milliseconds: int) -> None:
        """Make it so much later, or earlier where it is negative."""
        self.set(self.now() + milliseconds)

    def resume(self) -> None:
        """Go on from where it was frozen."""
        if self._frozen_at is not None:
            self._ahead, self._frozen_at = self._frozen_at - self._system(), None

    def reset(self) -> None:
        """Go with `base` again."""
        self._ahead, self._frozen_at = 0, None


def within_calendar(moment: int) -> int:
    """The moment, or the first or last that can be written where it lies beyond."""
    return min(max(moment, _FIRST), _LAST)


def rfc3339(moment: int) -> str:
    """Write a moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`.

    Raises:
        OverflowError: the moment lies outside the years 1 to 9999.
    """
    seconds, rest = divmod(moment, 1000)
    return f"{_to_the_second(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def clamped_rfc3339(moment: int) -> str:
    """Write a moment, or the first or last that can be written where it lies beyond."""
    return rfc3339(within_calendar(moment))


def canonical(text: str) -> str:
    """Bring an RFC 3339 date-time into the form that rows keep.

    Raises:
        ValueError: it is none, or lies outside the years 1 to 9999.
    """
    try:
        return rfc3339(milliseconds(text))
    except OverflowError:
        raise UserError(f"{text!r} lies outside the years 1 to 9999") from None


def milliseconds(text: str) -> int:
    """Read an RFC 3339 date-time as milliseconds since 1970; a leap second is the second before it.

    Raises:
        ValueError: it is not one, or lies outside the years 1 to 9999.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise UserError(f"{text[:40]!r} is not an RFC 3339 date-time; use a form such as 2026-11-30T09:30:00.000Z")
    date, minute, second, fraction, offset = found.groups()
    second = "59" if second == "60" else second
    try:
        moment = datetime.fromisoformat(f"{date}T{minute}:{second}{fraction or ''}{offset.upper()}")
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{text!r} is not a moment of the calendar: {error}") from None


def duration(text: str | float) -> int:
    """`1.5s`, `200ms`, `2h` or a number of seconds as milliseconds.

    Raises:
        ValueError: it is not one.
    """
    found = _DURATION.fullmatch(str(text))
    if found is None:
        raise UserError(f"{str(text)[:40]!r} is not a duration; use 1.5s, 200ms, 2h or a number of seconds")
    return round(float(found[1]) * _MILLISECONDS[found[2] or "s"])
