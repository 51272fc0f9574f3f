"""The operations of the control API on chats, as `control.yaml` has them."""

from __future__ import annotations

from starlette.responses import Response

from adjourn_mock.control.control import Control
from adjourn_mock.control.openapi_routes import Call, answer
from adjourn_mock.domain.clock import duration
from adjourn_mock.environments.environments import Environment

__all__ = ["ChatApi"]

MAX_WAIT_MILLISECONDS = 60_000
_CREATED, _NO_CONTENT, _TIMEOUT = 201, 204, 408


class ChatApi:
    """A method for each operation; to be mixed into the class with the other operations."""

    _control: Control

    def _environment(self, call: Call) -> Environment:
        raise NotImplementedError

    async def show_agent(self, call: Call) -> Response:
        return answer(await self._control.chats.script(self._environment(call)))

    async def set_agent(self, call: Call) -> Response:
        return answer(await self._control.chats.set_script(self._environment(call), call.body))

    async def add_agent_rule(self, call: Call) -> Response:
        return answer(await self._control.chats.add_rule(self._environment(call), call.body))

    async def reset_agent(self, call: Call) -> Response:
        await self._control.chats.set_script(self._environment(call), {})
        return answer(None, _NO_CONTENT)

    async def read_sent(self, call: Call) -> Response:
        query = dict(call.query)
        at_least = query.pop("min")
        timeout = min(max(duration(query.pop("timeout")), 0), MAX_WAIT_MILLISECONDS)
        found = await self._control.chats.sent(
            self._environment(call), **query, at_least=at_least, timeout_seconds=timeout / 1000
        )
        if len(found) >= at_least:
            return answer({"messages": found})
        error = f"{len(found)} of {at_least} records were appended within {timeout / 1000:g} s"
        return answer({"messages": found, "error": error}, _TIMEOUT)

    async def read_out(self, call: Call) -> Response:
        return answer({"records": await self._control.chats.output(self._environment(call), call.query["session"])})

    async def append_out(self, call: Call) -> Response:
        return answer({"seq": await self._control.chats.append(self._environment(call), **call.body)}, _CREATED)

    async def show_run(self, call: Call) -> Response:
        return answer(await self._control.chats.run(self._environment(call), call.query["session"]))

    async def set_run(self, call: Call) -> Response:
        return answer(await self._control.chats.set_run(self._environment(call), **call.body))
