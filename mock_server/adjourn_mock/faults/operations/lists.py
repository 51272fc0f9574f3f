"""Faults of list: order, pages, filters, what its rows show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from adjourn_mock.dialects.documented import as_dict
from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.access.auth import first
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, adding, setting, without
from adjourn_mock.faults.steps import Step, around, given, list_rows, returning
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS", "Query", "Row", "dropping", "forgiving", "has_status", "taking_invalid"]

Query = Mapping[str, Any]
Row = Mapping[str, Any]
_STATES = ("ACTIVE", "CLOSED", "EXPIRED")


# Parameters that are ignored.


def ignoring(name: str) -> Change:
    """List as if a parameter had not been sent."""
    return given("list", without(name))


def ignoring_in_page(*parts: str) -> Change:
    """List as if a part of `page` had not been sent."""
    return given("list", setting("page", without(*parts)))


def forgiving(*names: str) -> Change:
    """Parameters that violate their rules are left out."""

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


def any_query(base: Behaviour) -> Behaviour:
    def query(request: Request, operation: Any) -> Any:
        try:
            return base.query(request, operation)
        except Refusal:
            return {}

    return replace(base, query=query)


# Pages that are changed.


def reversed_page(page: Members) -> Members:
    return {**page, "data": page["data"][::-1]}


def last_changed_first(page: Members) -> Members:
    return {**page, "data": sorted(page["data"], key=lambda row: as_dict(row)["updatedAt"], reverse=True)}


# Which environment is listed.


def of_first_environment(when: Callable[[Query], bool]) -> Change:
    """List the sessions of the first environment, whoever asks."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            if when(call.value):
                call = msgspec.structs.replace(call, caller=Caller(first(service), None))
            return await step(service, behaviour, call)

        return faulty

    return around("list", wrap)


def always(query: Query) -> bool:
    return True


def by_tag(query: Query) -> bool:
    return "filter[tags]" in query


def by_status(query: Query) -> bool:
    return "filter[status]" in query


# Rows that are missing.


