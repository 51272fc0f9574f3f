"""The files that a browser needs to show the dashboard and the reference; their data comes from the control API."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from adjourn_mock.control.access import Access, Denied
from adjourn_spec import stylesheet_path

__all__ = ["pages"]

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
_BASE = "base.css"


def pages(access: Access) -> list[Route]:
    """The dashboard, the reference and their files. They contain no data: with a token anybody may load them."""
    web = _Web(access)
    names = [each.name for each in files("adjourn_mock").joinpath("web").iterdir()]
    paths = {name: name for name in (*names, _BASE)} | {"": "index.html", "docs": "docs.html"}
    return [
        *(Route(f"/_adjourn/{path}", web.endpoint(name)) for path, name in paths.items()),
        Route("/_adjourn", _to_dashboard),
    ]


def _to_dashboard(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/_adjourn/")


class _Web(StaticFiles):
    """The files of `web`, and the stylesheet that pages share with reports, for those who may load pages."""

    def __init__(self, access: Access) -> None:
        super().__init__(packages=[("adjourn_mock", "web")])
        self._access = access

    def endpoint(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """What answers the file of a name."""

        async def endpoint(request: Request) -> Response:
            return await self.get_response(name, request.scope)

        return endpoint

    async def get_response(self, path: str, scope: Scope) -> Response:
        try:
            self._access.check_page(Request(scope))
        except Denied as denied:
            return JSONResponse({"error": str(denied)}, denied.status)
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if path != _BASE:
            return super().lookup_path(path)
        return str(stylesheet_path()), stylesheet_path().stat()
