"""Faults of list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def listing(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """List with other parameters than those that were asked for."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            value = edit(dict(call.value))
            return await base.list(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, list=list_sessions)

    return change


def listed(edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Change a page after it was made."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.list(service, behaviour, call)
            return Result(result.clause, None, edit(dict(result.members)))

        return replace(base, list=list_sessions)

    return change


def forgiving(*names: str) -> Change:
    """Parameters that break their rules are left out."""

    def change(base: Behaviour) -> Behaviour:
        def query(request: Request, operation: Any) -> Any:
            try:
                return base.query(request, operation)
            except Refusal:
                pairs = request.query.split(b"&")
                kept = b"&".join(pair for pair in pairs if unquote_to_bytes(pair.split(b"=")[0]).decode() not in names)
                return base.query(msgspec.structs.replace(request, query=kept), operation)

        return replace(base, query=query)

    return change


def of_first_environment(when: Callable[[Mapping[str, Any]], bool]) -> Change:
    """List the sessions of the first environment, whoever asks."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            if when(call.value):
                caller = Caller(next(iter(service.environments)), None)
                call = Call(caller, call.operation, call.text, call.key, call.value)
            return await base.list(service, behaviour, call)

        return replace(base, list=list_sessions)

    return change


def dropping(drops: Callable[[Mapping[str, Any], dict[str, Any], str], bool]) -> Change:
    """Leave rows out: `drops(query, row, now)`."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await base.list(service, behaviour, call)
            now = rfc3339(call.caller.environment.clock.now())
            kept = [row for row in result.members["data"] if not drops(call.value, row, now)]
            return Result(result.clause, None, {**result.members, "data": kept})

        return replace(base, list=list_sessions)

    return change


def is_of(query: Mapping[str, Any], status: str) -> bool:
    return query.get("filter[status]") == [status]


def any_query(base: Behaviour) -> Behaviour:
    def query(request: Request, operation: Any) -> Any:
        try:
            return base.query(request, operation)
        except Refusal:
            return {}

    return replace(base, query=query)


def without_part(part: str) -> Change:
    """List as if a part of `page` had not been asked for."""
    return listing(lambda value: {**value, "page": {n: v for n, v in value.get("page", {}).items() if n != part}})


def without(name: str) -> Change:
    """List as if a parameter had not been asked for."""
    return listing(lambda value: {n: v for n, v in value.items() if n != name})


def sorted_by(page: dict[str, Any], member: str) -> dict[str, Any]:
    return {**page, "data": sorted(page["data"], key=lambda row: row[member], reverse=True)}


def without_cursor(value: dict[str, Any]) -> dict[str, Any]:
    page = {name: member for name, member in value.get("page", {}).items() if name == "size"}
    return {**value, "page": page}


FAULTS = [
    Fault("list-oldest-first", "list.order", "Lists are oldest first.", listed(lambda page: {**page, "data": page["data"][::-1]})),
    Fault("list-ignores-size", "list.page", "The page size is ignored.", without_part("size")),
    Fault("list-ignores-cursor", "list.cursors", "Cursors are ignored.", listing(without_cursor)),
    Fault("list-without-cursors", "list.cursors", "Pages have no cursors.", listed(lambda page: {**page, "pagination": {}})),
    Fault("list-ignores-type", "list.filter", "The filter by type is ignored.", without("filter[type]")),
    Fault("list-any-query", "list.invalid", "Queries are not validated.", any_query),
    Fault("list-ignores-before", "list.cursors", "The cursor of newer pages is ignored.", without_part("before")),
    Fault("list-ignores-tags", "list.filter", "The filter by tags is ignored.", without("filter[tags]")),
    Fault("list-ignores-task", "list.filter", "The filter by taskIdentifier is ignored.", without("filter[taskIdentifier]")),
    Fault("list-ignores-external-id", "list.filter", "The filter by externalId is ignored.", without("filter[externalId]")),
    Fault("list-ignores-status", "close.listed", "The filter by status is ignored.", without("filter[status]")),
    Fault("list-ignores-from", "list.filter", "The first moment of createdAt is ignored.", without("filter[createdAt][from]")),
    Fault("list-ignores-to", "list.filter", "The last moment of createdAt is ignored.", without("filter[createdAt][to]")),
    Fault("list-ignores-period", "list.filter", "The period of createdAt is ignored.", without("filter[createdAt][period]")),
    Fault("list-last-changed-first", "list.order", "Lists have those first that were changed last.", listed(lambda page: sorted_by(page, "updatedAt"))),
    Fault("list-any-size", "list.invalid", "A page size beyond its bounds is ignored.", forgiving("page[size]")),
    Fault("list-both-cursors", "list.invalid", "Of two cursors one is ignored.", forgiving("page[before]")),
    Fault("list-any-status", "list.invalid", "A status that there is none of is ignored.", forgiving("filter[status]")),
    Fault("list-any-moment", "list.invalid", "Moments that are no numbers are ignored.", forgiving("filter[createdAt][from]", "filter[createdAt][to]")),
    Fault("list-of-first-environment", "env.isolation", "Lists show one environment to all.", of_first_environment(lambda query: True)),
    Fault("list-of-all-by-tag", "env.isolation", "Lists by tag show another environment.", of_first_environment(lambda query: "filter[tags]" in query)),
    Fault("list-of-all-by-status", "env.isolation", "Lists by status show another environment.", of_first_environment(lambda query: "filter[status]" in query)),
    Fault("list-expired-not-closed", "close.listed", "A session that was closed after it expired is not listed as CLOSED.", dropping(lambda q, row, now: is_of(q, "CLOSED") and bool(row["expiresAt"]) and row["expiresAt"] <= now)),
    Fault("list-expiring-not-active", "close.listed", "A session that will expire is not listed as ACTIVE.", dropping(lambda q, row, now: is_of(q, "ACTIVE") and bool(row["expiresAt"]))),
    Fault("list-closed-with-reason", "close.listed", "Only sessions closed with a reason are listed as CLOSED.", dropping(lambda q, row, now: is_of(q, "CLOSED") and row["closedReason"] is None)),
    Fault("list-named-only", "list.filter", "Sessions without an externalId are not listed.", dropping(lambda q, row, now: row["externalId"] is None)),
    Fault("list-without-reason", "row.list", "List rows have no reason.", lambda base: replace(base, list_row=lambda session: {**base.list_row(session), "closedReason": None})),
    Fault("list-without-metadata", "row.list", "List rows have no metadata.", lambda base: replace(base, list_row=lambda session: {n: v for n, v in base.list_row(session).items() if n != "metadata"})),
]  # fmt: skip
