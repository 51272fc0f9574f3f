"""Query values as the vendor's server coerces them: JavaScript's numbers, loose periods, empty values as absent."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

from adjourn_mock.dialects.documented import JAVASCRIPT_SPACE
from adjourn_mock.dialects.javascript_date import LAST_MOMENT

__all__ = ["coerced"]

_EMPTY_IS_ABSENT = ("page[after]", "page[before]", "filter[externalId]")
_SIZE, _FROM, _TO = "page[size]", "filter[createdAt][from]", "filter[createdAt][to]"
_PERIOD = "filter[createdAt][period]"
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PREFIXED = re.compile(r"0([xX][0-9a-fA-F]+|[bB][01]+|[oO][0-7]+)")
_SPAN = re.compile(r"([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([a-zA-Z]*)")
_UNIT_SECONDS = {
    **dict.fromkeys(("", "ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 604_800),
    **dict.fromkeys(("mo", "month", "months"), 2_629_800),
    **dict.fromkeys(("y", "yr", "year", "years"), 31_557_600),
}
_WRITTEN_SECONDS = (("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800))
_MAX_WRITTEN = 999_999


def coerced(query: bytes) -> bytes:
    """The query with values in the form that the document has; what cannot be coerced stays as it is."""
    with suppress(ValueError):
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=1000)
        if any(name.startswith(("page[", "filter[")) for name, _ in pairs):
            written = [(name, value) for name, text in pairs if (value := _value(name, text)) is not None]
            return urlencode(written).encode()
    return query


def _value(name: str, text: str) -> str | None:
    """The value in the document's form; None for one that counts as absent."""
    if name in _EMPTY_IS_ABSENT:
        return text or None
    if name == _PERIOD:
        seconds = _seconds(text)
        return None if not seconds else _period(seconds)
    if name not in (_SIZE, _FROM, _TO):
        return text
    number = _number(text)
    if number is None or number != int(number):
        return text
    if name == _SIZE:
        return str(int(number))
    if number == 0 or (name == _FROM and number < 0):
        return None
    return str(min(max(int(number), 1), LAST_MOMENT))


def _number(text: str) -> float | None:
    """What JavaScript's Number makes of a text; None for NaN and infinities."""
    text = text.strip(JAVASCRIPT_SPACE)
    if not text:
        return 0
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    number = float(text) if _DECIMAL.fullmatch(text) else None
    return number if number is not None and abs(number) < float("inf") else None


def _seconds(text: str) -> float | None:
    """A period such as `1h30m`, `1.5 hours` or a number of milliseconds; None where there is none in it."""
    found = [(float(count), unit.lower()) for count, unit in _SPAN.findall(text)]
    known = [count * _UNIT_SECONDS[unit] for count, unit in found if unit in _UNIT_SECONDS]
    return sum(known) if known else None


def _period(seconds: float) -> str:
    """The period in the smallest unit that is large enough."""
    for unit, unit_seconds in _WRITTEN_SECONDS:
        count = max(0, -(-int(seconds) // unit_seconds))
        if count <= _MAX_WRITTEN:
            return f"{count}{unit}"
    return f"{_MAX_WRITTEN}w"
