"""Partitions plant the difference they are asked for, and no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftscope.phantoms import class_partition, partition


def gap(values: np.ndarray, members: np.ndarray) -> float:
    """Difference of the two sites' means in pooled deviations."""
    first, last = values[members == 0], values[members == members.max()]
    return float((last.mean() - first.mean()) / np.sqrt((first.var() + last.var()) / 2))


@given(
    st.integers(2, 90), st.floats(-1, 1), st.integers(1, 5), st.booleans(), st.integers(0, 2**32 - 1), st.integers(1, 9)
)
def test_every_patient_has_one_site_and_sites_are_equal(
    n: int, severity: float, sites: int, odd: bool, seed: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels, n).astype(float)
    values[rng.random(n) < 0.1] = np.nan
    sites = min(sites, n)
    members = partition(values, severity, rng, sites=sites, odd=odd)
    sizes = np.bincount(members, minlength=sites)
    assert len(members) == n == sizes.sum()
    assert len(sizes) == sites
    assert sizes.max() - sizes.min() <= 1


@given(st.integers(4, 90), st.floats(-1, 1), st.integers(2, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_classes_are_divided_into_equal_sites_in_the_order_asked(
    n: int, severity: float, sites: int, odd: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    classes = np.array(["a", "b", *rng.choice(["a", "b", "c"], n - 2, p=[0.5, 0.3, 0.2])])
    members = class_partition(classes, severity, rng, sites=sites, odd=odd, tilted="a")
    sizes = np.bincount(members, minlength=sites)
    assert sizes.max() - sizes.min() <= 1
    counts = np.bincount(members[classes == "a"], minlength=sites)
    # one patient of rounding, and one of unequal sizes
    assert (np.sign(severity) * np.diff(counts) >= -2).all()


def test_severity_0_is_random_halves() -> None:
    """Over many divisions the gap is centred at 0 and spreads as it does under a shuffle: 2 / sqrt(n)."""
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 1, 100))
    gaps = [gap(values, partition(values, 0.0, rng)) for _ in range(400)]
    assert np.mean(gaps) == pytest.approx(0, abs=0.04)
    assert np.std(gaps) == pytest.approx(0.2, rel=0.15)


def test_severity_1_is_sorted() -> None:
    values = np.random.default_rng(1).normal(size=61)
    rising = partition(values, 1.0, np.random.default_rng(2), sites=3)
    assert (np.diff(rising[np.argsort(values)]) >= 0).all()
    falling = partition(values, -1.0, np.random.default_rng(2), sites=3)
    assert (np.diff(falling[np.argsort(values)]) <= 0).all()


@pytest.mark.parametrize(("severity", "expected"), [(0.3, 0.493), (0.6, 1.091), (-0.6, -1.091), (1.0, 2.647)])
def test_the_gap_is_that_of_a_truncated_normal(severity: float, expected: float) -> None:
    """E[z | upper half] is severity x sqrt(2 / pi): closed form, in deviations of a site."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=20_000)
    within = np.sqrt(1 - severity**2 * 2 / np.pi)
    assert expected == pytest.approx(2 * severity * np.sqrt(2 / np.pi) / within, abs=0.001)
    assert gap(values, partition(values, severity, rng)) == pytest.approx(expected, abs=0.06)


def test_the_gap_grows_with_severity_whatever_the_distribution() -> None:
    rng = np.random.default_rng(4)
    for values in (rng.exponential(size=120), rng.integers(1, 4, 120).astype(float), rng.uniform(size=120)):
        gaps = [
            np.mean([gap(values, partition(values, severity, rng)) for _ in range(60)])
            for severity in (0, 0.2, 0.4, 0.6, 0.8, 1)
        ]
        assert (np.diff(gaps) > 0.05).all()


def test_what_is_unrelated_stays_alike() -> None:
    rng = np.random.default_rng(5)
    values, other = rng.normal(size=(2, 20_000))
    assert gap(other, partition(values, 0.9, rng)) == pytest.approx(0, abs=0.05)


def test_patients_without_a_value_are_placed_at_random() -> None:
    rng = np.random.default_rng(6)
    values = np.where(np.arange(4000) % 2, np.arange(4000.0), np.nan)
    members = partition(values, 1.0, rng)
    assert members[::2].mean() == pytest.approx(0.5, abs=0.04)


def test_only_the_odd_site_differs() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(size=30_000)
    members = partition(values, 0.8, rng, sites=3, odd=True)
    means = [values[members == site].mean() for site in range(3)]
    assert means[0] == pytest.approx(means[1], abs=0.05)
    assert means[2] - means[0] > 1


@pytest.mark.parametrize(("severity", "shares"), [(0, (0.5, 0.5)), (0.6, (0.26, 0.74)), (1, (0.15, 0.85))])
def test_class_shares_are_as_stated(severity: float, shares: tuple[float, float]) -> None:
    classes = np.repeat(["x", "y"], 100)
    members = class_partition(classes, severity, np.random.default_rng(8), tilted="x")
    found = [(classes[members == site] == "x").mean() for site in (0, 1)]
    np.testing.assert_allclose(found, shares, atol=0.006)


def test_class_odds_are_as_stated_for_a_rare_class_and_three_sites() -> None:
    classes = np.repeat(["x", "y", "z"], [600, 1800, 600])
    members = class_partition(classes, 0.5, np.random.default_rng(9), sites=3, tilted="x")
    share = np.array([(classes[members == site] == "x").mean() for site in range(3)])
    np.testing.assert_allclose(np.diff(np.log(share / (1 - share))), 0.5 * 3.5 / 2, atol=0.03)
    for site in range(3):  # the other classes keep their proportion
        here = classes[members == site]
        assert (here == "y").sum() / (here == "z").sum() == pytest.approx(3, rel=0.15)


def test_within_a_class_who_goes_where_is_chance() -> None:
    rng = np.random.default_rng(10)
    classes, values = np.repeat(["x", "y"], 5000), rng.normal(size=10_000)
    members = class_partition(classes, 1.0, rng)
    for name in ("x", "y"):
        assert gap(values[classes == name], members[classes == name]) == pytest.approx(0, abs=0.12)


def test_what_cannot_be_divided_is_refused() -> None:
    rng = np.random.default_rng(11)
    with pytest.raises(ValueError, match=r"expected -1 to 1, got 1\.5"):
        partition([1.0, 2.0], 1.5, rng)
    with pytest.raises(ValueError, match="expected -1 to 1, got nan"):
        partition([1.0, 2.0], float("nan"), rng)
    with pytest.raises(ValueError, match="2 patients cannot be divided into 3 sites"):
        partition([1.0, 2.0], 0.5, rng, sites=3)
    with pytest.raises(ValueError, match="expected some of 2 patients to have it, got 2"):
        class_partition(["a", "a"], 0.5, rng)
