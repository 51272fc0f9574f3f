"""Which exchanges of a journal are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Self

from adjourn_mock.domain.errors import UserError
from adjourn_mock.exchanges.entry import Entry
from adjourn_spec import Contract

__all__ = ["ANY_CLAUSE", "JournalFilter"]

ANY_CLAUSE = "*"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
# More names than that are not listed in an error.
_LISTED = 30
_STATUS = re.compile("[1-5](?:[0-9]{2}|[xX]{2})")


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """What an entry has to match; None matches every entry.

    Attributes:
        operation: the operationId.
        method: the HTTP method, in capital letters.
        status: a status such as 413, or a class of them such as 4xx.
        session: the id or externalId of a session that the path names or that was touched.
        clause: the clause for which it was refused; `*` for any.
        path: a part of the decoded path.
        since: only entries with a higher number.
        faulty: only entries to which a fault applied (True), or to which none did (False).
    """

    operation: str | None = None
    method: str | None = None
    status: str | None = None
    session: str | None = None
    clause: str | None = None
    path: str | None = None
    since: int | None = None
    faulty: bool | None = None

    @classmethod
    def checked(cls, contract: Contract, wanted: Mapping[str, Any]) -> Self:
        """A filter from names and values that a caller gave.

        Raises:
            TypeError: there is no filter of a name.
            ValueError: a value can match no entry.
        """
        known = [each.name for each in fields(cls)]
        if unknown := [name for name in wanted if name not in known]:
            raise TypeError(f"the journal has no filter {unknown[0]!r}; the filters are {', '.join(known)}")
        values = {name: value for name, value in wanted.items() if value is not None}
        clauses = (*contract.clauses, *contract.grey_zones)
        for name, allowed in (("operation", contract.operations), ("clause", (ANY_CLAUSE, *clauses))):
            if name in values and values[name] not in allowed:
                raise UserError(f"there is no {name} {values[name]!r}; {_advice(values[name], list(allowed))}")
        if "method" in values:
            values["method"] = _method(values["method"])
        if "status" in values:
            values["status"] = _status(values["status"])
        for name, kind in (("session", str), ("path", str), ("since", int), ("faulty", bool)):
            if name in values and type(values[name]) is not kind:
                raise UserError(f"{name}={values[name]!r} is not valid; it takes a value of type {kind.__name__}")
        return cls(**values)

    def matches(self, entry: Entry) -> bool:
        """Whether an entry has all that is asked for."""
        return (
            self.matches_kind(entry.operation, entry.method, entry.status, entry.clause, bool(entry.faults))
            and (self.since is None or entry.number > self.since)
            and (self.path is None or self.path in entry.path)
            and (self.session is None or entry.is_about(self.session))
        )

    def matches_kind(
        self, operation: str | None, method: str, status: int, clause: str | None, is_faulty: bool
    ) -> bool:
        """Whether an exchange of this kind has what is asked for; `session`, `path` and `since` aside."""
        return (
            (self.operation is None or operation == self.operation)
            and (self.method is None or method == self.method)
            and (self.status is None or self.status in (str(status), f"{status // 100}xx"))
            and (self.clause is None or clause == self.clause or (self.clause == ANY_CLAUSE and clause is not None))
            and (self.faulty is None or is_faulty == self.faulty)
        )


def _advice(value: Any, allowed: list[str]) -> str:
    near = get_close_matches(str(value), allowed, n=1, cutoff=0.4)
    if len(allowed) <= _LISTED:
        return f"use one of {', '.join(allowed)}"
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(allowed[:_LISTED])}, ..."


def _method(value: Any) -> str:
    method = str(value).upper()
    if method not in _METHODS:
        raise UserError(f"there is no method {value!r}; use one of {', '.join(_METHODS)}")
    return method


def _status(value: Any) -> str:
    text = str(value).lower()
    if isinstance(value, bool) or not _STATUS.fullmatch(text):
        raise UserError(f"{value!r} is not a status; use one such as 404, or a class of them such as '4xx'")
    return text
