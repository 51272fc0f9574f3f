"""The steps of the pipeline, as one value whose parts can be replaced.

A dialect answers the grey zones, a fault breaks one clause: either is
`dataclasses.replace(behaviour, step=another)`, never a condition in a step.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from adjourn_mock.domain.records import Message
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.agent import Turn
from adjourn_mock.environments.environments import Environment
from adjourn_mock.environments.tokens import PublicAccessToken
from adjourn_mock.exchanges.exchange import Answer, Headers, Notes, Refusal, Request
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, Operation, SessionKey

__all__ = ["Behaviour", "Call", "Caller", "Change", "Result", "Route"]


class Route(msgspec.Struct, frozen=True, gc=False):
    """The operation asked for and the raw segment of its path parameter."""

    operation: Operation
    segment: bytes | None


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who calls; `token` is None for a secret key."""

    environment: Environment
    token: PublicAccessToken | None


class Call(msgspec.Struct, frozen=True, gc=False):
    """A request that was let through, as an operation sees it.

    `text` is the decoded path parameter, `key` what it means; `value` is the
    validated body, or the validated query of an operation without a body, or
    `{"text": ...}` of a body that is stored as text; `notes` is what earlier
    steps left for this one, `headers` are the request's.
    """

    caller: Caller
    operation: Operation
    text: str
    key: SessionKey
    value: Mapping[str, Any]
    notes: Notes = {}
    headers: Mapping[bytes, bytes] = {}


class Result(msgspec.Struct, frozen=True, gc=False):
    """What an operation did.

    Attributes:
        clause: the one whose status is answered.
        session: the row after it.
        members: what the answer has beside the row.
        before: the row before it.
        headers: what the answer has beside the headers of every answer.
        about: the session that it was about, for the journal, where the answer has no row.
        events: makes the server-sent events of an answer that is a stream.
    """

    clause: str
    session: Session | None
    members: Mapping[str, Any]
    before: Session | None = None
    headers: Headers = ()
    about: Session | None = None
    events: Callable[[], AsyncIterator[bytes]] | None = None


_STEPS = {
    "createSession": "create",
    "listSessions": "list",
    "retrieveSession": "retrieve",
    "updateSession": "update",
    "closeSession": "close",
    "appendToIn": "append",
    "appendToOut": "append",
    "streamIn": "stream",
    "streamOut": "stream",
    "listInRecords": "records",
    "listOutRecords": "records",
    "createTokenClaims": "claims",
    "createPublicToken": "public_token",
    "retrieveRun": "run",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The steps, in the order in which they run; each may raise `Refusal`.

    Attributes:
        check_head: look at the request line and headers alone.
        preflight: answer a browser's OPTIONS, or None for any other request.
        route: find the operation.
        authenticate: find out who calls.
        spend: use up a public access token that is for one request.
        decode: percent-decode the path parameter.
        identify: decide which kind of id it is.
        receive: get the body, bounded.
        parse: get JSON from the body's bytes.
        validate: check it against the schema.
        query: read and validate the query.
        authorize: may this caller do that? Secret keys may do anything and are not asked.
        find: look the session up.
        create, list, retrieve, update, close: do it.
        append, stream, records, claims, public_token, run: the operations around a chat.
        check_open: refuse to append to a session that has ended.
        notify_close: append the record of a first close to `in`.
        react: what the agent does with a message.
        complete_turn: write the record that completes a turn.
        events: the server-sent events of a channel.
        row: what is written as JSON, the session itself or its members.
        list_row: the same for lists.
        answer: make an answer of a result.
        refuse: make an answer of a refusal.
        deliver: send the answer with all its headers.
    """

    check_head: Callable[[Service, Request], None]
    preflight: Callable[[Service, Request], Answer | None]
    route: Callable[[Service, Request], Route]
    authenticate: Callable[[Service, Request], Caller]
    spend: Callable[[Service, PublicAccessToken], Awaitable[None]]
    decode: Callable[[bytes], str]
    identify: Callable[[Service, str], SessionKey]
    receive: Callable[[Request, Receive, BodyRule], Awaitable[bytes]]
    parse: Callable[[Request, bytes, BodyRule], Any]
    validate: Callable[[Request, Any, BodyRule], Mapping[str, Any]]
    query: Callable[[Request, Operation], Mapping[str, Any]]
    authorize: Callable[[Service, Behaviour, Call], Awaitable[None]]
    find: Callable[[Service, Environment, SessionKey], Awaitable[Session | None]]
    create: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    list: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    retrieve: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    update: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    close: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    append: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    stream: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    records: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    claims: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    public_token: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    run: Callable[[Service, Behaviour, Call], Awaitable[Result]]
    check_open: Callable[[Service, Environment, Session], None]
    notify_close: Callable[[Service, Behaviour, Environment, Session, Any], Awaitable[None]]
    react: Callable[[Service, Behaviour, Environment, Session, Message], Awaitable[None]]
    complete_turn: Callable[[Service, Environment, Session, Message, Turn], Awaitable[None]]
    events: Callable[[Service, Environment, str, int, float], AsyncIterator[bytes]]
    row: Callable[[Session], Session | dict[str, Any]]
    list_row: Callable[[Session], Session | dict[str, Any]]
    answer: Callable[[Service, Behaviour, Result], Answer]
    refuse: Callable[[Service, Refusal], Answer]
    deliver: Callable[[Scope, Receive, Send, Sequence[tuple[bytes, bytes]], Answer], Awaitable[None]]

    def step_for(self, operation: str) -> Callable[[Service, Behaviour, Call], Awaitable[Result]]:
        """The step of an operation, by its operationId."""
        step: Callable[[Service, Behaviour, Call], Awaitable[Result]] = getattr(self, _STEPS[operation])
        return step


Change = Callable[[Behaviour], Behaviour]
