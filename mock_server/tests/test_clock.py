"""Moments and durations: strict RFC 3339 in and out, clocks that run or are frozen."""

from __future__ import annotations

import pytest

from adjourn_mock.domain.clock import (
    SettableClock,
    canonical,
    clamped_rfc3339,
    duration,
    milliseconds,
    rfc3339,
    within_calendar,
)


class _Base:
    """A clock that the test moves."""

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-30T09:30:00Z", "2026-11-30T09:30:00.000Z"),
        ("2026-11-30t09:30:00z", "2026-11-30T09:30:00.000Z"),
        ("2026-11-30 09:30:00.5Z", "2026-11-30T09:30:00.500Z"),
        ("2026-11-30T09:30:00.123456789Z", "2026-11-30T09:30:00.123Z"),
        ("2026-11-30T11:30:00+02:00", "2026-11-30T09:30:00.000Z"),
        ("2026-11-30T09:30:00-00:00", "2026-11-30T09:30:00.000Z"),
        ("2026-11-30T09:00:00-00:30", "2026-11-30T09:30:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_rfc_3339_date_time_is_written_in_one_form(text: str, written: str) -> None:
    assert canonical(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-30",
        "2026-11-30T09:30:00",
        "2026-11-30T09:30Z",
        "2026-11-30T10:60:00Z",
        "2026-11-30T24:00:00Z",
        "2026-11-30T09:30:61Z",
        "2026-11-30T09:30:00+05:60",
        "2026-11-30T09:30:00+24:00",
        "2026-11-30T09:30:00+0200",
        "2026-W48-1T09:30:00Z",
        "20261130T093000Z",
        "2026-11-30T09:30:00,5Z",
        "2026-02-29T09:30:00Z",
        "2026-13-01T09:30:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        " 2026-11-30T09:30:00Z",
        "2026-11-30T09:30:00Z\n",
        "\u0662026-11-30T09:30:00Z",
    ],
)
def test_what_is_not_an_rfc_3339_date_time_of_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an RFC 3339 date-time|not a moment of the calendar|outside the years"):
        canonical(text)


def test_milliseconds_count_from_1970() -> None:
    assert milliseconds("1970-01-01T00:00:01.5Z") == 1500
    assert milliseconds("1969-12-31T23:59:59.999Z") == -1
    assert rfc3339(-1) == "1969-12-31T23:59:59.999Z"


def test_moments_beyond_the_calendar_are_clamped() -> None:
    assert clamped_rfc3339(10**18) == "9999-12-31T23:59:59.999Z"
    assert clamped_rfc3339(-(10**18)) == "0001-01-01T00:00:00.000Z"
    assert within_calendar(7) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5s", 1500), ("200ms", 200), ("2h", 7_200_000), ("1d", 86_400_000), ("-5m", -300_000), (3, 3000), ("0", 0)],
)
def test_a_duration_is_read_in_milliseconds(text: str | float, expected: int) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["2 hours", "", "s", "1.s", "1e3", "1_000", "9" * 13, "\u0661s"])
def test_what_is_not_a_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration; use 1\.5s, 200ms, 2h"):
        duration(text)


def test_a_clock_follows_its_base_until_it_is_set() -> None:
    base = _Base(1000)
    clock = SettableClock(base)
    assert clock.now() == 1000
    clock.set(5000)
    base.moment += 10
    assert clock.now() == 5010
    assert not clock.is_frozen
    clock.reset()
    assert clock.now() == base.moment


def test_a_frozen_clock_changes_only_when_told_and_resumes_from_there() -> None:
    base = _Base(1000)
    clock = SettableClock(base)
    clock.freeze()
    base.moment += 500
    assert (clock.now(), clock.is_frozen) == (1000, True)
    clock.advance(250)
    assert clock.now() == 1250
    clock.resume()
    base.moment += 1
    assert (clock.now(), clock.is_frozen) == (1251, False)


def test_a_clock_is_restored_from_its_state() -> None:
    base = _Base(1000)
    clock, other = SettableClock(base), SettableClock(base)
    clock.advance(500)
    other.restore(*clock.state)
    assert other.now() == 1500
    clock.freeze(7)
    other.restore(*clock.state)
    assert (other.now(), other.is_frozen) == (7, True)
