"""New ids: their form, their sequence, what a seed does."""

from __future__ import annotations

import re

from adjourn_mock.domain.ids import IdGenerator
from adjourn_spec import Contract


def test_ids_have_the_prefixes_of_the_contract_and_25_characters(contract: Contract) -> None:
    ids = IdGenerator(contract)
    assert re.fullmatch(f"{contract.friendly_prefix}c[a-z0-9]{{24}}", ids.session_id())
    assert re.fullmatch(f"{contract.run_prefix}c[a-z0-9]{{24}}", ids.run_id())


def test_no_id_comes_twice(contract: Contract) -> None:
    ids = IdGenerator(contract)
    assert len({ids.session_id() for _ in range(1000)}) == 1000


def test_a_seed_gives_the_same_ids_and_another_seed_others(contract: Contract) -> None:
    one, same, other = (IdGenerator(contract, seed) for seed in ("7 dev", "7 dev", "8 dev"))
    assert [one.session_id(), one.run_id()] == [same.session_id(), same.run_id()]
    assert IdGenerator(contract, "7 dev").session_id() != other.session_id()


def test_a_restart_repeats_the_ids_of_a_seed_and_no_others(contract: Contract) -> None:
    seeded, free = IdGenerator(contract, "7"), IdGenerator(contract)
    first = seeded.session_id()
    seeded.session_id()
    seeded.restart()
    assert seeded.session_id() == first
    unseeded = free.session_id()
    free.restart()
    assert free.session_id() != unseeded
