"""Faults of channels: which records are read, and whom channels are for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS", "letting_tokens"]


def records_from_the_start(base: Behaviour) -> Behaviour:
    async def records(service: Service, behaviour: Behaviour, call: Call) -> Result:
        return await base.records(service, behaviour, msgspec.structs.replace(call, value={}))

    return replace(base, records=records)


def any_cursor(base: Behaviour) -> Behaviour:
    def query(request: Any, operation: Any) -> Any:
        try:
            return base.query(request, operation)
        except Refusal as refusal:
            if refusal.clause != "channel.cursor":
                raise
            return {}

    return replace(base, query=query)


def closed_channels_are_gone(base: Behaviour) -> Behaviour:
    async def records(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is not None and session.closed_at is not None:
            raise Refusal("id.unknown")
        return await base.records(service, behaviour, call)

    return replace(base, records=records)


def letting_tokens(*operations: str) -> Change:
    """Let every token do these operations."""

    def change(base: Behaviour) -> Behaviour:
        async def authorize(service: Service, behaviour: Behaviour, call: Call) -> None:
            if call.operation.name not in operations:
                await base.authorize(service, behaviour, call)

        return replace(base, authorize=authorize)

    return change


FAULTS = named(
    {
        "records-from-the-start": Breach(
            "channel.records",
            "The server answers all records, whatever the cursor is.",
            records_from_the_start,
        ),
        "records-any-cursor": Breach(
            "channel.cursor",
            "The server ignores a cursor that is not a number.",
            any_cursor,
        ),
        "closed-channels-404": Breach(
            "channel.read-after-close",
            "The server answers 404 for the records of a closed session.",
            closed_channels_are_gone,
        ),
        "token-crosses-sessions": Breach(
            "channel.scopes",
            "The server lets a token read and write every session's channels.",
            letting_tokens("appendToIn", "listOutRecords", "streamOut"),
        ),
        "token-appends-to-out": Breach(
            "channel.out-secret",
            "The server lets a token append to `out`.",
            letting_tokens("appendToOut"),
        ),
        "token-reads-in": Breach(
            "channel.in-secret",
            "The server lets a token read `in`.",
            letting_tokens("streamIn", "listInRecords"),
        ),
    }
)
