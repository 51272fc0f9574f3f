"""Sessions of two environments in any order of operations, beside a small model of the clauses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import REFUSED, Row, Scenario

REASONS = st.one_of(
    st.none(),
    st.sampled_from(["", "x", "user signed out", " spaced "]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
)
KEYS = st.sampled_from(["id", "externalId"])


class Known:
    """The model of one session: its row as retrieve showed it last."""

    def __init__(self, credential: str, row: Row) -> None:
        self.credential, self.row = credential, row

    def key(self, form: str) -> str:
        key: str | None = self.row[form]
        return self.row["id"] if key is None else key


def machine_for(run: Run) -> type[RuleBasedStateMachine]:
    """The state machine, bound to a run."""
    credentials = [run.key] if run.other_key is None else [run.key, run.other_key]

    class Sessions(RuleBasedStateMachine):
        sessions = Bundle("sessions")

        def __init__(self) -> None:
            super().__init__()
            self.scenario: Scenario = run.scenario()
            self.known: list[Known] = []
            self.names: dict[str, str] = {}

        @rule(
            target=sessions,
            who=st.sampled_from(credentials),
            named=st.booleans(),
            tags=st.lists(st.text("ab", max_size=2), max_size=2),
        )
        def create(self, who: str, named: bool, tags: list[str]) -> Known:
            known = Known(who, self.scenario.open(run.name() if named else None, credential=who, tags=tags))
            self.known.append(known)
            return known

        @rule(target=sessions, session=sessions)
        def create_the_twin_of_another_environment(self, session: Known) -> Any:
            name = session.row["externalId"]
            others = [who for who in credentials if who != session.credential]
            if (
                name is None
                or not others
                or any(known.row["externalId"] == name for known in self.known if known is not session)
            ):
                return multiple()
            made = self.scenario.try_create(name, credential=others[0])
            self.scenario.expect(made, 201, "env.isolation", "create with an externalId that another environment has")
            known = Known(others[0], self.scenario.retrieve(made.value["id"], credential=others[0]))
            self.known.append(known)
            return known

        @rule(session=sessions, form=KEYS, reason=REASONS)
        def close(self, session: Known, form: str, reason: str | None) -> None:
            body = {} if reason is None else {"reason": reason}
            if session.row["closedAt"] is None:
                session.row = self.scenario.close(
                    session.row, body, by=session.key(form), credential=session.credential
                )
            else:
                self.scenario.close_again(session.row, body, by=session.key(form), credential=session.credential)

        @rule(session=sessions, form=KEYS)
        def retrieve(self, session: Known, form: str) -> None:
            clause = "close.terminal" if session.row["closedAt"] is not None else "retrieve.row"
            seen = self.scenario.retrieve(session.key(form), credential=session.credential)
            self.scenario.assert_same(session.row, seen, clause, "a later retrieve")

        @rule(session=sessions, form=KEYS, tags=st.lists(st.text("xy", max_size=2), max_size=2))
        def update(self, session: Known, form: str, tags: list[str]) -> None:
            if "updateSession" in run.unsupported:
                return
            answer = self.scenario.send(
                "PATCH", run.path(session.key(form)), {"tags": tags}, credential=session.credential
            )
            self.scenario.expect(answer, 200, "update.applied", "a valid update")
            expected = {name: value for name, value in session.row.items() if name not in ("tags", "updatedAt")}
            clause = "close.terminal" if session.row["closedAt"] is not None else "update.applied"
            self.scenario.assert_same({**expected, "tags": tags}, self.scenario.validated_row(answer), clause, "update")
            session.row = self.scenario.retrieve(session.row["id"], credential=session.credential)

        @rule(session=sessions, status=st.sampled_from(["ACTIVE", "CLOSED"]))
        def look_it_up_in_a_list(self, session: Known, status: str) -> None:
            name = session.row["externalId"]
            if name is None or "listSessions" in run.unsupported:
                return
            query = f"filter%5BexternalId%5D={run.path(name).rsplit('/', 1)[1]}&filter%5Bstatus%5D={status}"
            answer = self.scenario.send("GET", f"{run.collection}?{query}", credential=session.credential)
            self.scenario.expect(answer, 200, "close.listed", "a list by externalId and state")
            found = [row.get("id") for row in answer.value["data"]]
            state = "ACTIVE" if session.row["closedAt"] is None else "CLOSED"
            expected = [session.row["id"]] if status == state else []
            if found != expected:
                raise self.scenario.fail("close.listed", f"{expected} in the list of {status} sessions", repr(found))

        @rule(session=sessions)
        def create_again(self, session: Known) -> None:
            name = session.row["externalId"]
            if name is None:
                return
            made = self.scenario.try_create(name, credential=session.credential)
            if session.row["closedAt"] is None:
                self.scenario.expect(made, 200, "create.cached", "create with an open session's externalId")
            else:
                self.scenario.expect(made, 409, "close.recreate", "create with a closed session's externalId")
            after = self.scenario.retrieve(session.row["id"], credential=session.credential)
            kept = {name: value for name, value in session.row.items() if name not in ("triggerConfig", "updatedAt")}
            clause = "create.cached" if session.row["closedAt"] is None else "close.recreate"
            self.scenario.assert_same(kept, after, clause, "retrieve after another create")
            session.row = after

        @rule(
            session=sessions,
            form=KEYS,
            body=st.sampled_from([b"{", b"[]", b'{"reason":1}', b'{"reason":null}', b"null"]),
        )
        def close_with_a_body_that_is_refused(self, session: Known, form: str, body: bytes) -> None:
            answer = self.scenario.try_close(session.key(form), body, credential=session.credential)
            clause = "reason.type" if b"reason" in body else "body.malformed"
            self.scenario.expect(answer, REFUSED, clause, "a body that is refused", error=True)

        @rule(session=sessions, form=KEYS)
        def close_from_another_environment(self, session: Known, form: str) -> None:
            for who in credentials:
                name = session.key(form)
                if who != session.credential and not any(
                    known.credential == who and name in (known.row["id"], known.row["externalId"])
                    for known in self.known
                ):
                    answer = self.scenario.try_close(name, credential=who)
                    self.scenario.expect(
                        answer, 404, "env.isolation", "close of another environment's session", error=True
                    )

        @rule(session=consumes(sessions))
        def look_for_the_last_time(self, session: Known) -> None:
            self.retrieve_row(session)

        def retrieve_row(self, session: Known) -> None:
            clause = "close.terminal" if session.row["closedAt"] is not None else "close.only-one"
            self.scenario.assert_same(
                session.row,
                self.scenario.retrieve(session.row["id"], credential=session.credential),
                clause,
                "the last retrieve",
            )

        def teardown(self) -> None:
            for known in self.known:
                self.retrieve_row(known)

    return Sessions


@pytest.mark.clause("close.terminal", "close.idempotent", "close.only-one", "env.isolation", "close.persisted")
def test_any_order_of_operations_keeps_the_model(run: Run) -> None:
    run.need("createSession")
    run_state_machine_as_test(
        machine_for(run),
        settings=settings(
            max_examples=run.count(run.profile.examples),
            stateful_step_count=run.profile.steps,
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.clause("reason.verbatim")
def test_any_reason_is_recorded_exactly(run: Run) -> None:
    from hypothesis import given

    limit = run.contract.reason_max_length

    @settings(
        max_examples=run.count(run.profile.examples * 3),
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=limit // 2))
    def hold(reason: str) -> None:
        import json

        content = json.dumps({"reason": reason}, ensure_ascii=False).encode()
        if len(content) <= run.contract.operations["closeSession"].body.limit_bytes:  # type: ignore[union-attr]
            scenario = run.scenario()
            scenario.close(scenario.open(), content)

    hold()
