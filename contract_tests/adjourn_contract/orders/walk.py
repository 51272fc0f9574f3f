"""A walk: one session that goes from state to state on a server, each response compared with the model."""

from __future__ import annotations

from adjourn_contract.engine.scenario import Row, Scenario
from adjourn_contract.orders.model import Model, Phase, Response, State, Violation
from adjourn_contract.orders.operations import Form, Kind, Operation, Session, request_of
from adjourn_contract.transport.exchange import Exchange

__all__ = ["SUCCESS_END", "Walk", "model_of", "response_of"]

CREATE = Operation(Kind.CREATE)
SUCCESS_END, CLIENT_ERROR = 300, 400
_PROBES = tuple(Operation(Kind.RETRIEVE, form) for form in Form)


def model_of(scenario: Scenario) -> Model:
    """The sequential model for a scenario's target."""
    moving = frozenset({"updatedAt"}) if scenario.target.updates_after_create else frozenset[str]()
    return Model(scenario.target.contract, moving=moving)


def response_of(model: Model, exchange: Exchange, session: Session, operation: Operation) -> Response:
    """What a response shows of a session; of a list, the row with its externalId."""
    value = exchange.value
    if operation.kind is Kind.LIST:
        rows = value.get("data") if isinstance(value, dict) else None
        found = [row for row in rows if _is_of(row, session)] if isinstance(rows, list) else []
        words = f"{exchange.status} with {len(found)} of its rows"
        return Response(exchange.status, model.shown(found[0]) if found else None, words)
    has_row = isinstance(value, dict) and exchange.status < SUCCESS_END
    return Response(exchange.status, model.shown(value) if has_row else None, exchange.summary)


def _is_of(row: object, session: Session) -> bool:
    return isinstance(row, dict) and row.get("externalId") == session.external_id


class Walk:
    """One session on a server, and its state in the model.

    Args:
        scenario: collects the requests, as the proof.
        session: how requests name it.
        model: what each operation must answer and change.

    Attributes:
        state: where the session is now.
        last: the operation that was carried out last, and the state before it.
        done: operations and reads with their exchanges, lists apart.
    """

    def __init__(self, scenario: Scenario, session: Session, model: Model) -> None:
        self.scenario, self.session, self.model = scenario, session, model
        self.state: State = model.absent
        self.last: tuple[State, Operation] = (model.absent, CREATE)
        self.done: list[tuple[Operation, Exchange]] = []

    @property
    def is_closed(self) -> bool:
        return self.state.phase is Phase.CLOSED

    def create(self, **members: object) -> Row:
        """Create the session; the response's row.

        Args:
            members: of the body, beside the externalId.

        Raises:
            ClauseFailed: the response is not as the model asks for.
        """
        made = self.scenario.try_create(self.session.external_id, credential=self.session.credential, **members)
        self._take(CREATE, made)
        row: Row = made.value
        self.session = self.session._replace(id=row["id"])
        self._forget_update()
        return row

    def _forget_update(self) -> None:
        """updatedAt may move once more right after a create: the next response that shows it counts."""
        self.state = self.model.forgetting(self.state, "updatedAt")

    def step(self, operation: Operation) -> None:
        """Carry out an operation and compare the response with the model.

        Raises:
            ClauseFailed: the response is not as the model asks for.
        """
        before = self.state
        self.last = before, operation
        if operation.kind is Kind.EXPIRE:
            self.state = before._replace(is_expired=True)
            return
        self._take(operation, self._send(operation))
        if operation.kind is Kind.CREATE:
            self._forget_update()
        if self.is_closed and before.phase is Phase.OPEN:
            assert self.session.id is not None  # noqa: S101 - create bound it
            self.scenario.target.forget(self.session.credential, self.session.id)

    def probe(self, *, is_last: bool = False, clause: str | None = None) -> None:
        """Retrieve the session by both ids and compare the rows with the state.

        Args:
            is_last: whether nothing follows; then only the form of id that the last operation did not use is tried.
            clause: to blame, instead of that of the last operation.

        Raises:
            ClauseFailed: of a clause of the last operation, because a read shows another state than it left.
        """
        blamed = clause or self.model.effect_clause(*self.last)
        for operation in self._probes(is_last=is_last):
            exchange = self._send(operation)
            self.done.append((operation, exchange))
            self.scenario.expect(exchange, self.model.owed(self.state, operation).statuses, blamed, "a later read")
            self.scenario.validated_row(exchange)
            result = self.model.apply(self.state, operation, self._response(operation, exchange))
            if isinstance(result, Violation):
                reopened = result.clause == "close.terminal" and self.last[0].phase is Phase.CLOSED
                expected = f"{result.expected} after {self.last[1].words}"
                raise self.scenario.fail(result.clause if reopened else blamed, expected, result.got)
            self.state = result

    def _probes(self, *, is_last: bool) -> tuple[Operation, ...]:
        if not is_last:
            return _PROBES
        operation = self.last[1]
        used = Form.EXTERNAL if operation.kind is Kind.CREATE else operation.by
        return tuple(probe for probe in _PROBES if probe.by is not used)

    def list_shows(self, status: str) -> Violation | None:
        """Whether a list by externalId and status agrees with the state; the clause that it violates, if any.

        Raises:
            ClauseFailed: the list itself is refused.
        """
        operation = Operation(Kind.LIST, status=status)
        exchange = self._send(operation)
        self.scenario.expect(exchange, self.model.owed(self.state, operation).statuses, "list.filter", operation.words)
        result = self.model.apply(self.state, operation, self._response(operation, exchange))
        return result if isinstance(result, Violation) else None

    def _send(self, operation: Operation) -> Exchange:
        method, target, body, credential = request_of(self.scenario.target, self.session, operation)
        return self.scenario.send(method, target, body, credential=credential)

    def _response(self, operation: Operation, exchange: Exchange) -> Response:
        return response_of(self.model, exchange, self.session, operation)

    def _take(self, operation: Operation, exchange: Exchange) -> None:
        self.done.append((operation, exchange))
        before, owed = self.state, self.model.owed(self.state, operation)
        what = f"{operation.words} of a session that is {self.model.words_of(before)}"
        self.scenario.expect(exchange, owed.statuses, owed.clause, what, error=exchange.status >= CLIENT_ERROR)
        if exchange.status < SUCCESS_END:
            self.scenario.validated_row(exchange, extra_members=operation.kind is Kind.CREATE)
        result = self.model.apply(before, operation, self._response(operation, exchange))
        if isinstance(result, Violation):
            raise self.scenario.fail(*result)
        self.state = result
