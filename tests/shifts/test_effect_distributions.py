"""One distribution for p, interval, confidence and power: against scipy, simulation and itself."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from shiftscope.shifts.differences import MomentTable, against_all, plain
from shiftscope.shifts.effect_distributions import EffectDistribution, patients_needed, stack
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments


def mixing(kind: str, d: int) -> np.ndarray:
    if kind == "correlated":
        return np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(range(d), range(d))))
    return np.diag(np.sqrt(10.0 ** -np.arange(d))) if kind == "decaying" else np.eye(d)


def federation(
    rng: np.random.Generator, sizes: list[int], mix: np.ndarray, shift: np.ndarray | float = 0.0
) -> EffectDistribution:
    """The distribution of the first two of some sites, the first moved by `shift`."""
    d = len(mix)
    sites = [Moments.of(rng.standard_normal((n, d)) @ mix.T + (shift if k == 0 else 0.0)) for k, n in enumerate(sizes)]
    unit = WithinSiteCovariance.of(sites)
    distributions = plain(MomentTable.of(sites), np.array([0]), np.array([1])).distributions(lambda _: unit)
    return EffectDistribution(*(float(field[0]) for field in distributions))


def many(
    seed: int, sizes: list[int], mix: np.ndarray, shift: np.ndarray | float = 0.0, draws: int = 600
) -> EffectDistribution:
    rng = np.random.default_rng(seed)
    return stack([federation(rng, sizes, mix, shift) for _ in range(draws)])


def test_one_coordinate_is_welchs_t_test() -> None:
    rng = np.random.default_rng(0)
    for n in (10, 25, 80):
        a, b = rng.normal(0, 1, n), rng.normal(0.4, 2, n + 7)
        expected = scipy_stats.ttest_ind(a, b, equal_var=False).pvalue
        sites = [Moments.of(a[:, None]), Moments.of(b[:, None])]
        found = plain(MomentTable.of(sites), np.array([0]), np.array([1])).distributions(
            lambda _, sites=sites: WithinSiteCovariance.of(sites)
        )
        assert float(found.p[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sites", [2, 6])
@pytest.mark.parametrize(("n", "d"), [(20, 4), (20, 8), (40, 16), (100, 16)])
def test_false_alarms_at_small_n(n: int, d: int, sites: int) -> None:
    """Rejections of a true null at .05 stay within .03 to .07, the Monte-Carlo error of 1200 draws included."""
    p = many(n + d, [n] * sites, mixing("correlated", d), draws=1200).p
    assert 0.03 <= np.mean(p < 0.05) <= 0.07
    assert np.mean(p < 0.005) <= 0.015


@pytest.mark.parametrize("effect", [0.5, 2.0, 10.0])
@pytest.mark.parametrize(("kind", "direction"), [("flat", 0), ("decaying", 7), ("correlated", 0)])
def test_effect_is_unbiased_and_its_interval_misses_evenly(effect: float, kind: str, direction: int) -> None:
    mix = mixing(kind, 8)
    shift = np.eye(8)[direction]
    shift = shift * np.sqrt(effect / (shift @ np.linalg.solve(mix @ mix.T, shift)))
    found = many(int(effect * 10) + direction, [60, 60, 200, 200], mix, shift, draws=400)
    assert np.mean(found.value) == pytest.approx(effect, rel=0.08)  # shrinkage yields a little less or more
    low, high = found.interval()
    assert np.mean(low > effect) <= 0.05
    assert np.mean(high < effect) <= 0.055


def test_p_interval_and_confidence_tell_one_story() -> None:
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.3, 0.6, 1.0):
        found = federation(rng, [40, 40], np.eye(4), shift)
        low, high = (float(end) for end in found.interval())
        assert (low > 0) == (found.p < 0.025)
        if low > 0:
            assert found.exceeds(low) == pytest.approx(0.975, abs=1e-4)
        assert found.exceeds(high) == pytest.approx(0.025, abs=1e-4)
        scan = found.exceeds(np.linspace(0, 2 * high + 1, 200))
        assert np.all(np.diff(scan) <= 1e-9)


@pytest.mark.parametrize("d", [1, 3, 8])
def test_ends_of_intervals_are_the_same_found_either_way_where_means_are_almost_equal(d: int) -> None:
    """The confidence is approximate, and not straight where the distance is far less than its error."""
    found = many(5, [30, 31], np.eye(d), draws=12)
    shares = np.geomspace(1e-6, 1.5, 60)  # of the distance that is expected without a shift
    near = found.at_rows(np.repeat(np.arange(12), 60))
    near = near._replace(distance=near.noise * np.tile(shares, 12))
    np.testing.assert_allclose(near.near_upper_end(), near.interval()[1], rtol=1e-4, atol=1e-12)
    np.testing.assert_allclose(near.near_lower_end(), near.lower_end(), rtol=1e-4, atol=1e-12)


def test_what_is_detected_is_as_large_as_what_is_detectable() -> None:
    margin = np.linspace(0, 0.2, 40)
    found = many(6, [30, 45], mixing("correlated", 4), draws=40)
    least = found.detectable(margin)
    for share in (0.5, 0.999, 1.001, 3.0):
        assert np.all(found.near_detected(share * least, margin) == (share > 1))


def test_many_curves_at_once_are_each_by_itself() -> None:
    rng = np.random.default_rng(4)
    distributions = [federation(rng, [n, 50], np.eye(4), shift) for n in (20, 90) for shift in (0.0, 0.2, 1.5)]
    together = stack(distributions)
    for name in ("value", "p"):
        np.testing.assert_allclose(
            getattr(together, name), [getattr(distribution, name) for distribution in distributions]
        )
    ends = [[float(end) for end in distribution.interval()] for distribution in distributions]
    np.testing.assert_allclose(np.array(together.interval()).T, ends, rtol=1e-4, atol=1e-9)
    margins = np.linspace(0, 1, len(distributions))
    expected = [
        float(distribution.exceeds(margin)) for distribution, margin in zip(distributions, margins, strict=True)
    ]
    np.testing.assert_allclose(together.exceeds(margins), expected)


@pytest.mark.parametrize(("n", "margin"), [(30, 0.0), (60, 0.2)])
def test_detectable_is_what_is_detected_with_that_power(n: int, margin: float) -> None:
    d = 6
    planned = many(0, [n, n], np.eye(d), draws=30)
    effect = float(np.mean(planned.detectable(margin, alpha=0.05, power=0.8)))
    shift = np.eye(d)[0] * np.sqrt(effect)
    found = many(1, [n, n], np.eye(d), shift, draws=500)
    assert np.mean(found.exceeds(margin) >= 0.95) == pytest.approx(0.8, abs=0.06)


def test_detectable_falls_with_patients_and_rises_with_what_is_asked() -> None:
    distribution = federation(np.random.default_rng(5), [40, 40], np.eye(8))
    by_n = [float(distribution.at(factor).detectable()) for factor in (0.5, 1, 2, 4, 8)]
    assert by_n == sorted(by_n, reverse=True)
    by_margin = [float(distribution.detectable(margin)) for margin in (0.0, 0.1, 0.5)]
    assert by_margin == sorted(by_margin)
    assert distribution.detectable(alpha=0.001) > distribution.detectable(alpha=0.05)
    assert distribution.detectable(power=0.95) > distribution.detectable(power=0.8)


def test_patients_needed_detect_what_was_asked() -> None:
    distribution = federation(np.random.default_rng(6), [40, 40], np.eye(8))
    wanted = 0.3
    needed = patients_needed(distribution, 40, wanted, margin=0.1)
    assert needed is not None
    assert distribution.at(needed / 40).detectable(0.1) <= wanted < distribution.at((needed - 1) / 40).detectable(0.1)
    assert patients_needed(distribution, 40, 0.6, margin=0.1) < needed  # type: ignore[operator]
    assert patients_needed(distribution, 40, 0.1, margin=0.1) is None


def test_nothing_varies_and_nothing_hangs() -> None:
    """Constants: equal ones do not differ, unequal ones do beyond doubt."""
    flat = np.zeros((2, 2))
    unit = WithinSiteCovariance(np.eye(2), np.eye(2), 1.0, 50.0)

    def between(*means: float) -> EffectDistribution:
        sites = [Moments(30, np.full(2, mean), flat) for mean in means]
        return plain(MomentTable.of(sites), np.array([0]), np.array([1])).distributions(lambda _: unit)

    assert [float(end[0]) for end in between(0, 0).interval()] == [0.0, 0.0]
    assert between(0, 1).p[0] < 1e-6
    assert between(0, 1).value[0] == pytest.approx(2, rel=0.05)


def test_one_site_against_all_keeps_its_error_rate() -> None:
    """A large odd site does not make the others odd; the mean of three nulls keeps its error rate."""
    rng = np.random.default_rng(0)
    distributions = []
    for _ in range(500):
        sites = [Moments.of(rng.standard_normal((n, 4))) for n in (40, 30, 60, 400)]
        unit = WithinSiteCovariance.of(sites)
        differences = plain(MomentTable.of(sites), np.zeros(3, dtype=int), np.arange(1, 4))
        found = against_all(differences).distributions(lambda _, unit=unit: unit)
        distributions.append(EffectDistribution(*(float(field[0]) for field in found)))
    assert 0.03 <= np.mean(stack(distributions).p < 0.05) <= 0.07
