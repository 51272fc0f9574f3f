"""Sessions of two environments in random orders with random values, compared with the sequential model."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.run import Run
from adjourn_contract.orders.operations import REFUSALS, Form, Kind, Operation, Session
from adjourn_contract.orders.walk import Walk, model_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
REASONS = st.one_of(st.none(), st.sampled_from(["", "x", "user signed out", " spaced "]), TEXTS)
TAGS = st.lists(st.text("abxy", max_size=2), max_size=2).map(tuple)
FORMS = st.sampled_from(list(Form))
SETTINGS = settings(
    deadline=None,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


class Sessions(RuleBasedStateMachine):
    """The random walks; `run` is bound by a subclass."""

    run: Run
    sessions: Bundle[Walk] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.scenario = self.run.scenario()
        self.walks: list[Walk] = []

    @property
    def credentials(self) -> list[str]:
        return [key for key in (self.run.key, self.run.other_key) if key is not None]

    def begin(self, credential: str, name: str | None, **members: object) -> Walk:
        walk = Walk(self.scenario, Session(credential, name), model_of(self.scenario))
        walk.create(**members)
        walk.probe(is_last=True)
        self.walks.append(walk)
        return walk

    def others(self, walk: Walk) -> list[str]:
        """Keys of the other environment, where no session of this walk has the externalId of another one."""
        return [key for key in self.credentials if key != walk.session.credential]

    def has_twin(self, walk: Walk) -> bool:
        name = walk.session.external_id
        return any(each is not walk and each.session.external_id == name for each in self.walks)

    @rule(target=sessions, number=st.integers(0, 1), is_named=st.booleans(), tags=TAGS)
    def create(self, number: int, is_named: bool, tags: tuple[str, ...]) -> Walk:
        credential = self.credentials[number % len(self.credentials)]
        return self.begin(credential, self.run.name() if is_named else None, tags=list(tags))

    @rule(target=sessions, walk=sessions)
    def create_the_twin_of_another_environment(self, walk: Walk) -> Any:
        name, others = walk.session.external_id, self.others(walk)
        if name is None or not others or self.has_twin(walk):
            return multiple()
        return self.begin(others[0], name)

    @rule(walk=sessions, form=FORMS, reason=REASONS)
    def close(self, walk: Walk, form: Form, reason: str | None) -> None:
        walk.step(Operation(Kind.CLOSE, form, reason=reason))
        walk.probe()

    @rule(walk=sessions, form=FORMS, tags=TAGS)
    def update(self, walk: Walk, form: Form, tags: tuple[str, ...]) -> None:
        if "updateSession" not in self.run.unsupported:
            walk.step(Operation(Kind.UPDATE, form, tags=tags))
            walk.probe(is_last=True)

    @rule(walk=sessions, payload=TEXTS)
    def create_again(self, walk: Walk, payload: str) -> None:
        if walk.session.external_id is not None:
            walk.step(Operation(Kind.CREATE, payload=payload))
            walk.probe(is_last=True)

    @rule(walk=sessions, form=FORMS, name=st.sampled_from(list(REFUSALS)))
    def send_what_is_refused(self, walk: Walk, form: Form, name: str) -> None:
        walk.step(Operation(Kind.REFUSED, form, refusal=name))
        walk.probe(is_last=True)

    @rule(walk=sessions)
    def retrieve(self, walk: Walk) -> None:
        walk.probe(clause="close.only-one")

    @rule(walk=sessions, form=FORMS)
    def close_from_another_environment(self, walk: Walk, form: Form) -> None:
        # Where the other environment has the same externalId, its own session would be closed.
        for key in () if form is Form.EXTERNAL and self.has_twin(walk) else self.others(walk):
            answer = self.scenario.try_close(walk.session.key(form), credential=key)
            what = "close of another environment's session"
            self.scenario.expect(answer, 404, "env.isolation", what, error=True)
            walk.probe(clause="env.isolation")

    @rule(walk=consumes(sessions))
    def look_for_the_last_time(self, walk: Walk) -> None:
        walk.probe(clause="close.only-one")

    def teardown(self) -> None:
        # After a failed step the model knows no more what to expect, and another failure would hide the first.
        has_failed = isinstance(sys.exc_info()[1], ClauseFailed)
        for walk in () if has_failed else self.walks:
            walk.probe(clause="close.only-one", is_last=True)


@pytest.mark.waits
@pytest.mark.clause("close.terminal", "close.idempotent", "close.only-one", "env.isolation", "close.persisted")
def test_random_orders_of_operations_satisfy_the_model(run: Run) -> None:
    run.need("createSession")
    bound = type("BoundSessions", (Sessions,), {"run": run})
    examples = run.count(run.profile.examples)
    # Not shrunk here: that takes thousands of requests, and short stories are the business of test_sequences.
    options = settings(SETTINGS, max_examples=examples, stateful_step_count=run.profile.steps, phases=[Phase.generate])
    run_state_machine_as_test(bound, settings=options)


@pytest.mark.waits
@pytest.mark.clause("reason.verbatim")
def test_any_reason_is_recorded_exactly(run: Run) -> None:
    limit = run.contract.reason_max_length
    body = run.contract.operations["closeSession"].body
    assert body is not None
    limit_bytes = body.limit_bytes

    @settings(SETTINGS, max_examples=run.count(run.profile.examples * 3))
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=limit // 2))
    def is_recorded(reason: str) -> None:
        content = json.dumps({"reason": reason}, ensure_ascii=False).encode()
        if len(content) <= limit_bytes:
            scenario = run.scenario()
            scenario.close(scenario.open(), content)

    is_recorded()
