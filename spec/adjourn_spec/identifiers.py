"""Which session a value means: the friendly id or the externalId, distinguished by a prefix."""

from __future__ import annotations

import msgspec

__all__ = ["ExternalId", "FriendlyId", "SessionKey"]


class FriendlyId(msgspec.Struct, frozen=True, gc=False):
    """An id that the service gave; it starts with the friendly prefix (clause id.friendly)."""

    value: str


class ExternalId(msgspec.Struct, frozen=True, gc=False):
    """An id that the caller gave; any value without the prefix (clause id.external)."""

    value: str


SessionKey = FriendlyId | ExternalId
