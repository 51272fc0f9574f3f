"""A server on a plain socket, for answers that no HTTP server would give."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress


class Scripted:
    """A server that gives each request the next of some answers; after the last it repeats that."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers, self.count = list(answers), 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(self.answers[min(self.count, len(self.answers) - 1)])
                    self.count += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
