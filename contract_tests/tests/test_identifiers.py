"""The ids of tests that run side by side: none means a session of another test."""

from __future__ import annotations

from runs import run_against

from adjourn_contract.clauses.test_matching import Pair, pairs
from adjourn_contract.engine.numbering import in_scope
from adjourn_mock import MockServer


def test_no_id_of_a_pair_is_in_a_pair_of_another_test() -> None:
    with MockServer() as server, run_against(server.url) as run:
        made: list[list[Pair]] = [in_scope(run.numbering, pairs)(run) for _ in range(2)]
    first, second = ({key for pair in each for key in (pair.external_id, pair.other)} for each in made)
    assert len(first) == len(second) == 2 * len(made[0])
    assert first.isdisjoint(second)
