"""Which exchanges of a journal are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from adjourn_mock.exchanges.journal import Entry

__all__ = ["JournalFilter"]


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries are kept; None asks for nothing.

    Attributes:
        operation: the operationId.
        method: as POST.
        status: as 413, or a class of them as 4xx.
        session: the id or externalId of a session that the path names or that was touched.
        clause: for which it was refused; `*` for any.
        path: a part of the decoded path.
        since: only entries with a higher number.
    """

    operation: str | None = None
    method: str | None = None
    status: str | None = None
    session: str | None = None
    clause: str | None = None
    path: str | None = None
    since: int | None = None

    def matches(self, entry: Entry) -> bool:
        return (
            (self.since is None or entry.number > self.since)
            and (self.operation is None or entry.operation == self.operation)
            and (self.method is None or entry.method == self.method.upper())
            and (self.status is None or self.status.lower() in (str(entry.status), f"{entry.status // 100}xx"))
            and (
                self.clause is None or entry.clause == self.clause or (self.clause == "*" and entry.clause is not None)
            )
            and (self.path is None or self.path in entry.path)
            and (self.session is None or entry.is_about(self.session))
        )
