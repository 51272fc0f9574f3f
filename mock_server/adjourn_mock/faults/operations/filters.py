"""Faults of list filters, bad list parameters and the ends of pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from adjourn_mock.dialects.documented import as_dict
from adjourn_mock.domain.sessions import Session
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, setting, setting_in
from adjourn_mock.faults.operations.lists import Query, Row, dropping, has_status, taking_invalid
from adjourn_mock.faults.steps import Step, around, given, returning, with_value
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

_TYPE, _TASK, _TAGS, _EXTERNAL = "filter[type]", "filter[taskIdentifier]", "filter[tags]", "filter[externalId]"
Same = Callable[[str, str], bool]
ValuesOf = Callable[[Session], Iterable[str]]


# Which values of a session a filter looks at.


def types(session: Session) -> Iterable[str]:
    return (session.type,)


def tasks(session: Session) -> Iterable[str]:
    return (session.task_identifier,)


def tags(session: Session) -> Iterable[str]:
    return session.tags


def external_ids(session: Session) -> Iterable[str]:
    return () if session.external_id is None else (session.external_id,)


def widened(parameter: str, values_of: ValuesOf, same: Same) -> Change:
    """A filter also matches values that are only `same` as the one asked for: `same(asked, had)`."""

    def wrap(step: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            asked = call.value.get(parameter)
            if asked is None:
                return await step(service, behaviour, call)
            wanted = [asked] if isinstance(asked, str) else list(asked)
            rows = await service.store.snapshot(call.caller.environment.id)
            known = {value for session in rows for value in values_of(session)}
            others = sorted(v for v in known if v not in wanted and any(same(each, v) for each in wanted))
            if isinstance(asked, str):
                # An exact match goes first: the fault shows where there is none.
                value: Any = asked if asked in known or not others else others[0]
            else:
                value = [*wanted, *others]
            return await step(service, behaviour, with_value(call, {**call.value, parameter: value}))

        return faulty

    return around("list", wrap)


def any_case(asked: str, had: str) -> bool:
    return asked.lower() == had.lower()


def like(asked: str, had: str) -> bool:
    if "%" not in asked and "_" not in asked:
        return False
    pattern = "".join({"%": ".*", "_": "."}.get(character, re.escape(character)) for character in asked)
    return re.fullmatch(pattern, had, re.DOTALL) is not None


def starts(asked: str, had: str) -> bool:
    return len(asked) > 3 and had.startswith(asked)


def before_comma(external_id: str) -> str:
    return external_id.split(",")[0]


def first_only(values: list[str]) -> list[str]:
    return values[:1]


def lacks_a_tag(query: Query, row: Row, at: str) -> bool:
    return any(tag not in row["tags"] for tag in query.get(_TAGS, ()))


def expired_when_active(query: Query, row: Row, at: str) -> bool:
    return has_status(query, "EXPIRED") and row["closedAt"] is None


# Pages.


def one_less(size: int) -> int:
    return max(1, size - 1)


def with_next(page: Members) -> Members:
    """`next` is there on every page that has rows, on the last one too."""
    if not page["data"] or "next" in page["pagination"]:
        return page
    return {**page, "pagination": {**page["pagination"], "next": as_dict(page["data"][-1])["id"].partition("_")[2]}}


def with_previous(page: Members) -> Members:
    """`previous` is there on every page that has rows, on the first one too."""
    if not page["data"] or "previous" in page["pagination"]:
        return page
    return {**page, "pagination": {**page["pagination"], "previous": as_dict(page["data"][0])["id"].partition("_")[2]}}


def repeating_last(step: Step) -> Step:
    """A page begins with the session that the cursor names."""

    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await step(service, behaviour, call)
        cursor = call.value.get("page", {}).get("after")
        if cursor is None:
            return result
        session = next(
            (
                each
                for each in await service.store.snapshot(call.caller.environment.id)
                if each.id.endswith(str(cursor))
            ),
            None,
        )
        if session is None:
            return result
        data = [behaviour.list_row(session), *result.members["data"]]
        return msgspec.structs.replace(result, members={**result.members, "data": data})

    return faulty


def in_any_case(name: str, parameter: str, values_of: ValuesOf) -> Breach:
    summary = f"The server ignores letter case in the filter by {name}."
    return Breach("list.filter", summary, widened(parameter, values_of, any_case))


def with_wildcards(name: str, parameter: str, values_of: ValuesOf) -> Breach:
    summary = f"The server takes % and _ for wildcards in the filter by {name}."
    return Breach("list.filter", summary, widened(parameter, values_of, like))


def by_start(what: str, parameter: str, values_of: ValuesOf) -> Breach:
    return Breach(
        "list.filter", f"The server lists {what} with the one asked for.", widened(parameter, values_of, starts)
    )


FAULTS = named(
    {
        "list-type-any-case": in_any_case("type", _TYPE, types),
        "list-task-any-case": in_any_case("taskIdentifier", _TASK, tasks),
        "list-tags-any-case": in_any_case("tags", _TAGS, tags),
        "list-external-id-any-case": in_any_case("externalId", _EXTERNAL, external_ids),
        "list-type-like": with_wildcards("type", _TYPE, types),
        "list-task-like": with_wildcards("taskIdentifier", _TASK, tasks),
        "list-tags-like": with_wildcards("tags", _TAGS, tags),
        "list-external-id-like": with_wildcards("externalId", _EXTERNAL, external_ids),
        "list-type-starts": by_start("types that start", _TYPE, types),
        "list-task-starts": by_start("tasks that start", _TASK, tasks),
        "list-tags-start": by_start("tags that start", _TAGS, tags),
        "list-external-id-starts": by_start("an externalId that starts", _EXTERNAL, external_ids),
        "list-external-id-commas": Breach(
            "list.filter",
            "The server ends the externalId of the filter at a comma.",
            given("list", setting(_EXTERNAL, before_comma)),
        ),
        "list-first-tag-only": Breach(
            "list.filter",
            "The server filters only by the first of several tags.",
            given("list", setting(_TAGS, first_only)),
        ),
        "list-first-type-only": Breach(
            "list.filter",
            "The server filters only by the first of several types.",
            given("list", setting(_TYPE, first_only)),
        ),
        "list-all-tags": Breach(
            "list.filter", "The server lists only sessions that have all tags of the filter.", dropping(lacks_a_tag)
        ),
        "list-without-expired": Breach(
            "list.filter", "The server does not list expired sessions as EXPIRED.", dropping(expired_when_active)
        ),
        "list-size-one-less": Breach(
            "list.page",
            "The server lists one session less than the page size.",
            given("list", setting_in(("page", "size"), one_less)),
        ),
        "list-next-on-last-page": Breach(
            "list.cursors", "The server answers the last page with next.", returning("list", with_next)
        ),
        "list-previous-on-first-page": Breach(
            "list.cursors", "The server answers the first page with previous.", returning("list", with_previous)
        ),
        "list-repeats-last": Breach(
            "list.cursors",
            "The server begins a page with the last session of the page before.",
            around("list", repeating_last),
        ),
        "list-any-from": taking_invalid("a from that is not a number", "filter[createdAt][from]"),
        "list-any-to": taking_invalid("a to that is not a number", "filter[createdAt][to]"),
    }
)
