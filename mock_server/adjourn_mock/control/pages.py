"""The pages of the mock: what a browser needs to show them; they get what they show from the control API."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adjourn_mock.control.access import Access, Denied
from adjourn_spec import stylesheet

__all__ = ["pages"]

_MEDIA_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


def pages(access: Access) -> list[Route]:
    """The dashboard, the reference and their files. They hold no data: with a control token anybody may load them."""
    names = [each.name for each in files("adjourn_mock").joinpath("web").iterdir()]
    contents = {name: files("adjourn_mock").joinpath("web", name).read_bytes() for name in names}
    contents["base.css"] = stylesheet().encode()
    return [
        *(Route(f"/_adjourn/{name}", _file(name, content, access)) for name, content in contents.items()),
        Route("/_adjourn/", _file("index.html", contents["index.html"], access)),
        Route("/_adjourn/docs", _file("docs.html", contents["docs.html"], access)),
        Route("/_adjourn", _to_dashboard),
    ]


def _to_dashboard(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/_adjourn/")


def _file(name: str, content: bytes, access: Access) -> Callable[[Request], Awaitable[Response]]:
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {**_HEADERS, "etag": tag}

    async def endpoint(request: Request) -> Response:
        try:
            access.check_page(request)
        except Denied as denied:
            return JSONResponse({"error": str(denied)}, denied.status)
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return endpoint
