"""The session of a run, in every store: found by its index alone, whatever happened to sessions and runs before."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from stored_rows import LATER, Use, row

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Filter, Session
from adjourn_mock.stores.run_index import RunIndex
from adjourn_mock.stores.store import Store, close_once

RUNS = ("run_1", "run_2", "run_3", "run 3", "run_\ud800", None)


async def newest_with(store: Store, environment: str, run_id: str) -> str | None:
    """What reading all sessions would find."""
    found = [each.id for each in await store.snapshot(environment) if each.current_run_id == run_id]
    return found[-1] if found else None


@pytest.mark.parametrize("seed", range(5))
def test_the_session_of_a_run_is_what_reading_all_would_find(use: Use, seed: int) -> None:
    chance = random.Random(seed)

    async def act(store: Store) -> None:
        ids: list[str] = []

        def given(session: Session) -> Session:
            return sessions.replace(session, current_run_id=chance.choice(RUNS))

        for step in range(80):
            done = chance.choice(["insert", "insert", "run", "close", "tags", "replace" if step % 20 == 19 else "run"])
            if done == "insert" or not ids:
                made = row(f"{step:03}", created_at=f"2026-01-01T00:00:0{chance.randrange(5)}.000Z")
                ids.append((await store.insert("one", given(made))).id)
            elif done == "run":
                await store.amend("one", chance.choice(ids), given)
            elif done == "close":
                await close_once(store, "one", chance.choice(ids), None, LATER)
            elif done == "tags":
                await store.amend("one", chance.choice(ids), lambda row: sessions.update(row, {"tags": ["a"]}, LATER))
            else:
                rows = await store.snapshot("one")
                await store.replace("one", rows[: len(rows) // 2])
                await store.replace("two", rows)
                ids = [each.id for each in rows[: len(rows) // 2]]
            for environment in ("one", "two", "none"):
                for run_id in filter(None, RUNS):
                    found = await store.of_run(environment, run_id)
                    assert (found and found.id) == await newest_with(store, environment, run_id), (done, run_id)

    use(act)


def test_no_other_session_is_looked_at(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    async def act(store: Store) -> None:
        await store.replace("one", [row(f"{number:04}", current_run_id=f"run_{number}") for number in range(1000)])
        monkeypatch.setattr(Filter, "matches", lambda self, each, now: looked_at.append(each) or True)
        found = await store.of_run("one", "run_7")
        assert found is not None
        assert found.id == "session_0007"
        assert await store.of_run("one", "run_") is None
        assert len(looked_at) <= 1

    use(act)


def test_an_index_has_nothing_left_of_runs_that_are_gone() -> None:
    chance, index = random.Random(1), RunIndex()
    runs: dict[str, str | None] = {}

    def expected() -> Mapping[str, set[str]]:
        return {run: {each for each, its in runs.items() if its == run} for run in ("a", "b")}

    for _ in range(500):
        session, run = chance.choice("xyz"), chance.choice(["a", "b", None])
        index.remove(runs.get(session), session)
        index.add(run, session)
        runs[session] = run
        assert {each: set(index.of(each)) for each in ("a", "b")} == expected()
    for session, its in runs.items():
        index.remove(its, session)
    assert not index._ids
