"""The sequential model of one session: its states, and what each operation must answer and change.

                 close                        close, update, refused
    absent ──► open ──────────────► closed ◄──┐
    create      │  ▲ create again,    │   └───┘   create: refused
                │  └─ update          │
                │ expiry              │ expiry
                ▼         close       ▼
             expired ──────────► expired and closed
             create: refused

It is a pure function from a state, an operation and a response to the next state, or to the clause
that the response violates. Sequences, concurrent histories and the random state machine share it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from adjourn_contract.orders.operations import REFUSALS, Form, Kind, Operation
from adjourn_spec import Contract

__all__ = ["NULL", "Model", "Owed", "Phase", "Response", "Shown", "State", "Violation"]

# The JSON text of each member of a row, in the contract's order; None where it is not known or not shown.
Shown = tuple[str | None, ...]
NULL = "null"
SUCCESS_END, CLIENT_ERROR = 300, 400


class Phase(StrEnum):
    """Where a session is in its life; expiry is apart from it."""

    ABSENT = "absent"
    OPEN = "open"
    CLOSED = "closed"


class State(NamedTuple):
    """A state of a session. A member that no response has shown yet is None: the next one that shows it binds it."""

    phase: Phase
    is_expired: bool
    members: Shown


class Response(NamedTuple):
    """What a response shows of a session.

    Attributes:
        status: the HTTP status.
        shown: the members of its row, None where it has none or, in a list, where the session is missing.
        summary: the response in words, for a report.
    """

    status: int
    shown: Shown | None
    summary: str


class Violation(NamedTuple):
    """Why a response cannot follow a state: the clause, what it asks for, what came."""

    clause: str
    expected: str
    got: str


class Owed(NamedTuple):
    """The statuses that a response may have, and the clause that another one violates."""

    clause: str
    statuses: frozenset[int]


class Model:
    """What the contract says of one session, operation by operation.

    Args:
        contract: where statuses and the members of a row come from.
        is_concurrent: whether responses belong to requests that overlap. Then clauses of concurrency are blamed, and
            a create that overlaps with another one may answer as if it were the first.
        ignored: members that are not compared.
        moving: members that are not compared while the session is open, because the server changes them by itself.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        is_concurrent: bool = False,
        ignored: frozenset[str] = frozenset(),
        moving: frozenset[str] = frozenset(),
    ) -> None:
        self.names: tuple[str, ...] = tuple(contract.schema("SessionRow").definition["properties"])
        self.is_concurrent = is_concurrent
        self._ignored, self._moving = ignored, moving
        self._place = {name: place for place, name in enumerate(self.names)}
        self._statuses = dict(contract.statuses)
        self._refused = {clause: rule.status for clause, rule in contract.refusals.items()}
        self._refused_bodies = contract.grey_zones["grey.refusal-status"].accepts
        self.absent = State(Phase.ABSENT, False, (None,) * len(self.names))

    def shown(self, row: Mapping[str, Any]) -> Shown:
        """A row as texts that can be compared; members that are missing or ignored are None."""
        return tuple(
            json.dumps(row[name], sort_keys=True) if name in row and name not in self._ignored else None
            for name in self.names
        )

    def forgetting(self, state: State, *names: str) -> State:
        """The state with members that are not known any more: the next response that shows them binds them."""
        return state._replace(members=self._with(state, **dict.fromkeys(names)))

    def member(self, state: State, name: str) -> str | None:
        """The JSON text of a member, None where it is not known."""
        return state.members[self._place[name]]

    def status_of(self, state: State) -> str:
        """By which status a list finds the session."""
        if state.phase is Phase.CLOSED:
            return "CLOSED"
        return "EXPIRED" if state.is_expired else "ACTIVE"

    def apply(self, state: State, operation: Operation, response: Response) -> State | Violation:
        """The state after an operation that answered so, or what the response violates."""
        after = self.effect(state, operation, response)
        if isinstance(after, Violation):
            return after
        return self.show(after, operation, response, before=state)

    # what an operation does

    def effect(self, state: State, operation: Operation, response: Response | None) -> State | Violation:
        """The state after the effect of an operation; its row is not looked at, and the response may be missing."""
        owed = self.owed(state, operation)
        if response is not None and response.status not in owed.statuses:
            wanted = " or ".join(map(str, sorted(owed.statuses)))
            when = f"{operation.words} of a session that is {self.words_of(state)}"
            return Violation(owed.clause, f"{wanted} for {when}", response.summary)
        status = min(owed.statuses) if response is None else response.status
        return self._next(state, operation, is_done=status < SUCCESS_END)

    def _next(self, state: State, operation: Operation, *, is_done: bool) -> State:
        if operation.kind is Kind.EXPIRE:
            return state._replace(is_expired=True)
        if operation.kind is Kind.CREATE:
            if state.phase is Phase.ABSENT:
                return State(Phase.OPEN, False, self._with(state, closedAt=NULL, closedReason=NULL))
            # A refused create may touch these two as well (grey.recreate-touches).
            return state._replace(members=self._with(state, triggerConfig=None, updatedAt=None))
        if not is_done:
            return state
        if operation.kind is Kind.CLOSE and state.phase is Phase.OPEN:
            reason = json.dumps(operation.reason)
            return State(
                Phase.CLOSED,
                state.is_expired,
                self._with(state, closedAt=None, closedReason=reason, updatedAt=None),
            )
        if operation.kind is Kind.UPDATE:
            tags = json.dumps(list(operation.tags))
            return state._replace(members=self._with(state, tags=tags, updatedAt=None))
        return state

    def _with(self, state: State, **members: str | None) -> Shown:
        """The members of a state with others in their place; an ignored one stays unknown."""
        changed = list(state.members)
        for name, value in members.items():
            changed[self._place[name]] = None if name in self._ignored else value
        return tuple(changed)

    def owed(self, state: State, operation: Operation) -> Owed:
        """The statuses that an operation may answer in a state, and the clause that asks for them."""
        if operation.kind is Kind.REFUSED:
            return self._owed_refusal(operation)
        if operation.kind is Kind.LIST:
            return self._success("list.filter")
        if operation.kind is Kind.CREATE:
            return self._owed_create(state)
        if state.phase is Phase.ABSENT:
            return Owed("id.unknown", frozenset({self._refused["id.unknown"]}))
        if operation.kind is Kind.CLOSE:
            return self._owed_close(state)
        if operation.kind is Kind.UPDATE:
            owed = self._success("update.applied")
            # An update that overlaps with another write may be refused as a conflict.
            conflict = frozenset({self._refused["close.recreate"]}) if self.is_concurrent else frozenset()
            return owed._replace(statuses=owed.statuses | conflict)
        return self._success("retrieve.row")

    def _owed_create(self, state: State) -> Owed:
        if state.phase is Phase.ABSENT:
            return self._success("create.created")
        if state.phase is Phase.CLOSED or state.is_expired:
            return Owed("close.recreate", frozenset({self._refused["close.recreate"]}))
        owed = self._success("create.cached")
        if self.is_concurrent:
            return owed._replace(statuses=owed.statuses | {self._statuses["create.created"]})
        return owed

    def _owed_close(self, state: State) -> Owed:
        owed = self._success("close.closes" if state.phase is Phase.OPEN else "close.idempotent")
        if self.is_concurrent:
            return owed._replace(clause="close.atomic")
        if state.is_expired and state.phase is Phase.OPEN:
            return owed._replace(clause="close.expired")
        return owed

    def _owed_refusal(self, operation: Operation) -> Owed:
        clause = REFUSALS[operation.refusal].clause
        statuses = frozenset({self._refused[clause]})
        if self._refused[clause] in self._refused_bodies:
            statuses |= frozenset(self._refused_bodies)
        return Owed(clause, statuses)

    def _success(self, clause: str) -> Owed:
        return Owed(clause, frozenset({self._statuses[clause]}))

    # what a response shows

    def show(
        self, state: State, operation: Operation, response: Response, *, before: State | None = None
    ) -> State | Violation:
        """The state with what a response shows bound to it, or what the row violates.

        Args:
            state: after the operation's effect.
            operation: that was answered.
            response: its response.
            before: the state before the effect; None where the row is looked at later than the effect.
        """
        if operation.kind is Kind.LIST:
            return self._show_list(state, operation, response)
        if response.shown is None or response.status >= CLIENT_ERROR:
            return state
        return self._bind(state, operation, response.shown, state if before is None else before)

    def _show_list(self, state: State, operation: Operation, response: Response) -> State | Violation:
        is_owed = state.phase is not Phase.ABSENT and self.status_of(state) == operation.status
        if (response.shown is not None) != is_owed:
            clause = "close.listed" if state.phase is Phase.CLOSED else "list.filter"
            expected = f"the session {'' if is_owed else 'not '}in a list of {operation.status} sessions"
            return Violation(clause, expected, response.summary)
        if response.shown is None:
            return state
        return self._bind(state, operation, response.shown, state)

    def _bind(self, state: State, operation: Operation, shown: Shown, before: State) -> State | Violation:
        if shown == state.members:
            return state
        bound = list(state.members)
        for place, value in enumerate(shown):
            known = bound[place]
            if value is None or (self.names[place] in self._moving and state.phase is Phase.OPEN):
                continue
            is_null_close = known is None and self.names[place] == "closedAt" and value == NULL
            if (known is not None and known != value) or is_null_close:
                return self._mismatch(state, operation, self.names[place], value, before)
            bound[place] = value
        members = tuple(bound)
        return state if members == state.members else state._replace(members=members)

    def _mismatch(self, state: State, operation: Operation, name: str, value: str, before: State) -> Violation:
        known = self.member(state, name)
        expected = f"{name} {'to be set' if known is None else known} in the response to {operation.words}"
        return Violation(self._blamed(state, operation, name, value, before), expected, f"{name} {value}")

    def _blamed(self, state: State, operation: Operation, name: str, value: str, before: State) -> str:
        """The clause that a member which is not as it should be violates."""
        if name == "id":
            return self._blamed_for_id(operation)
        is_closed = state.phase is Phase.CLOSED
        is_first_close = operation.kind is Kind.CLOSE and before.phase is Phase.OPEN
        if name == "closedAt" and value == NULL and not is_first_close:
            return "close.terminal"
        if self.is_concurrent:
            if name in ("closedAt", "closedReason", "updatedAt"):
                return "close.atomic"
            return "close.preserves" if is_closed else "update.applied"
        if is_first_close:
            return self._blamed_for_first_close(operation, name)
        by_kind = {Kind.UPDATE: "update.applied", Kind.CREATE: "create.cached", Kind.LIST: "list.filter"}
        if operation.kind in by_kind:
            return by_kind[operation.kind]
        if operation.kind is Kind.CLOSE:
            return "close.idempotent"
        return "close.persisted" if is_closed else "retrieve.row"

    def _blamed_for_id(self, operation: Operation) -> str:
        if operation.kind is Kind.CREATE or self.is_concurrent:
            return "create.cached"
        return "id.friendly" if operation.by is Form.FRIENDLY else "id.external"

    def _blamed_for_first_close(self, operation: Operation, name: str) -> str:
        if name == "closedAt":
            return "close.closes"
        if name == "closedReason":
            return "reason.optional" if operation.reason is None else "reason.verbatim"
        return "close.preserves"

    def effect_clause(self, before: State, operation: Operation) -> str:
        """The clause that a later read violates where it does not show the state after an operation."""
        if operation.kind is Kind.REFUSED:
            return REFUSALS[operation.refusal].effect_clause
        if operation.kind is Kind.CLOSE:
            return "close.persisted" if before.phase is Phase.OPEN else "close.idempotent"
        if operation.kind is Kind.CREATE:
            if before.phase is Phase.ABSENT:
                return "create.created"
            return "create.cached" if before.phase is Phase.OPEN and not before.is_expired else "close.recreate"
        if operation.kind is Kind.UPDATE:
            return "update.applied"
        if operation.kind is Kind.EXPIRE:
            return "close.expired" if before.phase is Phase.OPEN else "close.terminal"
        return "retrieve.row"

    def words_of(self, state: State) -> str:
        """The state in a word or two, for a report."""
        if state.phase is Phase.CLOSED:
            return "expired and closed" if state.is_expired else "closed"
        return "expired" if state.is_expired and state.phase is Phase.OPEN else str(state.phase)

    """What a response's status has to be."""

    clause: str
    statuses: frozenset[int]
