"""A signal that wakes whoever waits for something to change, in any event loop."""

from __future__ import annotations

import asyncio

from adjourn_mock.domain.errors import UserError

__all__ = ["Signal"]

_MAX_WAITING = 1000


class Signal:
    """Wakes all that wait for it. It remembers nothing: what was sent before a wait does not end that wait."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self, timeout_seconds: float) -> None:
        """Return when the signal is sent, or when the time is over.

        Raises:
            ValueError: too many callers wait already.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise UserError(f"{_MAX_WAITING} callers wait for this already")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait([future], timeout=timeout_seconds)
        finally:
            if future in self._waiting:
                self._waiting.remove(future)

    def send(self) -> None:
        """Wake all that wait now."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            # A waiter may live in another event loop than the one that serves.
            future.get_loop().call_soon_threadsafe(_finish, future)


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
