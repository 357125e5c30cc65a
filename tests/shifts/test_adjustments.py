"""What is held equal, against plain formulas."""

import numpy as np
import pytest
from sites_made import mixed, statistics_of

from shiftscope.shifts import SiteStatistics, compare_two
from shiftscope.shifts.adjustments.lesion_areas import adjusted_for
from shiftscope.shifts.adjustments.prevalence import Classes, at_equal_prevalence
from shiftscope.shifts.differences import MomentTable
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

PAIR = np.array([0]), np.array([1])


def test_adjusting_is_least_squares_with_a_group_term() -> None:
    """The adjusted difference is the group coefficient of x ~ group + z, at its narrower site's width."""
    rng = np.random.default_rng(2)
    z = np.concatenate([rng.normal(0, 1, 40), rng.normal(1.2, 1, 55)])
    group = np.repeat([1.0, 0.0], [40, 55])
    x = np.stack([0.7 * z + rng.normal(0, 1, 95), -0.2 * z + rng.normal(0, 1, 95)], axis=1)
    design = np.stack([group, np.ones(95), z], axis=1)
    coefficients, *_ = np.linalg.lstsq(design, x, rcond=None)
    residuals = x - design @ coefficients
    parts = [slice(0, 40), slice(40, 95)]
    links = np.stack([np.cov(np.column_stack([x, z])[part].T)[2, :2] for part in parts])
    axis, area = (MomentTable.of([Moments.of(values[part]) for part in parts]) for values in (x, z[:, None]))
    found = adjusted_for(axis, area, links, *PAIR)
    np.testing.assert_allclose(found.delta[0], coefficients[0], atol=1e-9)
    expected = residuals.T @ residuals / 92 * np.linalg.inv(design.T @ design)[0, 0]  # one variance at both sites
    np.testing.assert_allclose(np.diag(found.parts.sum(axis=0)[0]), np.diag(expected), rtol=0.15)


def test_lesion_area_explains_what_goes_with_it_and_nothing_else() -> None:
    rng = np.random.default_rng(4)

    def site(name: str, size: float, appearance: float) -> SiteStatistics:
        z = rng.normal(size, 1, 400)
        x = np.stack([0.8 * z, 0.3 * z], axis=1) + rng.normal(0, 0.6, (400, 2)) + appearance
        return statistics_of(name, {"texture": x}, z)

    plain_only = compare_two(site("a", 0, 0), site("b", 1, 0)).on("texture")
    assert plain_only is not None
    assert plain_only.held == "lesion area"
    assert plain_only.p > 0.01
    assert plain_only.explained > 0.3
    moved = compare_two(site("a", 0, 0), site("b", 1, 0.5)).on("texture")
    assert moved is not None
    assert moved.p < 1e-6


def test_a_covariate_that_does_not_vary_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(30, 2)) for _ in range(2)]
    with_it = compare_two(*(statistics_of(f"s{k}", {"texture": x}, np.full(30, 3.0)) for k, x in enumerate(rows)))
    without = compare_two(*(statistics_of(f"s{k}", {"texture": x}) for k, x in enumerate(rows)))
    assert with_it.effects[0].p == pytest.approx(without.effects[0].p, rel=1e-6)


def test_prevalence_is_not_a_shift_when_held_equal() -> None:
    rng = np.random.default_rng(6)
    shift = compare_two(mixed(rng, "a", 60, 60), mixed(rng, "b", 100, 20))
    label, texture = shift.on("labels"), shift.on("texture")
    assert label is not None
    assert texture is not None
    assert label.p < 1e-6
    assert texture.held == "prevalence"
    assert texture.p > 0.01
    moved = compare_two(mixed(rng, "a", 60, 60), mixed(rng, "b", 100, 20, 0.5)).on("texture")
    assert moved is not None
    assert moved.p < 1e-3


def test_prevalence_held_equal_by_hand() -> None:
    """Both sites' classes: pooled shares. One site's classes only: as if it had the other's mix."""
    rng = np.random.default_rng(8)
    a, b = mixed(rng, "a", 60, 60), mixed(rng, "b", 100, 20)
    whole = MomentTable.of([site.plain["texture"] for site in (a, b)])

    def held(sites: list[dict[str, Moments]]) -> np.ndarray:
        unit = WithinSiteCovariance.of([a.plain["texture"]])
        done, found = at_equal_prevalence(whole, Classes.of(sites), [a.labels, b.labels], PAIR, lambda _: unit)
        assert done.tolist() == [0]
        return np.asarray(found.delta[0])

    classes = [{label: axes["texture"] for label, axes in site.classes.items()} for site in (a, b)]
    weights = {"benign": 160 / 240, "malignant": 80 / 240}
    expected = sum(w * (classes[0][label].mean - classes[1][label].mean) for label, w in weights.items())
    np.testing.assert_allclose(held(classes), expected)
    expected = classes[0]["benign"].mean * 100 / 120 + classes[0]["malignant"].mean * 20 / 120 - whole.mean[1]
    np.testing.assert_allclose(held([classes[0], {}]), expected)
    expected = whole.mean[0] - (classes[1]["benign"].mean + classes[1]["malignant"].mean) / 2
    np.testing.assert_allclose(held([{}, classes[1]]), expected)
