"""Faults that lose the letter case of what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjourn_mock.faults.fault import Breach, named
from adjourn_mock.faults.members import setting, setting_in
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


FAULTS = named(
    {
        "case-of-type-lost": Breach(
            "create.created", "The server stores type in lower case.", given("create", setting("type", str.lower))
        ),
        "case-of-task-lost": Breach(
            "create.created",
            "The server stores taskIdentifier in lower case.",
            given("create", setting("taskIdentifier", str.lower)),
        ),
        "case-of-external-id-lost": Breach(
            "create.created",
            "The server stores externalId in lower case.",
            given("create", setting("externalId", str.lower)),
        ),
        "case-of-tags-lost": Breach(
            "create.created", "The server stores tags in lower case.", given("create", setting("tags", each(str.lower)))
        ),
        "case-of-metadata-keys-lost": Breach(
            "create.created",
            "The server stores the names in metadata in lower case.",
            given("create", setting("metadata", lower_keys)),
        ),
        "case-of-metadata-lost": Breach(
            "create.created",
            "The server stores the strings in metadata in lower case.",
            given("create", setting("metadata", lower_texts)),
        ),
        "case-of-payload-keys-lost": Breach(
            "create.created",
            "The server stores the names in basePayload in lower case.",
            given("create", setting_in((_CONFIG, "basePayload"), lower_keys)),
        ),
        "case-of-payload-lost": Breach(
            "create.created",
            "The server stores the strings in basePayload in lower case.",
            given("create", setting_in((_CONFIG, "basePayload"), lower_texts)),
        ),
        "case-of-queue-lost": Breach(
            "create.created",
            "The server stores the queue in lower case.",
            given("create", setting_in((_CONFIG, "queue"), str.lower)),
        ),
        "case-of-trigger-tags-lost": Breach(
            "create.created",
            "The server stores the tags of runs in lower case.",
            given("create", setting_in((_CONFIG, "tags"), each(str.lower))),
        ),
        "update-case-of-tags-lost": Breach(
            "update.applied",
            "The server stores the tags of an update in lower case.",
            given("update", setting("tags", each(str.lower))),
        ),
        "update-case-of-metadata-keys-lost": Breach(
            "update.applied",
            "The server stores the names in the metadata of an update in lower case.",
            given("update", setting("metadata", lower_keys)),
        ),
        "update-case-of-metadata-lost": Breach(
            "update.applied",
            "The server stores the strings in the metadata of an update in lower case.",
            given("update", setting("metadata", lower_texts)),
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
