"""A request of the API that comes from the control API or a test instead of a socket."""

from __future__ import annotations

from typing import Any

from adjourn_mock.domain.json_text import encode
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Answer, Request
from adjourn_mock.pipeline.pipeline import Pipeline

__all__ = ["answer_request"]


async def answer_request(
    pipeline: Pipeline, environment: Environment, operation: str, *, segment: str, query: str, body: Any
) -> Answer:
    """The answer of an environment's dialect, without its being noted and without faults.

    Args:
        pipeline: the server's.
        environment: whose key is used.
        operation: the operationId.
        segment: the path parameter, percent-encoded.
        query: the raw query.
        body: sent as JSON.
    """
    template = pipeline.service.contract.operations[operation]
    path = template.template.replace("{session}", segment)
    content = b"" if body is None else encode(body)
    headers = [
        (b"authorization", f"Bearer {environment.secret_key}".encode()),
        (b"content-length", b"%d" % len(content)),
        *([(b"x-trigger-branch", b"adjourn")] if environment.kind == "preview" else []),
    ]
    request = Request.with_head(template.method, path.encode(), query.encode(), headers)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content}

    return await pipeline.answer(pipeline.dialects[environment.dialect], request, receive)
