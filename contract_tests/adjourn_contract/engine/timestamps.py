"""Date-times of any precision and offset, as seconds."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from adjourn_contract.transport.exchange import Exchange

__all__ = ["precision_seconds", "seconds", "server_time"]


def seconds(text: str) -> float:
    """An RFC 3339 date-time as seconds since 1970.

    Raises:
        ValueError: it is none.
    """
    normal = re.sub(r"\.(\d{6})\d+", r".\1", text.upper())
    return datetime.fromisoformat(normal).timestamp()


def precision_seconds(texts: list[str]) -> float:
    """How far a server's date-times can be off for their coarseness: a minute, a second or next to nothing."""
    moments = [seconds(text) for text in texts]
    if len(moments) > 2 and all(moment % 60 == 0 for moment in moments):
        return 60
    return 1 if all(moment % 1 == 0 for moment in moments) else 0.01


def server_time(exchange: Exchange) -> float | None:
    """When the server answered by its own clock, its `Date`, in seconds since 1970; None where it gives none."""
    try:
        return parsedate_to_datetime(exchange.header("date") or "").timestamp()
    except (TypeError, ValueError, IndexError):
        return None
