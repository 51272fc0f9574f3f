"""Concurrent histories of one session from a simulated server, right or wrong, for tests of the checker."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from adjourn_contract.orders.linearizability import Call
from adjourn_contract.orders.model import Model, Response
from adjourn_contract.orders.operations import Form, Kind, Operation
from adjourn_spec import load_contract

__all__ = ["MODEL", "history", "row_text"]

CONTRACT = load_contract()
MODEL = Model(CONTRACT, is_concurrent=True, ignored=frozenset({"updatedAt", "triggerConfig"}))
_KINDS = (Kind.CREATE, Kind.CLOSE, Kind.CLOSE, Kind.UPDATE, Kind.RETRIEVE, Kind.RETRIEVE)
_MUTANTS = ("closedAt", "closedReason", "tags", "id")


def row_text(row: dict[str, Any]) -> Response:
    """A 200 with a row."""
    return Response(200, MODEL.shown(row), f"200 {json.dumps(row)}")


def operation(random: Random, number: int) -> Operation:
    kind = random.choice(_KINDS)
    reason = random.choice([None, f"r{number}"]) if kind is Kind.CLOSE else None
    tags = (f"t{number}",) if kind is Kind.UPDATE else ()
    return Operation(kind, random.choice(list(Form)), reason=reason, tags=tags)


class _Server:
    """A session as a server that is atomic keeps it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.row: dict[str, Any] | None = None

    def act(self, asked: Operation, number: int) -> Response:
        if asked.kind is Kind.CREATE:
            return self._create(number)
        if self.row is None:
            return Response(404, None, "404")
        if asked.kind is Kind.CLOSE and self.row["closedAt"] is None:
            self.row = {**self.row, "closedAt": f"at {number}", "closedReason": asked.reason}
        if asked.kind is Kind.UPDATE:
            self.row = {**self.row, "tags": list(asked.tags)}
        return row_text(self.row)

    def _create(self, number: int) -> Response:
        if self.row is not None:
            return Response(409, None, "409") if self.row["closedAt"] else row_text(self.row)
        self.row = {"id": f"session_{number}", "tags": [], "closedAt": None, "closedReason": None}
        return row_text(self.row)._replace(status=201)


def history(random: Random, size: int) -> list[Call]:
    """Calls that overlap at random; many histories have responses that fit no order."""
    server = _Server(random)
    calls: list[Call] = []
    for number in range(size):
        asked = Operation(Kind.CREATE) if number == 0 and random.random() < 0.9 else operation(random, number)
        point = float(number)
        invoked, returned = point - random.random() * 1.5, point + random.random() * 1.5
        response: Response | None = server.act(asked, number)
        if random.random() < 0.05 and all(call.response is not None for call in calls):
            response = None
        calls.append(Call(asked, response, invoked, returned))
    for _ in range(random.choice([0, 1, 1, 2])):
        _spoil(random, calls)
    return calls


def _spoil(random: Random, calls: list[Call]) -> None:
    """Let a response show another value, or the status of another response."""
    place = random.randrange(len(calls))
    call = calls[place]
    if call.response is None or call.response.shown is None:
        return
    donors = [each.response.shown for each in calls if each.response is not None and each.response.shown is not None]
    shown = list(call.response.shown)
    at = MODEL.names.index(random.choice(_MUTANTS))
    shown[at] = random.choice(donors)[at]
    if random.random() < 0.2:
        shown[at] = json.dumps("other")
    spoiled = call.response._replace(shown=tuple(shown))
    calls[place] = Call(call.operation, spoiled, call.invoked, call.returned)
