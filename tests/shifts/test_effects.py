"""Many effects at once are what each is alone, and nobody's numbers depend on who asked before."""

import numpy as np
import pytest

from shiftscope.shifts import Effect, EffectBatch, SiteStatistics, compare_all
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments


@pytest.fixture(scope="module")
def effects() -> list[Effect]:
    rng = np.random.default_rng(0)
    sites = []
    for k in range(4):
        axes = {axis: Moments.of(rng.standard_normal((40 + 9 * k, 4)) + 0.2 * k) for axis in ("texture", "noise")}
        sites.append(SiteStatistics(f"s{k}", 40, axes, {}, None, {}, LabelCounts({}, {}, 0)))
    return [effect for shift in compare_all(sites).pairs.values() for effect in shift.effects]


def test_a_batch_is_each_alone(effects: list[Effect]) -> None:
    batch = EffectBatch.of(effects)
    np.testing.assert_allclose(batch.p, [effect.p for effect in effects], rtol=1e-9)
    np.testing.assert_allclose(batch.intervals, [effect.interval for effect in effects], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(batch.intervals, np.stack([batch.low, batch.high], axis=1))
    np.testing.assert_allclose(batch.detectable, [effect.detectable() for effect in effects], rtol=1e-6)
    np.testing.assert_allclose(batch.exceeds(0.1), [effect.exceeds(0.1) for effect in effects], rtol=1e-9)
    margins = np.linspace(0, 1, len(effects))
    expected = [effect.exceeds(margin) for effect, margin in zip(effects, margins.tolist(), strict=True)]
    np.testing.assert_allclose(batch.exceeds(margins), expected, rtol=1e-9)


def test_an_interval_holds_its_effect(effects: list[Effect]) -> None:
    batch = EffectBatch.of(effects)
    values = np.array([effect.value for effect in effects])
    assert np.all((batch.low <= values) & (values <= batch.high))


def test_a_batch_leaves_its_effects_as_they_were(effects: list[Effect]) -> None:
    before = [{**vars(effect)} for effect in effects]
    batch = EffectBatch.of(effects)
    assert all(len(column) == len(effects) for column in (batch.p, batch.low, batch.high, batch.detectable))
    assert [vars(effect) for effect in effects] == before


def test_no_effects_have_no_numbers() -> None:
    batch = EffectBatch.of([])
    assert [column.shape for column in (batch.p, batch.low, batch.high, batch.detectable)] == [(0,)] * 4
    assert batch.intervals.shape == (0, 2)
