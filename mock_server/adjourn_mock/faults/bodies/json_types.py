"""Faults of JSON types: members of create and update that pass with a wrong type, or are refused with the right one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Edit, Members, setting_in, without
from adjourn_mock.faults.operations.creates import object_mended, without_rule
from adjourn_mock.faults.steps import CREATE, UPDATE
from adjourn_mock.pipeline.behaviour import Behaviour
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]

_CONFIG = "triggerConfig"
_UPDATE_TAGS = "/components/schemas/UpdateSession/properties/tags"


def in_create(path: Sequence[str], fix: Callable[[Any], Any]) -> Change:
    """Fix a member of create bodies before it is validated; the last name of `path` may be in triggerConfig."""
    return object_mended(CREATE, setting_in(path, fix))


def in_config(name: str, fix: Callable[[Any], Any]) -> Change:
    return in_create((_CONFIG, name), fix)


def in_update(name: str, fix: Callable[[Any], Any]) -> Change:
    return object_mended(UPDATE, setting_in((name,), fix))


def null_dropped(*names: str) -> Edit:
    """Members that are null are taken for absent."""

    def edit(members: Members) -> Members:
        return without(*(name for name in names if members.get(name, "") is None))(members)

    return edit


def number_dropped(name: str) -> Edit:
    """A member that is a number is taken for absent."""

    def edit(members: Members) -> Members:
        return without(name)(members) if number_as_text(members.get(name)) != members.get(name) else members

    return edit


def null_options_dropped(*names: str) -> Change:
    return in_create((_CONFIG,), lambda config: null_dropped(*names)(config) if isinstance(config, dict) else config)


# What is made of a value of the wrong type; values of other types stay as they are.


def number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def boolean_as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool) else value


def text_as_integer(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdigit() else value


def boolean_as_integer(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def fraction_dropped(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


def text_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def null_as_list(value: Any) -> Any:
    return [] if value is None else value


def null_as_object(value: Any) -> Any:
    return {} if value is None else value


def null_as_config(value: Any) -> Any:
    return {"basePayload": {}} if value is None else value


def array_as_object(value: Any) -> Any:
    return {str(number): element for number, element in enumerate(value)} if isinstance(value, list) else value


def text_as_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def elements_as_text(value: Any) -> Any:
    return [number_as_text(element) for element in value] if isinstance(value, list) else value


def null_elements_dropped(value: Any) -> Any:
    return [element for element in value if element is not None] if isinstance(value, list) else value


def refusing_whole_floats(base: Behaviour) -> Behaviour:
    """Refuse 5.0 where an integer is due."""

    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        checked = base.validate(request, value, rule)
        if rule.limit_clause == CREATE and any(type(each) is float for each in checked[_CONFIG].values()):
            raise Refusal(rule.invalid_clause, "Expected an integer")
        return checked

    return replace(base, validate=validate)


def coercing_option(what: str, option: str, edit: Callable[[Any], Any]) -> Breach:
    """A create takes a trigger option of another type."""
    return Breach("create.invalid", f"The server {what}.", in_config(option, edit))


def coercing(what: str, path: Sequence[str], edit: Callable[[Any], Any]) -> Breach:
    """A create takes a member of another type."""
    return Breach("create.invalid", f"The server {what}.", in_create(path, edit))


def coercing_update(what: str, name: str, edit: Callable[[Any], Any]) -> Breach:
    """An update takes a member of another type."""
    return Breach("update.invalid", f"The server {what}.", in_update(name, edit))


FAULTS = named(
    {
        "create-null-external-id-passes": Breach(
            "create.invalid",
            "The server takes null for no externalId.",
            object_mended(CREATE, null_dropped("externalId")),
        ),
        "create-null-tags-pass": Breach(
            "create.invalid", "The server takes null for no tags.", object_mended(CREATE, null_dropped("tags"))
        ),
        "create-null-metadata-passes": Breach(
            "create.invalid", "The server takes null for no metadata.", object_mended(CREATE, null_dropped("metadata"))
        ),
        "create-null-payload-passes": coercing_option(
            "takes null for an empty basePayload", "basePayload", null_as_object
        ),
        "create-null-config-passes": coercing(
            "takes null for triggerConfig with an empty basePayload", (_CONFIG,), null_as_config
        ),
        "create-null-machine-passes": Breach(
            "create.invalid", "The server takes null for no machine.", null_options_dropped("machine")
        ),
        "create-null-queue-passes": Breach(
            "create.invalid", "The server takes null for no queue.", null_options_dropped("queue")
        ),
        "create-null-numbers-pass": Breach(
            "create.invalid",
            "The server takes null for no number in triggerConfig.",
            null_options_dropped("maxAttempts", "maxDuration", "idleTimeoutInSeconds"),
        ),
        "create-null-tag-dropped": coercing("drops tags that are null", ("tags",), null_elements_dropped),
        "create-type-number-passes": coercing("makes a string of a type that is a number", ("type",), number_as_text),
        "create-type-boolean-passes": coercing(
            "makes a string of a type that is a boolean", ("type",), boolean_as_text
        ),
        "create-task-number-passes": coercing(
            "makes a string of a taskIdentifier that is a number", ("taskIdentifier",), number_as_text
        ),
        "create-external-id-boolean-passes": coercing(
            "makes a string of an externalId that is a boolean", ("externalId",), boolean_as_text
        ),
        "create-tags-string-passes": coercing("makes a list of tags that are one string", ("tags",), text_as_list),
        "create-tag-number-passes": coercing("makes a string of a tag that is a number", ("tags",), elements_as_text),
        "create-metadata-array-passes": coercing(
            "makes an object of metadata that are an array", ("metadata",), array_as_object
        ),
        "create-metadata-string-passes": coercing(
            "parses metadata that are a string of JSON", ("metadata",), text_as_json
        ),
        "create-payload-array-passes": coercing_option(
            "makes an object of a basePayload that is an array", "basePayload", array_as_object
        ),
        "create-payload-string-passes": coercing_option(
            "parses a basePayload that is a string of JSON", "basePayload", text_as_json
        ),
        "create-queue-number-passes": coercing_option(
            "makes a string of a queue that is a number", "queue", number_as_text
        ),
        "create-attempts-text-passes": coercing_option(
            "makes a number of maxAttempts that are a string of digits", "maxAttempts", text_as_integer
        ),
        "create-attempts-boolean-passes": coercing_option(
            "takes true for one attempt", "maxAttempts", boolean_as_integer
        ),
        "create-attempts-fraction-passes": coercing_option(
            "drops the fraction of maxAttempts", "maxAttempts", fraction_dropped
        ),
        "create-duration-text-passes": coercing_option(
            "makes a number of a maxDuration that is a string of digits", "maxDuration", text_as_integer
        ),
        "create-duration-fraction-passes": coercing_option(
            "drops the fraction of maxDuration", "maxDuration", fraction_dropped
        ),
        "create-idle-time-text-passes": coercing_option(
            "makes a number of an idle timeout that is a string of digits", "idleTimeoutInSeconds", text_as_integer
        ),
        "create-idle-time-fraction-passes": coercing_option(
            "drops the fraction of the idle timeout", "idleTimeoutInSeconds", fraction_dropped
        ),
        "create-trigger-tags-string-pass": coercing_option(
            "makes a list of the tags of runs that are one string", "tags", text_as_list
        ),
        "create-whole-float-refused": Breach(
            "create.created", "The server refuses 5.0 where an integer is due.", refusing_whole_floats
        ),
        "update-null-tags-pass": coercing_update("takes null for empty tags in an update", "tags", null_as_list),
        "update-tags-string-passes": coercing_update(
            "makes a list of the tags of an update that are one string", "tags", text_as_list
        ),
        "update-tag-number-passes": coercing_update(
            "makes a string of a tag of an update that is a number", "tags", elements_as_text
        ),
        "update-metadata-array-passes": coercing_update(
            "makes an object of the metadata of an update that are an array", "metadata", array_as_object
        ),
        "update-metadata-string-passes": coercing_update(
            "parses the metadata of an update that are a string of JSON", "metadata", text_as_json
        ),
        "update-external-id-number-ignored": Breach(
            "update.invalid",
            "The server ignores the externalId of an update that is a number.",
            object_mended(UPDATE, number_dropped("externalId")),
        ),
        "update-any-number-of-tags": Breach(
            "update.invalid",
            "The server accepts any number of tags in an update.",
            without_rule(UPDATE, _UPDATE_TAGS, "maxItems"),
        ),
        "update-tags-of-any-length": Breach(
            "update.invalid",
            "The server accepts tags of any length in an update.",
            without_rule(UPDATE, "/components/schemas/Tag", "maxLength"),
        ),
    }
)
