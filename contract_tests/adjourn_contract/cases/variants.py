"""Sessions of every sort: what a close must work on alike."""

from __future__ import annotations

from typing import Any

from adjourn_spec import Contract

__all__ = ["variants"]


def variants(contract: Contract) -> list[dict[str, Any]]:
    """Create members, each set another sort of session; `external_id` None means one without."""
    config = contract.schema("TriggerConfig").definition["properties"]
    create = contract.schema("CreateSession").definition["properties"]
    machines: list[str] = config["machine"]["enum"]
    every = {
        "basePayload": {
            "a": 1,
            "b": [1, 2, {"c": None}],
            "text": "\u00fc \U0001f98a",
            "nothing": None,
            "empty": {},
            "list": [],
            "float": 1.5,
            "yes": True,
        },
        "machine": machines[-1],
        "queue": "a-queue",
        "tags": [f"t{n}" for n in range(config["tags"]["maxItems"])],
        "maxAttempts": config["maxAttempts"]["maximum"],
        "maxDuration": 86_400,
        "lockToVersion": "20240523.1",
        "region": "eu-central-1",
        "idleTimeoutInSeconds": config["idleTimeoutInSeconds"]["maximum"],
    }
    return [
        {},
        {"external_id": None},
        {"type": "another.type"},
        {"type": "x" * create["type"]["maxLength"], "taskIdentifier": "y" * create["taskIdentifier"]["maxLength"]},
        {"tags": []},
        {"tags": ["one"]},
        {"tags": [f"tag {n} \u00fc" for n in range(create["tags"]["maxItems"])]},
        {"tags": ["z", "a", "m"]},
        {"metadata": {}},
        {"metadata": {"date": "2023-11-07T05:31:56Z", "digits": "007", "true": "true", "null": "null", "html": "<b>&amp;</b>", "escapes": "\\n \n %41"}},
        {"metadata": {"a": 1, "nested": {"b": [1, "two", None, {"c": False}]}, "text": " spaced ", "big": 2**53 - 1, "float": 0.1, "": "", "null": None}},
        {"triggerConfig": every},
        {"triggerConfig": {"basePayload": {}, "machine": machines[0], "maxAttempts": 1, "idleTimeoutInSeconds": 1}},
        {"triggerConfig": {"basePayload": {"deep": {"er": {"est": ["x"]}}}, "queue": "q", "tags": []}},
        {"triggerConfig": every, "metadata": {"a": {"b": 1}}, "tags": ["a", "b"], "external_id": None},
        {"expiresAt": "2099-12-31T23:59:59.000Z"},
        {"expiresAt": "2099-06-01T12:00:00.000Z", "external_id": None, "tags": ["expiring"], "metadata": {"x": 1}},
    ]  # fmt: skip
