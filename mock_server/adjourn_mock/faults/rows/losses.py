"""Faults that lose or change values of metadata, tags and triggerConfig on their way through the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adjourn_mock.domain.sessions import Session
from adjourn_mock.faults.closes.closing import first_close, values
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members, adding, setting, setting_in, without
from adjourn_mock.faults.steps import Step, around, given, list_rows, rows_of, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

_CONFIG = "triggerConfig"


# What becomes of nested values.


def nulls_dropped(value: Any) -> Any:
    """Members that are null are left out of nested objects."""
    if isinstance(value, dict):
        return {name: nulls_dropped(member) for name, member in value.items() if member is not None}
    return [nulls_dropped(element) for element in value] if isinstance(value, list) else value


def empties_dropped(value: Any) -> Any:
    """Members that are empty strings, arrays or objects are left out."""
    if isinstance(value, dict):
        return {name: empties_dropped(member) for name, member in value.items() if member not in ("", [], {})}
    return [empties_dropped(element) for element in value] if isinstance(value, list) else value


def flat(value: Any) -> Any:
    """Objects within an object are written as strings."""
    if value is None:
        return None
    return {name: str(member) if isinstance(member, dict | list) else member for name, member in value.items()}


def shallow(value: Any) -> Any:
    """Objects within an object are emptied."""
    return value and {name: {} if isinstance(member, dict) else member for name, member in value.items()}


def numbers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: numbers_as_text(member) for name, member in value.items()}
    if isinstance(value, list):
        return [numbers_as_text(element) for element in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def fractions_dropped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: fractions_dropped(member) for name, member in value.items()}
    if isinstance(value, list):
        return [fractions_dropped(element) for element in value]
    return int(value) if isinstance(value, float) else value


def booleans_as_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: booleans_as_numbers(member) for name, member in value.items()}
    return int(value) if isinstance(value, bool) else value


def trimmed(values: list[str]) -> list[str]:
    return [value.strip() for value in values]


def in_metadata(operation: str, write: Callable[[Any], Any]) -> Change:
    return given(operation, setting("metadata", write))


def in_payload(write: Callable[[Any], Any]) -> Change:
    return given("create", setting_in((_CONFIG, "basePayload"), write))


def losing_option(name: str) -> Change:
    return given("create", setting(_CONFIG, without(name)))


def created_as_updated(row: Members) -> Members:
    return {**row, "updatedAt": row["createdAt"]}


# What close and update do to it.


def after_update(**members: Any) -> Change:
    """Update stores other members; each is a value, or a function of the call and the row."""

    def wrap(update: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await update(service, behaviour, call)
            assert result.session is not None  # noqa: S101 - update answers a row
            other = values(members, call, result.session)
            session = await stored(service, call.caller.environment, result.session, **other)
            return Result(result.clause, session, result.members)

        return faulty

    return around("update", wrap)


def payload_alone(call: Call, session: Session) -> Any:
    return {"basePayload": session.trigger_config["basePayload"]}


def metadata_without_nulls(call: Call, session: Session) -> Any:
    return nulls_dropped(session.metadata)


def config_without_nulls(call: Call, session: Session) -> Any:
    return nulls_dropped(session.trigger_config)


def in_created_metadata(what: str, lose: Callable[[Any], Any]) -> Breach:
    return Breach("create.created", f"The server {what}.", in_metadata("create", lose))


def in_created_payload(what: str, lose: Callable[[Any], Any]) -> Breach:
    return Breach("create.created", f"The server {what}.", in_payload(lose))


def without_option(what: str, option: str) -> Breach:
    return Breach("create.created", f"The server drops {what} on create.", losing_option(option))


FAULTS = named(
    {
        "metadata-nulls-dropped": in_created_metadata("drops nulls in metadata on create", nulls_dropped),
        "metadata-empties-dropped": in_created_metadata("drops empty values in metadata on create", empties_dropped),
        "metadata-flattened": in_created_metadata("stores objects in metadata as strings", flat),
        "metadata-emptied-within": in_created_metadata("empties objects in metadata", shallow),
        "metadata-numbers-as-text": in_created_metadata("stores numbers in metadata as strings", numbers_as_text),
        "metadata-fractions-dropped": in_created_metadata("drops fractions in metadata", fractions_dropped),
        "metadata-booleans-as-numbers": in_created_metadata(
            "stores booleans in metadata as numbers", booleans_as_numbers
        ),
        "payload-nulls-dropped": in_created_payload("drops nulls in basePayload", nulls_dropped),
        "payload-empties-dropped": in_created_payload("drops empty values in basePayload", empties_dropped),
        "payload-flattened": in_created_payload("stores objects in basePayload as strings", flat),
        "payload-emptied-within": in_created_payload("empties objects in basePayload", shallow),
        "payload-numbers-as-text": in_created_payload("stores numbers in basePayload as strings", numbers_as_text),
        "create-drops-tags": Breach(
            "create.created", "The server drops the tags on create.", given("create", without("tags"))
        ),
        "create-sorts-tags": Breach(
            "create.created", "The server sorts the tags on create.", given("create", setting("tags", sorted))
        ),
        "create-trims-tags": Breach(
            "create.created", "The server drops white space around tags.", given("create", setting("tags", trimmed))
        ),
        "create-drops-machine": without_option("the machine", "machine"),
        "create-drops-queue": without_option("the queue", "queue"),
        "create-drops-trigger-tags": without_option("the tags of runs", "tags"),
        "create-drops-attempts": without_option("maxAttempts", "maxAttempts"),
        "create-drops-duration": without_option("maxDuration", "maxDuration"),
        "create-drops-idle-time": without_option("the idle timeout", "idleTimeoutInSeconds"),
        "update-metadata-nulls-dropped": Breach(
            "update.applied",
            "The server drops nulls in the metadata of an update.",
            in_metadata("update", nulls_dropped),
        ),
        "update-metadata-flattened": Breach(
            "update.applied",
            "The server stores objects in the metadata of an update as strings.",
            in_metadata("update", flat),
        ),
        "update-sorts-tags": Breach(
            "update.applied", "The server sorts the tags on update.", given("update", setting("tags", sorted))
        ),
        "update-drops-config": Breach(
            "update.applied", "The server drops trigger options on update.", after_update(trigger_config=payload_alone)
        ),
        "update-drops-expiry": Breach(
            "update.applied", "The server drops expiresAt on update.", after_update(expires_at=None)
        ),
        "update-drops-run": Breach(
            "update.applied", "The server drops currentRunId on update.", after_update(current_run_id=None)
        ),
        "update-answers-old-row": Breach(
            "update.applied",
            "The server answers an update with empty tags.",
            rows_of("update.applied", adding(tags=[])),
        ),
        "close-metadata-nulls-dropped": Breach(
            "close.preserves",
            "The server drops nulls in metadata on close.",
            first_close(metadata=metadata_without_nulls),
        ),
        "close-config-nulls-dropped": Breach(
            "close.preserves",
            "The server drops nulls in triggerConfig on close.",
            first_close(trigger_config=config_without_nulls),
        ),
        "list-metadata-nulls-dropped": Breach(
            "row.list",
            "The server drops nulls in the metadata of list rows.",
            list_rows(setting("metadata", nulls_dropped)),
        ),
        "list-metadata-emptied-within": Breach(
            "row.list",
            "The server empties objects in the metadata of list rows.",
            list_rows(setting("metadata", shallow)),
        ),
        "list-without-tags": Breach(
            "row.list", "The server lists rows without their tags.", list_rows(adding(tags=[]))
        ),
        "list-without-closed-at": Breach(
            "row.list", "The server lists rows with closedAt null.", list_rows(adding(closedAt=None))
        ),
        "list-without-external-id": Breach(
            "row.list", "The server lists rows with externalId null.", list_rows(adding(externalId=None))
        ),
        "list-with-other-updated-at": Breach(
            "row.list", "The server lists rows with createdAt as updatedAt.", list_rows(created_as_updated)
        ),
    }
)
