"""All pairs at once: what is held equal, against plain formulas; what others in a federation may and may not change."""

from dataclasses import replace

import numpy as np
import pytest

from shiftscope.measures import AXES
from shiftscope.shifts import SiteStatistics, compare_all, compare_one, compare_two
from shiftscope.shifts.adjustments.lesion_areas import adjusted_for
from shiftscope.shifts.adjustments.prevalence import Classes, at_equal_prevalence
from shiftscope.shifts.differences import MomentTable
from shiftscope.shifts.label_counts import LabelCounts, label_distributions, prevalence_differences
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

PAIR = np.array([0]), np.array([1])


def statistics_of(
    name: str, rows: dict[str, np.ndarray], area: np.ndarray | None = None, **labels: np.ndarray
) -> SiteStatistics:
    """Statistics from patient rows by axis, their log area, and rows by class of each axis."""
    n = len(next(iter(rows.values())))
    joint = {} if area is None else {axis: Moments.of(np.column_stack([x, area])) for axis, x in rows.items()}
    classes = {
        label: {axis: Moments.of(x[keep]) for axis, x in rows.items()} for label, keep in labels.items() if keep.any()
    }
    counts = {label: int(keep.sum()) for label, keep in labels.items()}
    return SiteStatistics(
        site=name,
        n=n,
        plain={axis: Moments.of(x) for axis, x in rows.items()},
        joint=joint,
        area=None if area is None else "morphology",
        classes=classes,
        labels=LabelCounts(counts, counts, sum(counts.values())),
    )


def federation(seed: int, shifts: tuple[float, ...], n: int = 60, d: int = 8) -> list[SiteStatistics]:
    rng = np.random.default_rng(seed)
    return [
        statistics_of(f"s{k}", {axis: rng.standard_normal((n, min(d, AXES[axis].width))) + shift for axis in AXES})
        for k, shift in enumerate(shifts)
    ]


def test_one_site_against_all_is_that_of_the_whole_comparison() -> None:
    sites = federation(11, (0.0, 0.3, 0.9, 0.1))
    whole = compare_all(sites).by_site
    for place, one in enumerate(sites):
        for mine, theirs in zip(compare_one(sites, place).effects, whole[one.site].effects, strict=True):
            assert (mine.axis, mine.n, mine.width) == (theirs.axis, theirs.n, theirs.width)
            assert mine.value == pytest.approx(theirs.value, rel=1e-9, abs=1e-12)


def test_a_site_does_not_differ_from_itself() -> None:
    one = federation(0, (0.0,))[0]
    shift = compare_two(one, replace(one, site="copy"))
    assert len(shift.effects) == len(AXES)
    for effect in shift.effects:
        if effect.axis.startswith("polarity"):  # the negatives of the one against the other as it is
            continue
        assert effect.value == 0
        assert effect.interval[0] == 0
        assert effect.p > 0.99


def test_swapping_the_sites_swaps_n_and_nothing_else() -> None:
    a, b = federation(1, (0.0, 0.3))
    one, two = compare_two(a, b), compare_two(b, a)
    for x, y in zip(one.effects, two.effects, strict=True):
        assert (x.axis, x.value, x.p, *x.interval) == pytest.approx((y.axis, y.value, y.p, *y.interval))
        assert x.n == y.n[::-1]


def test_the_order_of_sites_does_not_matter() -> None:
    sites = federation(2, (0.0, 0.2, 0.4, 0.0))
    one, two = compare_all(sites), compare_all(sites[::-1])
    for (a, b), shift in one.pairs.items():
        again = two.pairs[b, a]
        assert [e.value for e in shift.effects] == pytest.approx([e.value for e in again.effects])
    for site, shift in one.by_site.items():
        assert [e.p for e in shift.effects] == pytest.approx([e.p for e in two.by_site[site].effects])


def test_two_sites_are_the_smallest_federation_and_others_matter_mildly() -> None:
    sites = federation(3, (0.0, 0.5, 0.0, 0.0, 0.0))
    alone, among = compare_two(*sites[:2]), compare_all(sites).pairs["s0", "s1"]
    for one, two in zip(alone.effects, among.effects, strict=True):
        assert two.value == pytest.approx(one.value, rel=0.35)


def test_one_site_against_all_finds_the_outlying_one() -> None:
    found = compare_all(federation(4, (0.0, 0.0, 0.8, 0.0))).by_site
    effects = {site: found[site].on("texture") for site in found}
    assert max(effects, key=lambda site: effects[site].value) == "s2"  # type: ignore[union-attr]
    assert effects["s2"].n == (60, 180)  # type: ignore[union-attr]