def dropping(drops: Callable[[Query, Row, str], bool]) -> Change:
    """Leave rows out: `drops(query, row, now)`."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await step(service, behaviour, call)
            at = rfc3339(call.caller.environment.clock.now())
            shown = [row for row in result.members["data"] if not drops(call.value, as_dict(row), at)]
            return msgspec.structs.replace(result, members={**result.members, "data": shown})

        return faulty

    return around("list", wrap)


def has_status(query: Query, status: str) -> bool:
    return query.get("filter[status]") == [status]


def expired_when_closed(query: Query, row: Row, at: str) -> bool:
    return has_status(query, "CLOSED") and bool(row["expiresAt"]) and row["expiresAt"] <= at


def expiring_when_active(query: Query, row: Row, at: str) -> bool:
    return has_status(query, "ACTIVE") and bool(row["expiresAt"])


def closed_without_reason(query: Query, row: Row, at: str) -> bool:
    return has_status(query, "CLOSED") and row["closedReason"] is None


def unnamed(query: Query, row: Row, at: str) -> bool:
    return row["externalId"] is None


# States that are mixed up.


def listed_as(real: str, shown: str) -> Change:
    """List the sessions of one state under another."""
    names = {real: shown}

    def edit(value: Members) -> Members:
        wanted = value.get("filter[status]")
        if wanted is None:
            return value
        states = [state for state in _STATES if names.get(state, state) in wanted]
        return {**value, "filter[status]": states or ["NONE"]}

    return given("list", edit)


def with_config(base: Behaviour) -> Behaviour:
    def list_row(session: Session) -> Members:
        return {**as_dict(base.list_row(session)), "triggerConfig": session.trigger_config}

    return replace(base, list_row=list_row)


def without_filter(what: str, parameter: str) -> Breach:
    return Breach("list.filter", f"The server ignores {what}.", ignoring(parameter))


def taking_invalid(what: str, *parameters: str) -> Breach:
    """Parameters that are not valid count as absent."""
    return Breach("list.invalid", f"The server ignores {what}.", forgiving(*parameters))


FAULTS = named(
    {
        "list-oldest-first": Breach(
            "list.order", "The server lists the oldest sessions of a page first.", returning("list", reversed_page)
        ),
        "list-last-changed-first": Breach(
            "list.order", "The server lists first what was changed last.", returning("list", last_changed_first)
        ),
        "list-ignores-size": Breach("list.page", "The server ignores the page size.", ignoring_in_page("size")),
        "list-ignores-cursor": Breach(
            "list.cursors", "The server ignores cursors.", ignoring_in_page("after", "before")
        ),
        "list-ignores-before": Breach(
            "list.cursors", "The server ignores the cursor of newer pages.", ignoring_in_page("before")
        ),
        "list-without-cursors": Breach(
            "list.cursors", "The server answers pages without cursors.", returning("list", adding(pagination={}))
        ),
        "list-any-query": Breach("list.invalid", "The server does not validate queries.", any_query),
        "list-ignores-type": without_filter("the filter by type", "filter[type]"),
        "list-ignores-tags": without_filter("the filter by tags", "filter[tags]"),
        "list-ignores-task": without_filter("the filter by taskIdentifier", "filter[taskIdentifier]"),
        "list-ignores-external-id": without_filter("the filter by externalId", "filter[externalId]"),
        "list-ignores-status": Breach(
            "close.listed", "The server ignores the filter by status.", ignoring("filter[status]")
        ),
        "list-ignores-from": without_filter("the first moment of createdAt", "filter[createdAt][from]"),
        "list-ignores-to": without_filter("the last moment of createdAt", "filter[createdAt][to]"),
        "list-ignores-period": without_filter("the period of createdAt", "filter[createdAt][period]"),
        "list-any-size": taking_invalid("a page size beyond its bounds", "page[size]"),
        "list-both-cursors": taking_invalid("one of two cursors", "page[before]"),
        "list-any-status": taking_invalid("an unknown status", "filter[status]"),
        "list-any-moment": taking_invalid(
            "moments that are not numbers", "filter[createdAt][from]", "filter[createdAt][to]"
        ),
        "list-of-first-environment": Breach(
            "env.isolation", "The server lists one environment to all.", of_first_environment(always)
        ),
        "list-of-all-by-tag": Breach(
            "env.isolation", "The server lists another environment by tag.", of_first_environment(by_tag)
        ),
        "list-of-all-by-status": Breach(
            "env.isolation", "The server lists another environment by status.", of_first_environment(by_status)
        ),
        "list-expired-not-closed": Breach(
            "close.listed",
            "The server does not list a session as CLOSED that was closed after it expired.",
            dropping(expired_when_closed),
        ),
        "list-expiring-not-active": Breach(
            "close.listed",
            "The server does not list a session as ACTIVE that will expire.",
            dropping(expiring_when_active),
        ),
        "list-closed-with-reason": Breach(
            "close.listed",
            "The server lists only sessions as CLOSED that have a reason.",
            dropping(closed_without_reason),
        ),
        "list-closed-as-active": Breach(
            "close.listed", "The server lists closed sessions as ACTIVE.", listed_as("CLOSED", "ACTIVE")
        ),
        "list-closed-as-expired": Breach(
            "close.listed", "The server lists closed sessions as EXPIRED.", listed_as("CLOSED", "EXPIRED")
        ),
        "list-active-as-closed": Breach(
            "close.listed", "The server lists open sessions as CLOSED.", listed_as("ACTIVE", "CLOSED")
        ),
        "list-named-only": Breach(
            "list.filter", "The server does not list sessions without an externalId.", dropping(unnamed)
        ),
        "list-without-reason": Breach(
            "row.list", "The server lists rows without their reason.", list_rows(adding(closedReason=None))
        ),
        "list-without-metadata": Breach(
            "row.list", "The server lists rows without metadata.", list_rows(without("metadata"))
        ),
        "list-with-config": Breach("row.list", "The server lists rows with triggerConfig.", with_config),
    }
)
