"""Servers and processes: workers end with their parent, forked children hold no port, threads are real threads."""

from __future__ import annotations

import _thread
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import uvicorn

__all__ = ["ForkGuard", "Worker", "require_real_threads"]

_LOOK_SECONDS, _GRACE_SECONDS = 0.5, 3


@dataclass(frozen=True, slots=True)
class Worker:
    """Makes the app of a worker process, which ends when its parent does, in whatever way that ended.

    uvicorn's supervisor stops its workers when it is asked to end; one that is killed cannot.

    Attributes:
        make: makes the app; it must be picklable.
        parent: the process id of the supervisor.
    """

    make: Callable[[], Any]
    parent: int = field(default_factory=os.getpid)

    def __call__(self) -> Any:
        threading.Thread(target=self._end_with_parent, name="adjourn-parent", daemon=True).start()
        return self.make()

    def _end_with_parent(self) -> None:
        while os.getppid() == self.parent:
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)


class ForkGuard:
    """Closes the sockets of the running servers in a forked child, which would hold their ports and connections.

    There is one for a process, made when this module is imported: Python cannot take a hook of `fork` back.
    """

    def __init__(self) -> None:
        self._servers: WeakSet[uvicorn.Server] = WeakSet()
        self._listeners: WeakSet[socket.socket] = WeakSet()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._close)

    def watch(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Close a server's sockets in children that are forked while it runs."""
        self._servers.add(server)
        self._listeners.add(listener)

    def _close(self) -> None:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in self._descriptors():
            # Replaced, not closed: the number stays taken, for the objects that believe it is theirs.
            with suppress(OSError):
                os.dup2(nothing, descriptor)
        os.close(nothing)

    def _descriptors(self) -> Iterator[int]:
        sockets: list[Any] = list(self._listeners)
        for server in tuple(self._servers):
            for connection in tuple(server.server_state.connections):
                transport = getattr(connection, "transport", None)
                sockets.append(None if transport is None else transport.get_extra_info("socket"))
        return (each.fileno() for each in sockets if each is not None and each.fileno() >= 0)


def require_real_threads() -> None:
    """Check that a thread is one of the system's.

    Raises:
        RuntimeError: gevent or eventlet has replaced threads; a server in one would block the others for good.
    """
    module = _thread.start_new_thread.__module__
    if module != "_thread":
        raise RuntimeError(
            f"threads are replaced by {module.partition('.')[0]}: a mock server cannot run in one;"
            " start it as a process with `adjourn mock`, or patch with thread=False"
        )
