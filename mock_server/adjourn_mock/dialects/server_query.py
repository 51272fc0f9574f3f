"""Query values as the vendor's server coerces them: JavaScript's numbers, loose periods, empty values as absent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from adjourn_mock.dialects.documented import JAVASCRIPT_SPACE
from adjourn_mock.dialects.javascript_date import LAST_MOMENT
from adjourn_mock.domain.errors import UserError
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.exchanges.query import QueryError, read_query
from adjourn_spec import Operation, Violation

__all__ = ["OutOfRangeError", "coerced", "query"]

_PAGE = ("page[size]", "page[after]", "page[before]")
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
# From here on JavaScript prints a number with an exponent, which the database does not read.
_FIRST_UNREADABLE = 1e21
# What a broken rule is called, by the keyword of JSON Schema.
_CODES = {
    "type": "invalid_type",
    "minimum": "too_small",
    "maximum": "too_big",
    "minLength": "too_small",
    "minItems": "too_small",
}


class OutOfRangeError(UserError):
    """A moment or a period with which the server fails."""


def query(request: Request, operation: Operation) -> Mapping[str, Any]:
    """Joined values are one value; numbers, periods and empty values are coerced; `details` has objects."""
    try:
        return read_query(operation, coerced(request.query), split_lists=False)
    except OutOfRangeError:
        raise Refusal("grey.list-lenient", "Internal Server Error", status=500) from None
    except QueryError as error:
        details = [_issue(operation, name, violation) for name, violation in error.violations]
        raise Refusal(operation.query_clause or "list.invalid", members={"details": details or error.details}) from None


def _issue(operation: Operation, name: str, violation: Violation) -> dict[str, Any]:
    is_deep = any(each.name == name and each.style == "deepObject" for each in operation.query)
    path = f"{name}[{violation.place}]" if is_deep and violation.place else name
    return {"code": _CODES.get(violation.keyword, "custom"), "message": violation.message, "path": [path]}


def coerced(query: bytes) -> bytes:
    """The query with values in the form that the document has; what cannot be coerced stays as it is.

    Raises:
        OutOfRangeError: the server fails with a moment or period of this size.
    """
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return query
    if not any(name.startswith(("page[", "filter[")) for name, _ in pairs):
        return query
    return urlencode([(name, value) for name, text in pairs if (value := _value(name, text)) is not None]).encode()


def _value(name: str, text: str) -> str | None:
    """The value in the document's form; None for one that counts as absent."""
    if name.startswith("page[") and name not in _PAGE:
        return None
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
    if abs(number) >= _FIRST_UNREADABLE:
        raise OutOfRangeError(f"{name}={text}")
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
    if abs(seconds) * 1000 > LAST_MOMENT:
        raise OutOfRangeError(f"{_PERIOD} of {seconds} seconds")
    for unit, unit_seconds in _WRITTEN_SECONDS:
        count = max(0, -(-int(seconds) // unit_seconds))
        if count <= _MAX_WRITTEN:
            return f"{count}{unit}"
    return f"{_MAX_WRITTEN}w"