def test_an_axis_that_one_site_lacks_is_compared_by_the_others_only() -> None:
    sites = federation(5, (0.0, 0.0, 0.0))
    bare = replace(sites[0], plain={axis: m for axis, m in sites[0].plain.items() if axis != "texture"})
    found = compare_all([bare, *sites[1:]])
    assert found.pairs["s0", "s1"].on("texture") is None
    assert found.pairs["s1", "s2"].on("texture") is not None
    assert found.by_site["s0"].on("texture") is None


def test_sites_of_unequal_width_are_compared_at_the_smaller() -> None:
    sites = federation(6, (0.0, 1.0, 0.0))
    narrow = replace(sites[1], plain={axis: m.leading(4) for axis, m in sites[1].plain.items()})
    found = compare_all([sites[0], narrow, sites[2]])
    widths = {pair: shift.on("texture").width for pair, shift in found.pairs.items()}  # type: ignore[union-attr]
    assert widths == {("s0", "s1"): 4, ("s0", "s2"): 8, ("s1", "s2"): 4}
    assert found.by_site["s0"].on("texture").width == 4  # type: ignore[union-attr]
    effect = found.pairs["s0", "s1"].on("texture")
    assert effect is not None
    assert effect.value == pytest.approx(4, rel=0.5)  # one deviation in each of four coordinates


def test_what_harmonizing_leaves_is_measured_in_the_unit_of_the_raw_features() -> None:
    """Features of half the spread with half the shift: the effect left is a quarter, not all of it."""
    rng = np.random.default_rng(7)
    sites = []
    for k, shift in enumerate((0.0, 1.0)):
        rows = rng.standard_normal((200, 8)) + shift
        sites.append(
            statistics_of(f"s{k}", {"features_deep": rows, "canonical_deep": rows / 2, "canonical_shallow": rows / 2})
        )
    found = compare_two(*sites)
    raw, left, own = (found.on(axis) for axis in ("features_deep", "canonical_deep", "canonical_shallow"))
    assert raw is not None
    assert left is not None
    assert own is not None
    assert left.value == pytest.approx(raw.value / 4, rel=0.02)
    assert own.value == pytest.approx(raw.value, rel=0.02)  # without raw features of its layer it is its own unit


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


def mixed(rng: np.random.Generator, name: str, benign: int, malignant: int, shift: float = 0.0) -> SiteStatistics:
    """Two classes three deviations apart."""
    labels = np.repeat([0, 1], [benign, malignant])
    rows = rng.standard_normal((benign + malignant, 4)) + labels[:, None] * 1.5 + shift
    return statistics_of(name, {"texture": rows}, benign=labels == 0, malignant=labels == 1)


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


def test_hidden_counts_are_read_in_favour_of_no_shift() -> None:
    known = LabelCounts.of({"x": 11, "y": 29}, 40)
    hidden = LabelCounts.of({"x": "<10", "y": "hidden"}, 40)
    far = LabelCounts.of({"x": 25, "y": 15}, 40)
    rows, differences = prevalence_differences([known, hidden, far], np.array([0, 1]), np.array([1, 2]))
    assert rows.tolist() == [0, 1]
    np.testing.assert_allclose(differences.delta, [[2 / 40, -2 / 40], [9 / 40 - 25 / 40, 31 / 40 - 15 / 40]], atol=1e-9)
    p = label_distributions(differences).p
    assert p[0] > 0.05
    assert p[1] < 0.01


def test_possible_counts_are_possible_and_reach_the_extremes() -> None:
    counts = LabelCounts.of({"a": "<10", "b": "<10", "c": "hidden", "d": 30}, 60)
    names = ["a", "b", "c", "d"]
    low, high = counts.ends(names)
    found = counts.possible(names, np.array([20.0, 5.0, 5.0, 30.0]))
    np.testing.assert_allclose(found.sum(axis=1), 60)
    assert np.all(found >= low - 1e-9)
    assert np.all(found <= high + 1e-9)
    np.testing.assert_allclose(found[:, :2].min(axis=0), 1)
    np.testing.assert_allclose(found[:, :2].max(axis=0), 9)
    np.testing.assert_allclose(
        found[0], [9, 9, 12, 30], atol=1e-9
    )  # the nearest: a and b at their most, c takes the rest
