"""JSON as JavaScript reads and writes it (clause body.malformed)."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from adjourn_mock.domain.errors import UserError

__all__ = ["TooDeepError", "encode", "read_json"]

MAX_NESTING = 512
_encoder = msgspec.json.Encoder()


class TooDeepError(UserError):
    """Arrays and objects within each other, more than `MAX_NESTING` levels."""


def encode(value: Any) -> bytes:
    """JSON, compact, as UTF-8; lone surrogates, which UTF-8 has no bytes for, are escaped."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=_plain).encode()


def _plain(value: msgspec.Raw | msgspec.Struct) -> Any:
    if isinstance(value, msgspec.Raw):
        return read_json(bytes(value))
    members = zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True)
    return {name: member for name, member in members if member is not msgspec.UNSET}


def read_json(content: bytes | str, *, infinities: bool = False) -> Any:
    """Read JSON.

    The last of duplicate members counts, numbers beyond a double are null, lone surrogates
    may be escaped. What is plain is read at once; what msgspec refuses is looked at again.

    Args:
        content: the JSON.
        infinities: whether numbers beyond a double are infinities, as they are to JavaScript until they are written.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
        TooDeepError: it is nested too deeply.
        ValueError: it is not JSON.
    """
    if len(content) <= MAX_NESTING:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeError):
            pass
    text = content if isinstance(content, str) else content.decode()
    try:
        value = (_decoder_with_infinities if infinities else _decoder).decode(text)
    except RecursionError:
        raise TooDeepError("it is nested too deeply") from None
    if text.count("[") + text.count("{") > MAX_NESTING and _is_deeper(value, MAX_NESTING):
        raise TooDeepError("it is nested too deeply")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            member
            for node in layer
            if isinstance(node, dict | list)
            for member in (node.values() if isinstance(node, dict) else node)
        ]
        if not layer:
            return False
    return True


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _float(text: str) -> float | None:
    number = float(text)
    return number if number - number == 0 else None


def _integer(text: str) -> int | None:
    return None if _float(text) is None else int(text)


def _infinite_integer(text: str) -> float:
    number = float(text)
    return number if number - number != 0 else int(text)


_decoder = json.JSONDecoder(parse_constant=_not_json, parse_float=_float, parse_int=_integer)
_decoder_with_infinities = json.JSONDecoder(parse_constant=_not_json, parse_int=_infinite_integer)
