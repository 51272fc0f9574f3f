"""A mock server per dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sessions_api import Api

from adjourn_mock import MockServer
from adjourn_spec import Contract, load_contract


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


def _api(contract: Contract, dialect: str) -> Iterator[Api]:
    with MockServer(contract=contract, dialect=dialect) as server:
        api = Api(server, contract)
        yield api
        api.client.close()


@pytest.fixture(scope="session")
def api(contract: Contract) -> Iterator[Api]:
    """The `documented` dialect."""
    yield from _api(contract, "documented")


@pytest.fixture(scope="session")
def vendor(contract: Contract) -> Iterator[Api]:
    """The `server` dialect."""
    yield from _api(contract, "server")
