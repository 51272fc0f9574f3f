"""Concurrent histories: which requests overlap, on which sessions, and a record of what came back and when.

The first plans are every pair of operations that change something, in both orders, six closes at once, and reads in
a row beside a write; later ones are drawn at random with 3 to 6 requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from random import Random
from typing import NamedTuple

from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.scenario import Scenario
from adjourn_contract.orders.linearizability import Call
from adjourn_contract.orders.model import Model, State
from adjourn_contract.orders.operations import Form, Kind, Operation, Session, request_of
from adjourn_contract.orders.walk import SUCCESS_END, Walk, model_of, response_of
from adjourn_contract.transport.exchange import Exchange
from adjourn_contract.transport.overlap import Start, send_overlapping

__all__ = ["LATE", "MAX_REQUESTS", "History", "Plan", "Planned", "SessionHistory", "plans", "record"]

MAX_REQUESTS = 6
# The reason of the close that follows when all has been answered.
LATE = "late"
_FORMS = tuple(Form)
# How far apart requests start: at once, within the time of a database write, and later than that.
_DELAYS_SECONDS = (0.0, 0.0, 0.0, 0.0002, 0.001, 0.003)
_ABANDONED_SHARE = 0.1
_READS = 3
_MAX_ATTEMPTS = 5


class Planned(NamedTuple):
    """A request of a plan.

    Attributes:
        session: the place of its session in the plan.
        delay_seconds, follows, is_abandoned: as in `Start`.
    """

    operation: Operation
    session: int = 0
    delay_seconds: float = 0
    follows: int | None = None
    is_abandoned: bool = False


@dataclass(frozen=True)
class Plan:
    """Requests that overlap.

    Attributes:
        requests: in the order in which they are prepared.
        sessions: how many sessions they are on.
        is_absent: whether the sessions do not exist yet.
        is_twin: whether the sessions are in two environments and share their externalId.
    """

    requests: tuple[Planned, ...]
    sessions: int = 1
    is_absent: bool = False
    is_twin: bool = False

    @property
    def ignored(self) -> frozenset[str]:
        """Members that a lawful server may still be writing when another response shows the row."""
        touches = any(each.operation.kind in (Kind.CREATE, Kind.UPDATE) for each in self.requests)
        return frozenset({"updatedAt", "triggerConfig"}) if touches else frozenset()


class SessionHistory(NamedTuple):
    """What happened to one session.

    Attributes:
        session: as it is named once known.
        model: what each operation must answer and change.
        initial: the state before the calls.
        calls: what the checker orders.
    """

    session: Session
    model: Model
    initial: State
    calls: Sequence[Call]


class History(NamedTuple):
    """What a plan led to.

    Attributes:
        exchanges: the requests that overlapped, in the order of the plan.
        parts: what happened to each session of the plan.
    """

    plan: Plan
    exchanges: Sequence[Exchange]
    parts: Sequence[SessionHistory]


# plans


def plans(
    random: Random, count: int, *, updates: bool = True, lists: bool = True, twins: bool = True
) -> Iterator[Plan]:
    """Plans, the smallest first.

    Args:
        random: decides on forms of id, delays and the larger plans.
        count: how many at most.
        updates, lists: whether the server has update and list.
        twins: whether a key of a second environment is at hand.
    """
    listed = [*_pairs(random, updates=updates, twins=twins)]
    for number in range(count):
        if number < len(listed):
            yield listed[number]
        else:
            share = (number - len(listed)) / max(1, count - len(listed))
            yield _drawn(random, 3 + int(share * (MAX_REQUESTS - 2)), updates=updates, lists=lists)


def _pairs(random: Random, *, updates: bool, twins: bool) -> Iterator[Plan]:
    """Every pair of operations that change something, many closes at once, reads beside a write, several sessions."""
    close, update, create = (Kind.CLOSE, Kind.UPDATE, Kind.CREATE)
    for forms in combinations_with_replacement(_FORMS, 2):
        yield Plan(tuple(Planned(_close(form, place)) for place, form in enumerate(forms)))
    yield Plan(tuple(Planned(_close(_FORMS[place % 2], place)) for place in range(MAX_REQUESTS)))
    for kinds in ((close, update), (update, close), (close, create), (create, close)):
        if updates or update not in kinds:
            yield Plan(tuple(Planned(_operation(random, kind, place)) for place, kind in enumerate(kinds)))
    yield Plan(tuple(Planned(_operation(random, create, place)) for place in range(2)), is_absent=True)
    yield _reads_beside(_operation(random, close, 0), random)
    if twins:
        requests = (Planned(_close(Form.EXTERNAL, 0), 0), Planned(_close(Form.EXTERNAL, 1), 1))
        yield Plan(requests, sessions=2, is_twin=True)
    several = tuple(Planned(_operation(random, close, place), place) for place in range(3))
    yield Plan(several, sessions=3)
    if updates:
        yield _reads_beside(_operation(random, update, 0), random)
        yield Plan(tuple(Planned(_operation(random, update, place)) for place in range(2)))
    yield Plan((Planned(_operation(random, create, 0)), Planned(_close(Form.EXTERNAL, 1))), is_absent=True)


def _reads_beside(write: Operation, random: Random) -> Plan:
    reads = [Planned(Operation(Kind.RETRIEVE, random.choice(_FORMS)), follows=place) for place in range(_READS)]
    return Plan((Planned(write), reads[0]._replace(delay_seconds=0.001, follows=None), *reads[1:]))


def _drawn(random: Random, size: int, *, updates: bool, lists: bool) -> Plan:
    """A plan at random, with at least two operations that change something."""
    is_absent = random.random() < 0.2
    writes = [Kind.CLOSE, Kind.CLOSE, Kind.CREATE, *([Kind.UPDATE] if updates else [])]
    kinds = [Kind.CREATE if is_absent else Kind.CLOSE, random.choice(writes)]
    others = [*writes, Kind.RETRIEVE, Kind.RETRIEVE, Kind.RETRIEVE, Kind.REFUSED, *([Kind.LIST] if lists else [])]
    kinds += random.choices(others, k=size - 2)
    random.shuffle(kinds)
    requests = [
        Planned(_operation(random, kind, place), delay_seconds=random.choice(_DELAYS_SECONDS))
        for place, kind in enumerate(kinds)
    ]
    _let_follow(random, requests)
    if random.random() < _ABANDONED_SHARE:
        place = next(place for place, each in enumerate(requests) if each.operation.kind in writes)
        requests[place] = requests[place]._replace(is_abandoned=True)
    if is_absent:
        requests = [each._replace(operation=replace(each.operation, by=Form.EXTERNAL)) for each in requests]
    return Plan(tuple(requests), is_absent=is_absent)


def _let_follow(random: Random, requests: list[Planned]) -> None:
    """Let some requests start when an earlier one has been answered: their order is then known."""
    for place in range(1, len(requests)):
        if random.random() < 0.25:
            requests[place] = requests[place]._replace(follows=random.randrange(place), delay_seconds=0)


def _operation(random: Random, kind: Kind, number: int) -> Operation:
    form = random.choice(_FORMS)
    if kind is Kind.CLOSE:
        return _close(form, number, without_reason=random.random() < 0.2)
    if kind is Kind.UPDATE:
        return Operation(kind, form, tags=(f"racer {number}",))
    if kind is Kind.LIST:
        return Operation(kind, status=random.choice(["ACTIVE", "CLOSED"]))
    if kind is Kind.REFUSED:
        return Operation(kind, form, refusal="a malformed body")
    return Operation(kind, form, payload=f"racer {number}")


def _close(form: Form, number: int, *, without_reason: bool = False) -> Operation:
    return Operation(Kind.CLOSE, form, reason=None if without_reason else f"racer {number}")


# recording


def record(scenario: Scenario, plan: Plan) -> History:
    """Create the sessions of a plan, send its requests so that they overlap, and read the sessions afterwards.

    Args:
        scenario: collects all requests, as the proof; it is begun anew where the server asks to wait.

    Raises:
        ClauseFailed: what came before or after the requests that overlap is not as the model asks for.
        NotChecked: the server limits the rate so that the requests cannot overlap.
        Unreachable: a connection could not be made.
        OutOfTime: the time for the check is over.
    """
    too_many = scenario.target.contract.refusals["rate.limited"].status
    for _ in range(_MAX_ATTEMPTS):
        walks = _walks(scenario, plan)
        exchanges = _overlap(scenario, plan, [walk.session for walk in walks])
        if all(exchange.status != too_many for exchange in exchanges):
            for exchange in sorted(exchanges, key=lambda exchange: exchange.began):
                scenario.note(exchange)
            return _history(scenario, plan, walks, exchanges)
        # A history of which a part was refused shows nothing: the next one waits as an ordinary request does.
        scenario.exchanges.clear()
    raise NotChecked(f"the server answered {too_many} to requests that overlap, {_MAX_ATTEMPTS} times")


def _walks(scenario: Scenario, plan: Plan) -> list[Walk]:
    """A walk for each session of a plan, created unless the plan does so."""
    target = scenario.target
    keys = [target.key] * plan.sessions
    if plan.is_twin:
        keys[1] = target.need_other_key()
    shared = target.name("race")
    walks = []
    for number, key in enumerate(keys):
        name = shared if plan.is_twin else f"{shared}-{number}"
        walk = Walk(scenario, Session(key, name), model_of(scenario))
        if not plan.is_absent:
            walk.create()
            walk.probe(is_last=True)
        walks.append(walk)
    return walks


def _overlap(scenario: Scenario, plan: Plan, sessions: Sequence[Session]) -> list[Exchange]:
    starts = []
    for each in plan.requests:
        request = request_of(scenario.target, sessions[each.session], each.operation)
        headers = [("Authorization", f"Bearer {request.credential}")]
        if request.body is not None:
            headers.append(("Content-Type", "application/json"))
        starts.append(
            Start(
                request.method,
                request.target,
                tuple(headers),
                request.body,
                each.delay_seconds,
                each.follows,
                each.is_abandoned,
            )
        )
    return send_overlapping(scenario.target.wire, starts)


def _history(scenario: Scenario, plan: Plan, walks: Sequence[Walk], exchanges: Sequence[Exchange]) -> History:
    parts = []
    for number, walk in enumerate(walks):
        own = [
            (each.operation, exchange)
            for each, exchange in zip(plan.requests, exchanges, strict=True)
            if each.session == number
        ]
        parts.append(_part(scenario, plan, walk, own))
    return History(plan, exchanges, parts)


def _part(scenario: Scenario, plan: Plan, walk: Walk, done: Sequence[tuple[Operation, Exchange]]) -> SessionHistory:
    moving = frozenset({"updatedAt"}) if scenario.target.updates_after_create else frozenset[str]()
    model = Model(scenario.target.contract, is_concurrent=True, ignored=plan.ignored, moving=moving)
    session = _identified(scenario, walk.session, [exchange for _, exchange in done])
    calls = [_call(model, session, *each) for each in (*done, *_afterwards(scenario, session))]
    if not any(operation.kind is Kind.LIST for operation, _ in done):
        return SessionHistory(session, model, model.forgetting(walk.state, *plan.ignored), calls)
    # A list may still be at a state from before the session was created.
    before = [_call(model, session, *each).without(model, ("updatedAt",)) for each in walk.done]
    return SessionHistory(session, model, model.absent, [*before, *calls])


def _identified(scenario: Scenario, session: Session, exchanges: Sequence[Exchange]) -> Session:
    """The session with its friendly id, from a response of create where it did not exist before."""
    for exchange in exchanges:
        if exchange.method == "POST" and exchange.target == scenario.target.collection:
            scenario.target.remember(session.credential, exchange)
    if session.id is not None:
        return session
    values = [exchange.value for exchange in exchanges if isinstance(exchange.value, dict)]
    ids = [value["id"] for value in values if isinstance(value.get("id"), str)]
    return session._replace(id=ids[0] if ids else None)


def _afterwards(scenario: Scenario, session: Session) -> list[tuple[Operation, Exchange]]:
    """Reads by both ids and one more close, one after another, when all has been answered."""
    operations = [Operation(Kind.RETRIEVE, form) for form in Form]
    operations += [Operation(Kind.CLOSE, Form.EXTERNAL, reason=LATE), Operation(Kind.RETRIEVE)]
    done = []
    for operation in operations:
        method, target, body, credential = request_of(scenario.target, session, operation)
        done.append((operation, scenario.send(method, target, body, credential=credential)))
    if 0 < done[-2][1].status < SUCCESS_END and session.id is not None:
        scenario.target.forget(session.credential, session.id)
    return done


def _call(model: Model, session: Session, operation: Operation, exchange: Exchange) -> Call:
    began = exchange.began or time.monotonic()
    if exchange.status == 0:
        return Call(operation, None, began)
    response = response_of(model, exchange, session, operation)
    return Call(operation, response, began, began + exchange.seconds)
