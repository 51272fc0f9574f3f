"""Faults of the way between client and server: late, refused, cut off, in pieces.

They break no clause of the contract; a client has to live with them all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from math import log
from random import Random
from typing import Annotated, Any, ClassVar, Literal

import anyio
import msgspec
from msgspec import Meta
from starlette.types import Receive, Scope, Send

from adjourn_mock.domain.clock import SystemClock
from adjourn_mock.domain.json_text import encode
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.pipeline.behaviour import Behaviour, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["ConnectionReset", "Latency", "Milliseconds", "NetworkFault", "SlowBody", "Status", "TruncatedBody"]

Headers = Sequence[tuple[bytes, bytes]]
Milliseconds = Annotated[float, Meta(ge=0, le=600_000)]
Effect = Literal["not-applied", "applied"]


class NetworkFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A network condition; its members are the parameters that it takes.

    Attributes:
        name: how it is enabled.
        summary: one sentence.
        main: the parameter that a value alone means, as in `latency=200ms`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    main: ClassVar[str]

    def change(self, base: Behaviour) -> Behaviour:
        """The behaviour with this fault."""
        raise NotImplementedError


class Latency(NetworkFault, frozen=True):
    """Every answer comes later.

    Attributes:
        milliseconds: how much; of a distribution the middle.
        distribution: fixed; uniform, within `spread` milliseconds on either side; normal, with `spread` as
            its deviation in milliseconds; lognormal, with `milliseconds` as its median and `spread` as its sigma.
        spread: see there.
        seed: makes chance the same on every run.
    """

    name = "latency"
    summary = "The server answers late."
    main = "milliseconds"

    milliseconds: Milliseconds = 100
    distribution: Literal["fixed", "uniform", "normal", "lognormal"] = "fixed"
    spread: Milliseconds = 0
    seed: int | None = None

    def change(self, base: Behaviour) -> Behaviour:
        random = Random(self.seed)

        async def deliver(scope: Scope, receive: Receive, send: Send, headers: Headers, answer: Answer) -> None:
            await anyio.sleep(self._draw(random) / 1000)
            await base.deliver(scope, receive, send, headers, answer)

        return replace(base, deliver=deliver)

    def _draw(self, random: Random) -> float:
        middle, spread = self.milliseconds, self.spread
        drawn = {
            "fixed": lambda: middle,
            "uniform": lambda: random.uniform(middle - spread, middle + spread),
            "normal": lambda: random.gauss(middle, spread),
            "lognormal": lambda: random.lognormvariate(log(max(middle, 1e-3)), min(spread, 10)),
        }[self.distribution]()
        return min(max(drawn, 0), 600_000)


class Status(NetworkFault, frozen=True):
    """An error instead of the answer.

    Attributes:
        status: the status, 400 to 599.
        error: the text; the status' own by default.
        retry_after_seconds: sent as Retry-After, and with 429 as x-ratelimit-reset.
        effect: not-applied, the operation is not executed; applied, it is and the answer is lost.
    """

    name = "status"
    summary = "The server answers an error status such as 429, 500 or 503."
    main = "status"

    status: Annotated[int, Meta(ge=400, le=599)] = 503
    error: str | None = None
    retry_after_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    effect: Effect = "not-applied"

    def change(self, base: Behaviour) -> Behaviour:
        if self.effect == "not-applied":

            def authenticate(service: Service, request: Request) -> Caller:
                base.authenticate(service, request)
                raise Refusal("fault.status", self._text(), status=self.status, headers=self._headers(service))

            return replace(base, authenticate=authenticate)

        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            return msgspec.structs.replace(
                base.answer(service, behaviour, result),
                status=self.status,
                body=encode({"error": self._text()}),
                clause="fault.status",
                headers=self._headers(service),
            )

        return replace(base, answer=answer)

    def _text(self) -> str:
        if self.error is not None:
            return self.error
        return HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Error"

    def _headers(self, service: Service) -> tuple[tuple[bytes, bytes], ...]:
        after = self.retry_after_seconds
        headers = () if after is None else ((b"retry-after", b"%d" % after),)
        if self.status != HTTPStatus.TOO_MANY_REQUESTS:
            return headers
        reset = SystemClock().now() + 1000 * (after or 0)
        limit = b"%d" % service.contract.rate_limit.tokens
        rate = ((b"x-ratelimit-limit", limit), (b"x-ratelimit-remaining", b"0"), (b"x-ratelimit-reset", b"%d" % reset))
        return (*headers, *rate)


class ConnectionReset(NetworkFault, frozen=True):
    """The connection is reset instead of an answer.

    Attributes:
        effect: not-applied, the operation is not executed; applied, it is and the answer is lost.
    """

    name = "connection-reset"
    summary = "The connection is reset without an answer."
    main = "effect"

    effect: Effect = "not-applied"

    def change(self, base: Behaviour) -> Behaviour:
        async def deliver(scope: Scope, receive: Receive, send: Send, headers: Headers, answer: Answer) -> None:
            await _break_off(scope, receive, reset=True)

        if self.effect == "applied":
            return replace(base, deliver=deliver)

        def authenticate(service: Service, request: Request) -> Caller:
            raise Refusal("fault.connection-reset", "the connection was reset", status=503)

        return replace(base, authenticate=authenticate, deliver=deliver)


class TruncatedBody(NetworkFault, frozen=True):
    """The connection ends within the body.

    Attributes:
        bytes: how much of the body is sent; half of it by default.
    """

    name = "truncated-body"
    summary = "The body of the answer ends too early."
    main = "bytes"

    bytes: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None

    def change(self, base: Behaviour) -> Behaviour:
        async def deliver(scope: Scope, receive: Receive, send: Send, headers: Headers, answer: Answer) -> None:
            body = answer.body
            sent = body[: len(body) // 2 if self.bytes is None else min(self.bytes, max(len(body) - 1, 0))]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": sent, "more_body": True})
            await _break_off(scope, receive, reset=False)

        return replace(base, deliver=deliver)


class SlowBody(NetworkFault, frozen=True):
    """The body comes in pieces.

    Attributes:
        milliseconds: how long it takes from the head to the last piece.
        pieces: how many there are.
    """

    name = "slow-body"
    summary = "The body of the answer arrives slowly, in pieces."
    main = "milliseconds"

    milliseconds: Milliseconds = 1000
    pieces: Annotated[int, Meta(ge=1, le=10_000)] = 10

    def change(self, base: Behaviour) -> Behaviour:
        async def deliver(scope: Scope, receive: Receive, send: Send, headers: Headers, answer: Answer) -> None:
            body = answer.body
            size = max(1, -(-len(body) // self.pieces))
            pieces = [body[start : start + size] for start in range(0, len(body), size)]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await anyio.sleep(self.milliseconds / 1000 / len(pieces))
            await send({"type": "http.response.body", "body": b""})

        return replace(base, deliver=deliver)


async def _break_off(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """End the connection in the middle, where the ASGI server lets us; else fail, which ends it for the client too."""
    connection: Any = (scope.get("extensions") or {}).get("adjourn.connection")
    if connection is None:
        raise ConnectionResetError("a fault ended the connection")
    connection.abort_or_close(reset=reset)
    while (await receive())["type"] != "http.disconnect":
        pass
