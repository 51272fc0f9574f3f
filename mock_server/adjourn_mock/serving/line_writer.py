"""Lines for a terminal or a pipe, written by a thread: nobody who does not read can stop the server."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["LineWriter", "logging_to"]

LIMIT_BYTES = 1024 * 1024


class LineWriter:
    """Writes lines to a file descriptor without making its caller wait.

    Lines wait in memory up to a limit. Beyond it they are dropped and counted; the count is written once there is
    room again. Where the reader is gone, lines are dropped silently.

    Args:
        descriptor: of an open file; it is not closed.
        limit_bytes: how many bytes may wait.
    """

    def __init__(self, descriptor: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._descriptor, self._limit_bytes = descriptor, limit_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = self._dropped = 0
        self._is_closing = False
        self._changed = threading.Condition()
        # A daemon: a write that blocks must not keep the process from ending. It writes to the descriptor and not to
        # `sys.stdout`, whose lock the interpreter takes at its end.
        self._thread = threading.Thread(target=self._write_pending, name="adjourn-lines", daemon=True)
        self._thread.start()

    def write(self, lines: str) -> None:
        """Have some lines written, each with its end; return at once."""
        content = lines.encode(errors="backslashreplace")
        with self._changed:
            if self._pending_bytes + len(content) > self._limit_bytes:
                self._dropped += content.count(b"\n")
                return
            self._pending.append(content)
            self._pending_bytes += len(content)
            self._changed.notify()

    def close(self, timeout_seconds: float = 1) -> None:
        """Write what waits, for no longer than that."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _write_pending(self) -> None:
        while content := self._next():
            try:
                while content:
                    content = content[os.write(self._descriptor, content) :]
            except OSError:
                # The reader is gone: what comes is dropped by the limit.
                return

    def _next(self) -> bytes:
        """What is to be written next; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._is_closing)
            content = b"".join(self._pending)
            if self._dropped and content:
                content += f"... {self._dropped} lines were dropped: they were not read in time\n".encode()
                self._dropped = 0
            self._pending.clear()
            self._pending_bytes = 0
        return content


class _WriterHandler(logging.Handler):
    def __init__(self, writer: LineWriter) -> None:
        super().__init__(logging.WARNING)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - logging's own way to report a record that cannot be written
            self.handleError(record)


@contextmanager
def logging_to(descriptor: int) -> Iterator[None]:
    """Write the warnings of the mock and of uvicorn to a descriptor, unless the program has handlers of its own."""
    loggers = [each for name in ("adjourn", "uvicorn.error") if not (each := logging.getLogger(name)).hasHandlers()]
    writer = LineWriter(descriptor)
    handler = _WriterHandler(writer)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        writer.close()
