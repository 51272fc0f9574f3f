"""A limit of time on connections, however slowly something goes on coming."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["READ_ERRORS", "Deadline", "reason_of"]

_WATCH_SECONDS = 0.2
# What reading an answer raises where there is none, or none that is HTTP: `http.client` lets a negative chunk through.
READ_ERRORS = (OSError, http.client.HTTPException, ValueError)


class Deadline:
    """Ends connections whose answer is not there in time, however slowly it goes on coming.

    A socket's own timeout starts anew with each byte.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[object, tuple[float, Callable[[], socket.socket | None]]] = {}
        self._late: set[object] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, connection: Callable[[], socket.socket | None], deadline: float) -> Iterator[None]:
        """Deadline a connection meanwhile, until the deadline at most.

        Raises:
            TimeoutError: it was ended.
        """
        token = object()
        self._due[token] = min(time.monotonic() + self._seconds, deadline), connection
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="adjourn-watch", daemon=True)
            self._thread.start()
        try:
            yield
        except READ_ERRORS:
            if token in self._late:
                raise TimeoutError from None
            raise
        finally:
            del self._due[token]
        if token in self._late:
            raise TimeoutError

    def _look(self) -> None:
        if hasattr(signal, "pthread_sigmask"):
            # The main thread holds interrupts back at times; one that is taken here would reach it all the same.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            time.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            for token, (due, connection) in list(self._due.items()):
                if now > due and token not in self._late:
                    self._late.add(token)
                    with suppress(OSError, AttributeError):
                        connection().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def reason_of(error: Exception) -> str:
    """Why no answer was read, in words."""
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); SSL_CERT_FILE names authorities to trust"
    return str(error) or type(error).__name__
