"""From outcomes of tests to verdicts of clauses and an exit code."""

from __future__ import annotations

import msgspec
import pytest
from made_verdicts import failing, made, outcome, passing

from adjourn_contract.reports.outcome import Observed, Outcome, Proof
from adjourn_contract.reports.summary import conclusion
from adjourn_contract.reports.verdicts import Verdict, Verdicts


def verdict_of(verdicts: Verdicts, slug: str) -> Verdict:
    return next(verdict for verdict in verdicts if verdict.clause == slug)


def last_line(verdicts: Verdicts) -> str:
    return list(conclusion(verdicts))[-1]


def test_a_clause_passes_if_every_test_that_covers_it_passed() -> None:
    verdicts = passing()
    assert verdict_of(verdicts, "close.closes").state == "passed"
    assert verdicts.exit_code == 0


def test_a_clause_with_a_test_that_did_not_run_is_not_checked() -> None:
    verdicts = passing()
    verdicts.expect({"a": ["close.closes"], "b": ["close.closes"]})
    verdict = verdict_of(verdicts, "close.closes")
    assert (verdict.state, verdict.kind, verdict.reason) == ("not checked", "could not run", "its test did not run")
    assert verdicts.exit_code == 2


def test_a_test_that_stops_at_a_clause_leaves_its_others_not_checked() -> None:
    verdicts = made(failing("a", "close.closes", "reason.verbatim"), outcome("b", "passed", "close.closes"))
    verdict = verdict_of(verdicts, "close.closes")
    assert (verdict.state, verdict.kind) == ("not checked", "could not run")
    assert verdict.reason == "stopped at reason.verbatim"
    assert verdict_of(verdicts, "reason.verbatim").affects == ("close.closes",)
    assert verdicts.exit_code == 1


def test_accepting_a_failure_does_not_pass_the_clauses_that_it_stopped() -> None:
    verdicts = made(
        failing("a", "close.closes", "reason.verbatim"),
        outcome("b", "passed", "close.listed"),
        accept=("reason.verbatim",),
    )
    assert verdict_of(verdicts, "reason.verbatim").state == "accepted"
    assert verdict_of(verdicts, "close.closes").state == "not checked"
    assert verdicts.exit_code == 2


def test_accepting_a_clause_that_was_not_asked_for_is_no_success() -> None:
    verdicts = made(accept=("auth.required",))
    assert verdicts.exit_code == 2


def test_an_accepted_clause_that_passes_is_stale_and_exits_with_1() -> None:
    verdicts = passing()
    verdicts.accept = ("close.*",)
    assert verdicts.stale == ["close.*"]
    assert verdicts.exit_code == 1
    assert (
        last_line(verdicts) == 'accepted, but it passes: remove "close.*" from the accepted clauses (the command line)'
    )


def test_an_accepted_glob_of_which_one_clause_fails_is_not_stale() -> None:
    verdicts = made(
        failing("a", "close.closes", clause="close.closes"),
        outcome("b", "passed", "close.listed", "reason.verbatim"),
        accept=("close.*",),
    )
    assert (verdicts.stale, verdicts.exit_code) == ([], 0)


def test_what_a_server_may_lack_is_not_applicable_and_exits_with_0() -> None:
    verdicts = made(
        outcome("a", "passed", "close.closes", "reason.verbatim"),
        outcome("b", "not applicable", "close.listed", reason="the server has no list"),
    )
    verdict = verdict_of(verdicts, "close.listed")
    assert (verdict.state, verdict.kind, verdict.reason) == ("not checked", "not applicable", "the server has no list")
    assert verdicts.exit_code == 0


def test_a_clause_of_which_one_test_does_not_apply_has_not_passed() -> None:
    verdicts = passing()
    verdicts.note(outcome("b", "not applicable", "close.closes", reason="the server has no update"))
    assert (verdict_of(verdicts, "close.closes").kind, verdicts.exit_code) == ("not applicable", 0)


