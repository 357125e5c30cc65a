"""Intervals: paired, by patient, jointly over seeds, repeatable."""

import numpy as np
import pytest
from scipy import stats

from shiftscope.training.evaluation.bootstrap import REPLICATES, FoldLayout, interval, replicates
from shiftscope.training.evaluation.scores import mean_of

DICE = mean_of("dice")


def cases(values: np.ndarray) -> dict[str, np.ndarray]:
    return {"dice": values}


def people(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_pairs_stay_together() -> None:
    base = np.random.default_rng(0).uniform(0, 1, 30)
    result = replicates([cases(base)], [cases(base + 0.1)], DICE, [people(30)], [0], "salt")
    assert result.shape == (REPLICATES, 1)
    np.testing.assert_allclose(result, 0.1, atol=1e-6)


def test_spread_is_the_standard_error() -> None:
    rng = np.random.default_rng(1)
    base, new = rng.uniform(0, 1, 200), rng.uniform(0, 1, 200)
    result = replicates([cases(base)], [cases(new)], DICE, [people(200)], [0], "salt")
    assert result.std() == pytest.approx((new - base).std() / np.sqrt(200), rel=0.1)


def test_patients_are_the_unit() -> None:
    rng = np.random.default_rng(2)
    gain = np.repeat(rng.normal(0, 0.1, 20), 5)
    owner = [f"p{i // 5}" for i in range(100)]
    by_patient = replicates([cases(np.zeros(100))], [cases(gain)], DICE, [owner], [0], "salt")
    by_case = replicates([cases(np.zeros(100))], [cases(gain)], DICE, [people(100)], [0], "salt")
    assert by_patient.std() > 1.8 * by_case.std()


def test_repeatable_but_not_without_the_scores() -> None:
    rng = np.random.default_rng(3)
    base, new, other = (rng.uniform(0, 1, 20) for _ in range(3))
    once, again, different = (
        replicates([cases(base)], [cases(values)], DICE, [people(20)], [0], "salt") for values in (new, new, other)
    )
    np.testing.assert_array_equal(once, again)
    known = replicates([cases(base)], [cases(base + 1 + np.arange(20))], DICE, [people(20)], [0], "salt")
    assert abs(np.corrcoef(once[:, 0], different[:, 0])[0, 1]) < 0.2
    assert abs(np.corrcoef(once[:, 0], known[:, 0])[0, 1]) < 0.2


def test_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        gains = {site: rng.normal(0.02, 0.1, 40) for site in "abc"}
        drawn = {s: replicates([cases(np.zeros(40))], [cases(g)], DICE, [people(40)], [0], "salt") for s, g in gains.items()}
        estimate = interval(
            drawn, {site: [float(gain.mean())] for site, gain in gains.items()}, np.random.default_rng(0)
        )
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.02 <= estimate.high
    assert 0.89 <= covered / 200 <= 0.99


def test_seeds_widen_the_interval() -> None:
    flat = np.zeros((REPLICATES, 2), dtype=np.float32)
    apart = flat + np.array([-0.1, 0.1], dtype=np.float32)
    narrow = interval({"a": flat}, {"a": [0.0, 0.0]}, np.random.default_rng(0), ONE_FOLD)
    wide = interval({"a": apart, "b": apart}, {"a": [-0.1, 0.1], "b": [-0.1, 0.1]}, np.random.default_rng(0))
    assert (narrow.low, narrow.high) == (0, 0)
    one_degree = stats.t(1).ppf(0.975) * np.std([-0.1, 0.1], ddof=1) / np.sqrt(2)
    assert wide.high == pytest.approx(one_degree, rel=0.4)  # 1,000 draws of Cauchy's tail
    assert wide.low == pytest.approx(-one_degree, rel=0.4)


def test_seeds_that_differ_alike_everywhere_do_not_average_out_over_sites() -> None:
    """A lucky initialisation is lucky at every site; sites' own luck is averaged."""
    flat = {site: np.zeros((REPLICATES, 3), dtype=np.float32) for site in "abc"}
    joint = interval(flat, {site: [-0.1, 0.0, 0.1] for site in "abc"}, np.random.default_rng(0))
    own = {"a": [-0.1, 0.0, 0.1], "b": [0.0, 0.1, -0.1], "c": [0.1, -0.1, 0.0]}
    apart = interval(flat, own, np.random.default_rng(0))
    assert joint.high == pytest.approx(stats.t(2).ppf(0.975) * 0.1 / np.sqrt(3), rel=0.25)
    assert (apart.low, apart.high) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_intervals_with_three_noisy_seeds_cover(noise: float) -> None:
    """With patients alone, both, and with nearly the seeds alone; resampled seeds would cover .75 of the last."""
    rng = np.random.default_rng(5)
    covered, runs = 0, 300
    for _ in range(runs):
        luck = rng.normal(0, noise, 3)
        gains = {site: rng.normal(0.02, 0.05, 40)[:, None] + luck + rng.normal(0, 0.01, (40, 3)) for site in "ab"}
        drawn = {
            site: replicates([cases(np.zeros(40))] * 3, [cases(g) for g in gain.T], DICE, [people(40)] * 3, [0] * 3, "salt")
            for site, gain in gains.items()
        }
        estimate = interval(drawn, {site: gain.mean(axis=0).tolist() for site, gain in gains.items()}, rng)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.02 <= estimate.high
    assert 0.92 <= covered / runs <= 1.0 if noise else 0.90 <= covered / runs <= 0.99


def test_undefined_is_null() -> None:
    nothing = interval({}, {}, np.random.default_rng(0))
    assert (nothing.mean, nothing.low, nothing.high) == (None, None, None)
    undefined = np.full((REPLICATES, 1), np.nan, dtype=np.float32)
    assert interval({"a": undefined}, {"a": [None]}, np.random.default_rng(0)).mean is None
