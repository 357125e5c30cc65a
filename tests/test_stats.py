"""The statistics against closed forms, scipy, least squares and simulation."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from shiftscope.stats import Moments, adjusted, against_all, compare, holm, projected, reweighted, welch


def rows(rng: np.random.Generator, n: int, scale: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
    return rng.standard_normal((n, len(scale))) * np.sqrt(scale) + shift


def test_one_coordinate_is_welchs_t_test() -> None:
    rng = np.random.default_rng(0)
    for n in (10, 25, 80):
        a, b = rng.normal(0, 1, n), rng.normal(0.4, 2, n + 7)
        expected = scipy_stats.ttest_ind(a, b, equal_var=False).pvalue
        assert compare(Moments.of(a[:, None]), Moments.of(b[:, None])).p == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights", [np.ones(6), 1 / np.arange(1, 9) ** 1.5, np.array([10.0, 0.1, 0.1, 0.1])])
def test_p_follows_the_weighted_chi_square(weights: np.ndarray) -> None:
    """With a known variance, p is the tail of sum(lambda * chi2), here drawn two million times."""
    rng = np.random.default_rng(1)
    n = 10**6  # so large that the variance is as good as known
    draws = rng.chisquare(1, (400_000, len(weights))) @ weights * 2 / n
    for level in (0.5, 0.1, 0.01):
        distance = np.quantile(draws, 1 - level)
        mean = np.zeros(len(weights))
        mean[0] = np.sqrt(distance)
        found = compare(Moments(n, mean, np.diag(weights)), Moments(n, mean * 0, np.diag(weights))).p
        assert found == pytest.approx(level, rel=0.12)


@pytest.mark.parametrize(("n", "d"), [(20, 8), (40, 16), (100, 16)])
def test_false_alarms_at_small_n(n: int, d: int) -> None:
    """Rejections of a true null at .05 stay within .03 to .07, the Monte-Carlo error of 1500 draws included."""
    rng = np.random.default_rng(n)
    scale = 1 / np.arange(1, d + 1)
    p = [compare(Moments.of(rows(rng, n, scale)), Moments.of(rows(rng, n, scale))).p for _ in range(1500)]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


@pytest.mark.parametrize("effect", [0.1, 0.5, 1.0])
def test_effect_is_unbiased_and_its_interval_covers(effect: float) -> None:
    rng = np.random.default_rng(7)
    scale = 1 / np.arange(1, 9)
    direction = rng.standard_normal(8)
    shift = direction / np.linalg.norm(direction) * np.sqrt(effect * scale.sum())
    found = [compare(Moments.of(rows(rng, 60, scale, shift)), Moments.of(rows(rng, 60, scale))) for _ in range(400)]
    assert np.mean([item.effect for item in found]) == pytest.approx(effect, rel=0.06)
    inside = [low <= effect <= high for low, high in (item.interval() for item in found)]
    assert 0.90 <= np.mean(inside) <= 0.99


def test_p_interval_and_confidence_tell_one_story() -> None:
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.3, 0.6, 1.0):
        found = compare(Moments.of(rows(rng, 40, np.ones(4), shift)), Moments.of(rows(rng, 40, np.ones(4))))
        low, high = found.interval()
        assert (low > 0) == (found.p < 0.025)
        if low > 0:
            assert found.exceeds(low) == pytest.approx(0.975, abs=1e-3)
        assert found.exceeds(high) == pytest.approx(0.025, abs=1e-3)


def test_a_site_does_not_differ_from_itself() -> None:
    same = Moments.of(rows(np.random.default_rng(0), 30, np.ones(4)))
    found = compare(same, same)
    assert found.effect == 0
    assert found.interval()[0] == 0
    assert found.p > 0.99


def test_swapping_the_sites_changes_only_the_sign() -> None:
    rng = np.random.default_rng(5)
    a, b = Moments.of(rows(rng, 25, np.ones(3), 0.5)), Moments.of(rows(rng, 40, np.ones(3)))
    one, two = compare(a, b), compare(b, a)
    np.testing.assert_allclose(one.delta, -two.delta)
    assert (one.effect, one.p, *one.interval()) == pytest.approx((two.effect, two.p, *two.interval()))


def test_adjusting_is_least_squares_with_a_group_term() -> None:
    """The adjusted difference is the group coefficient of x ~ group + z."""
    rng = np.random.default_rng(2)
    z = np.concatenate([rng.normal(0, 1, 40), rng.normal(1.2, 1, 55)])
    group = np.repeat([1.0, 0.0], [40, 55])
    x = np.stack([0.7 * z + rng.normal(0, 1, 95), -0.2 * z + rng.normal(0, 1, 95)], axis=1)
    design = np.stack([group, np.ones(95), z], axis=1)
    expected = np.linalg.lstsq(design, x, rcond=None)[0][0]
    joint = np.column_stack([x, z])
    found = adjusted(Moments.of(joint[:40]), Moments.of(joint[40:]), covariates=1)
    np.testing.assert_allclose(found.delta, expected, atol=1e-9)


def test_adjusting_removes_what_the_covariate_explains_and_nothing_else() -> None:
    rng = np.random.default_rng(4)

    def site(size: float, appearance: float) -> Moments:
        z = rng.normal(size, 1, 400)
        x = np.stack([0.8 * z, 0.3 * z], axis=1) + rng.normal(0, 0.6, (400, 2)) + appearance
        return Moments.of(np.column_stack([x, z]))

    assert adjusted(site(0, 0), site(1, 0), covariates=1).p > 0.01
    assert adjusted(site(0, 0), site(1, 0.5), covariates=1).p < 1e-6


def test_prevalence_is_not_a_shift_when_held_equal() -> None:
    """Two sites that differ only in their mix of two classes: reweighted and projected find nothing, compare does."""
    rng = np.random.default_rng(6)
    scale = np.ones(4)
    benign, malignant = (lambda n: rows(rng, n, scale)), (lambda n: rows(rng, n, scale, 2.0))
    a, b = (benign(60), malignant(60)), (benign(100), malignant(20))
    whole = [Moments.of(np.concatenate(site)) for site in (a, b)]
    assert compare(*whole).p < 1e-6
    strata = [(Moments.of(x), Moments.of(y)) for x, y in zip(a, b, strict=True)]
    assert reweighted(strata).p > 0.01
    assert projected([Moments.of(part) for part in a], np.array([100, 20]) / 120, whole[1]).p > 0.01


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_welch_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 1, 30), rng.normal(2, 2, 50)
    expected = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = welch((30, 50), (a.mean(), b.mean()), (a.std(ddof=1), b.std(ddof=1)))
    assert found == pytest.approx((a.mean() - b.mean(), expected.low, expected.high))


def test_nothing_varies_and_nothing_hangs() -> None:
    """Constants: equal ones do not differ, unequal ones do beyond doubt, and a constant covariate is left alone."""
    flat = np.zeros((2, 2))
    same, other = Moments(30, np.zeros(2), flat), Moments(30, np.ones(2), flat)
    assert compare(same, same).interval() == (0.0, 0.0)
    assert compare(same, other).p < 1e-6
    rng = np.random.default_rng(0)
    x, y = (np.column_stack([rng.normal(size=(30, 2)), np.full(30, 3.0)]) for _ in range(2))
    plain = compare(Moments.of(x[:, :2]), Moments.of(y[:, :2]))
    assert adjusted(Moments.of(x), Moments.of(y), covariates=1).p == pytest.approx(plain.p, rel=0.05)


@pytest.mark.parametrize("effect", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("direction", [0, 15])
def test_interval_covers_where_one_direction_varies_most(effect: float, direction: int) -> None:
    rng = np.random.default_rng(int(effect * 10) + direction)
    scale = 1 / np.arange(1, 17) ** 1.5
    shift = np.eye(16)[direction] * np.sqrt(effect * scale.sum())
    found = [compare(Moments.of(rows(rng, 60, scale, shift)), Moments.of(rows(rng, 60, scale))) for _ in range(200)]
    ends = np.array([item.interval() for item in found])
    assert np.mean(ends[:, 0] > effect) <= 0.07
    assert np.mean(ends[:, 1] < effect) <= 0.07


def test_one_site_against_all_counts_each_alike() -> None:
    """A large odd site does not make the others odd; the mean of three nulls keeps its error rate."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        own = Moments.of(rows(rng, 40, np.ones(4)))
        others = [Moments.of(rows(rng, n, np.ones(4))) for n in (30, 60, 400)]
        found = against_all([compare(own, other) for other in others])
        alarms += found.p < 0.05
    assert 0.02 <= alarms / 300 <= 0.09
