"""Faults of how a body is framed."""

from __future__ import annotations

from dataclasses import replace

from starlette.types import Receive

from adjourn_mock.exchanges.exchange import ClientGone, Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import CLOSE, CREATE
from adjourn_mock.pipeline.behaviour import Behaviour
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]


def accepting_short(limit_clause: str) -> Change:
    """A body that ends before its declared length is taken for whole."""

    def change(base: Behaviour) -> Behaviour:
        async def receive(request: Request, receive: Receive, rule: BodyRule) -> bytes:
            if rule.limit_clause != limit_clause:
                return await base.receive(request, receive, rule)
            content: bytes = b""
            while True:
                message = await receive()
                content += message.get("body", b"")
                if len(content) > rule.limit_bytes:
                    raise Refusal(rule.limit_clause)
                if message["type"] == "http.disconnect":
                    if not content:
                        raise ClientGone
                    return content
                if not message.get("more_body"):
                    return content

        return replace(base, receive=receive)

    return change


FAULTS = named(
    {
        "short-body-closes": Breach(
            "body.no-effect",
            "The server closes though the body is shorter than its Content-Length.",
            accepting_short(CLOSE),
        ),
        "short-body-creates": Breach(
            "create.invalid",
            "The server creates though the body is shorter than its Content-Length.",
            accepting_short(CREATE),
        ),
    }
)
