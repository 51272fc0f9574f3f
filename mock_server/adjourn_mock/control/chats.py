"""What may be done to the chats of a running mock: the agent's script, the channels, the runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from adjourn_mock.domain.errors import NotFoundError, UserError
from adjourn_mock.domain.records import IN, OUT, TRIM, Message
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.agent import read_rule, read_script
from adjourn_mock.environments.environments import Environment
from adjourn_mock.pipeline.agent import append_command, append_control, say
from adjourn_mock.pipeline.channels import channel_name, key_of
from adjourn_mock.pipeline.runs import run_row
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.channels import Subscription

__all__ = ["Chats", "UnknownSessionError"]

_ALL = 1_000_000


class UnknownSessionError(NotFoundError):
    """The environment has no such session."""


class Chats:
    """The chats of one server, to be arranged and looked at from outside; values are those of JSON.

    Its methods are to be called in the event loop of the server. A session is named by its id or externalId.

    Args:
        service: the server's.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    # the agent

    async def script(self, environment: Environment) -> Mapping[str, Any]:
        """What the agent answers."""
        shown: Mapping[str, Any] = msgspec.to_builtins(environment.agent)
        return shown

    async def set_script(self, environment: Environment, script: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put a script in place of the one there is; `{}` is the built-in echo.

        Raises:
            ValueError: it is not a script.
        """
        environment.agent = read_script(dict(script))
        environment.counts.clear()
        await self._service.sync.save(environment)
        return await self.script(environment)

    async def add_rule(self, environment: Environment, rule: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add a rule that comes before those there are.

        Raises:
            ValueError: it is not a rule, or there are too many.
        """
        environment.agent = environment.agent.with_rule(read_rule(rule))
        await self._service.sync.save(environment)
        return await self.script(environment)

    # channels

    async def append(
        self,
        environment: Environment,
        session: str,
        *,
        data: Any = None,
        control: str | None = None,
        headers: Mapping[str, str] | None = None,
        command: Literal["trim"] | None = None,
    ) -> int | None:
        """Append a record to `out` as the agent does: data as it is, a control record of a kind, or a command.

        A command has a number and is skipped by readers; the mock removes no records for it.

        Raises:
            UnknownSessionError: there is no such session.
        """
        row = await self._session(environment, session)
        if command is not None:
            return await append_command(self._service, environment, row, TRIM)
        if control is not None:
            return await append_control(self._service, environment, row, control, tuple((headers or {}).items()))
        return await say(self._service, environment, row, data)

    async def output(self, environment: Environment, session: str) -> Sequence[Mapping[str, Any]]:
        """The records of `out`, with the moment of their append in milliseconds since 1970.

        Raises:
            UnknownSessionError: there is no such session.
        """
        row = await self._session(environment, session)
        found = await self._service.channels.read(environment.id, channel_name(OUT, key_of(row)), -1, _ALL)
        return [{**record.as_row, "timestamp": record.timestamp} for record in found]

    async def sent(
        self,
        environment: Environment,
        session: str,
        *,
        text: str | None = None,
        contains: str | None = None,
        kind: str | None = None,
        trigger: str | None = None,
        at_least: int = 0,
        timeout_seconds: float = 0,
    ) -> Sequence[Mapping[str, Any]]:
        """What was appended to `in` and matches, in order; it waits until there is so much or the time is over.

        A session that is not there yet has nothing in it.
        """
        found = await self._service.store.find(environment.id, self._service.contract.identify(session))
        channel = channel_name(IN, session if found is None else key_of(found))
        wanted = {"text": text, "kind": kind, "trigger": trigger}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        deadline = asyncio.get_running_loop().time() + timeout_seconds if timeout_seconds else 0.0
        with self._service.channels.readers.subscribe(environment.id, channel) as subscription:
            while True:
                subscription.rearm()
                records = await self._service.channels.read(environment.id, channel, -1, _ALL)
                messages = [Message.of(record) for record in records]
                matching = [
                    msgspec.to_builtins(message)
                    for message in messages
                    if all(getattr(message, name) == value for name, value in wanted.items())
                    and (contains is None or contains in (message.text or ""))
                ]
                if len(matching) >= at_least or not timeout_seconds or not await _more(subscription, deadline):
                    return matching

    async def _session(self, environment: Environment, name: str) -> Session:
        row = await self._service.store.find(environment.id, self._service.contract.identify(name))
        if row is None:
            raise UnknownSessionError(f"there is no session {name!r}")
        return row

    # runs

    async def run(self, environment: Environment, session: str) -> Mapping[str, Any]:
        """The run of a session, as the API answers it.

        Raises:
            UnknownSessionError: there is no such session.
        """
        return run_row(self._service, environment, await self._session(environment, session))

    async def set_run(self, environment: Environment, session: str, status: str) -> Mapping[str, Any]:
        """Set the state of a session's run, such as CRASHED.

        Raises:
            UnknownSessionError: there is no such session.
            ValueError: there is no such state, or the session has no run.
        """
        schema = self._service.contract.schema("RunStatus")
        if not schema.is_valid(status):
            raise UserError(f"{status!r} is not a state of a run; use one of {', '.join(schema.definition['enum'])}")
        row = await self._session(environment, session)
        if row.current_run_id is None:
            raise UserError(f"session {session!r} has no run")
        environment.runs[row.current_run_id] = status
        await self._service.sync.save(environment)
        return run_row(self._service, environment, row)


async def _more(subscription: Subscription, deadline: float) -> bool:
    """Wait for the next record; False where the time is over or there will be none."""
    left = deadline - asyncio.get_running_loop().time()
    return left > 0 and not subscription.is_ended and await subscription.wait(left)
