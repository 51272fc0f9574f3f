"""Running the mock server: in the foreground, or beside other code in a thread or a task."""

from __future__ import annotations

import asyncio
import gc
import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from adjourn_mock.app import MockApp, create_app
from adjourn_mock.serving.line_writer import logging_to
from adjourn_mock.serving.listening import BindError, listen, url_of
from adjourn_mock.serving.processes import ForkGuard, Worker, require_real_threads
from adjourn_mock.serving.protocol import ConnectionLimits, ProtocolFactory

__all__ = ["AsgiServer", "BindError", "MockServer", "serve", "serve_workers"]

_START_TIMEOUT_SECONDS = 10
MAX_CONNECTIONS = 1000
_STANDARD_ERROR = 2
T = TypeVar("T")
_fork_guard = ForkGuard()


class _Server(uvicorn.Server):
    """A uvicorn server that reports when it accepts connections, and notifies a mock when it ends.

    Attributes:
        loop: its event loop, once it runs.
    """

    loop: asyncio.AbstractEventLoop

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], beside: Callable[[], Coroutine[Any, Any, None]] | None
    ) -> None:
        super().__init__(config)
        self._ready, self._beside = ready, beside
        self._task: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._ready()
            if self._beside is not None:
                self._task = self.loop.create_task(self._beside())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if isinstance(self.config.app, MockApp):
            await self.config.app.control.end_streams()
        await super().shutdown(sockets)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


def _config(
    app: ASGIApp | Callable[[], ASGIApp],
    *,
    lifespan: Literal["off", "auto"],
    max_connections: int = MAX_CONNECTIONS,
    limits: ConnectionLimits | None = None,
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ProtocolFactory(limits),  # type: ignore[arg-type]  # uvicorn calls it as it calls a class
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        limit_concurrency=max_connections,
    )


def serve(
    app: MockApp,
    *,
    host: str,
    port: int,
    ready: Callable[[str], None],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    max_connections: int = MAX_CONNECTIONS,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` gets the URL once connections are accepted.

    Args:
        app: what to serve.
        host: the address to listen on.
        port: the port; 0 picks a free one.
        ready: called once, with the URL.
        beside: what else runs in the event loop until the server ends.
        max_connections: the upper limit at once; a request on one more is 503.

    Raises:
        BindError: the port is taken or the address is not this machine's.
    """
    listener = listen(host, port)
    server = _Server(
        _config(app, lifespan="off", max_connections=max_connections), lambda: ready(url_of(listener)), beside
    )
    # uvicorn raises the signal again once it has shut down; by then it has done its work.
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    # What is there by now stays: the collector need not look at it again and again.
    gc.freeze()
    try:
        with logging_to(_STANDARD_ERROR):
            server.run(sockets=[listener])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        listener.close()


def serve_workers(
    make: Callable[[], MockApp],
    *,
    host: str,
    port: int,
    workers: int,
    ready: Callable[[str], None],
    max_connections: int = MAX_CONNECTIONS,
) -> None:
    """Serve with several processes until SIGINT or SIGTERM; each makes an app of its own, over a store that they share.

    Args:
        make: makes the app, in each process; it must be picklable.
        host: the address to listen on.
        port: the port; 0 picks a free one.
        workers: how many processes.
        ready: called once, with the URL, when all accept connections.
        max_connections: how many each may have at once; a request on one more is 503.

    Raises:
        BindError: the port is taken or the address is not this machine's.
    """
    listener = listen(host, port)
    config = _config(Worker(make), lifespan="off", max_connections=max_connections)
    config.factory, config.workers = True, workers
    supervisor = Multiprocess(config, sockets=[listener])
    url = url_of(listener)

    def watch() -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_START_TIMEOUT_SECONDS)
                connection.request("GET", "/_adjourn/health")
                connection.getresponse().read()
                connection.close()
                ready(url)
                return
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()
    try:
        supervisor.run()
    finally:
        listener.close()


class AsgiServer:
    """An ASGI application served in a thread of this process, from `start` to `stop`.

    The `with` and `async with` forms call both.

    Args:
        app: what to serve.
        host: the address to listen on.
        port: the port; 0, the default, picks a free one.
        limits: of each connection.
    """

    def __init__(
        self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, limits: ConnectionLimits | None = None
    ) -> None:
        self._app, self._host, self._port, self._limits = app, host, port, limits
        self._listener: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, for `TRIGGER_API_URL`.

        Raises:
            RuntimeError: it has not been started.
        """
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        return url_of(self._listener)

    def start(self) -> Self:
        """Listen and serve; return once connections are accepted.

        Raises:
            BindError: the port is taken or the address is not this machine's.
            RuntimeError: it did not come up, or threads are not real ones (gevent, eventlet).
        """
        require_real_threads()
        self._listener = listen(self._host, self._port)
        started = threading.Event()
        lifespan: Literal["off", "auto"] = "off" if isinstance(self._app, MockApp) else "auto"
        self._server = _Server(_config(self._app, lifespan=lifespan, limits=self._limits), started.set, None)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="adjourn-mock", daemon=True
        )
        _fork_guard.watch(self._server, self._listener)
        self._thread.start()
        if not started.wait(_START_TIMEOUT_SECONDS):
            self.stop()
            raise RuntimeError(f"the server did not start within {_START_TIMEOUT_SECONDS} seconds")
        return self

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's event loop, as those of a mock's `app.control`, and return what it returns.

        Raises:
            RuntimeError: the server does not run.
        """
        if self._server is None:
            coroutine.close()
            raise RuntimeError("the server does not run")
        return asyncio.run_coroutine_threadsafe(coroutine, self._server.loop).result()

    def stop(self) -> None:
        """Stop serving; open connections are closed. Stopping twice is harmless."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.close()
        self._server = self._thread = self._listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


class MockServer(AsgiServer):
    """A mock server in a thread of this process.

        with MockServer() as server:
            httpx.post(f"{server.url}/api/v1/sessions/chat_1/close", headers=server.headers, json={})

    Args:
        app: what to serve; made from `options` by default.
        host: the address to listen on.
        port: the port; 0, the default, picks a free one.
        limits: of each connection.
        options: what `create_app` takes.

    Attributes:
        app: what is served.
    """

    def __init__(
        self,
        app: MockApp | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: ConnectionLimits | None = None,
        **options: Any,
    ) -> None:
        self.app = app or create_app(**options)
        super().__init__(self.app, host=host, port=port, limits=limits)

    @property
    def secret_key(self) -> str:
        """The key of the first environment, for `TRIGGER_SECRET_KEY`."""
        return next(iter(self.app.environments)).secret_key

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with `secret_key`."""
        return {"Authorization": f"Bearer {self.secret_key}"}
