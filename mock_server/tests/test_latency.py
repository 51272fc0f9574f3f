"""Latency follows its distribution: how late, drawn without waiting."""

from __future__ import annotations

import statistics
from typing import Literal

import anyio
import pytest

from adjourn_mock.dialects.documented import DOCUMENTED
from adjourn_mock.exchanges.exchange import Answer
from adjourn_mock.faults.network import Latency

pytestmark = pytest.mark.asyncio
DRAWS = 2000


async def waits(monkeypatch: pytest.MonkeyPatch, latency: Latency, draws: int = DRAWS) -> list[float]:
    """How many milliseconds each of many answers is delayed by."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds * 1000)

    async def nothing(*arguments: object) -> None:
        return None

    monkeypatch.setattr(anyio, "sleep", sleep)
    behaviour = latency.change(DOCUMENTED)
    scope = {"type": "http"}
    for _ in range(draws):
        await behaviour.deliver(scope, nothing, nothing, [], Answer(200, b"{}"))  # type: ignore[arg-type]
    return waited


async def test_a_fixed_latency_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(await waits(monkeypatch, Latency(milliseconds=25), 10)) == {25}


async def test_a_uniform_latency_lies_within_its_spread_and_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = await waits(monkeypatch, Latency(milliseconds=100, distribution="uniform", spread=20, seed=1))
    assert 80 <= min(drawn) < 82
    assert 118 < max(drawn) <= 120
    assert abs(statistics.mean(drawn) - 100) < 2


async def test_a_normal_latency_has_its_mean_and_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = await waits(monkeypatch, Latency(milliseconds=100, distribution="normal", spread=10, seed=1))
    assert abs(statistics.mean(drawn) - 100) < 1
    assert abs(statistics.stdev(drawn) - 10) < 1


async def test_a_lognormal_latency_has_its_median_and_a_longer_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = await waits(monkeypatch, Latency(milliseconds=100, distribution="lognormal", spread=0.5, seed=1))
    assert abs(statistics.median(drawn) - 100) < 5
    assert statistics.mean(drawn) > 105


@pytest.mark.parametrize("distribution", ["uniform", "normal", "lognormal"])
async def test_a_seed_makes_the_delays_the_same(
    monkeypatch: pytest.MonkeyPatch, distribution: Literal["uniform", "normal", "lognormal"]
) -> None:
    def latency(seed: int) -> Latency:
        return Latency(milliseconds=100, distribution=distribution, spread=0.5, seed=seed)

    first = await waits(monkeypatch, latency(1), 20)
    assert first == await waits(monkeypatch, latency(1), 20)
    assert first != await waits(monkeypatch, latency(2), 20)


async def test_no_latency_is_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = await waits(monkeypatch, Latency(milliseconds=1, distribution="normal", spread=100, seed=1))
    assert min(drawn) >= 0
