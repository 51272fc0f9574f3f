"""Sessions of every sort: what a close must work on alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from adjourn_spec import Contract

__all__ = ["full_session", "variants"]

# Values whose type or form a store that is not careful changes.
_TEXTS = {
    "date": "2023-11-07T05:31:56Z",
    "digits": "007",
    "true": "true",
    "null": "null",
    "html": "<b>&amp;</b>",
    "escapes": "\\n \n %41",
    "Case": "MiXed",
    "case": "other",
}
_VALUES = {
    "a": 1,
    "nested": {"b": [1, "two", None, {"c": False, "d": None}]},
    "text": " spaced ",
    "big": 2**53 - 1,
    "float": 0.1,
    "": "",
    "null": None,
}
_PAYLOAD = {
    "a": 1,
    "b": [1, 2, {"c": None}],
    "text": "\u00fc \U0001f98a",
    "nothing": None,
    "empty": {},
    "list": [],
    "float": 1.5,
    "yes": True,
}


def variants(contract: Contract, account: Mapping[str, str] = MappingProxyType({})) -> list[dict[str, Any]]:
    """Create members, each set another sort of session; `external_id` None means one without.

    Args:
        contract: has the limits.
        account: `region` and `lockToVersion` that the account has; others are left out (grey.account-names).
    """
    create = contract.schema("CreateSession").definition["properties"]
    every = _full_config(contract)
    least = {"basePayload": {}, "machine": _machines(contract)[0], "maxAttempts": 1, "idleTimeoutInSeconds": 1}
    longest = {"type": "x" * create["type"]["maxLength"], "taskIdentifier": "y" * create["taskIdentifier"]["maxLength"]}
    of_account = [{"triggerConfig": {"basePayload": {}, **account}}] if account else []
    return [
        *of_account,
        {},
        {"external_id": None},
        {"triggerConfig": every, "metadata": {"a": {"b": 1}}, "tags": ["a", "b"], "external_id": None},
        {"expiresAt": "2099-12-31T23:59:59.000Z"},
        {"metadata": _VALUES},
        {"type": "Another.Type", "taskIdentifier": "My-Task", "tags": ["Tag", "tag"]},
        longest,
        {"tags": []},
        {"tags": ["one"]},
        {"tags": [f"tag {number} \u00fc" for number in range(create["tags"]["maxItems"])]},
        {"tags": ["z", "a", "m"]},
        {"metadata": {}},
        {"metadata": _TEXTS},
        {"triggerConfig": every},
        {"triggerConfig": least},
        {"triggerConfig": {"basePayload": {"deep": {"er": {"est": ["x"]}}}, "queue": "q", "tags": []}},
        {"expiresAt": "2099-06-01T12:00:00.000Z", "external_id": None, "tags": ["expiring"], "metadata": {"x": 1}},
    ]


def full_session(contract: Contract) -> dict[str, Any]:
    """The members of a create in which each optional member is set, metadata and externalId aside."""
    return {"triggerConfig": _full_config(contract), "tags": ["a"], "expiresAt": "2099-12-31T23:59:59.000Z"}


def _full_config(contract: Contract) -> dict[str, Any]:
    config = contract.schema("TriggerConfig").definition["properties"]
    return {
        "basePayload": _PAYLOAD,
        "machine": _machines(contract)[-1],
        "queue": "a-queue",
        "tags": [f"t{number}" for number in range(5)],
        "maxAttempts": config["maxAttempts"]["maximum"],
        "maxDuration": 86_400,
        "idleTimeoutInSeconds": config["idleTimeoutInSeconds"]["maximum"],
    }


def _machines(contract: Contract) -> list[str]:
    machines: list[str] = contract.schema("TriggerConfig").definition["properties"]["machine"]["enum"]
    return machines
