"""All sequences of operations: how many there are, what is saved, and that the shortest failure is found."""

from __future__ import annotations

import pytest
from conforming_servers import with_behaviour
from lagging_lists import lagging
from runs import run_against

from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.orders.sequences import ALPHABETS, Coverage, Exploration, sequences_of
from adjourn_mock import MockServer


def explored(alphabet: str, depth: int, *faults: str) -> tuple[Coverage, int]:
    with MockServer(faults=list(faults)) as server, run_against(server.url) as run:
        return Exploration(run, ALPHABETS[alphabet], depth).explore(), run.wire.requests


def failure_of(fault: str, alphabet: str) -> ClauseFailed:
    with pytest.raises(ClauseFailed) as caught:
        explored(alphabet, 3, fault)
    return caught.value


@pytest.mark.parametrize(("depth", "count"), [(1, 6), (2, 35), (3, 200), (4, 1125)])
def test_a_session_expires_at_most_once(depth: int, count: int) -> None:
    sentences = list(sequences_of(ALPHABETS["standard"], depth))
    assert len(sentences) == len(set(sentences)) == count


def test_every_sequence_passes_against_the_mock() -> None:
    coverage, requests = explored("standard", 2)
    assert (coverage.sequences, coverage.depth, coverage.has_expiry) == (35, 2, True)
    assert coverage.words.startswith("all 35 sequences of up to 2 operations passed (create again, ")
    # Common beginnings are read once: without that it would be two reads after each of 70 steps.
    assert requests < 250


def test_sixteen_sequences_take_about_eighty_requests() -> None:
    coverage, requests = explored("changes", 2)
    assert coverage.sequences == 16
    assert requests <= 85


@pytest.mark.parametrize(
    ("fault", "alphabet", "clause", "steps"),
    [
        ("update-reopens", "changes", "close.terminal", 2),
        ("later-close-replaces-reason", "changes", "close.idempotent", 2),
        ("third-close-replaces-reason", "changes", "close.idempotent", 3),
        ("create-answers-closed", "changes", "close.recreate", 2),
        ("expired-409", "standard", "close.expired", 1),
        ("close-does-nothing", "changes", "close.persisted", 1),
    ],
)
def test_the_shortest_sequence_that_fails_is_the_proof(fault: str, alphabet: str, clause: str, steps: int) -> None:
    error = failure_of(fault, alphabet)
    writes = [each for each in error.exchanges if each.method != "GET"]
    assert error.clause == clause
    # The create comes first.
    assert len(writes) == steps + 1


def test_a_list_that_lags_within_the_bound_is_not_accused() -> None:
    with MockServer(with_behaviour(lagging(0.4))) as server, run_against(server.url) as run:
        run.list_lag_seconds = 1.0
        assert Exploration(run, ALPHABETS["changes"], 1).explore().sequences == 4


def test_a_list_that_lags_longer_than_the_bound_violates_close_listed() -> None:
    with MockServer(with_behaviour(lagging(60))) as server, run_against(server.url) as run:
        run.list_lag_seconds = 0.2
        with pytest.raises(ClauseFailed) as caught:
            Exploration(run, ALPHABETS["changes"], 1).explore()
    assert caught.value.clause == "close.listed"
    assert caught.value.expected.endswith("0.2 s after the last change")


def test_the_shortest_story_of_an_order_that_reopens_is_update_close_create() -> None:
    error = failure_of("create-after-close-after-update-reopens", "changes")
    assert error.clause == "close.terminal"
    assert [each.method for each in error.exchanges if each.method != "GET"] == ["POST", "PATCH", "POST", "POST"]


def test_the_shortest_story_of_a_third_close_is_three_closes() -> None:
    error = failure_of("third-close-by-external-id-replaces-reason", "changes")
    assert error.clause == "close.idempotent"
    writes = [each for each in error.exchanges if each.method != "GET"]
    assert [each.status for each in writes] == [201, 200, 200, 200]
    assert writes[-1].target.rpartition("/")[0].endswith("-s")


def test_the_shortest_story_of_a_close_after_a_refused_create_has_both() -> None:
    error = failure_of("close-after-refused-recreate-409", "standard")
    assert error.clause == "close.expired"
    assert [each.status for each in error.exchanges if each.method != "GET"] == [201, 409, 409]
