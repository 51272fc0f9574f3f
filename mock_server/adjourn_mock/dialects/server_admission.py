"""How the vendor's server looks at a request's head, its path and its method, and sends answers."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from adjourn_mock.dialects import documented
from adjourn_mock.domain.json_text import encode
from adjourn_mock.exchanges.exchange import Answer, Note, Refusal, Request
from adjourn_mock.pipeline.behaviour import Route
from adjourn_mock.pipeline.service import Service

__all__ = ["IS_HEAD", "check_head", "deliver", "preflight", "route"]

_HTML = b"text/html; charset=utf-8"
_TEXT = b"text/plain; charset=utf-8"
_PROBLEM = b"application/problem+json; charset=utf-8"
_PROBLEM_TYPE = "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/401"
# An answer with this media type is sent without one, and without the headers for browsers.
_BARE = b""
_EXPECTED = b"100-continue"
# Below it missing credentials come first.
_API = b"/api"
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
IS_HEAD: Note[bool] = Note("the request is HEAD for an operation that is GET")


def check_head(service: Service, request: Request) -> None:
    """A head may have any number of lines; an expectation that is not known and a slash at the end come next."""
    if request.head_bytes > service.contract.head_limit_bytes:
        raise Refusal("path.unknown", "Request Header Fields Too Large", status=431)
    if request.headers.get(b"expect", _EXPECTED).lower() != _EXPECTED:
        raise Refusal("path.unknown", status=417, media_type=_BARE, body=b"")
    if request.raw_path.endswith(b"/") and request.raw_path != b"/":
        location = request.raw_path[:-1] + (b"?" + request.query if request.query else b"")
        raise Refusal(
            "grey.trailing-slash",
            status=301,
            headers=((b"location", location),),
            media_type=_TEXT,
            body=b"Moved Permanently. Redirecting to " + location,
        )


def preflight(service: Service, request: Request) -> Answer | None:
    """Every OPTIONS of a path that is served; allowed headers are answered where some are asked for."""
    if request.method != "OPTIONS" or service.routes.match(_resolved(request.raw_path), any_case=True) is None:
        return None
    answer = documented.allowed_to_browsers(service, request)
    if b"access-control-request-headers" in request.headers:
        return answer
    kept = tuple(header for header in answer.headers if header[0] != b"access-control-allow-headers")
    return Answer(answer.status, answer.body, headers=kept)


def route(service: Service, request: Request) -> Route:
    """Missing credentials first, then the path, then the method; a wrong key is noticed after that."""
    if request.method == "OPTIONS":
        raise Refusal("path.method", status=405)
    if not request.headers.get(b"authorization") and request.raw_path.startswith(_API):
        raise _without_credentials(service)
    try:
        documented.decode(request.raw_path)
    except Refusal:
        raise Refusal("id.decoding", media_type=_HTML, body=_page("Bad Request")) from None
    found = service.routes.match(_resolved(request.raw_path), any_case=True)
    if found is None:
        raise Refusal("path.unknown", media_type=_HTML, body=_page(documented.not_found(service)))
    path, segment = found
    if operation := path.operations.get(request.method):
        return Route(operation, segment)
    if request.method == "HEAD" and (operation := path.operations.get("GET")):
        IS_HEAD.write(request.notes, value=True)
        return Route(operation, segment)
    if request.method in ("GET", "HEAD"):
        raise Refusal(path.method_clause, media_type=_BARE, body=b"")
    allowed = ", ".join(method for method in path.operations if method != "GET").encode()
    raise Refusal(path.method_clause, headers=((b"allow", allowed),))


def _resolved(raw_path: bytes) -> bytes:
    """The path as a URL has it: a backslash is a slash, letters are decoded, segments `.` and `..` are followed."""
    path = _ENCODED.sub(_decoded, raw_path.replace(b"\\", b"/"))
    segments: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            del segments[-1:]
        elif segment != b".":
            segments.append(segment)
    return b"/" + b"/".join(segments)


def _decoded(encoded: re.Match[bytes]) -> bytes:
    character = bytes([int(encoded[1], 16)])
    return character if character in _UNRESERVED else encoded[0]


def _without_credentials(service: Service) -> Refusal:
    error = service.contract.refusals["auth.required"].error
    problem = {"title": "Unauthorized", "status": 401, "type": _PROBLEM_TYPE, "detail": error, "error": error}
    return Refusal("auth.required", media_type=_PROBLEM, body=encode(problem))


def _page(title: str) -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>".encode()


async def deliver(
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: Sequence[tuple[bytes, bytes]],
    answer: Answer,
) -> None:
    """Send an answer; some have neither a media type nor headers for browsers."""
    if answer.media_type == _BARE:
        headers = [
            (name, value) for name, value in headers if name != b"content-type" and not name.startswith(b"access-")
        ]
    await documented.deliver(scope, receive, send, headers, answer)
