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
        "create-null-payload-passes": Breach(
            "create.invalid",
            "The server takes null for an empty basePayload.",
            in_config("basePayload", null_as_object),
        ),
        "create-null-config-passes": Breach(
            "create.invalid",
            "The server takes null for triggerConfig with an empty basePayload.",
            in_create((_CONFIG,), null_as_config),
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
        "create-null-tag-dropped": Breach(
            "create.invalid", "The server drops tags that are null.", in_create(("tags",), null_elements_dropped)
        ),
        "create-type-number-passes": Breach(
            "create.invalid",
            "The server makes a string of a type that is a number.",
            in_create(("type",), number_as_text),
        ),
        "create-type-boolean-passes": Breach(
            "create.invalid",
            "The server makes a string of a type that is a boolean.",
            in_create(("type",), boolean_as_text),
        ),
        "create-task-number-passes": Breach(
            "create.invalid",
            "The server makes a string of a taskIdentifier that is a number.",
            in_create(("taskIdentifier",), number_as_text),
        ),
        "create-external-id-boolean-passes": Breach(
            "create.invalid",
            "The server makes a string of an externalId that is a boolean.",
            in_create(("externalId",), boolean_as_text),
        ),
        "create-tags-string-passes": Breach(
            "create.invalid", "The server makes a list of tags that are one string.", in_create(("tags",), text_as_list)
        ),
        "create-tag-number-passes": Breach(
            "create.invalid",
            "The server makes a string of a tag that is a number.",
            in_create(("tags",), elements_as_text),
        ),
        "create-metadata-array-passes": Breach(
            "create.invalid",
            "The server makes an object of metadata that are an array.",
            in_create(("metadata",), array_as_object),
        ),
        "create-metadata-string-passes": Breach(
            "create.invalid",
            "The server parses metadata that are a string of JSON.",
            in_create(("metadata",), text_as_json),
        ),
        "create-payload-array-passes": Breach(
            "create.invalid",
            "The server makes an object of a basePayload that is an array.",
            in_config("basePayload", array_as_object),
        ),
        "create-payload-string-passes": Breach(
            "create.invalid",
            "The server parses a basePayload that is a string of JSON.",
            in_config("basePayload", text_as_json),
        ),
        "create-queue-number-passes": Breach(
            "create.invalid",
            "The server makes a string of a queue that is a number.",
            in_config("queue", number_as_text),
        ),
        "create-attempts-text-passes": Breach(
            "create.invalid",
            "The server makes a number of maxAttempts that are a string of digits.",
            in_config("maxAttempts", text_as_integer),
        ),
        "create-attempts-boolean-passes": Breach(
            "create.invalid", "The server takes true for one attempt.", in_config("maxAttempts", boolean_as_integer)
        ),
        "create-attempts-fraction-passes": Breach(
            "create.invalid",
            "The server drops the fraction of maxAttempts.",
            in_config("maxAttempts", fraction_dropped),
        ),
        "create-duration-text-passes": Breach(
            "create.invalid",
            "The server makes a number of a maxDuration that is a string of digits.",
            in_config("maxDuration", text_as_integer),
        ),
        "create-duration-fraction-passes": Breach(
            "create.invalid",
            "The server drops the fraction of maxDuration.",
            in_config("maxDuration", fraction_dropped),
        ),
        "create-idle-time-text-passes": Breach(
            "create.invalid",
            "The server makes a number of an idle timeout that is a string of digits.",
            in_config("idleTimeoutInSeconds", text_as_integer),
        ),
        "create-idle-time-fraction-passes": Breach(
            "create.invalid",
            "The server drops the fraction of the idle timeout.",
            in_config("idleTimeoutInSeconds", fraction_dropped),
        ),
        "create-trigger-tags-string-pass": Breach(
            "create.invalid",
            "The server makes a list of the tags of runs that are one string.",
            in_config("tags", text_as_list),
        ),
        "create-whole-float-refused": Breach(
            "create.created", "The server refuses 5.0 where an integer is due.", refusing_whole_floats
        ),
        "update-null-tags-pass": Breach(
            "update.invalid", "The server takes null for empty tags in an update.", in_update("tags", null_as_list)
        ),
        "update-tags-string-passes": Breach(
            "update.invalid",
            "The server makes a list of the tags of an update that are one string.",
            in_update("tags", text_as_list),
        ),
        "update-tag-number-passes": Breach(
            "update.invalid",
            "The server makes a string of a tag of an update that is a number.",
            in_update("tags", elements_as_text),
        ),
        "update-metadata-array-passes": Breach(
            "update.invalid",
            "The server makes an object of the metadata of an update that are an array.",
            in_update("metadata", array_as_object),
        ),
        "update-metadata-string-passes": Breach(
            "update.invalid",
            "The server parses the metadata of an update that are a string of JSON.",
            in_update("metadata", text_as_json),
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
