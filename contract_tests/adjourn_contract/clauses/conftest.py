"""Short names for the plugin's fixtures, for the tests of this folder alone."""

from __future__ import annotations

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario


@pytest.fixture(scope="session")
def run(adjourn_run: Run) -> Run:
    return adjourn_run


@pytest.fixture
def scenario(adjourn_scenario: Scenario) -> Scenario:
    return adjourn_scenario
