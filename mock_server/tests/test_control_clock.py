"""Clocks over the control API."""

from __future__ import annotations

import time
from typing import Any

import pytest
from control_caller import Control, Environment


def test_expiry_and_times_follow_the_clock(control: Control) -> None:
    environment = control.environment(clock="2026-01-01T00:00:00Z")
    environment.create(expiresAt="2026-01-01T01:00:00Z")

    def listed(status: str) -> int:
        return len(environment.api.get("/sessions", params={"filter[status]": status}).json()["data"])

    assert (listed("ACTIVE"), listed("EXPIRED")) == (1, 0)
    environment.call("POST", "/clock", json={"advance": 3600})
    assert (listed("ACTIVE"), listed("EXPIRED")) == (0, 1)
    assert environment.close().json()["closedAt"] == "2026-01-01T01:00:00.000Z"


def test_a_clock_is_frozen_set_and_resumed(environment: Environment) -> None:
    def change(**body: Any) -> dict[str, Any]:
        clock: dict[str, Any] = environment.call("POST", "/clock", json=body).json()
        return clock

    frozen = change(freeze=True)
    assert frozen == {**environment.call("GET", "/clock").json(), "frozen": True}
    assert change(set="2030-01-01T00:00:00Z") == {"now": "2030-01-01T00:00:00.000Z", "frozen": True}
    assert change(freeze="2031-01-01T00:00:00+01:00")["now"] == "2030-12-31T23:00:00.000Z"
    resumed = change(resume=True)
    assert (resumed["now"][:10], resumed["frozen"]) == ("2030-12-31", False)
    assert change(advance="-1d")["now"][:10] == "2030-12-30"
    assert environment.create().json()["createdAt"][:10] == "2030-12-30"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_clock_stays_within_the_calendar(environment: Environment, at: str) -> None:
    environment.call("POST", "/clock", json={"set": at})
    for advance in ("-2d", "2d", "50ms"):
        environment.call("POST", "/clock", json={"advance": advance})
        assert environment.create().status_code < 300
        assert environment.api.get("/sessions", params={"filter[createdAt][period]": "1d"}).status_code == 200
        assert environment.call("GET", "/journal").status_code == 200


def test_a_clock_that_goes_stops_at_the_end(environment: Environment) -> None:
    environment.call("POST", "/clock", json={"set": "9999-12-31T23:59:59.990Z"})
    time.sleep(0.02)
    assert environment.call("GET", "/clock").json() == {"now": "9999-12-31T23:59:59.999Z", "frozen": False}
    assert environment.create().status_code == 201
