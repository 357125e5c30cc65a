"""Intervals: by patient, jointly over seeds, within folds, repeatable."""

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from shiftscope.plans import Difference
from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, Means, estimate
from shiftscope.training.evaluation.patient_spreads import SeriesSpread


def one_fold(seeds: int) -> FoldLayout:
    return FoldLayout((0,) * seeds)


FIVE = FoldLayout(tuple(range(5)), 0.25)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def alike(variance: float, seeds: int, freedom: int = 10_000) -> SeriesSpread:
    """All seeds err alike on the same patients."""
    return SeriesSpread(np.full((seeds, seeds), variance), freedom)


def in_folds(variance: float, seeds: int = 5, freedom: int = 10_000) -> SeriesSpread:
    """Every seed has its own patients."""
    return SeriesSpread(np.eye(seeds) * variance, freedom)


def interval(
    spreads: Mapping[str, SeriesSpread | None],
    means: Mapping[str, Means],
    layout: FoldLayout,
    chance: np.random.Generator | None = None,
    level: float = 0.95,
) -> Difference:
    return estimate(spreads, means, rng() if chance is None else chance, layout).interval(level)


def ends(found: Difference) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("freedom", [2, 7, 40])
def test_few_patients_spread_as_student_has_it(freedom: int) -> None:
    found = estimate({"a": alike(0.01**2, 1, freedom)}, {"a": [0.0]}, rng(), one_fold(1))
    for level in (0.95, 0.99):
        half = stats.t(freedom).ppf((1 + level) / 2) * 0.01
        assert ends(found.interval(level)) == pytest.approx((-half, half), rel=0.12)


def test_sites_are_independent() -> None:
    found = estimate(
        {site: alike(0.02**2, 1) for site in "abcd"}, {site: [0.05] for site in "abcd"}, rng(), one_fold(1)
    )
    assert found.patients_se == pytest.approx(0.01)
    half = stats.norm.ppf(0.975) * 0.01
    assert ends(found.interval()) == pytest.approx((0.05 - half, 0.05 + half), abs=0.0006)


def test_tails_of_many_small_sites_are_those_of_small_sites() -> None:
    """Fifty sites of four patients: .05 / 50 of one site's draws lie where Student's t has them, not the normal."""
    found = estimate({"a": alike(0.01**2, 1, 3)}, {"a": [0.05]}, rng(), one_fold(1))
    assert found.p_value == pytest.approx(2 * stats.t(3).sf(5), rel=0.25)


def test_seeds_widen_the_interval() -> None:
    narrow = interval({"a": alike(0, 2)}, {"a": [0.0, 0.0]}, one_fold(2))
    wide = interval(dict.fromkeys("ab", alike(0, 2)), {site: [-0.1, 0.1] for site in "ab"}, one_fold(2), level=0.8)
    assert (narrow.low, narrow.high) == (0, 0)
    half = stats.t(1).ppf(0.9) * np.std([-0.1, 0.1], ddof=1) / np.sqrt(2)
    assert ends(wide) == (pytest.approx(-half, rel=0.05), pytest.approx(half, rel=0.05))


