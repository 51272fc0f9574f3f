"""Faults that lose the letter case of what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjourn_mock.faults.fault import Breach, named
from adjourn_mock.faults.members import Edit, setting, setting_in
from adjourn_mock.faults.steps import given, list_rows, rows

__all__ = ["FAULTS"]

_CONFIG = "triggerConfig"


def each(write: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    return lambda values: [write(value) for value in values]


def lower_keys(value: Any) -> Any:
    """The names of members in lower case, in nested objects too."""
    if isinstance(value, dict):
        return {name.lower(): lower_keys(member) for name, member in value.items()}
    return [lower_keys(element) for element in value] if isinstance(value, list) else value


def lower_texts(value: Any) -> Any:
    """The strings in lower case, in nested objects and arrays too."""
    if isinstance(value, dict):
        return {name: lower_texts(member) for name, member in value.items()}
    if isinstance(value, list):
        return [lower_texts(element) for element in value]
    return value.lower() if isinstance(value, str) else value


def lowered_on_create(what: str, edit: Edit) -> Breach:
    return Breach("create.created", f"The server stores {what} in lower case.", given("create", edit))


def lowered_on_update(what: str, edit: Edit) -> Breach:
    return Breach("update.applied", f"The server stores {what} of an update in lower case.", given("update", edit))


FAULTS = named(
    {
        "case-of-type-lost": lowered_on_create("type", setting("type", str.lower)),
        "case-of-task-lost": lowered_on_create("taskIdentifier", setting("taskIdentifier", str.lower)),
        "case-of-external-id-lost": lowered_on_create("externalId", setting("externalId", str.lower)),
        "case-of-tags-lost": lowered_on_create("tags", setting("tags", each(str.lower))),
        "case-of-metadata-keys-lost": lowered_on_create("the names in metadata", setting("metadata", lower_keys)),
        "case-of-metadata-lost": lowered_on_create("the strings in metadata", setting("metadata", lower_texts)),
        "case-of-payload-keys-lost": lowered_on_create(
            "the names in basePayload", setting_in((_CONFIG, "basePayload"), lower_keys)
        ),
        "case-of-payload-lost": lowered_on_create(
            "the strings in basePayload", setting_in((_CONFIG, "basePayload"), lower_texts)
        ),
        "case-of-queue-lost": lowered_on_create("the queue", setting_in((_CONFIG, "queue"), str.lower)),
        "case-of-trigger-tags-lost": lowered_on_create(
            "the tags of runs", setting_in((_CONFIG, "tags"), each(str.lower))
        ),
        "update-case-of-tags-lost": lowered_on_update("the tags", setting("tags", each(str.lower))),
        "update-case-of-metadata-keys-lost": lowered_on_update(
            "the names in the metadata", setting("metadata", lower_keys)
        ),
        "update-case-of-metadata-lost": lowered_on_update(
            "the strings in the metadata", setting("metadata", lower_texts)
        ),
        "case-of-reason-raised": Breach(
            "reason.verbatim",
            "The server records the reason in upper case.",
            given("close", setting("reason", str.upper)),
        ),
        "case-of-reason-capitalised": Breach(
            "reason.verbatim",
            "The server records the reason with a capital letter.",
            given("close", setting("reason", str.capitalize)),
        ),
        "row-case-of-tags-lost": Breach(
            "create.created", "The server answers tags in lower case.", rows(setting("tags", each(str.lower)))
        ),
        "list-case-of-tags-lost": Breach(
            "row.list", "The server lists tags in lower case.", list_rows(setting("tags", each(str.lower)))
        ),
    }
)
