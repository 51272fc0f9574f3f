"""A create of an environment that fails leaves nothing behind, whatever the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from adjourn_mock import create_app
from adjourn_mock.domain.sessions import Session
from adjourn_mock.stores.memory import MemoryStore
from adjourn_mock.stores.store import StoreUnavailable

pytestmark = pytest.mark.asyncio
SEED = {"sessions": [{"externalId": "chat_1"}]}


@pytest.mark.parametrize(
    "failure", [StoreUnavailable("the store is away"), KeyError("a bug"), asyncio.CancelledError()], ids=repr
)
async def test_a_create_that_fails_in_the_store_leaves_no_environment(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(store: MemoryStore, environment: str, rows: Sequence[Session]) -> None:
        raise failure

    app = create_app()
    monkeypatch.setattr(MemoryStore, "replace", fails)
    with pytest.raises(type(failure)):
        await app.control.create_environment(name="mine", secret_key="tr_dev_mine", seed=SEED)
    assert app.environments.named("mine") is None
    assert app.environments.with_key(b"tr_dev_mine") is None
    monkeypatch.undo()
    made = await app.control.create_environment(name="mine", secret_key="tr_dev_mine", seed=SEED)
    assert await app.service.store.count(made.id) == 1


async def test_a_create_with_a_seed_that_is_broken_leaves_no_environment() -> None:
    app = create_app()
    with pytest.raises(ValueError, match="is not a member"):
        await app.control.create_environment(name="mine", seed={"sessions": [{"closed": True}]})
    assert app.environments.named("mine") is None
