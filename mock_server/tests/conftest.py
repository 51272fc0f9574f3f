"""A mock server per dialect, a caller of the control API, a store of each kind."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from control_caller import Control, Environment
from engines import free_port, redis_server
from sessions_api import Api
from stored_rows import Use

from adjourn_fixtures import MockEnvironment
from adjourn_mock import MockServer
from adjourn_mock.stores.opening import as_shared, open_store
from adjourn_mock.stores.store import Store
from adjourn_spec import Contract, load_contract

_numbers = itertools.count()


@pytest.fixture
def env(server: MockServer) -> Iterator[MockEnvironment]:
    """An environment, of the server of the module, with the session chat_1."""
    with MockEnvironment(server) as made:
        made.sessions.create("chat_1")
        yield made


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


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with MockServer() as server:
        control = Control(server)
        yield control
        for caller in control.callers:
            caller.close()


@pytest.fixture
def environment(control: Control) -> Iterator[Environment]:
    environment = control.environment()
    yield environment
    environment.call("DELETE")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server(free_port()) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is, as `--store` has it."""
    if request.param == "redis":
        # A number of its own: the server is shared by the tests.
        return f"{request.getfixturevalue('redis_url')[:-1]}{next(_numbers) % 16}"
    return "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'state.db'}"


@pytest.fixture
def use(store_address: str) -> Use:
    """Runs a function over a store that is empty."""

    def run(act: Callable[[Store], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            store = open_store(store_address)
            try:
                for environment in ("one", "other"):
                    await store.replace(environment, ())
                return await act(store)
            finally:
                if (common := as_shared(store)) is not None:
                    for environment in ("one", "other"):
                        await common.delete_environment(environment)
                    await common.close()

        return asyncio.run(whole())

    return run
