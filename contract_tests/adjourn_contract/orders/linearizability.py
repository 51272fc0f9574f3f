"""Whether a concurrent history of one session can be explained by an order that the model allows.

The search is that of Wing and Gong with Lowe's memoisation: it extends an order by one entry at a time and
remembers the pairs of (entries done, state) that it has been at. It is bounded by steps, not by time.

An operation that changes something is two entries: its effect, and later the row of its response. Both lie between
its invocation and its response. A server may thus read the row that it answers after the write, as with an UPDATE
followed by a SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from adjourn_contract.orders.model import Model, Phase, Response, State, Violation
from adjourn_contract.orders.operations import Kind, Operation

__all__ = ["MAX_STEPS", "Call", "Obstacle", "Outcome", "Result", "check"]

MAX_STEPS = 200_000
_WRITES = (Kind.CREATE, Kind.CLOSE, Kind.UPDATE)


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of a history.

    Attributes:
        operation: what was asked for.
        response: what came back; None where nothing did: the effect may then come at any later time or never.
        invoked, returned: seconds on the monotonic clock; `returned` is not used without a response.
    """

    operation: Operation
    response: Response | None
    invoked: float
    returned: float = float("inf")

    @property
    def has_row(self) -> bool:
        """Whether the response shows a row."""
        return self.response is not None and self.response.shown is not None

    def shown(self, model: Model, name: str) -> str | None:
        """The JSON text of a member of the response's row, None where it has none."""
        row = None if self.response is None else self.response.shown
        return None if row is None else row[model.names.index(name)]

    def without(self, model: Model, names: Sequence[str]) -> Call:
        """The call as if its response did not show some members."""
        if self.response is None or self.response.shown is None:
            return self
        shown = tuple(
            None if name in names else value for name, value in zip(model.names, self.response.shown, strict=True)
        )
        return replace(self, response=self.response._replace(shown=shown))


class Outcome(StrEnum):
    """What the search found."""

    LINEARIZABLE = "linearizable"
    VIOLATED = "violated"
    UNDECIDED = "undecided"


class Obstacle(NamedTuple):
    """The call that could not be next, and why."""

    call: int
    violation: Violation


@dataclass(frozen=True, slots=True)
class Result:
    """What the search found.

    Attributes:
        outcome: whether an order explains the history.
        order: calls, by their place in the history, in the order that explains it, or the longest one possible.
        obstacles: why none of the remaining calls can be next after `order`; empty where the history is explained.
        steps: how many entries were tried.
    """

    outcome: Outcome
    order: tuple[int, ...]
    obstacles: tuple[Obstacle, ...]
    steps: int


class _Entry(NamedTuple):
    """One step of an order.

    Attributes:
        call: which call it belongs to.
        after: the set of entries that come before it, as bits.
        step: the state after it, or what it violates.
        kind: of the operation whose effect it is; RETRIEVE for the read of a row.
    """

    call: int
    after: int
    step: Callable[[State], State | Violation]
    kind: Kind


class _Node(NamedTuple):
    """A point of the search: the entries that are done, as bits and in order, and the state after them."""

    done: int
    state: State
    order: tuple[int, ...]


def check(
    calls: Sequence[Call], model: Model, initial: State, *, list_lag_seconds: float = 0, max_steps: int = MAX_STEPS
) -> Result:
    """Search for an order of the calls that explains every response.

    Args:
        calls: the history of one session.
        model: what each operation must answer and change.
        initial: the state before the history.
        list_lag_seconds: a list may show any state since so long before it was asked for (grey.list-lag).
        max_steps: how many entries are tried at most; the history is undecided after that.
    """
    entries = _entries(calls, model, list_lag_seconds)
    # A call without a response may take effect after everything else, which is as if it never did.
    required = sum(1 << place for place, entry in enumerate(entries) if calls[entry.call].response is not None)
    search = _Search(entries, required, max_steps)
    return search.run(initial)


