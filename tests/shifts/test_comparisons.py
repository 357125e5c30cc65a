"""All pairs at once: what others in a federation may and may not change."""

from dataclasses import replace

import numpy as np
import pytest
from sites_made import federation, statistics_of

from shiftscope.measures import AXES
from shiftscope.shifts import compare_all, compare_one, compare_two


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
