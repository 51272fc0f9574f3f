"""Readers of channels that other processes append to: looked for again and again while anybody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from adjourn_mock.stores.channels import Readers, Subscription
from adjourn_mock.stores.store import StoreUnavailable

__all__ = ["Polling"]

_POLL_SECONDS, _AFTER_TROUBLE_SECONDS = 0.02, 0.5


class Polling(Readers):
    """One look at the store for all readers of this process, while there are any.

    Args:
        poll: looks at the store and wakes those whose channels have grown; all of them when it
            looks for the first time, or again after the store did not answer.
    """

    def __init__(self, poll: Callable[[bool], Awaitable[None]]) -> None:
        super().__init__()
        self._poll = poll
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def subscribe(self, environment: str, channel: str) -> Iterator[Subscription]:
        with super().subscribe(environment, channel) as subscription:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._watch())
            yield subscription

    async def _watch(self) -> None:
        is_first = True
        while len(self):
            try:
                await self._poll(is_first)
                is_first = False
                await asyncio.sleep(_POLL_SECONDS)
            except StoreUnavailable:
                is_first = True
                await asyncio.sleep(_AFTER_TROUBLE_SECONDS)