class TestAMissingKey:
    @pytest.fixture
    def verdicts(self) -> Verdicts:
        missing = outcome("b", "could not run", "close.closes", reason="no key", remedy="--other-secret-key")
        return made(outcome("a", "passed", "close.closes", "close.listed", "reason.verbatim"), missing)

    def test_exits_with_2_and_the_last_line_names_it(self, verdicts: Verdicts) -> None:
        assert verdict_of(verdicts, "close.closes").reason == "no key"
        assert verdicts.exit_code == 2
        assert "missing: --other-secret-key (for 1)" in last_line(verdicts)
        assert "--allow-incomplete" in last_line(verdicts)

    def test_can_be_allowed(self, verdicts: Verdicts) -> None:
        verdicts.allow_incomplete = True
        assert verdicts.exit_code == 0
        assert last_line(verdicts).endswith("allowed by --allow-incomplete")


def test_nothing_checked_at_all_is_not_allowed_by_incomplete() -> None:
    assert made(allow_incomplete=True).exit_code == 2


def test_tests_that_did_not_run_have_the_reason_of_the_stop() -> None:
    verdicts = made(outcome("a", "passed", "close.closes"))
    verdicts.expect({"a": ["close.closes"], "b": ["close.listed"], "c": ["reason.verbatim"]})
    verdicts.stop("the time budget is used up", "--time-budget")
    verdicts.stop("interrupted")
    verdict = verdict_of(verdicts, "close.listed")
    assert (verdict.reason, verdict.remedy) == ("the time budget is used up", "--time-budget")
    assert verdicts.remedies == {"--time-budget": 2}


def test_a_clause_that_no_test_of_the_profile_covers_was_not_asked_for() -> None:
    verdicts = made(outcome("a", "passed", "close.closes", "reason.verbatim"))
    verdict = verdict_of(verdicts, "close.listed")
    assert (verdict.kind, verdict.reason) == ("not asked for", "the smoke profile does not test it in full")
    assert verdicts.exit_code == 0


def test_a_test_that_failed_itself_does_not_pass_its_clause() -> None:
    verdicts = passing()
    verdicts.note(outcome("b", "error", "close.closes", reason="b itself failed: KeyError: 'id'"))
    assert verdict_of(verdicts, "close.closes").state == "not checked"
    assert (verdicts.error, verdicts.exit_code) == ("b itself failed: KeyError: 'id'", 2)


def test_every_clause_has_a_verdict_with_a_reason_unless_it_passed_or_failed() -> None:
    verdicts = made(failing("a", "reason.verbatim"))
    owed = [slug for slug, clause in verdicts.contract.clauses.items() if clause.level == "must"]
    assert [verdict.clause for verdict in verdicts] == owed
    assert [each for each in verdicts if each.state == "not checked" and not (each.kind and each.reason)] == []


def test_the_shortest_proof_is_shown() -> None:
    shorter = Proof("x", "y", "test_b", ("curl one",))
    verdicts = made(
        failing("a", "reason.verbatim"),
        Outcome("b", ("reason.verbatim",), "failed", clause="reason.verbatim", proof=shorter),
        failing("c", "reason.verbatim"),
    )
    assert verdict_of(verdicts, "reason.verbatim").proof == shorter


def test_what_is_observed_adds_up() -> None:
    verdicts = made()
    verdicts.observe(Observed(requests=2, rate_limited=1, list_lag_seconds=0.5, notes=("a",)))
    verdicts.observe(Observed(requests=3, left_open=1, list_lag_seconds=0.2, is_gone=True, notes=("a", "b")))
    assert verdicts.observed == Observed(5, 1, 0.5, 1, True, ("a", "b"))


def test_an_outcome_survives_its_way_between_processes() -> None:
    sent = failing("a", "reason.verbatim")
    assert Outcome.from_dict(sent.as_dict()) == sent


def unrepeated(test: str, *clauses: str, clause: str) -> Outcome:
    return msgspec.structs.replace(failing(test, *clauses, clause=clause), is_repeated=False)


def test_a_failure_that_did_not_show_again_does_not_count_beside_one_that_did() -> None:
    verdicts = made(
        unrepeated("a", "close.closes", clause="close.closes"), failing("b", "reason.verbatim"), outcome("c", "passed")
    )
    verdict = verdict_of(verdicts, "close.closes")
    assert (verdict.state, verdict.kind) == ("not checked", "could not run")
    assert "did not show again" in verdict.reason
    assert [each.clause for each in verdicts.failed] == ["reason.verbatim"]


def test_a_failure_that_did_not_show_again_counts_where_there_is_no_other() -> None:
    verdicts = made(unrepeated("a", "close.closes", clause="close.closes"))
    assert [each.clause for each in verdicts.failed] == ["close.closes"]
    assert verdicts.exit_code == 1
