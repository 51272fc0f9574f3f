"""A history that no order explains: the clause to blame, and the picture of it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import cached_property

from adjourn_contract.orders.histories import LATE
from adjourn_contract.orders.linearizability import Call, Outcome, Result, check
from adjourn_contract.orders.model import NULL, Model, State
from adjourn_contract.orders.operations import Kind
from adjourn_contract.reports.lanes import Bar, lanes

__all__ = ["Contradiction"]

_CLOSE_MEMBERS = ("closedAt", "closedReason", "updatedAt")
_EXPECTED = {
    "close.atomic": "one close to win, and every response and later read to show its row",
    "close.terminal": "a session that was closed to stay closed",
    "close.preserves": "an update that was answered 200 to be in every later row, whatever closes overlap with it",
    "update.applied": "an update that was answered 200 to be in every later row",
    "create.cached": "one session for one externalId, whatever creates overlap",
}


class Contradiction:
    """Why a history is wrong.

    Args:
        calls: the history of one session, which no order explains.
        model: what each operation must answer and change.
        initial: the state before the history.
        list_lag_seconds: a list may show any state since so long ago.
    """

    def __init__(self, calls: Sequence[Call], model: Model, initial: State, list_lag_seconds: float) -> None:
        self._model, self._initial, self._lag_seconds = model, initial, list_lag_seconds
        self._whole = calls
        self._calls = self._essential(calls)
        self._result = self._check(self._calls)

    def _check(self, calls: Sequence[Call], *without: str) -> Result:
        """Check a history, without some members of the rows."""
        shown = [call.without(self._model, without) for call in calls]
        initial = self._model.forgetting(self._initial, *without)
        return check(shown, self._model, initial, list_lag_seconds=self._lag_seconds)

    def _is_explained(self, *without: str) -> bool:
        return self._check(self._whole, *without).outcome is Outcome.LINEARIZABLE

    def _essential(self, calls: Sequence[Call]) -> Sequence[Call]:
        """The calls without reads that the contradiction does not need; what may have changed something stays."""
        needed = list(calls)
        for call in reversed(calls):
            if call.operation.kind in (Kind.RETRIEVE, Kind.LIST, Kind.REFUSED):
                fewer = [each for each in needed if each is not call]
                if self._check(fewer).outcome is Outcome.VIOLATED:
                    needed = fewer
        return needed

    @cached_property
    def clause(self) -> str:
        """The clause of the members without which an order would explain the history."""
        if self._is_explained("tags", "metadata"):
            has_close = any(call.operation.kind is Kind.CLOSE and not _is_late(call) for call in self._whole)
            return "close.preserves" if has_close else "update.applied"
        if self._is_explained("id"):
            return "create.cached"
        if self._is_explained(*_CLOSE_MEMBERS):
            return "close.terminal" if self._is_reopened else "close.atomic"
        return self._result.obstacles[0].violation.clause

    @property
    def _is_reopened(self) -> bool:
        """Whether the session was seen closed, and open after that."""
        seen = [(call, self._closed_at(call)) for call in self._whole]
        closed = [call for call, closed_at in seen if closed_at not in (None, NULL) and not _is_late(call)]
        opened = [call for call, closed_at in seen if closed_at == NULL or self._is_late_first(call)]
        return any(one.returned < other.invoked for one in closed for other in opened)

    def _closed_at(self, call: Call) -> str | None:
        return call.shown(self._model, "closedAt")

    def _is_late_first(self, call: Call) -> bool:
        """Whether the close after all the others was the first, as far as its response shows."""
        return _is_late(call) and call.shown(self._model, "closedReason") == f'"{LATE}"'

    @property
    def expected(self) -> str:
        """What the clause asks for."""
        return _EXPECTED.get(self.clause, self._result.obstacles[0].violation.expected)

    @property
    def text(self) -> str:
        """The calls as lanes, and why the longest order that is possible cannot go on."""
        names = string.ascii_uppercase
        members = self._differing()
        bars = [
            Bar(
                names[place],
                call.operation.words,
                call.invoked,
                None if call.response is None else call.returned,
                self._shown(call, members),
            )
            for place, call in enumerate(self._calls)
        ]
        order = ", ".join(names[place] for place in self._result.order) or "nothing"
        reasons = dict.fromkeys(
            f"  {names[call]}: expected {violation.expected}, got {violation.got}"
            for call, violation in self._result.obstacles
        )
        head = "responses that no order of the requests explains:"
        return "\n".join([head, *lanes(bars), f"after {order} none can be next:", *reasons])

    def _differing(self) -> list[str]:
        """The members that do not have the same value in all responses."""
        return [
            name
            for name in self._model.names
            if len({call.shown(self._model, name) for call in self._calls if call.has_row}) > 1
        ]

    def _shown(self, call: Call, members: Sequence[str]) -> str:
        """The response in a few words: the status and the members that matter."""
        if call.response is None:
            return "no response"
        if not call.has_row:
            return call.response.summary
        values = ", ".join(f"{name} {call.shown(self._model, name)}" for name in members)
        return f"{call.response.status} {values}".strip()


def _is_late(call: Call) -> bool:
    return call.operation.kind is Kind.CLOSE and call.operation.reason == LATE