def test_seeds_that_differ_alike_everywhere_do_not_average_out_over_sites() -> None:
    """A lucky initialisation is lucky at every site; sites' own luck is averaged."""
    flat = dict.fromkeys("abc", alike(0, 3))
    joint = interval(flat, {site: [-0.1, 0.0, 0.1] for site in "abc"}, one_fold(3))
    own = {"a": [-0.1, 0.0, 0.1], "b": [0.0, 0.1, -0.1], "c": [0.1, -0.1, 0.0]}
    assert joint.high == pytest.approx(stats.t(2).ppf(0.975) * 0.1 / np.sqrt(3), rel=0.05)
    assert ends(interval(flat, own, one_fold(3))) == pytest.approx((0, 0), abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_intervals_with_three_noisy_seeds_cover(noise: float) -> None:
    """With patients alone, both, and with nearly the seeds alone; resampled seeds would cover .75 of the last."""
    chance = np.random.default_rng(5)
    covered, runs = 0, 300
    for _ in range(runs):
        luck = chance.normal(0, noise, 3)
        gains = {site: chance.normal(0.02, 0.05, 40)[:, None] + luck + chance.normal(0, 0.01, (40, 3)) for site in "ab"}
        spreads = {site: SeriesSpread(np.cov(gain.T) / 40, 39) for site, gain in gains.items()}
        means = {site: gain.mean(axis=0).tolist() for site, gain in gains.items()}
        low, high = ends(interval(spreads, means, one_fold(3), chance))
        covered += low <= 0.02 <= high
    assert 0.92 <= covered / runs <= 1.0 if noise else 0.90 <= covered / runs <= 0.99


def test_without_patients_folds_give_nadeau_and_bengios_t() -> None:
    gains = [0.02, 0.05, -0.01, 0.04, 0.03]
    found = interval({"a": None}, {"a": gains}, FIVE)
    half = stats.t(4).ppf(0.975) * np.sqrt((1 / 5 + 1 / 4) * np.var(gains, ddof=1))
    assert found.high == pytest.approx(np.mean(gains) + half, rel=0.04)
    assert found.low == pytest.approx(np.mean(gains) - half, abs=0.04 * half)


def test_folds_that_differ_as_patients_do_leave_training_nothing() -> None:
    """The spread of folds' means is what patients explain: little is added to their part, nothing to its estimate."""
    means = [0.04, -0.04, 0.0, 0.04, -0.04]  # variance .0016 of .0025
    found = estimate({"a": in_folds(0.05**2)}, {"a": means}, rng(), FIVE)
    assert found.training_se == 0
    assert found.patients_se == pytest.approx(0.05 / np.sqrt(5))
    low, high = ends(found.interval())
    plain = stats.norm.ppf(0.975) * 0.05 / np.sqrt(5)
    assert plain <= (high - low) / 2 < 1.8 * plain
    bengio = stats.t(4).ppf(0.975) * np.sqrt(0.45) * 0.05
    assert (high - low) / 2 < bengio


@pytest.mark.parametrize("training", [0.0, 0.05, 0.2])
def test_intervals_over_five_folds_cover(training: float) -> None:
    """Normal folds, patients of .05 a fold, trainings correlated by .2; docs/results/coverage.md has the whole."""
    chance = np.random.default_rng(7)
    covered, runs = 0, 300
    for _ in range(runs):
        luck = np.sqrt(0.2) * chance.standard_normal() + np.sqrt(0.8) * chance.standard_normal(5)
        means = 0.02 + 0.05 * chance.standard_normal(5) + training * luck
        low, high = ends(interval({"a": in_folds(0.05**2)}, {"a": means.tolist()}, FIVE, chance))
        covered += low <= 0.02 <= high
    assert covered / runs >= 0.92


def test_a_second_cycle_of_folds_is_averaged_before_folds_are_compared() -> None:
    """Seeds 5 to 9 test on folds 0 to 4 again: five folds, not ten."""
    fives = [0.02, 0.05, -0.01, 0.04, 0.03]
    twice = [value + change for change in (-0.01, 0.01) for value in fives]
    one = interval({"a": None}, {"a": fives}, FIVE)
    two = interval({"a": None}, {"a": twice}, FoldLayout((*range(5), *range(5)), 0.25))
    assert (one.mean, one.low, one.high) == pytest.approx((two.mean, two.low, two.high))
    again = SeriesSpread(np.kron(np.ones((2, 2)), np.eye(5)) * 0.05**2, 1000)
    both = (estimate({"a": in_folds(0.05**2, freedom=1000)}, {"a": fives}, rng(), FIVE).patients_se,)
    assert estimate({"a": again}, {"a": twice}, rng(), FoldLayout((*range(5),) * 2, 0.25)).patients_se == both[0]


def test_swapping_flips_the_sign_and_the_order_of_sites_does_not_matter() -> None:
    chance = np.random.default_rng(8)
    means = {site: chance.normal(0.03, 0.01, 5).tolist() for site in "ab"}
    for layout, spreads in ((one_fold(5), alike(4e-4, 5)), (FIVE, in_folds(4e-4))):
        usual = estimate(dict.fromkeys("ab", spreads), means, rng(), layout).interval()
        swapped = {site: [-value for value in values] for site, values in means.items()}
        other = estimate(dict.fromkeys("ab", spreads), swapped, rng(), layout).interval()
        low, high = ends(usual)
        assert ends(other) == (pytest.approx(-high, abs=2e-3), pytest.approx(-low, abs=2e-3))
        backwards = {site: means[site] for site in "ba"}
        assert estimate(dict.fromkeys("ba", spreads), backwards, rng(), layout).interval() == usual


def test_a_higher_level_is_wider_and_stands_in_the_interval() -> None:
    found = estimate({"a": alike(0.05**2, 1)}, {"a": [0.0]}, rng(), one_fold(1))
    usual, high = found.interval(), found.interval(0.99)
    assert ends(high)[0] < ends(usual)[0]
    assert (usual.level, high.level) == (0.95, 0.99)
    assert high.low == pytest.approx(-stats.norm.ppf(0.995) * 0.05, rel=0.05)


@pytest.mark.parametrize("mean", [0.0, 0.04, 0.1, -0.15, 0.22])
def test_p_says_what_intervals_say(mean: float) -> None:
    """It is 1 minus the level at which the interval just reaches 0."""
    found = estimate({"a": alike(0.05**2, 1)}, {"a": [mean]}, rng(), one_fold(1))
    p = found.p_value
    assert p is not None
    assert p == pytest.approx(2 * stats.norm.sf(abs(mean) / 0.05), rel=0.4, abs=2e-4)
    assert p > 0
    for level in (0.9, 0.95, 0.999):
        low, high = ends(found.interval(level))
        assert (p < 1 - level) == (low > 0 or high < 0)


def test_missing_seeds_and_folds() -> None:
    means: list[float | None] = [0.1, None, 0.12, 0.08, None]
    for layout, spread in ((one_fold(5), alike(1e-4, 5)), (FIVE, in_folds(1e-4))):
        covariance = spread.covariance.copy()
        covariance[[1, 4]] = covariance[:, [1, 4]] = np.nan
        found = interval({"a": SeriesSpread(covariance, 20)}, {"a": means}, layout)
        assert found.mean == pytest.approx(0.1)
        assert ends(found)[0] < 0.1


def test_a_site_whose_patients_tell_nothing_leaves_no_interval() -> None:
    unknown = SeriesSpread(np.full((2, 2), np.nan), 0)
    found = interval({"a": alike(1e-4, 2), "b": unknown}, {"a": [0.1, 0.1], "b": [0.1, 0.2]}, one_fold(2))
    assert (found.mean, found.low) == (pytest.approx(0.125), None)


def test_the_only_seed_of_several_is_not_taken_for_all() -> None:
    found = interval({"a": alike(1e-4, 3)}, {"a": [0.1, None, None]}, one_fold(3))
    assert (found.mean, found.low) == (pytest.approx(0.1), None)


def test_undefined_is_null() -> None:
    nothing = interval({}, {}, one_fold(1))
    assert (nothing.mean, nothing.low, nothing.high) == (None, None, None)
    assert Estimate().p_value is None
    assert interval({"a": alike(1e-4, 1)}, {"a": [None]}, one_fold(1)).mean is None


def test_one_seed_without_patients_tells_nothing() -> None:
    found = estimate({"a": None}, {"a": [0.3]}, rng(), one_fold(1))
    assert (found.mean, found.p_value, found.interval().low) == (0.3, None, None)
