"""The control API over HTTP, as its own OpenAPI document, `control.yaml`, has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from adjourn_mock.control.access import Access
from adjourn_mock.control.chat_api import ChatApi
from adjourn_mock.control.control import Control, UnknownError
from adjourn_mock.control.events import events
from adjourn_mock.control.matches import Matches
from adjourn_mock.control.openapi_routes import Call, answer, routes_of
from adjourn_mock.control.pages import pages
from adjourn_mock.domain.clock import duration
from adjourn_mock.domain.sessions import Filter, to_dict
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.journal import Journal
from adjourn_mock.exchanges.journal_filter import JournalFilter
from adjourn_spec import read_document

__all__ = ["control_api"]

MAX_WAIT_MILLISECONDS = 60_000
MAX_STREAMS = 50
_CREATED, _NO_CONTENT, _NOT_FOUND, _TIMEOUT, _TOO_MANY = 201, 204, 404, 408, 429


def control_api(control: Control, access: Access) -> Router:
    """The routes of `control.yaml`, and the pages that show what they answer."""
    document = read_document(str(files("adjourn_mock") / "control" / "control.yaml"))
    # The app answers its health by itself, before this API is loaded.
    routes = routes_of(document, _ControlApi(control, document), access, leave_out=["/_adjourn/health"])
    return Router([*routes, *pages(access)], redirect_slashes=False, default=_nothing)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    nothing = answer({"error": "there is nothing here; /_adjourn/openapi.json has what there is"}, _NOT_FOUND)
    await nothing(scope, receive, send)


class _ControlApi(ChatApi):
    """A method for each operation of the document."""

    def __init__(self, control: Control, document: Mapping[str, Any]) -> None:
        self._control, self._document = control, document
        self._streams = 0

    def _environment(self, call: Call) -> Environment:
        return self._control.environment(call.request.path_params["environment"])

    async def list_environments(self, call: Call) -> Response:
        listed = list(self._control.service.environments)
        if "after" in call.query:
            ids = [each.id for each in listed]
            listed = listed[ids.index(call.query["after"]) + 1 :] if call.query["after"] in ids else []
        shown = [await self._control.summary(each) for each in listed[: call.query["limit"]]]
        return answer({"environments": shown})

    async def create_environment(self, call: Call) -> Response:
        names = {"secretKey": "secret_key", "idSeed": "id_seed"}
        options = {names.get(name, name): value for name, value in call.body.items()}
        environment = await self._control.create_environment(**options)
        environ = {
            "TRIGGER_API_URL": str(call.request.base_url).rstrip("/"),
            "TRIGGER_SECRET_KEY": environment.secret_key,
        }
        shown = {**await self._control.summary(environment), "secretKey": environment.secret_key, "environ": environ}
        return answer(shown, _CREATED)

    async def show_environment(self, call: Call) -> Response:
        environment = self._environment(call)
        shown = await self._control.summary(environment)
        return answer({**shown, "secretKey": environment.secret_key} if call.query["reveal"] else shown)

    async def change_environment(self, call: Call) -> Response:
        environment = self._environment(call)
        await self._control.change_dialect(environment, call.body["dialect"])
        return answer(await self._control.summary(environment))

    async def delete_environment(self, call: Call) -> Response:
        await self._control.delete_environment(self._environment(call))
        return answer(None, _NO_CONTENT)

    async def reset_environment(self, call: Call) -> Response:
        environment = self._environment(call)
        await self._control.reset(environment)
        return answer(await self._control.summary(environment))

    async def export_state(self, call: Call) -> Response:
        return answer(await self._control.export(self._environment(call)))

    async def import_state(self, call: Call) -> Response:
        return answer({"sessions": await self._control.load(self._environment(call), call.body)})

    async def search_sessions(self, call: Call) -> Response:
        environment, query = self._environment(call), call.query
        status, kind, tag = ((query[name],) if name in query else () for name in ("status", "type", "tag"))
        wanted = Filter(statuses=status, types=kind, tags=tag)
        found, after = await self._control.search(
            environment, wanted, text=query["search"], size=query["limit"], after=query.get("after")
        )
        total = await self._control.service.store.count(environment.id)
        return answer({"sessions": found, "next": after, "total": total})

    async def show_session(self, call: Call) -> Response:
        return answer(await self._control.find(self._environment(call), call.request.path_params["session"]))

    async def add_session(self, call: Call) -> Response:
        return await self._performed(call, "createSession")

    async def close_session(self, call: Call) -> Response:
        return await self._performed(call, "closeSession", quote(call.request.path_params["session"], safe=""))

    async def _performed(self, call: Call, operation: str, segment: str = "") -> Response:
        done = await self._control.perform(self._environment(call), operation, segment=segment, body=call.body)
        return Response(done.body, done.status, media_type=done.media_type.decode())

    async def issue_token(self, call: Call) -> Response:
        environment = self._environment(call)
        key = self._control.service.contract.identify(call.request.path_params["session"])
        session = await self._control.service.store.find(environment.id, key)
        if session is None:
            raise UnknownError(f"there is no session {call.request.path_params['session']!r}")
        return answer({"token": self._control.token(environment, session)}, _CREATED)

    async def perform_operation(self, call: Call) -> Response:
        operation = call.request.path_params["operation"]
        if operation not in self._control.service.contract.operations:
            names = ", ".join(self._control.service.contract.operations)
            raise UnknownError(f"there is no operation {operation!r}; use one of {names}")
        segment = quote(call.body.get("session", ""), safe="")
        done = await self._control.perform(
            self._environment(call), operation, segment=segment, body=call.body.get("body")
        )
        row = None if done.session is None else to_dict(done.session)
        return answer({"status": done.status, "clause": done.clause, "body": done.json, "row": row})

    async def follow_events(self, call: Call) -> Response:
        environment = self._environment(call)
        if self._streams >= MAX_STREAMS:
            return answer({"error": f"{MAX_STREAMS} streams of events are open already"}, _TOO_MANY)
        return StreamingResponse(
            self._counted(events(self._control, environment, backlog=call.query["backlog"])),
            media_type="text/event-stream",
            headers={"cache-control": "no-store"},
        )

    async def _counted(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async for piece in stream:
                yield piece
        finally:
            self._streams -= 1

    async def show_exchange(self, call: Call) -> Response:
        environment = self._environment(call)
        return await self._exchange(call, environment.journal, environment)

    async def show_unknown_caller(self, call: Call) -> Response:
        return await self._exchange(call, self._control.service.unknown_callers, None)

    async def _exchange(self, call: Call, journal: Journal, environment: Environment | None) -> Response:
        number = call.request.path_params["number"]
        for entry in await journal.read():
            if str(entry.number) == number:
                return answer(await self._control.detail(entry, environment))
        raise UnknownError(f"the journal has no exchange {number!r}, or has forgotten it")

    async def read_journal(self, call: Call) -> Response:
        environment = self._environment(call)
        query = dict(call.query)
        limit, at_least = query.pop("limit"), query.pop("min")
        timeout = min(max(duration(query.pop("timeout")), 0), MAX_WAIT_MILLISECONDS)
        wanted = JournalFilter.checked(self._control.service.contract, query)
        found = await self._control.entries(
            environment.journal, wanted, at_least=at_least, timeout_seconds=timeout / 1000
        )
        shown = await self._journal(found, limit, environment)
        if found.at_least >= at_least:
            return answer(shown)
        error = f"{found.at_least} of {at_least} exchanges came within {timeout / 1000:g} s"
        return answer({**shown, "error": error}, _TIMEOUT)

    async def clear_journal(self, call: Call) -> Response:
        await self._environment(call).journal.clear()
        return answer(None, _NO_CONTENT)

    async def read_unknown_callers(self, call: Call) -> Response:
        wanted = JournalFilter(since=call.query.get("since"))
        found = await self._control.entries(self._control.service.unknown_callers, wanted)
        return answer(await self._journal(found, len(found.entries), None))

    async def _journal(self, found: Matches, limit: int, environment: Environment | None) -> dict[str, Any]:
        counts: dict[str, Counter[str]] = {}
        entries = found.entries
        for entry in entries:
            counts.setdefault(entry.operation or "none", Counter())[str(entry.status)] += 1
        shown = entries[len(entries) - limit :] if limit < len(entries) else entries
        return {
            "entries": [await self._control.detail(entry, environment) for entry in shown],
            "count": found.count,
            "dropped": found.dropped,
            "matching": len(entries),
            "total": found.total,
            "counts": counts,
        }

    async def list_faults(self, call: Call) -> Response:  # noqa: ARG002
        return answer({"faults": list(self._control.catalogue.descriptions())})

    async def list_active_faults(self, call: Call) -> Response:
        environment = self._environment(call)
        active, spent = await self._control.active_faults(environment), await self._control.spent_faults(environment)
        return answer({"faults": [each.as_json for each in active], "spent": [each.as_json for each in spent]})

    async def switch_fault_on(self, call: Call) -> Response:
        body = dict(call.body)
        name, parameters = body.pop("fault"), body.pop("parameters", None)
        fault = await self._control.enable_fault(self._environment(call), name, parameters, **body)
        return answer(fault.as_json, _CREATED)

    async def switch_faults_off(self, call: Call) -> Response:
        await self._control.disable_fault(self._environment(call))
        return answer(None, _NO_CONTENT)

    async def switch_fault_off(self, call: Call) -> Response:
        await self._control.disable_fault(self._environment(call), call.request.path_params["fault"])
        return answer(None, _NO_CONTENT)

    async def show_clock(self, call: Call) -> Response:
        return answer(self._control.clock(self._environment(call)))

    async def set_clock(self, call: Call) -> Response:
        environment = self._environment(call)
        ((change, value),) = call.body.items()
        if change != "freeze" or value is not False:
            await self._control.change_clock(environment, change, None if value is True else value)
        return answer(self._control.clock(environment))

    async def list_clauses(self, call: Call) -> Response:  # noqa: ARG002
        contract = self._control.service.contract
        clauses = [
            {
                "clause": each.slug,
                "statement": each.statement,
                "source": each.source,
                "level": each.level,
                "operations": each.operations,
            }
            for each in contract.clauses.values()
        ]
        zones = [
            {"greyZone": each.slug, "question": each.question, "documented": each.documented, "server": each.server}
            for each in contract.grey_zones.values()
        ]
        return answer({"clauses": clauses, "greyZones": zones})

    async def show_document(self, call: Call) -> Response:  # noqa: ARG002
        return answer(self._document)
