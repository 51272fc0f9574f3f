"""What becomes of each member of a session from create to close and in lists."""

from __future__ import annotations

import pytest

from adjourn_contract.cases.members import OFFSETS, TREACHEROUS
from adjourn_contract.cases.variants import variants
from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.proofs.evidence import Claim, canonical


@pytest.mark.smoke
@pytest.mark.clause("create.created", "retrieve.row", "close.preserves", "close.idempotent", "server.no-error")
def test_every_member_survives_from_create_to_close(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, members: Row) -> None:
        made = scenario.create(**members)
        row = scenario.retrieve(made["id"])
        answered = {name: made[name] for name in row if name != "updatedAt"}
        scenario.assert_same(answered, row, "create.created", "retrieve after create")
        sent = {name: value for name, value in members.items() if name not in ("external_id", "expiresAt")}
        scenario.assert_same(sent, row, "create.created", "retrieve after create")
        closed = scenario.close(row, {"reason": "Every Member"}, look=False)
        scenario.close_again(closed, {"reason": "again"})

    run.each([*TREACHEROUS, *variants(run.contract, run.account)], play)


@pytest.mark.smoke
@pytest.mark.clause("row.list", "list.filter")
def test_every_member_is_in_a_list_as_it_was_sent(run: Run) -> None:
    run.need("createSession", "listSessions")

    def play(scenario: Scenario, members: Row) -> None:
        row = scenario.open(**members)
        shown = list_until(scenario, lambda rows: len(rows) == 1, externalId=row["externalId"])
        if len(shown) != 1:
            # Of the sessions that it should not show, the proof has one of its own.
            scenario.create()
            count = len(scenario.listed(externalId=row["externalId"]))
            claim = Claim(scenario.reading("member", "data", "*", "id"), "is", (canonical([row["id"]]),))
            what = "the session in a list of its externalId"
            raise scenario.fail("list.filter", what, f"{count} rows", claims=[claim])
        expected = {name: row[name] for name in shown[0] if name in row and name != "updatedAt"}
        scenario.assert_same(expected, shown[0], "row.list", "a list")

    run.each(TREACHEROUS, play)


@pytest.mark.smoke
@pytest.mark.clause("create.created", "close.preserves")
def test_expires_at_comes_back_as_the_same_instant(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, moment: str) -> None:
        made = scenario.create(expiresAt=moment)
        row = scenario.retrieve(made["id"])
        closed = scenario.close(row, look=False)
        for name, shown in (("create", made), ("retrieve", row), ("close", closed)):
            got = shown["expiresAt"]
            if got is None or abs(seconds(got) - seconds(moment)) >= 1:
                clause = "close.preserves" if name == "close" else "create.created"
                raise scenario.fail(clause, f"expiresAt the instant {moment} in the answer of {name}", repr(got))

    run.each(OFFSETS, play)
