"""An API that is served as its OpenAPI document says: routes, parameters, bodies, errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import jsonschema_rs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adjourn_mock.control.access import Access, Denied
from adjourn_mock.domain.errors import AdjournError, LimitError, NotFoundError, UnavailableError, UserError
from adjourn_mock.domain.json_text import encode, read_json
from adjourn_mock.exchanges.query import read_parameters
from adjourn_spec import DocumentError, QueryParameter, Schema, registry_of

__all__ = ["Call", "answer", "routes_of"]

LIMIT_BYTES = 16 * 1024 * 1024
_BAD_REQUEST, _NOT_FOUND, _METHOD_NOT_ALLOWED, _TOO_LARGE, _UNAVAILABLE, _FULL = 400, 404, 405, 413, 503, 507
_NO_CONTENT, _FAILED = 204, 500
_log = logging.getLogger("adjourn")
_EMPTY: Mapping[str, Any] = {}
_METHODS = ("get", "put", "post", "delete", "patch")


class _InvalidError(UserError):
    """A request is not as the document has it."""


class _TooLargeError(AdjournError):
    """More was sent than is read."""


# One status for each branch of the tree of errors; the first that fits counts.
_STATUSES: Mapping[type[Exception], int] = {
    _TooLargeError: _TOO_LARGE,
    NotFoundError: _NOT_FOUND,
    LimitError: _FULL,
    UnavailableError: _UNAVAILABLE,
    UserError: _BAD_REQUEST,
    DocumentError: _BAD_REQUEST,
}


class Call:
    """A request that was let through, with its query and body."""

    def __init__(self, request: Request, query: Mapping[str, Any], body: Any) -> None:
        self.request, self.query, self.body = request, query, body


def routes_of(
    document: Mapping[str, Any], handlers: object, access: Access, *, leave_out: Collection[str] = ()
) -> list[Route]:
    """A route for each path but those left out; an operation is a method of `handlers`, named by its operationId."""
    routes, registry = [], registry_of(document)
    for path, item in document["paths"].items():
        if path in leave_out:
            continue
        operations = {
            method.upper(): _Operation(
                document, path, method, getattr(handlers, _snake(item[method]["operationId"])), access, registry
            )
            for method in _METHODS
            if method in item
        }
        routes.append(Route(path, _endpoint(operations), methods=[method.upper() for method in _METHODS]))
    return routes


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _endpoint(handlers: Mapping[str, _Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        handler = handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allowed = ", ".join(handlers)
            return JSONResponse({"error": f"use {allowed}"}, _METHOD_NOT_ALLOWED, {"allow": allowed})
        return await handler(request)

    return endpoint


class _Operation:
    """One operation: who may, what is sent, what goes wrong."""

    def __init__(
        self,
        document: Mapping[str, Any],
        path: str,
        method: str,
        handler: Callable[[Call], Awaitable[Response]],
        access: Access,
        registry: jsonschema_rs.Registry,
    ) -> None:
        operation = document["paths"][path][method]
        self._handler, self._access = handler, access
        self._is_open = operation.get("security") == []
        pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}"
        self._parameters = tuple(
            QueryParameter(
                each["name"],
                "form",
                each["schema"]["type"],
                Schema(document, f"{pointer}/parameters/{index}/schema", registry),
            )
            for index, each in enumerate(operation.get("parameters", ()))
            if each.get("in") == "query"
        )
        self._defaults = {
            each.name: each.schema.definition["default"]
            for each in self._parameters
            if "default" in each.schema.definition
        }
        self._body: Schema | None = None
        self._is_required = False
        if "requestBody" in operation:
            self._body = Schema(document, f"{pointer}/requestBody/content/application~1json/schema", registry)
            self._is_required = operation["requestBody"].get("required", False)

    async def __call__(self, request: Request) -> Response:
        try:
            if not self._is_open:
                self._access.check(request)
            call = Call(request, self._query(request), await self._json(request))
            return await self._handler(call)
        except Denied as denied:
            return _error(denied.status, denied)
        except (AdjournError, DocumentError) as error:
            return _error(_status_of(error), error)
        except ClientDisconnect:
            return Response(status_code=_BAD_REQUEST)
        except Exception:  # noqa: BLE001 - an error of ours: the client gets an answer and the server goes on
            _log.exception("The control API failed to answer %s %r", request.method, request.url.path)
            return answer({"error": "The mock server failed; its log says why"}, _FAILED)

    def _query(self, request: Request) -> Mapping[str, Any]:
        known = [parameter.name for parameter in self._parameters]
        if unknown := set(request.query_params) - set(known):
            raise _InvalidError(f"there is no parameter {min(unknown)!r}; there are {', '.join(known) or 'none'}")
        return {**self._defaults, **read_parameters(self._parameters, request.scope["query_string"])}

    async def _json(self, request: Request) -> Any:
        if self._body is None:
            return _EMPTY
        content = b""
        async for piece in request.stream():
            content += piece
            if len(content) > LIMIT_BYTES:
                raise _TooLargeError(f"the body is larger than {LIMIT_BYTES} bytes")
        if not content and not self._is_required:
            return _EMPTY
        try:
            value = read_json(content)
        except ValueError as error:
            raise _InvalidError(f"the body is not JSON: {error}") from None
        for violation in self._body.violations(value):
            raise _InvalidError(str(violation))
        return value


def _status_of(error: AdjournError | DocumentError) -> int:
    return next(status for kind, status in _STATUSES.items() if isinstance(error, kind))


def _error(status: int, error: Exception) -> Response:
    return answer({"error": str(error)}, status)


def answer(value: Any, status: int = 200) -> Response:
    """A value as JSON; nothing with status 204."""
    if status == _NO_CONTENT:
        return Response(status_code=status)
    # Ids and reasons may hold lone surrogates, which UTF-8 has no bytes for; `encode` escapes them.
    return Response(encode(value), status, media_type="application/json")
