"""A request's way through the steps, and its entry in the journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from adjourn_mock.domain.clock import SystemClock
from adjourn_mock.domain.json_text import encode
from adjourn_mock.exchanges.exchange import Answer, ClientGone, Headers, Refusal, Request
from adjourn_mock.pipeline.behaviour import Behaviour, Call
from adjourn_mock.pipeline.dialects import Dialects
from adjourn_mock.pipeline.fault_injection import FaultInjector
from adjourn_mock.pipeline.service import Service
from adjourn_mock.stores.store import StoreFullError, StoreUnavailable
from adjourn_spec import BodyRule, ExternalId, SessionKey

__all__ = ["Elsewhere", "Pipeline", "unavailable"]

_log = logging.getLogger("adjourn")
_NOBODY: SessionKey = ExternalId("")
_TOO_MANY_REQUESTS, _SERVICE_UNAVAILABLE, _INSUFFICIENT_STORAGE = 429, 503, 507


class Elsewhere(Protocol):
    """Answers requests outside the Sessions API."""

    async def answer(self, request: Request, receive: Receive) -> Answer | None:
        """The answer, or None where it has none."""


class Pipeline:
    """The Sessions API as an ASGI application.

    Args:
        service: what the steps work on.
        dialects: the steps.
        injector: the faults that apply to a request; None for a pipeline without faults.
        elsewhere: answers requests outside the API; None where each is refused.
    """

    def __init__(
        self,
        service: Service,
        dialects: Dialects,
        injector: FaultInjector | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.service, self.dialects, self._injector, self._elsewhere = service, dialects, injector, elsewhere
        self._rate_headers: Headers = ()
        self._second = 0
        exposed = ",".join(service.contract.cors.expose_headers)
        self._expose = (b"access-control-expose-headers", exposed.encode())
        self._clock = SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service = self.service
        request = Request.of(scope, self._clock.now())
        environment = service.environment_named_by(request.headers.get(b"authorization"))
        if environment is None:
            behaviour = self.dialects[self.dialects.default]
            journal, clock = service.unknown_callers, service.clock
        else:
            behaviour = self.dialects[environment.dialect]
            if environment.faults.active and self._injector is not None:
                behaviour = await self._injector.behaviour_for(behaviour, environment, request)
            journal, clock = environment.journal, environment.clock
        try:
            answer = None if self._elsewhere is None else await self._other(self._elsewhere, request, receive)
            if answer is None:
                answer = await self.answer(behaviour, request, receive)
        except ClientGone:
            return
        headers = self._headers(request, answer)
        try:
            await journal.add(clock.now(), request, answer)
        except (StoreUnavailable, StoreFullError) as error:
            _log.warning("%s %r is not in the journal: %s", request.method, request.raw_path, error)
        await behaviour.deliver(scope, receive, send, headers, answer)

    def _headers(self, request: Request, answer: Answer) -> list[tuple[bytes, bytes]]:
        """All headers of an answer."""
        media_type = (b"content-type", answer.media_type)
        if answer.events is None:
            headers = [media_type, (b"content-length", b"%d" % len(answer.body)), *answer.headers]
        else:
            headers = [media_type, *answer.headers]
        if b"authorization" in request.headers and answer.status != _TOO_MANY_REQUESTS:
            second = request.received_at // 1000
            if second != self._second:
                self._second, self._rate_headers = second, self._rate_in(second)
            headers += self._rate_headers
        if b"origin" in request.headers:
            origin = request.headers[b"origin"]
            headers += ((b"access-control-allow-origin", origin), self._expose, (b"vary", b"origin"))
        return headers

    def _rate_in(self, second: int) -> Headers:
        """The bucket of a caller who is alone, as it is reported during a second; it is full again in the next."""
        rate = self.service.contract.rate_limit
        return (
            (b"x-ratelimit-limit", b"%d" % rate.tokens),
            (b"x-ratelimit-remaining", b"%d" % (rate.tokens - 1)),
            (b"x-ratelimit-reset", b"%d" % ((second + 1) * 1000)),
        )

    async def _other(self, elsewhere: Elsewhere, request: Request, receive: Receive) -> Answer | None:
        """The answer to a request outside the API, where there is one."""
        if self.service.routes.match(request.raw_path, any_case=True) is not None:
            return None
        return await elsewhere.answer(request, receive)

    async def answer(self, behaviour: Behaviour, request: Request, receive: Receive) -> Answer:
        """Take a request through the steps.

        Raises:
            ClientGone: the client left before its request was complete.
        """
        service = self.service
        try:
            behaviour.check_head(service, request)
            if request.method == "OPTIONS" and (preflight := behaviour.preflight(service, request)) is not None:
                return preflight
            route = behaviour.route(service, request)
            operation = route.operation
            request.operation, request.segment = operation.name, route.segment
            caller = behaviour.authenticate(service, request)
            if caller.token is not None:
                await behaviour.spend(service, caller.token)
            text, key = "", _NOBODY
            if route.segment is not None:
                text = behaviour.decode(route.segment)
                key = behaviour.identify(service, text)
            rule = operation.body
            if rule is None:
                value = behaviour.query(request, operation)
            else:
                request.body = await behaviour.receive(request, receive, rule)
                value = _value(behaviour, request, rule)
            call = Call(caller, operation, text, key, value, request.notes, request.headers)
            if caller.token is not None:
                await behaviour.authorize(service, behaviour, call)
            result = await behaviour.step_for(operation.name)(service, behaviour, call)
            return behaviour.answer(service, behaviour, result)
        except Refusal as refusal:
            _note_segment(service, request)
            return behaviour.refuse(service, refusal)
        except (StoreUnavailable, StoreFullError) as error:
            return _not_stored(error)
        except ClientGone:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer and the server goes on
            _log.exception("The mock failed to answer %s %r", request.method, request.raw_path)
            return Answer(500, encode({"error": "The mock server failed; its log says why"}))


def _value(behaviour: Behaviour, request: Request, rule: BodyRule) -> Mapping[str, Any]:
    """What a body says, or its text where it is stored as text."""
    if rule.is_text:
        return {"text": request.body.decode(errors="replace")}
    return behaviour.validate(request, behaviour.parse(request, request.body, rule), rule)


def _note_segment(service: Service, request: Request) -> None:
    """Note which session a request names that was refused before an operation was found, such as a 405."""
    if request.operation is not None:
        return
    found = service.routes.match(request.raw_path)
    if found is not None:
        _, request.segment = found


def _not_stored(error: StoreUnavailable | StoreFullError) -> Answer:
    if isinstance(error, StoreUnavailable):
        return unavailable(error)
    return Answer(_INSUFFICIENT_STORAGE, encode({"error": str(error)}))


def unavailable(error: StoreUnavailable) -> Answer:
    """The answer while the store does not answer."""
    return Answer(_SERVICE_UNAVAILABLE, encode({"error": f"The mock's store is not available: {error}"}))
