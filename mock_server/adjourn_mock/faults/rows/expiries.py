"""Faults of expiresAt: which instant is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from adjourn_mock.domain.clock import milliseconds, rfc3339
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, adding, setting, without
from adjourn_mock.faults.operations.creates import object_mended
from adjourn_mock.faults.steps import CREATE, given, list_rows, row_of_close, rows_of

__all__ = ["FAULTS"]

_OFFSET = re.compile(r"([+-]\d\d:\d\d|[zZ])$")
_SOMETIME = "2099-01-01T00:00:00.000Z"
_HOUR = 3_600_000


def storing(write: Callable[[str], str]) -> Change:
    """Store another expiresAt than the one that was sent."""
    return given("create", setting("expiresAt", write))


def offset_dropped(at: str) -> str:
    return f"{_OFFSET.sub('', at)}Z"


def sign_turned(at: str) -> str:
    return f"{at[:-6]}{'-' if at[-6] == '+' else '+'}{at[-5:]}" if at[-6:-5] in ("+", "-") else at


def minutes_of_offset_dropped(at: str) -> str:
    return f"{at[:-2]}00" if at[-6:-5] in ("+", "-") else at


def an_hour_later(at: str) -> str:
    return rfc3339(milliseconds(at) + _HOUR)


def at_midnight(at: str) -> str:
    return f"{at[:10]}T00:00:00Z"


def at_the_minute(at: str) -> str:
    return f"{at[:17]}00{_OFFSET.search(at)[0]}"  # type: ignore[index]


def without_offset_expiry(body: Members) -> Members:
    is_utc = str(body.get("expiresAt", "Z"))[-1:] in "zZ"
    return body if is_utc else without("expiresAt")(body)


def word_as_instant(value: Any) -> Any:
    """Text without a digit, which no date parser takes, becomes some instant."""
    return _SOMETIME if isinstance(value, str) and not any(character.isdigit() for character in value) else value


def moving(what: str, move: Callable[[str], str]) -> Breach:
    """A create stores another moment for expiresAt."""
    return Breach("create.created", f"The server {what}.", storing(move))


FAULTS = named(
    {
        "expiry-offset-dropped": moving("drops the offset of expiresAt", offset_dropped),
        "expiry-offset-turned": moving("adds the offset of expiresAt instead of subtracting it", sign_turned),
        "expiry-offset-minutes-dropped": moving(
            "drops the minutes of the offset of expiresAt", minutes_of_offset_dropped
        ),
        "expiry-with-offset-lost": Breach(
            "create.created",
            "The server loses an expiresAt with an offset other than Z.",
            given("create", without_offset_expiry),
        ),
        "expiry-an-hour-later": moving("stores expiresAt an hour later", an_hour_later),
        "expiry-at-midnight": moving("stores only the day of expiresAt", at_midnight),
        "expiry-at-the-minute": moving("drops the seconds of expiresAt", at_the_minute),
        "expiry-words-pass": Breach(
            "create.invalid",
            "The server takes any words for an expiresAt.",
            object_mended(CREATE, setting("expiresAt", word_as_instant)),
        ),
        "expiry-lost-on-create": Breach(
            "create.created", "The server loses expiresAt on create.", given("create", without("expiresAt"))
        ),
        "expiry-lost-in-list": Breach(
            "row.list", "The server lists rows with expiresAt null.", list_rows(adding(expiresAt=None))
        ),
        "expiry-lost-in-close": Breach(
            "close.preserves", "The server answers a close with expiresAt null.", row_of_close(adding(expiresAt=None))
        ),
        "expiry-lost-in-update": Breach(
            "update.applied",
            "The server answers an update with expiresAt null.",
            rows_of("update.applied", adding(expiresAt=None)),
        ),
    }
)
