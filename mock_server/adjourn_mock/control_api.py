"""The control API over HTTP, routed and validated by its own OpenAPI document, `control.yaml`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from adjourn_mock.access import Access, Denied
from adjourn_mock.control import Control, JournalFilter, duration
from adjourn_mock.environments import Environment, TooManyError
from adjourn_mock.exchange import encode
from adjourn_mock.journal import Entry, Journal
from adjourn_mock.store import StoreFullError, StoreUnavailable
from adjourn_mock.switchboard import ActiveFault
from adjourn_spec import Schema, read_document

__all__ = ["control_api"]

LIMIT_BYTES = 16 * 1024 * 1024
MAX_WAIT_MILLISECONDS = 60_000
_CREATED, _NO_CONTENT = 201, 204
_BAD_REQUEST, _NOT_FOUND, _METHOD_NOT_ALLOWED, _TIMEOUT, _TOO_LARGE, _UNAVAILABLE, _FULL = (
    400,
    404,
    405,
    408,
    413,
    503,
    507,
)
_EMPTY: Mapping[str, Any] = {}
_METHODS = ("get", "put", "post", "delete", "patch")


class _InvalidError(ValueError):
    """A request is not as the document has it."""


def control_api(control: Control, access: Access) -> Router:
    """The routes of `control.yaml`, each led to the method of its operationId."""
    document = read_document(str(files("adjourn_mock") / "control.yaml"))
    api = _ControlApi(control, document)
    routes = []
    for path, item in document["paths"].items():
        handlers = {
            method.upper(): _Operation(
                document, path, method, getattr(api, _snake(item[method]["operationId"])), access
            )
            for method in _METHODS
            if method in item
        }
        routes.append(Route(path, _endpoint(handlers), methods=[method.upper() for method in _METHODS]))
    return Router(routes, redirect_slashes=False, default=_nothing)


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


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    answer = _answer({"error": "there is nothing here; /_adjourn/openapi.json has what there is"}, _NOT_FOUND)
    await answer(scope, receive, send)


class _Operation:
    """One operation: who may, what is sent, what goes wrong."""

    def __init__(
        self,
        document: Mapping[str, Any],
        path: str,
        method: str,
        handler: Callable[[_Call], Awaitable[Response]],
        access: Access,
    ) -> None:
        operation = document["paths"][path][method]
        self._handler, self._access = handler, access
        self._is_open = operation.get("security") == []
        self._parameters = [each for each in operation.get("parameters", ()) if each.get("in") == "query"]
        self._body: Schema | None = None
        self._is_required = False
        if "requestBody" in operation:
            pointer = f"/paths/{path.replace('~', '~0').replace('/', '~1')}/{method}/requestBody/content"
            self._body = Schema(document, f"{pointer}/application~1json/schema")
            self._is_required = operation["requestBody"].get("required", False)

    async def __call__(self, request: Request) -> Response:
        try:
            if not self._is_open:
                self._access.check(request)
            call = _Call(request, self._query(request), await self._json(request))
            return await self._handler(call)
        except Denied as denied:
            return _error(denied.status, denied)
        except LookupError as error:
            return _error(_NOT_FOUND, error)
        except StoreUnavailable as error:
            return _error(_UNAVAILABLE, error)
        except (TooManyError, StoreFullError) as error:
            return _error(_FULL, error)
        except _TooLargeError as error:
            return _error(_TOO_LARGE, error)
        except (ValueError, OverflowError) as error:
            return _error(_BAD_REQUEST, error)
        except ClientDisconnect:
            return Response(status_code=_BAD_REQUEST)

    def _query(self, request: Request) -> Mapping[str, Any]:
        given = request.query_params
        known = {parameter["name"]: parameter["schema"] for parameter in self._parameters}
        if unknown := set(given) - set(known):
            raise _InvalidError(f"there is no parameter {min(unknown)!r}; there are {', '.join(known) or 'none'}")
        values = {name: schema["default"] for name, schema in known.items() if "default" in schema}
        for name, text in given.items():
            values[name] = _read(name, text, known[name])
        return values

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
            value = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _InvalidError(f"the body is not JSON: {error}") from None
        for violation in self._body.violations(value):
            raise _InvalidError(str(violation))
        return value


class _TooLargeError(Exception):
    """More was sent than is read."""


def _read(name: str, text: str, schema: Mapping[str, Any]) -> Any:
    """A query parameter by its schema."""
    if schema["type"] == "boolean":
        if text not in ("true", "false"):
            raise _InvalidError(f"{name} must be true or false, not {text[:40]!r}")
        return text == "true"
    if schema["type"] == "integer":
        if not re.fullmatch("[0-9]{1,12}", text):
            raise _InvalidError(f"{name} must be a whole number, not {text[:40]!r}")
        low, high = schema.get("minimum", 0), schema.get("maximum", 10**12)
        if not low <= int(text) <= high:
            raise _InvalidError(f"{name} must be {low} to {high}, not {text}")
        return int(text)
    if not re.search(schema.get("pattern", ""), text):
        raise _InvalidError(f"{name} is not valid: {text[:40]!r}")
    return text


def _error(status: int, error: Exception) -> Response:
    return _answer({"error": str(error.args[0]) if isinstance(error, LookupError) else str(error)}, status)


def _answer(value: Any, status: int = 200) -> Response:
    if status == _NO_CONTENT:
        return Response(status_code=status)
    # Ids and reasons may hold lone surrogates, which UTF-8 has no bytes for; `encode` escapes them.
    return Response(encode(value), status, media_type="application/json")


class _Call:
    """A request that was let through, with its query and body."""

    def __init__(self, request: Request, query: Mapping[str, Any], body: Any) -> None:
        self.request, self.query, self.body = request, query, body


class _ControlApi:
    """A method for each operation of the document."""

    def __init__(self, control: Control, document: Mapping[str, Any]) -> None:
        self._control, self._document = control, document

    def _environment(self, call: _Call) -> Environment:
        return self._control.environment(call.request.path_params["environment"])

    async def list_environments(self, call: _Call) -> Response:
        listed = list(self._control.service.environments)
        if "after" in call.query:
            ids = [each.id for each in listed]
            listed = listed[ids.index(call.query["after"]) + 1 :] if call.query["after"] in ids else []
        shown = [await self._control.show(each) for each in listed[: call.query["limit"]]]
        return _answer({"environments": shown})

    async def create_environment(self, call: _Call) -> Response:
        names = {"secretKey": "secret_key", "idSeed": "id_seed"}
        options = {names.get(name, name): value for name, value in call.body.items()}
        environment = await self._control.create_environment(**options)
        environ = {
            "TRIGGER_API_URL": str(call.request.base_url).rstrip("/"),
            "TRIGGER_SECRET_KEY": environment.secret_key,
        }
        shown = {**await self._control.show(environment), "secretKey": environment.secret_key, "environ": environ}
        return _answer(shown, _CREATED)

    async def show_environment(self, call: _Call) -> Response:
        environment = self._environment(call)
        shown = await self._control.show(environment)
        return _answer({**shown, "secretKey": environment.secret_key} if call.query["reveal"] else shown)

    async def change_environment(self, call: _Call) -> Response:
        environment = self._environment(call)
        await self._control.change_dialect(environment, call.body["dialect"])
        return _answer(await self._control.show(environment))

    async def delete_environment(self, call: _Call) -> Response:
        await self._control.delete_environment(self._environment(call))
        return _answer(None, _NO_CONTENT)

    async def reset_environment(self, call: _Call) -> Response:
        environment = self._environment(call)
        await self._control.reset(environment)
        return _answer(await self._control.show(environment))

    async def export_state(self, call: _Call) -> Response:
        return _answer(await self._control.export(self._environment(call)))

    async def import_state(self, call: _Call) -> Response:
        return _answer({"sessions": await self._control.load(self._environment(call), call.body)})

    async def read_journal(self, call: _Call) -> Response:
        environment = self._environment(call)
        query = dict(call.query)
        limit, at_least = query.pop("limit"), query.pop("min")
        timeout = min(max(duration(query.pop("timeout")), 0), MAX_WAIT_MILLISECONDS)
        entries = await self._control.entries(
            environment.journal, JournalFilter(**query), at_least=at_least, timeout_seconds=timeout / 1000
        )
        shown = await self._journal(environment.journal, entries, limit, environment)
        if len(entries) >= at_least:
            return _answer(shown)
        error = f"{len(entries)} of {at_least} exchanges came within {timeout / 1000:g} s"
        return _answer({**shown, "error": error}, _TIMEOUT)

    async def clear_journal(self, call: _Call) -> Response:
        await self._environment(call).journal.clear()
        return _answer(None, _NO_CONTENT)

    async def read_strangers(self, call: _Call) -> Response:  # noqa: ARG002
        journal = self._control.service.strangers
        entries = await journal.read()
        return _answer(await self._journal(journal, entries, len(entries), None))

    async def _journal(
        self, journal: Journal, entries: Sequence[Entry], limit: int, environment: Environment | None
    ) -> dict[str, Any]:
        counts: dict[str, Counter[str]] = {}
        for entry in entries:
            counts.setdefault(entry.operation or "none", Counter())[str(entry.status)] += 1
        shown = entries[len(entries) - limit :] if limit < len(entries) else entries
        return {
            "entries": [await self._control.described(entry, environment) for entry in shown],
            "count": await journal.count(),
            "matching": len(entries),
            "counts": counts,
        }

    async def list_faults(self, call: _Call) -> Response:  # noqa: ARG002
        from adjourn_mock.faults import FAULTS, NETWORK_FAULTS

        network = [
            {"name": name, "summary": fault.summary, "clause": None, "parameters": _schema(fault)}
            for name, fault in NETWORK_FAULTS.items()
        ]
        contract = [
            {"name": fault.name, "summary": fault.summary, "clause": fault.clause, "parameters": None}
            for fault in FAULTS.values()
        ]
        return _answer({"faults": network + contract})

    async def list_active_faults(self, call: _Call) -> Response:
        return _answer({"faults": [_active(fault) for fault in await self._control.active(self._environment(call))]})

    async def switch_fault_on(self, call: _Call) -> Response:
        body = dict(call.body)
        name, parameters = body.pop("fault"), body.pop("parameters", None)
        fault = await self._control.switch_on(self._environment(call), name, parameters, **body)
        return _answer(_active(fault), _CREATED)

    async def switch_faults_off(self, call: _Call) -> Response:
        await self._control.switch_off(self._environment(call))
        return _answer(None, _NO_CONTENT)

    async def switch_fault_off(self, call: _Call) -> Response:
        await self._control.switch_off(self._environment(call), call.request.path_params["fault"])
        return _answer(None, _NO_CONTENT)

    async def show_clock(self, call: _Call) -> Response:
        return _answer(self._control.clock(self._environment(call)))

    async def set_clock(self, call: _Call) -> Response:
        environment = self._environment(call)
        ((change, value),) = call.body.items()
        if change != "freeze" or value is not False:
            await self._control.change_clock(environment, change, None if value is True else value)
        return _answer(self._control.clock(environment))

    async def show_document(self, call: _Call) -> Response:  # noqa: ARG002
        return _answer(self._document)

    async def show_health(self, call: _Call) -> Response:  # noqa: ARG002
        return _answer({"status": "ok"})


def _active(fault: ActiveFault) -> dict[str, Any]:
    return {
        "id": fault.id,
        "fault": fault.name,
        "parameters": fault.parameters,
        "operation": fault.operation,
        "session": fault.session,
        "remaining": fault.remaining,
        "probability": fault.probability,
        "hits": fault.hits,
    }


def _schema(fault: Any) -> Any:
    schema: dict[str, Any] = msgspec.json.schema(fault)
    return next(iter(schema["$defs"].values()))
