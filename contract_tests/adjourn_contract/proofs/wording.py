"""What a request sends, in words."""

from __future__ import annotations

import json
from typing import Any

from adjourn_contract.transport.exchange import Exchange

__all__ = ["sent_in_words"]

_SHORT_BYTES = 80


def sent_in_words(exchange: Exchange) -> str:
    """Method, path and body of a request in a few words: sizes for what is long, the body itself where it is short."""
    path = exchange.target.partition("?")[0]
    shown = path if len(path) <= _SHORT_BYTES else f"{path[:40]}... ({len(path)} characters)"
    words = f"{exchange.method} {shown}"
    if "?" in exchange.target:
        words += f" with the query {exchange.target.partition('?')[2][:120]}"
    if exchange.wire_bytes is not None:
        return f"{words}, {len(exchange.wire_bytes)} bytes as they are"
    if exchange.body is None:
        return f"{words} without a body"
    framing = " in chunks" if exchange.chunked else ""
    return f"{words} with {_body_in_words(exchange.body)}{framing}"


def _body_in_words(body: bytes) -> str:
    if len(body) <= _SHORT_BYTES:
        return f"the body {ascii(body.decode(errors='backslashreplace'))[1:-1]}" if body else "an empty body"
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    size = f"a body of {len(body)} bytes"
    if not isinstance(value, dict):
        return size
    long = [(name, each) for name, each in value.items() if isinstance(each, str) and len(each) > _SHORT_BYTES // 2]
    told = [f"{name} of {len(each)} characters, {len(each.encode(errors='replace'))} bytes" for name, each in long]
    return f"{size}: {'; '.join(told)}" if told else size
