"""Classes that lie apart in another way: found where it was planted, and not where images or prevalence differ."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sites_made import statistics_of

from shiftscope.shifts import ClassContrast, SiteStatistics
from shiftscope.shifts.contrasts.class_contrasts import SHARE
from shiftscope.shifts.contrasts.compared_classes import contrasts_between, contrasts_of_pairs, contrasts_of_sites

GAP = np.array([1.2, 0.0, -0.5, 0.3])
MIXING = np.array([[2.0, 0.3, 0.0, -1.0], [0.0, 0.5, 0.1, 0.0], [0.4, 0.0, 30.0, 0.0], [0.0, -0.2, 0.0, 0.01]])


def site(
    rng: np.random.Generator,
    name: str,
    n: tuple[int, int] = (100, 100),
    swapped: float = 0.0,
    moved: tuple[np.ndarray | float, np.ndarray | float] = (0.0, 0.0),
    spread: tuple[float, float] = (1.0, 1.0),
    mixing: np.ndarray | None = None,
    d: int = 4,
) -> SiteStatistics:
    """Benign and malignant patients `GAP` apart, some of them labelled the other way."""
    truth = np.repeat([0, 1], n)
    rows = rng.standard_normal((sum(n), d)) * np.repeat(spread, n)[:, None] + truth[:, None] * GAP[:d]
    rows += np.stack([np.broadcast_to(m, d) for m in moved])[truth]
    label = np.concatenate([np.arange(size) < round(swapped * size) for size in n]) ^ (truth == 1)
    if mixing is not None:
        rows = rows @ mixing.T + 5.0
    return statistics_of(name, {"layout": rows}, benign=~label, malignant=label)


def only(sites: list[SiteStatistics]) -> ClassContrast:
    """The last site against all others, on the one axis there is."""
    (found,) = contrasts_of_sites(sites)[sites[-1].site]
    return found


def test_swapped_labels_are_found_and_measured() -> None:
    found = [
        only([site(rng, "a"), site(rng, "b"), site(rng, "c", swapped=0.5)])
        for rng in np.random.default_rng(0).spawn(60)
    ]
    apart = float(GAP @ GAP)
    truth = apart / 4 / (1 + apart / 4 / 3)  # mixed classes vary more, which is a third of the unit
    assert np.mean([one.p < 0.05 for one in found]) > 0.95
    assert np.mean([one.effect.value for one in found]) == pytest.approx(truth, rel=0.12)
    held = [one.effect.interval[0] <= truth <= one.effect.interval[1] for one in found]
    assert np.mean(held) > 0.85


@pytest.mark.parametrize(
    ("n", "spread", "d"),
    [
        ((100, 100), (1.0, 1.0), 4),
        ((30, 30), (1.0, 1.0), 4),
        ((48, 12), (1.0, 1.0), 4),
        ((30, 30), (1.0, 2.0), 4),
        ((30, 30), (2.0, 2.0), 4),
        ((20, 20), (1.0, 1.0), 1),
    ],
)
def test_without_a_shift_the_p_value_is_one(n: tuple[int, int], spread: tuple[float, float], d: int) -> None:
    """Prevalence, few patients, and patients that vary more at one site or in one class."""
    p = []
    for rng in np.random.default_rng(1).spawn(300):
        others = [site(rng, name, (30, 30), d=d) for name in "ab"]
        p.append(only([*others, site(rng, "c", n, spread=spread, d=d)]).effect.p)
    assert stats.binomtest(int(np.sum(np.array(p) < 0.05)), len(p), 0.05).pvalue > 0.005
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_two_sites_and_one_coordinate_are_welchs_t() -> None:
    rng = np.random.default_rng(2)
    rows = [rng.standard_normal(n) * scale for n, scale in ((30, 1.0), (25, 1.4), (40, 0.8), (22, 1.0))]
    rows = [x - x.mean() + mean for x, mean in zip(rows, (-1.0, 1.0, -0.7, 0.7), strict=True)]  # one middle for both
    a, b = (
        statistics_of(name, {"layout": np.concatenate(both)[:, None]}, one=known, two=~known)
        for name, both, known in (
            ("a", rows[:2], np.arange(55) < 30),
            ("b", rows[2:], np.arange(62) < 40),
        )
    )
    (found,) = contrasts_of_pairs([a, b])["a", "b"]
    parts = np.array([x.var(ddof=1) / len(x) for x in rows])
    freedom = parts.sum() ** 2 / np.sum(parts**2 / (np.array([len(x) for x in rows]) - 1))
    t = (2.0 - 1.4) / np.sqrt(parts.sum())
    assert found.margin == pytest.approx(0.0)
    assert found.p == pytest.approx(2 * stats.t.sf(t, freedom), rel=0.02)


def test_images_that_look_otherwise_are_no_other_labels() -> None:
    """Both classes moved by 3; at the second site one of them by half as much again, within what appearance may do."""
    rng = np.random.default_rng(3)
    base = [site(rng, name) for name in "ab"]
    far = 3 * GAP / np.linalg.norm(GAP)
    alike, uneven = (site(rng, "c", moved=(far, factor * far)) for factor in (1.0, 1.5))
    assert only([*base, alike]).p > 0.2
    found = only([*base, uneven])
    assert found.effect.p < 1e-4
    assert found.margin == pytest.approx(SHARE * 3.75**2, rel=0.1)
    assert found.p > 0.2


def test_prevalence_moves_no_class() -> None:
    rng = np.random.default_rng(4)
    base = [site(rng, name, (400, 400)) for name in "ab"]
    found = only([*base, site(rng, "c", (640, 160))])
    assert found.margin < SHARE * 0.02
    assert found.common == pytest.approx(float(GAP @ GAP) / 4, rel=0.15)
    assert found.effect.value < 0.02


def test_coordinates_that_all_sites_share_do_not_matter() -> None:
    plain, mixed = (
        contrasts_of_sites(
            [
                site(rng, name, n, swapped, mixing=mixing)
                for name, n, swapped in zip("abc", sizes, (0, 0, 0.3), strict=True)
            ]
        )
        for rng, sizes, mixing in (
            (np.random.default_rng(5), ((30, 40), (60, 20), (35, 35)), None),
            (np.random.default_rng(5), ((30, 40), (60, 20), (35, 35)), MIXING),
        )
    )
    for name in "abc":
        (one,), (other,) = plain[name], mixed[name]
        assert other.effect.value == pytest.approx(one.effect.value, rel=1e-6)
        assert other.margin == pytest.approx(one.margin, rel=1e-6, abs=1e-9)
        assert other.common == pytest.approx(one.common, rel=1e-6)
        assert other.p == pytest.approx(one.p, rel=1e-6)


def test_sites_and_classes_can_be_exchanged() -> None:
    rng = np.random.default_rng(6)
    sites = [site(rng, name, n, swapped) for name, n, swapped in (("a", (30, 50), 0.0), ("b", (40, 40), 0.4))]
    (found,) = contrasts_of_pairs(sites)["a", "b"]
    (turned,) = contrasts_of_pairs(sites[::-1])["b", "a"]
    renamed = [replace(one, classes={"x": one.classes["malignant"], "y": one.classes["benign"]}) for one in sites]
    (other,) = contrasts_of_pairs(renamed)["a", "b"]
    for again in (turned, other):
        assert again.effect.value == pytest.approx(found.effect.value)
        assert again.p == pytest.approx(found.p)
        assert again.margin == pytest.approx(found.margin)
        assert again.common == pytest.approx(found.common)
    assert (found.effect.n, turned.effect.n) == ((80, 80), (80, 80))
    assert (found.classes, other.classes) == (("benign", "malignant"), ("x", "y"))


def test_two_sites_are_each_others_rest() -> None:
    rng = np.random.default_rng(7)
    sites = [site(rng, "a"), site(rng, "b", swapped=0.3)]
    (pair,) = contrasts_of_pairs(sites)["a", "b"]
    for name in "ab":
        (found,) = contrasts_of_sites(sites)[name]
        assert found.p == pytest.approx(pair.p)


def test_a_site_that_lacks_a_class_is_in_no_contrast() -> None:
    rng = np.random.default_rng(8)
    sites = [site(rng, name) for name in "abc"]
    bare = replace(sites[1], classes={"benign": sites[1].classes["benign"]})
    assert set(contrasts_of_pairs([sites[0], bare, sites[2]])) == {("a", "c")}
    assert set(contrasts_of_sites([sites[0], bare, sites[2]])) == {"a", "c"}
    assert contrasts_of_sites([sites[0], bare]) == {}
    assert contrasts_of_sites([replace(one, classes={}) for one in sites]) == {}


def test_sites_of_unequal_width_are_compared_at_the_smaller() -> None:
    rng = np.random.default_rng(9)
    sites = [site(rng, name) for name in "abc"]
    cut = {label: {"layout": found["layout"].leading(2)} for label, found in sites[1].classes.items()}
    found = contrasts_of_pairs([sites[0], replace(sites[1], classes=cut), sites[2]])
    assert {pair: one.effect.width for pair, (one,) in found.items()} == {("a", "b"): 2, ("a", "c"): 4, ("b", "c"): 2}


def test_of_three_classes_every_two_are_compared() -> None:
    rng = np.random.default_rng(10)
    known = np.repeat(np.eye(3, dtype=bool), 20, axis=0)
    sites = [
        statistics_of(name, {"layout": rng.standard_normal((60, 4))}, x=known[:, 0], y=known[:, 1], z=known[:, 2])
        for name in "ab"
    ]
    found = contrasts_of_pairs(sites)["a", "b"]
    assert [one.classes for one in found] == [("x", "y"), ("x", "z"), ("y", "z")]


def test_classes_that_lie_at_one_point_everywhere_differ_in_nothing() -> None:
    rows = np.repeat(np.arange(40.0)[:, None] % 10, 2, axis=0).reshape(40, 2)
    known = np.arange(40) < 20
    sites = [statistics_of(name, {"layout": rows}, x=known, y=~known) for name in "ab"]
    (found,) = contrasts_of_pairs(sites)["a", "b"]
    assert found.effect.value == 0
    assert found.p == pytest.approx(1.0)


def test_some_pairs_in_the_unit_of_other_sites() -> None:
    """Of themselves it is the comparison of all pairs; of sites that vary twice as much everything is half as far."""
    rng = np.random.default_rng(9)
    sites = [site(rng, name, swapped=0.3 * (name == "c")) for name in "abc"]
    every, some = contrasts_of_pairs(sites), (np.array([0, 1]), np.array([2, 2]))
    found = contrasts_between(sites, some, sites)
    for (one,), pair in zip(found, [("a", "c"), ("b", "c")], strict=True):
        (whole,) = every[pair]
        assert (one.classes, one.effect.n) == (whole.classes, whole.effect.n)
        assert one.effect.value == pytest.approx(whole.effect.value, rel=1e-9)
        assert one.p == pytest.approx(whole.p, rel=1e-9)
    double = np.diag([2.0] * 4)
    wide = [
        replace(
            one,
            classes={
                label: {axis: replace(item, cov=double @ item.cov @ double) for axis, item in axes.items()}
                for label, axes in one.classes.items()
            },
        )
        for one in sites
    ]
    for (one,), (other,) in zip(found, contrasts_between(sites, some, wide), strict=True):
        assert other.effect.distribution.distance == pytest.approx(one.effect.distribution.distance / 4, rel=1e-6)
        assert other.common < one.common / 3
    assert contrasts_between([sites[0], replace(sites[1], classes={})], (np.array([0]), np.array([1])), sites) == [()]
