"""A request's way through the steps, and its entry in the journal."""

from __future__ import annotations

import logging

from starlette.types import Receive, Scope, Send

from adjourn_mock.behaviour import Behaviour, Call, Caller, Route
from adjourn_mock.exchange import Answer, ClientGone, Refusal, Request, encode
from adjourn_mock.instants import SystemClock
from adjourn_mock.journal import Entry
from adjourn_mock.service import Service
from adjourn_spec import ExternalId

__all__ = ["Pipeline"]

_log = logging.getLogger("adjourn")
_NOBODY = ExternalId("")


class Pipeline:
    """The Sessions API as an ASGI application."""

    def __init__(self, service: Service, behaviour: Behaviour) -> None:
        self.service, self.behaviour = service, behaviour
        rate = service.contract.rate_limit
        self._milliseconds_per_token = rate.refill_seconds * 1000 // rate.refill_tokens
        self._rate_headers = (
            (b"x-ratelimit-limit", str(rate.tokens).encode()),
            (b"x-ratelimit-remaining", str(rate.tokens - 1).encode()),
        )
        exposed = ",".join(service.contract.cors.expose_headers)
        self._expose = (b"access-control-expose-headers", exposed.encode())
        self._clock = SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answered(request)
        except ClientGone:
            return
        headers = [
            (b"content-type", answer.media_type),
            (b"content-length", str(len(answer.body)).encode()),
            *answer.headers,
        ]
        if request.headers.get(b"authorization"):
            full_again = self._clock.now() + self._milliseconds_per_token
            headers += (*self._rate_headers, (b"x-ratelimit-reset", str(full_again).encode()))
        if origin := request.headers.get(b"origin"):
            headers += ((b"access-control-allow-origin", origin), self._expose, (b"vary", b"origin"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answered(self, request: Request) -> Answer:
        route: Route | None = None
        caller: Caller | None = None
        service, behaviour = self.service, self.behaviour
        try:
            behaviour.admit(service, request)
            if (preflight := behaviour.preflight(service, request)) is not None:
                return preflight
            route = behaviour.route(service, request)
            caller = behaviour.authenticate(service, request)
            answer = await self._performed(request, route, caller)
        except Refusal as refusal:
            answer = behaviour.refuse(service, refusal)
        except ClientGone:
            raise
        except Exception:
            _log.exception("The mock failed to answer %s %r", request.method, request.raw_path)
            answer = Answer(500, encode({"error": "The mock server failed; its log says why"}))
        if caller is not None:
            environment = caller.environment
            environment.journal.add(
                Entry(
                    environment.clock.now(),
                    route.operation.name if route else None,
                    request.method,
                    request.raw_path,
                    request.raw_headers,
                    request.body,
                    answer.status,
                    answer.body,
                    answer.session_id,
                    answer.clause,
                )
            )
        return answer

    async def _performed(self, request: Request, route: Route, caller: Caller) -> Answer:
        service, behaviour = self.service, self.behaviour
        operation, segment = route
        text, key = "", _NOBODY
        if segment is not None:
            text = behaviour.decode(segment)
            key = behaviour.identify(service, text)
        if operation.body is None:
            value = behaviour.query(request, operation)
        else:
            request.body = content = await behaviour.receive(request, operation.body)
            value = behaviour.validate(behaviour.parse(content, operation.body), operation.body)
        call = Call(caller, operation, text, key, value)
        if caller.token is not None:
            await behaviour.authorize(service, behaviour, call)
        result = await behaviour.perform(operation.name)(service, behaviour, call)
        return behaviour.answer(service, behaviour, result)
