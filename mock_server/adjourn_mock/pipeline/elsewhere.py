"""Requests outside the Sessions API: stubs for the few other calls of an app, and a server that gets the rest.

A file of stubs, YAML or JSON:

    stubs:
      - method: POST
        path: /api/v1/tasks/{task}/trigger     # {name} takes one segment of the path
        status: 200                            # the default
        headers: {x-trigger-jwt: abc}
        body: {id: run_1234}                   # JSON; text is sent as text
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import msgspec
from starlette.types import Receive

from adjourn_mock.domain.errors import UserError
from adjourn_mock.domain.json_text import encode
from adjourn_mock.exchanges.exchange import JSON, Answer, ClientGone, Request
from adjourn_spec import DocumentError, read_document

__all__ = ["OtherRequests", "Stub", "read_stubs"]

LIMIT_BYTES = 16 * 1024 * 1024
TIMEOUT_SECONDS = 30
_TEXT = b"text/plain; charset=utf-8"
_TOO_LARGE, _BAD_GATEWAY = 413, 502
# What concerns one connection (RFC 9110, 7.6.1), and what the mock or httpx sets anew.
_OF_CONNECTION = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade host"
    b" content-length content-encoding content-type date server".split()
)


class Stub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to one method and path."""

    method: Annotated[str, msgspec.Meta(pattern="^[A-Z]+$")]
    path: Annotated[str, msgspec.Meta(pattern="^/")]
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    headers: dict[str, str] = {}
    body: Any = None

    @property
    def answer(self) -> Answer:
        """What is sent."""
        is_text = isinstance(self.body, str)
        content = self.body.encode() if is_text else b"" if self.body is None else encode(self.body)
        headers = tuple((name.lower().encode(), value.encode()) for name, value in self.headers.items())
        return Answer(self.status, content, _TEXT if is_text else JSON, headers)


class _Stubs(msgspec.Struct, forbid_unknown_fields=True):
    stubs: list[Stub]


def read_stubs(source: str | Path | Mapping[str, Any]) -> Sequence[Stub]:
    """The stubs of a file, or of its content.

    Raises:
        DocumentError: the file cannot be read, or a stub in it is not valid.
    """
    file = "stubs" if isinstance(source, Mapping) else str(source)
    value = source if isinstance(source, Mapping) else read_document(source)
    try:
        return msgspec.convert(value, _Stubs).stubs
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        raise DocumentError(file, place.strip(".`"), reason[:1].lower() + reason[1:]) from None


class OtherRequests:
    """Answers requests outside the API by stubs, or by another server.

    Args:
        stubs: the first that fits answers.
        upstream: the URL of a server that gets what no stub answers; its answers are read whole.

    Raises:
        UserError: that is not a URL with http or https.
    """

    def __init__(self, stubs: Sequence[Stub], upstream: str | None = None) -> None:
        if upstream is not None:
            parts = urlsplit(upstream)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise UserError(
                    f"{upstream!r} is not a URL to pass requests to; use one such as https://api.trigger.dev"
                )
        self._stubs = [(stub.method, _pattern(stub.path), stub.answer) for stub in stubs]
        self._upstream = None if upstream is None else upstream.rstrip("/")

    async def answer(self, request: Request, receive: Receive) -> Answer | None:
        """The answer of a stub or of the other server, or None where neither has one.

        Raises:
            ClientGone: the client left before its request was complete.
        """
        stubbed = self._stubbed(request)
        if stubbed is None and self._upstream is None:
            return None
        content = await _body(receive)
        if content is None:
            return Answer(_TOO_LARGE, encode({"error": f"the body is larger than {LIMIT_BYTES} bytes"}))
        request.body = content
        return stubbed or await self._passed_on(request)

    def _stubbed(self, request: Request) -> Answer | None:
        for method, pattern, answer in self._stubs:
            if method == request.method and pattern.fullmatch(request.raw_path):
                return answer
        return None

    async def _passed_on(self, request: Request) -> Answer:
        query = b"?" + request.query if request.query else b""
        url = f"{self._upstream}{(request.raw_path + query).decode('latin-1')}"
        headers = [each for each in request.raw_headers if each[0] not in _OF_CONNECTION or each[0] == b"content-type"]
        try:
            # A client for each request: these are few, and none is left open when the mock ends.
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                passed = await client.request(request.method, url, headers=headers, content=request.body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            return Answer(_BAD_GATEWAY, encode({"error": f"{self._upstream} did not answer: {reason}"}))
        kept = tuple((name.lower(), value) for name, value in passed.headers.raw if name.lower() not in _OF_CONNECTION)
        return Answer(passed.status_code, passed.content, passed.headers.get("content-type", "").encode(), kept)


def _pattern(path: str) -> re.Pattern[bytes]:
    parts = re.split(r"\{[^/}]+\}", path)
    return re.compile(b"[^/]+".join(re.escape(part).encode() for part in parts))


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None where it is too large."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LIMIT_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(pieces)