class _Search:
    """A depth-first search; it remembers the longest order so far and what followed it."""

    def __init__(self, entries: Sequence[_Entry], required: int, max_steps: int) -> None:
        self._entries, self._required, self._max_steps = entries, required, max_steps
        self._steps = 0
        self._longest: tuple[int, ...] = ()
        self._obstacles: tuple[Obstacle, ...] = ()

    def run(self, initial: State) -> Result:
        seen: set[tuple[int, State]] = set()
        stack = [_Node(0, initial, ())]
        while stack:
            node = self._with_safe_entries(stack.pop())
            if node.done & self._required == self._required:
                return self._result(Outcome.LINEARIZABLE, node.order, ())
            # Lowe: what follows depends on the entries done and the state, not on the order that led there.
            if (node.done, node.state) in seen:
                continue
            seen.add((node.done, node.state))
            following, obstacles = self._following(node)
            if len(node.order) > len(self._longest) or not self._obstacles:
                self._longest, self._obstacles = node.order, obstacles
            if self._steps > self._max_steps:
                return self._result(Outcome.UNDECIDED, self._longest, ())
            stack.extend(reversed(following))
        return self._result(Outcome.VIOLATED, self._longest, self._obstacles)

    def _with_safe_entries(self, node: _Node) -> _Node:
        """The node after every safe entry that leaves its state as it is; without this each would double the search."""
        moved = True
        while moved:
            moved = False
            for place, entry in enumerate(self._entries):
                if not _is_safe(entry, node.state) or not self._is_next(node, place, entry):
                    continue
                self._steps += 1
                if entry.step(node.state) is node.state:
                    node = _Node(node.done | 1 << place, node.state, (*node.order, entry.call))
                    moved = True
        return node

    def _following(self, node: _Node) -> tuple[list[_Node], tuple[Obstacle, ...]]:
        """The nodes after one more entry, and why the other entries cannot be next."""
        following: list[_Node] = []
        obstacles: list[Obstacle] = []
        for place, entry in enumerate(self._entries):
            if not self._is_next(node, place, entry):
                continue
            self._steps += 1
            state = entry.step(node.state)
            if isinstance(state, Violation):
                obstacles.append(Obstacle(entry.call, state))
            else:
                following.append(_Node(node.done | 1 << place, state, (*node.order, entry.call)))
        return following, tuple(obstacles)

    def _is_next(self, node: _Node, place: int, entry: _Entry) -> bool:
        return not node.done >> place & 1 and node.done & entry.after == entry.after

    def _result(self, outcome: Outcome, order: tuple[int, ...], obstacles: tuple[Obstacle, ...]) -> Result:
        return Result(outcome, tuple(dict.fromkeys(order)), obstacles, self._steps)


def _is_safe(entry: _Entry, state: State) -> bool:
    """Whether the entry can be next, where it leaves the state as it is: to postpone it gains nothing.

    That is so for reads, and for the effect of a close on a closed session, which stays closed.
    """
    return entry.kind is Kind.RETRIEVE or (entry.kind is Kind.CLOSE and state.phase is Phase.CLOSED)


def _entries(calls: Sequence[Call], model: Model, list_lag_seconds: float) -> list[_Entry]:
    """The entries of a history; effects come first, so that the bits of a call's entries are known."""
    places = _places(calls)
    entries: list[_Entry] = []
    for number, call in enumerate(calls):
        is_list = call.operation.kind is Kind.LIST
        invoked = call.invoked - list_lag_seconds if is_list else call.invoked
        after = sum(
            1 << place
            for other, each in enumerate(calls)
            if each.response is not None and each.returned < invoked
            for place in places[other]
        )
        if call.operation.kind in _WRITES:
            entries.append(_Entry(number, after, _effect(model, call), call.operation.kind))
            after |= 1 << places[number][0]
        if call.response is not None:
            entries.append(_Entry(number, after, _show(model, call), Kind.RETRIEVE))
    return entries


def _places(calls: Sequence[Call]) -> list[tuple[int, ...]]:
    """Which entries each call has."""
    places: list[tuple[int, ...]] = []
    used = 0
    for call in calls:
        count = (call.operation.kind in _WRITES) + (call.response is not None)
        places.append(tuple(range(used, used + count)))
        used += count
    return places


def _effect(model: Model, call: Call) -> Callable[[State], State | Violation]:
    return lambda state: model.effect(state, call.operation, call.response)


def _show(model: Model, call: Call) -> Callable[[State], State | Violation]:
    response = call.response
    assert response is not None  # noqa: S101 - entries of calls without one have no row
    if call.operation.kind in _WRITES:
        return lambda state: model.show(state, call.operation, response)
    return lambda state: model.apply(state, call.operation, response)
