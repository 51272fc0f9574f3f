"""How long a 429 asks to wait, in every form in which servers and gateways write it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime

from adjourn_contract.transport.exchange import Exchange

__all__ = ["MAX_WAIT_SECONDS", "wait_seconds"]

# No server that answers 429 for a reason asks for more in one step.
MAX_WAIT_SECONDS = 120.0
_MIN_WAIT_SECONDS = 0.02
_FIRST_BACK_OFF_SECONDS = 0.5
_MAX_BACK_OFF_SECONDS = 15.0
# Smaller numbers are seconds to go, greater ones a moment in seconds or milliseconds since 1970.
_LEAST_EPOCH_SECONDS = 1_000_000_000
_LEAST_EPOCH_MILLISECONDS = 100_000_000_000


def wait_seconds(exchange: Exchange, attempt: int) -> float:
    """How long to wait before the request is sent again.

    Args:
        exchange: the request and its 429.
        attempt: how many answers to the request were 429 before, for a back-off where the answer gives no time.

    Reads `Retry-After` (seconds or HTTP-date), `RateLimit-Reset` and `X-RateLimit-Reset` (seconds to go, or a moment in
    seconds or milliseconds since 1970). Moments are compared with the server's own clock, its `Date`.
    """
    asked = next(_asked(exchange), None)
    if asked is None:
        asked = min(_MAX_BACK_OFF_SECONDS, _FIRST_BACK_OFF_SECONDS * 2**attempt)
    return min(MAX_WAIT_SECONDS, max(_MIN_WAIT_SECONDS, asked))


def _asked(exchange: Exchange) -> Iterator[float]:
    now = _server_time(exchange)
    retry_after = exchange.header("retry-after") or ""
    with suppress(ValueError):
        yield float(retry_after)
    if (moment := _http_date(retry_after)) is not None:
        yield moment - now
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        with suppress(ValueError):
            yield _until(float(exchange.header(name) or ""), now)


def _until(reset: float, now: float) -> float:
    if reset >= _LEAST_EPOCH_MILLISECONDS:
        return reset / 1000 - now
    return reset - now if reset >= _LEAST_EPOCH_SECONDS else reset


def _server_time(exchange: Exchange) -> float:
    """Seconds since 1970 by the server's clock, a second late at most; ours where it gives no Date."""
    moment = _http_date(exchange.header("date") or "")
    return time.time() if moment is None else moment


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError):
        return None
