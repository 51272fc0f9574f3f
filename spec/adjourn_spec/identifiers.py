"""Which session a value means: the friendly id or the externalId, told apart by a prefix."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ExternalId", "FriendlyId", "SessionKey"]


@dataclass(frozen=True, slots=True)
class FriendlyId:
    """An id that the service gave; it starts with the friendly prefix (clause id.friendly)."""

    value: str


@dataclass(frozen=True, slots=True)
class ExternalId:
    """An id that the caller gave; any value without the prefix (clause id.external)."""

    value: str


SessionKey = FriendlyId | ExternalId
