"""JSON values as the vendor's server prints them: numbers of JavaScript, objects in the order of its database.

A number beyond a double is an infinity, as `json_text.read_json` reads it with `infinities`; it is printed as null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from adjourn_mock.dialects.javascript_date import LAST_MOMENT, read_date

__all__ = ["date_of", "number_text", "printed"]

_EXACT_INTEGERS = 2**53
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_LAST_INDEX = 2**32 - 2
_LARGEST_PLAIN, _SMALLEST_PLAIN = 21, -6


def number_text(number: float) -> str:
    """A number as JavaScript prints it (ECMAScript, Number::toString)."""
    number = _double(number)
    if number == 0:
        return "0"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    sign, digits, point = _decimal(number)
    count = len(digits)
    if count <= point <= _LARGEST_PLAIN:
        return sign + digits + "0" * (point - count)
    if 0 < point <= _LARGEST_PLAIN:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _SMALLEST_PLAIN < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' if count > 1 else ''}{digits[1:]}e{point - 1:+d}"


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _decimal(number: float) -> tuple[str, str, int]:
    """Sign, the fewest digits that mean the number, and how many of them are before the decimal point."""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return ("-" if number < 0 else ""), digits.rstrip("0"), point


def date_of(value: Any) -> int | None:
    """Milliseconds since 1970 of `new Date(value)` for a JSON value, or None for an invalid date."""
    if value is None or isinstance(value, bool | int | float):
        moment = value or 0
        return int(moment) if abs(moment) <= LAST_MOMENT else None
    return read_date(_text(value))


def _text(value: Any) -> str:
    """What JavaScript's String makes of a JSON value that is in an array or is one."""
    if isinstance(value, list):
        return ",".join("" if each is None else _text(each) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return value if isinstance(value, str) else "[object Object]"


def printed(value: Any) -> Any:
    """The value with numbers as JavaScript prints them, and the members of each object in its order.

    It is changed in place, without recursion: it may be nested as deeply as a body.
    """
    root = [value]
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            ordered = {name: _number(node[name]) for name in _order(node)}
            node.clear()
            node.update(ordered)
            waiting += node.values()
        elif isinstance(node, list):
            node[:] = [_number(each) for each in node]
            waiting += node
    return root[0]


def _number(value: Any) -> Any:
    """What a number is written as, infinities as null; another value as it is."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > _EXACT_INTEGERS):
        return None if math.isinf(_double(value)) else msgspec.Raw(number_text(value).encode())
    return value


def _order(names: Iterable[str]) -> list[str]:
    """Array indices first, by number; then as the database stores names, shorter ones first; `__proto__` is dropped."""
    indices = {name for name in names if _INDEX.fullmatch(name) and int(name) <= _LAST_INDEX}
    others = [name for name in names if name not in indices and name != "__proto__"]
    return [*sorted(indices, key=int), *sorted(others, key=lambda name: (len(name.encode(errors="replace")), name))]
