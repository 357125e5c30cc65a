"""The small statistics against scipy, samples and hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from shiftscope.stats import Moments, cliffs_delta, holm, welch


def test_moments_are_numpys() -> None:
    rows = np.random.default_rng(0).normal(3, 2, (30, 4))
    found = Moments.of(rows)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0))
    np.testing.assert_allclose(found.cov, np.cov(rows.T))
    np.testing.assert_allclose(found.leading(2).cov, np.cov(rows[:, :2].T))


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_welch_agrees_with_scipy(level: float) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 1, 30), rng.normal(2, 2, 50)
    expected = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    found = welch((30, 50), (a.mean(), b.mean()), (a.std(ddof=1), b.std(ddof=1)), level)
    assert found == pytest.approx((a.mean() - b.mean(), expected.low, expected.high))


def counted(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(values, edges)[0]


def test_cliffs_delta_counts_pairs() -> None:
    """On cells of one whole number each it is the sample's: pairs in a cell are ties."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 40), rng.integers(1, 8, 50)
    expected = np.mean(np.sign(a[:, None] - b[None, :]))
    edges = np.arange(9) - 0.5
    assert cliffs_delta(counted(a, edges), edges, counted(b, edges), edges) == pytest.approx(expected)


def merged(values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Edges of cells of 10 or more, as a profile's are."""
    edges = [grid[0]]
    for edge in grid[1:-1]:
        if np.sum((values > edges[-1]) & (values <= edge)) >= 10 and np.sum(values > edge) >= 10:
            edges.append(edge)
    return np.array([*edges, grid[-1]])


@pytest.mark.parametrize(("n", "close"), [(40, 0.1), (400, 0.02)])
def test_cliffs_delta_of_cells_merged_differently(n: int, close: float) -> None:
    """Near the sample's, though the two sites share few edges."""
    rng = np.random.default_rng(1)
    grid = np.linspace(-6, 6, 65)
    for shift in (-1.5, 0.0, 0.4, 2.0):
        a, b = rng.normal(shift, 1, n), rng.normal(0, 1.5, n + 20)
        edges_a, edges_b = merged(a, grid), merged(b, grid)
        histograms = counted(a, edges_a), edges_a, counted(b, edges_b), edges_b
        expected = np.mean(np.sign(a[:, None] - b[None, :]))
        found = cliffs_delta(*histograms, (a.mean(), a.std()), (b.mean(), b.std()))
        assert found == pytest.approx(expected, abs=close)
        assert abs(found - expected) <= abs(cliffs_delta(*histograms) - expected) + 0.01  # lying evenly is no better


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(10, 60), min_size=1, max_size=8), st.lists(st.integers(10, 60), min_size=1, max_size=8))
def test_cliffs_delta_is_odd_and_bounded(a: list[int], b: list[int]) -> None:
    edges_a, edges_b = np.linspace(0, 1, len(a) + 1), np.linspace(0, 1, len(b) + 1)
    found = cliffs_delta(np.array(a), edges_a, np.array(b), edges_b)
    assert -1 <= found <= 1
    assert cliffs_delta(np.array(b), edges_b, np.array(a), edges_a) == pytest.approx(-found, abs=1e-12)
    assert cliffs_delta(np.array(a), edges_a, np.array(a), edges_a) == pytest.approx(0, abs=1e-12)
    assert cliffs_delta(np.array(a), edges_a + 2, np.array(b), edges_b) == pytest.approx(1)


def test_pooled_moments_are_those_of_all_rows() -> None:
    rng = np.random.default_rng(12)
    rows = [rng.standard_normal((n, d)) + n / 20 for n, d in ((30, 8), (1, 4), (17, 5))]
    whole = Moments.of(np.concatenate([x[:, :4] for x in rows]))
    found = Moments.pooled([Moments.of(x) for x in rows])
    assert found.n == 48
    np.testing.assert_allclose(found.mean, whole.mean, atol=1e-12)
    np.testing.assert_allclose(found.cov, whole.cov, atol=1e-12)


def test_noise_of_pooled_means_shrinks_with_their_weight() -> None:
    parts = [Moments(10, np.zeros(2), np.eye(2), 0.4), Moments(30, np.zeros(2), np.eye(2), 0.0)]
    assert Moments.pooled(parts).noise == pytest.approx(0.4 / 16)
