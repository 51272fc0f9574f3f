"""Recordings: the more basic clause is reported, and only a failure costs requests."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
from adjourn_contract.engine.recording import Recording
from adjourn_contract.engine.target import Target


class NoTarget(Target):
    def __init__(self) -> None:
        pass


@pytest.fixture
def recording() -> Recording:
    return Recording(NoTarget())


def test_no_check_runs_where_nothing_fails(recording: Recording) -> None:
    calls: list[str] = []
    with recording.ruling_out(lambda: calls.append("called")):
        pass
    assert calls == []


def test_a_more_basic_failure_is_reported_in_place_of_the_first(recording: Recording) -> None:
    def basic() -> None:
        raise recording.fail("auth.required", "401", "200")

    with pytest.raises(ClauseFailed) as caught, recording.ruling_out(basic):
        raise recording.fail("auth.first", "401", "404")
    assert caught.value.clause == "auth.required"


def test_the_failure_itself_is_reported_where_the_checks_pass_or_cannot_run(recording: Recording) -> None:
    calls: list[str] = []

    def cannot_run() -> None:
        calls.append("cannot run")
        raise NotChecked("no key")

    with (
        pytest.raises(ClauseFailed) as caught,
        recording.ruling_out(cannot_run, lambda: calls.append("passes")),
    ):
        raise recording.fail("auth.first", "401", "404")
    assert caught.value.clause == "auth.first"
    assert calls == ["cannot run", "passes"]
