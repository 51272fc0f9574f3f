"""Tests side by side: they run in threads ahead of pytest, which reports them one after the other, in its own order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

__all__ = ["Ahead", "concurrency_for"]

# Without latency threads share one processor; a few of them still use the time in which others wait.
_LOCAL_CONCURRENCY = 4
_MAX_CONCURRENCY = 32
# So many seconds of latency add one scenario: 100 ms make 32, with which standard takes 28 s.
_SECONDS_A_SCENARIO = 0.003
# More tests than there are that mostly wait.
_MAX_WAITING = 16
_THREAD_PREFIX = "adjourn-test"


def concurrency_for(latency_seconds: float) -> int:
    """How many scenarios run at once where no number is asked for: more, the longer an answer takes."""
    return min(_MAX_CONCURRENCY, max(_LOCAL_CONCURRENCY, round(latency_seconds / _SECONDS_A_SCENARIO)))


class Ahead:
    """Functions that run in threads, each with a result that is fetched later.

    Args:
        concurrency: how many run at once.
    """

    def __init__(self, concurrency: int) -> None:
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=_THREAD_PREFIX)
        self._waiting = ThreadPoolExecutor(_MAX_WAITING, thread_name_prefix=_THREAD_PREFIX)
        self._futures: dict[str, Future[None]] = {}
        self._changed = threading.Condition()
        self._running, self._is_paused = 0, False

    def start(self, name: str, function: Callable[[], None], *, waits: bool = False) -> None:
        """Let a function run as soon as a thread is free; one that mostly waits takes no thread from the others."""
        self._futures[name] = self._waiting.submit(function) if waits else self._pool.submit(self._run, function)

    def _run(self, function: Callable[[], None]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_paused)
            self._running += 1
        try:
            function()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """None of the functions runs meanwhile, except those that mostly wait."""
        try:
            with self._changed:
                self._is_paused = True
                self._changed.wait_for(lambda: not self._running)
            yield
        finally:
            with self._changed:
                self._is_paused = False
                self._changed.notify_all()

    @property
    def is_here(self) -> bool:
        """Whether the caller is one of the functions."""
        return threading.current_thread().name.startswith(_THREAD_PREFIX)

    def has(self, name: str) -> bool:
        """Whether the function was started."""
        return name in self._futures

    def wait(self) -> None:
        """Wait until every function has ended."""
        wait(self._futures.values())

    def result(self, name: str) -> None:
        """Wait for the end of a function and raise what it raised."""
        self._futures.pop(name).result()

    def stop(self) -> None:
        """Start no more functions, and wait for those that run."""
        for pool in (self._pool, self._waiting):
            pool.shutdown(wait=True, cancel_futures=True)
        self._futures.clear()
