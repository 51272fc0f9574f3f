"""The ceiling: an ASGI app that answers the same bytes and does nothing else."""

from __future__ import annotations

import os

from starlette.types import Receive, Scope, Send

BODY = os.environ["BENCHMARK_BODY"].encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
