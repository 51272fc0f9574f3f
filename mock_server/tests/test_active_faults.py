"""Active faults: enabled, spent, disabled, restored from elsewhere."""

from __future__ import annotations

import pytest

from adjourn_mock.domain.errors import UserError
from adjourn_mock.environments.active_faults import MAX_ACTIVE, ActiveFault, ActiveFaults, FaultScope


def test_each_fault_has_an_id_of_its_own_even_after_others_were_disabled() -> None:
    faults = ActiveFaults()
    first = faults.enable("status")
    faults.disable(first.id)
    assert (first.id, faults.enable("status").id) == ("status-1", "status-2")


def test_a_fault_that_has_applied_as_often_as_asked_is_spent() -> None:
    faults = ActiveFaults()
    fault, always = faults.enable("status", scope=FaultScope(times=2)), faults.enable("latency")
    for remaining in (2, 1):
        assert (fault.remaining, fault.is_spent, len(faults)) == (remaining, False, 2)
        fault.hits += 1
    assert (fault.remaining, list(faults), len(faults), list(faults.spent)) == (0, [always], 1, [fault])
    assert (always.remaining, always.is_spent) == (None, False)


def test_hits_beyond_the_times_leave_nothing_remaining() -> None:
    assert ActiveFault("status-1", "status", scope=FaultScope(times=1), hits=5).remaining == 0


def test_too_many_faults_are_refused_and_a_spent_one_makes_room() -> None:
    faults = ActiveFaults()
    enabled = [faults.enable("status", scope=FaultScope(times=1)) for _ in range(MAX_ACTIVE)]
    with pytest.raises(UserError, match=f"{MAX_ACTIVE} faults are enabled"):
        faults.enable("status")
    enabled[3].hits = 1
    faults.enable("status")
    assert (len(faults), enabled[3].id in faults.active) == (MAX_ACTIVE, False)


def test_disabling_is_counted_and_says_whether_it_was_enabled() -> None:
    faults = ActiveFaults()
    fault = faults.enable("status")
    assert (faults.disable(fault.id), faults.disable(fault.id), faults.removals) == (True, False, 2)


def test_what_is_restored_keeps_its_state_here_and_loses_what_is_gone_there() -> None:
    faults = ActiveFaults()
    here, gone = faults.enable("status"), faults.enable("latency")
    here.hits = 7
    other = ActiveFault("reset-3", "reset")
    faults.restore([ActiveFault(here.id, here.name), other], enabled_total=3)
    assert [(fault.id, fault.hits) for fault in faults] == [(here.id, 7), ("reset-3", 0)]
    assert gone.id not in faults.active
    assert faults.enable("status").id == "status-4"


@pytest.mark.parametrize(("probability", "drawn"), [(0.0, 0), (1.0, 100)])
def test_certainty_needs_no_chance(probability: float, drawn: int) -> None:
    fault = ActiveFault("status-1", "status", scope=FaultScope(probability=probability))
    assert sum(fault.is_drawn() for _ in range(100)) == drawn


def test_chance_is_the_same_with_the_same_seed_and_near_its_probability() -> None:
    def draws(seed: int) -> list[bool]:
        fault = ActiveFault("status-1", "status", scope=FaultScope(probability=0.3, seed=seed))
        return [fault.is_drawn() for _ in range(1000)]

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)
    assert 250 < sum(draws(1)) < 350
