"""How long a 429 asks to wait, in every form in which servers and gateways write it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime

from adjourn_contract.transport.exchange import Exchange

__all__ = ["MAX_WAIT_SECONDS", "Quota", "wait_seconds"]

# No server that answers 429 for a reason asks for more in one step.
MAX_WAIT_SECONDS = 120.0
_MIN_WAIT_SECONDS = 0.02
_FIRST_BACK_OFF_SECONDS = 0.5
_MAX_BACK_OFF_SECONDS = 15.0
# Requests are slowed down when so much of the limit is left, so that requests under way do not meet its end.
_LEAST_RESERVE = 8.0
_RESERVED_SHARE = 0.04
_SLACK = 1.02
# Smaller numbers are seconds to go, greater ones a moment in seconds or milliseconds since 1970.
_LEAST_EPOCH_SECONDS = 1_000_000_000
_LEAST_EPOCH_MILLISECONDS = 100_000_000_000


class Quota:
    """What a server says is left of its limit, and how far apart requests have to be so that it answers no 429.

    Reads `x-ratelimit-limit`, `-remaining` and `-reset`, or `ratelimit-...`. A bucket that refills as it is used says
    how fast by its reset: the moment at which what was used is back.
    """

    def __init__(self) -> None:
        self._interval, self._until, self._next = 0.0, 0.0, 0.0

    def note(self, exchange: Exchange, now: float) -> None:
        """Take in the headers of an answer; `now` in seconds on the monotonic clock."""
        for prefix in ("x-ratelimit-", "ratelimit-"):
            with suppress(ValueError):
                limit, remaining, reset = (
                    float(exchange.header(prefix + name) or "") for name in ("limit", "remaining", "reset")
                )
                self._update(limit, remaining, _until(reset, _server_time(exchange)), now)
                return

    def _update(self, limit: float, remaining: float, reset_seconds: float, now: float) -> None:
        used, reserve = limit - remaining, max(_LEAST_RESERVE, limit * _RESERVED_SHARE)
        if remaining > reserve or used <= 0 or reset_seconds <= 0:
            self._interval = 0.0
            return
        # As fast as it comes back: what is left stays left, for the clients that share the limit too.
        self._interval, self._until = reset_seconds / used * _SLACK, now + reset_seconds

    def turn(self, now: float) -> float:
        """Take the next turn; how many seconds from now it is."""
        interval = self.interval(now)
        if not interval:
            return 0.0
        turn = max(now, self._next)
        self._next = turn + interval
        return turn - now

    def interval(self, now: float) -> float:
        """Seconds between requests, 0 where enough is left."""
        return self._interval if now < self._until else 0.0


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
