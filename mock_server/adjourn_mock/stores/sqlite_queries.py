"""The queries by which lists read rows in SQLite, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adjourn_mock.domain.sessions import Filter
from adjourn_mock.stores.codec import text_key

__all__ = ["BATCH_ROWS", "RowsQuery", "of_external_id", "under_terms"]

BATCH_ROWS = 200


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """A query for the next rows beyond a place, as `created_at, place, row`.

    Attributes:
        sql: the query; each of its parts takes a head, a place and a tail.
        heads: what precedes the place, for each part.
        tail: what follows the place in every part.
    """

    sql: str
    heads: Sequence[tuple[str, bytes]]
    tail: tuple[str, ...] = ()

    def values(self, place: tuple[str, int]) -> list[Any]:
        """The values for all question marks."""
        return [value for head in self.heads for value in (*head, *place, *self.tail)]


def _beyond(*, newer: bool) -> str:
    return f"(created_at, place) {'>' if newer else '<'} (?, ?)"


def _ordered(*, newer: bool, table: str = "") -> str:
    direction = "ASC" if newer else "DESC"
    return f"ORDER BY {table}created_at {direction}, place {direction} LIMIT {BATCH_ROWS}"


def of_external_id(environment: str, external_id: str, *, newer: bool) -> RowsQuery:
    """The one row that has an externalId, where it lies beyond the place."""
    sql = (
        "SELECT created_at, place, row FROM sessions"  # noqa: S608 - parts of ours
        f" WHERE environment = ? AND external_id = ? AND {_beyond(newer=newer)} {_ordered(newer=newer)}"
    )
    return RowsQuery(sql, [(environment, text_key(external_id))])


def under_terms(environment: str, terms: Sequence[str], wanted: Filter, *, newer: bool) -> RowsQuery:
    """Reads along the index under each term, no further than a batch, and joins the rows to the union."""
    period = ""
    tail: tuple[str, ...] = ()
    if wanted.created_from is not None:
        period, tail = f"{period} AND created_at >= ?", (*tail, wanted.created_from)
    if wanted.created_to is not None:
        period, tail = f"{period} AND created_at <= ?", (*tail, wanted.created_to)
    under_one = (
        "SELECT * FROM (SELECT created_at, place FROM terms"  # noqa: S608 - parts of ours
        f" WHERE environment = ? AND term = ? AND {_beyond(newer=newer)}{period} {_ordered(newer=newer)})"
    )
    union = " UNION ".join([under_one] * len(terms))
    sql = (
        f"SELECT found.created_at, place, row FROM ({union}) AS found"  # noqa: S608 - parts of ours
        f" JOIN sessions USING (place) {_ordered(newer=newer, table='found.')}"
    )
    return RowsQuery(sql, [(environment, text_key(term)) for term in terms], tail)
