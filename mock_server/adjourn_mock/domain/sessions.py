"""The life of a session, as pure functions from row to row.

Times are RFC 3339 in UTC to the millisecond, a form in which they order as text;
like ids, they are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Literal

import msgspec

from adjourn_mock.domain.json_text import encode, read_json

__all__ = [
    "Filter",
    "Page",
    "Session",
    "Status",
    "close",
    "create",
    "from_dict",
    "refresh",
    "replace",
    "size_bytes",
    "status",
    "to_dict",
    "to_list_row",
    "update",
]

_FIXED_BYTES = 1024
_NULL = msgspec.Raw(b"null")

Status = Literal["ACTIVE", "CLOSED", "EXPIRED"]


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """A row; its members have the names and the order that the service writes (clause row.members).

    What callers may fill as they like is kept as JSON: as objects it could take thirty times the memory.
    """

    id: str
    external_id: str | None
    type: str
    task_identifier: str
    trigger_config_json: msgspec.Raw | msgspec.UnsetType = msgspec.field(name="triggerConfig")
    current_run_id: str | None
    tags: tuple[str, ...]
    metadata_json: msgspec.Raw = msgspec.field(name="metadata")
    closed_at: str | None
    closed_reason: str | None
    expires_at: str | None
    created_at: str
    updated_at: str

    @property
    def trigger_config(self) -> dict[str, Any]:
        assert self.trigger_config_json is not msgspec.UNSET  # noqa: S101 - only a row of a list is without
        config: dict[str, Any] = read_json(bytes(self.trigger_config_json))
        return config

    @property
    def metadata(self) -> dict[str, Any] | None:
        metadata: dict[str, Any] | None = read_json(bytes(self.metadata_json))
        return metadata


_NAMES = Session.__struct_encode_fields__
_values_of = attrgetter(*Session.__struct_fields__)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a list keeps; an empty tuple or None asks for nothing (clause list.filter)."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    task_identifiers: tuple[str, ...] = ()
    external_id: str | None = None
    statuses: tuple[str, ...] = ()
    created_from: str | None = None
    created_to: str | None = None

    def matches(self, session: Session, now: str) -> bool:
        return (
            (not self.types or session.type in self.types)
            and (not self.tags or any(tag in session.tags for tag in self.tags))
            and (not self.task_identifiers or session.task_identifier in self.task_identifiers)
            and (self.external_id is None or session.external_id == self.external_id)
            and (not self.statuses or status(session, now) in self.statuses)
            and (self.created_from is None or session.created_at >= self.created_from)
            and (self.created_to is None or session.created_at <= self.created_to)
        )


class Page(msgspec.Struct, frozen=True):
    """Some rows, newest first, and whether there are older and newer ones that match."""

    sessions: tuple[Session, ...]
    has_older: bool
    has_newer: bool

    @classmethod
    def of(cls, found: Sequence[Session], *, size: int, after: str | None, before: str | None) -> Page:
        """A page of up to `size` sessions, from those that were found beyond a cursor, nearest first, one more if any.

        There is something on the side that the cursor came from: the session that it names.
        """
        has_more = len(found) > size
        if before is not None:
            return cls(tuple(reversed(found[:size])), has_older=True, has_newer=has_more)
        return cls(tuple(found[:size]), has_older=has_more, has_newer=after is not None)


def _to_raw_dict(session: Session) -> dict[str, Any]:
    """The row by the names that are sent; triggerConfig and metadata are JSON still."""
    return dict(zip(_NAMES, _values_of(session), strict=True))


# The row as a list shows it: triggerConfig is unset, and what is unset is not written (clause row.list). A list makes
# one for each row: the copy and its JSON take half the time of a dictionary of its members.
to_list_row: Callable[[Session], Session] = partial(msgspec.structs.replace, trigger_config_json=msgspec.UNSET)


def to_dict(session: Session) -> dict[str, Any]:
    """The row as JSON members that may be changed, by the names that are sent."""
    members = {**_to_raw_dict(session), "tags": list(session.tags), "metadata": session.metadata}
    if session.trigger_config_json is msgspec.UNSET:
        del members["triggerConfig"]
    else:
        members["triggerConfig"] = session.trigger_config
    return members


def from_dict(row: Mapping[str, Any]) -> Session:
    """The row that has these members."""
    values = {
        name: row[sent] for name, sent in zip(Session.__struct_fields__, Session.__struct_encode_fields__, strict=True)
    }
    values["trigger_config_json"] = _as_json(row["triggerConfig"])
    values["metadata_json"] = _as_json(row["metadata"])
    return Session(**{**values, "tags": tuple(row["tags"])})


def _as_json(value: Any) -> msgspec.Raw:
    return _NULL if value is None else msgspec.Raw(encode(value))


def replace(session: Session, **changes: Any) -> Session:
    """The row with other values; `trigger_config` and `metadata` as objects."""
    for name in ("trigger_config", "metadata"):
        if name in changes:
            changes[f"{name}_json"] = _as_json(changes.pop(name))
    return msgspec.structs.replace(session, **changes)


def size_bytes(session: Session) -> int:
    """About how much memory a row takes; a close does not change it."""
    config_bytes = 0 if session.trigger_config_json is msgspec.UNSET else len(bytes(session.trigger_config_json))
    return _FIXED_BYTES + config_bytes + len(bytes(session.metadata_json))


def create(body: Mapping[str, Any], *, session_id: str, run_id: str, expires_at: str | None, now: str) -> Session:
    """A new session from a valid create body (clause create.created)."""
    return Session(
        id=session_id,
        external_id=body.get("externalId"),
        type=body["type"],
        task_identifier=body["taskIdentifier"],
        trigger_config_json=_as_json(body["triggerConfig"]),
        current_run_id=run_id,
        tags=tuple(body.get("tags", ())),
        metadata_json=_as_json(body.get("metadata")),
        closed_at=None,
        closed_reason=None,
        expires_at=expires_at,
        created_at=now,
        updated_at=now,
    )


def status(session: Session, now: str) -> Status:
    """CLOSED where it was closed, EXPIRED where its time is over, else ACTIVE (clause close.listed)."""
    if session.closed_at is not None:
        return "CLOSED"
    if session.expires_at is not None and session.expires_at <= now:
        return "EXPIRED"
    return "ACTIVE"


def refresh(session: Session, trigger_config: dict[str, Any], now: str) -> Session:
    """The session with the triggerConfig of a repeated create (clause create.cached)."""
    return msgspec.structs.replace(
        session, trigger_config_json=_as_json(trigger_config), updated_at=max(now, session.updated_at)
    )


def close(session: Session, reason: str | None, now: str) -> Session:
    """The session closed; one that is closed stays as it is (clauses close.closes, close.idempotent)."""
    if session.closed_at is not None:
        return session
    closed_at = max(now, session.created_at)
    return msgspec.structs.replace(
        session, closed_at=closed_at, closed_reason=reason, updated_at=max(closed_at, session.updated_at)
    )


def update(session: Session, body: Mapping[str, Any], now: str) -> Session:
    """The session with the tags and metadata of an update body (clause update.applied)."""
    changes = {name: body[name] for name in ("tags", "metadata") if name in body}
    if not changes:
        return session
    if "tags" in changes:
        changes["tags"] = tuple(changes["tags"])
    return replace(session, **changes, updated_at=max(now, session.updated_at))
