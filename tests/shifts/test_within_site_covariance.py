"""The unit against scikit-learn, Hotelling and what it promises."""

import numpy as np
import pytest
from scipy import stats as scipy_stats
from sklearn.covariance import OAS

from shiftscope.shifts.differences import MomentTable, UnitUncertainty, distribution_of, plain
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments


def site(rng: np.random.Generator, n: int, mix: np.ndarray, shift: float = 0.0) -> Moments:
    return Moments.of(rng.standard_normal((n, len(mix))) @ mix.T + shift)


def test_shrinkage_is_oas_of_the_standardised_rows() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 6)) @ rng.standard_normal((6, 6))
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    reference = OAS(assume_centered=True).fit(scaled)
    found = WithinSiteCovariance.of(
        [Moments(61, rows.mean(axis=0), np.cov(rows.T, bias=True))]
    )  # 60 degrees of freedom
    assert found.shrinkage == pytest.approx(reference.shrinkage_, abs=0.02)  # which leaves out the paper's 2 / p
    expected = np.linalg.inv((1 - found.shrinkage) * np.corrcoef(rows.T) + found.shrinkage * np.eye(6))
    spread = rows.std(axis=0)
    np.testing.assert_allclose(found.root.T @ found.root * np.outer(spread, spread), expected, atol=1e-8)


def test_one_effect_means_one_deviation_in_any_coordinate_and_any_unit() -> None:
    """Moving one coordinate by its deviation is an effect of 1, whatever the others do; units do not matter."""
    rng = np.random.default_rng(1)
    unit = WithinSiteCovariance.of([site(rng, 5000, np.diag([100.0, 1.0, 0.01]))])
    for coordinate in range(3):
        step = np.zeros(3)
        step[coordinate] = [100.0, 1.0, 0.01][coordinate]
        assert np.sum((unit.root @ step) ** 2) == pytest.approx(1.0, rel=0.05)
    moments = [site(rng, 40, rng.standard_normal((4, 4)), shift) for shift in (0.0, 0.7)]
    scale = np.array([1e3, 1e-3, 7.0, 1.0])
    other = [Moments(m.n, m.mean * scale, m.cov * np.outer(scale, scale)) for m in moments]
    one, two = (
        plain(MomentTable.of(both), np.array([0]), np.array([1])).distributions(
            lambda _, both=both: WithinSiteCovariance.of(both)
        )
        for both in (moments, other)
    )
    np.testing.assert_allclose(np.array(one), np.array(two), rtol=1e-6)


def test_correlated_coordinates_are_not_counted_twice() -> None:
    """Two coordinates that go together within sites: a shift along them is one deviation, one across them many."""
    cov = np.array([[1.0, 0.9], [0.9, 1.0]])
    unit = WithinSiteCovariance.of([Moments(4000, np.zeros(2), cov)])
    assert np.sum((unit.root @ [1, 1]) ** 2) == pytest.approx(2 / 1.9, rel=0.01)
    assert np.sum((unit.root @ [1, -1]) ** 2) == pytest.approx(2 / 0.1, rel=0.02)


@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_without_shrinkage_two_sites_are_hotellings_test(d: int) -> None:
    rng = np.random.default_rng(d)
    n = 30
    a, b = (rng.standard_normal((n, d)) + shift for shift in (0.0, 0.25))
    cov = (np.cov(a.T) + np.cov(b.T)).reshape(d, d) / 2
    root = np.linalg.cholesky(np.linalg.inv(cov)).T
    nu, gap = 2 * n - 2, a.mean(axis=0) - b.mean(axis=0)
    squared = float(gap @ np.linalg.solve(cov, gap)) * n / 2
    expected = scipy_stats.f.sf(squared * (nu - d + 1) / (nu * d), d, nu - d + 1)
    # each site's own covariance is the pooled one, so the trace of V is known to nu d degrees of freedom
    parts = np.stack([(root @ cov @ root.T / n)[None]] * 2)
    unit = UnitUncertainty(cost=d + 1.0, freedom=float(nu), within=float(d), variance_along=np.ones(1))
    found = distribution_of((root @ gap)[None], parts, np.full((2, 1), n - 1.0), unit)
    assert float(found.p[0]) == pytest.approx(expected, rel=0.05)


def test_cost_runs_from_independent_t_tests_to_hotelling() -> None:
    cov = np.eye(6) * 2.0
    assert WithinSiteCovariance(np.eye(6) / np.sqrt(2), cov, 1.0, 50.0).cost == pytest.approx(2.0)
    assert WithinSiteCovariance(np.eye(6) / np.sqrt(2), cov, 0.0, 50.0).cost == pytest.approx(7.0)


def test_the_unit_varies_less_where_many_coordinates_share_it() -> None:
    cov = np.eye(4)
    delta = np.array([[1.0, 0, 0, 0], [1.0, 1, 1, 1], [0.0, 0, 0, 0]])
    np.testing.assert_allclose(WithinSiteCovariance(cov, cov, 1.0, 50.0).variance_along(delta), [1.0, 0.25, 1.0])
    np.testing.assert_allclose(WithinSiteCovariance(cov, cov, 0.0, 50.0).variance_along(delta), [1.0, 1.0, 1.0])


def test_a_constant_coordinate_says_nothing_unless_it_differs() -> None:
    rng = np.random.default_rng(3)
    rows = [np.column_stack([rng.normal(size=(40, 2)), np.full(40, 5.0)]) for _ in range(2)]
    moments = [Moments.of(item) for item in rows]
    at = np.array([0]), np.array([1])
    with_it = plain(MomentTable.of(moments), *at).distributions(lambda _: WithinSiteCovariance.of(moments))
    cut = [item.leading(2) for item in moments]
    without = plain(MomentTable.of(cut), *at).distributions(lambda _: WithinSiteCovariance.of(cut))
    assert with_it.value[0] == pytest.approx(without.value[0], rel=0.05, abs=0.01)
    moved = [moments[0], Moments(40, moments[1].mean + np.eye(3)[2], moments[1].cov)]
    found = plain(MomentTable.of(moved), *at).distributions(lambda _: WithinSiteCovariance.of(moved))
    assert found.p[0] < 1e-6
    assert found.interval()[0][0] > 10
