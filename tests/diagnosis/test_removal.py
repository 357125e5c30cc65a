"""What each harmonizer removes, from sites whose features are known because they were drawn."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from shiftscope.diagnosis.removal import MEASURED, FeatureEffects, Removal, removals, without_each
from shiftscope.shifts import SiteStatistics, compare_all, compare_two
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

WIDTH = 8


def site(
    name: str, moved: Mapping[str, float], rng: np.random.Generator, n: int = 60, negative: float | None = None
) -> SiteStatistics:
    """A site whose patients, of unit variance, are moved by so much on the features after each harmonizer.

    The negatives are moved as its upright images are after the quantile map, or by `negative`.
    """
    by = {"features": 0.0, **dict.fromkeys(MEASURED.values(), 0.0), **moved}
    by["polarity"] = by["quantile_map"] if negative is None else negative
    plain = {}
    for prefix, far in by.items():
        for layer in ("shallow", "deep"):
            rows = rng.standard_normal((n, WIDTH))
            rows[:, 0] += far
            plain[f"{prefix}_{layer}"] = Moments.of(rows)
    return SiteStatistics(name, n, plain, {}, None, {}, LabelCounts({}, {}, 0))


def between(a: SiteStatistics, b: SiteStatistics) -> dict[str, Removal]:
    return {item.harmonizer: item for item in removals(FeatureEffects.of({(a.site, b.site): compare_two(a, b)}))}


def test_shares_are_those_that_were_drawn() -> None:
    """Squared distances of 9 before; 9, 4 and 0.25 after."""
    rng = np.random.default_rng(0)
    found = between(
        site("a", {}, rng, 400),
        site("b", {"features": 3.0, "zscore": 3.0, "quantile_map": 2.0, "canonical": 0.5}, rng, 400),
    )
    assert list(found) == ["quantile_spectrum", "quantile_map", "zscore"]
    expected = {"zscore": 0.0, "quantile_map": 1 - 4 / 9, "quantile_spectrum": 1 - 0.25 / 9}
    for name, share in expected.items():
        assert found[name].share == pytest.approx(share, abs=0.12)
        assert found[name].low <= share <= found[name].high
        assert found[name].low <= found[name].share <= found[name].high <= 1
        assert found[name].before == pytest.approx(9 / WIDTH, rel=0.15)
        assert found[name].remains == pytest.approx((1 - found[name].share) * found[name].before)


def test_a_harmonizer_can_add_to_the_difference() -> None:
    rng = np.random.default_rng(1)
    found = between(site("a", {}, rng), site("b", {"features": 1.5, "zscore": 4.0}, rng))
    assert found["zscore"].high < 0


def test_nothing_is_said_where_the_features_do_not_differ() -> None:
    rng = np.random.default_rng(2)
    assert removals(FeatureEffects.of({})) == ()
    assert between(site("a", {}, rng), site("b", {"zscore": 3.0}, rng)) == {}


def test_sites_without_an_axis_are_passed_over() -> None:
    rng = np.random.default_rng(3)
    a, b = site("a", {}, rng), site("b", {"features": 3.0}, rng)
    del b.plain["zscore_deep"]  # type: ignore[attr-defined]
    assert between(a, b) == {}


def test_an_inverted_site_is_turned_back() -> None:
    """Its upright images lie far from the other's, its negatives upon them; and the other way round."""
    rng = np.random.default_rng(4)
    upright, inverted = (
        site("a", {}, rng, negative=3.0),
        site("b", {"features": 4.0, "quantile_map": 3.0}, rng, negative=0),
    )
    for found in (between(upright, inverted), between(inverted, upright)):
        assert found["polarity"].share > 0.9
        assert found["quantile_map"].share < 0.7


def test_turning_is_not_chosen_because_it_is_a_little_better() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        assert "polarity" not in between(site("a", {}, rng), site("b", {"features": 2.0, "quantile_map": 1.0}, rng))


def test_the_interval_holds_the_share() -> None:
    """95 % intervals, before and after counting as independent as they are here: they miss in at most 10 % of 150."""
    rng = np.random.default_rng(6)
    truth = {"zscore": 1 - 1.5**2 / 4, "quantile_map": 1 - 1 / 4, "quantile_spectrum": 1 - 0.5**2 / 4}
    held = []
    for _ in range(50):
        found = between(
            site("a", {}, rng),
            site("b", {"features": 2.0, "zscore": 1.5, "quantile_map": 1.0, "canonical": 0.5}, rng),
        )
        held.extend(found[name].low <= share <= found[name].high for name, share in truth.items())
    assert np.mean(held) >= 0.9


def test_more_sites_tell_more_surely() -> None:
    """Three sites with the shift and three without, against one."""
    moved = {"features": 2.0, "zscore": 1.4}
    rng = np.random.default_rng(7)
    few = between(site("a", {}, rng), site("b", moved, rng))["zscore"]
    sites = [site(name, {} if name < "d" else moved, rng) for name in "abcdef"]
    pairs = {pair: shift for pair, shift in compare_all(sites).pairs.items() if (pair[0] < "d") != (pair[1] < "d")}
    many = next(item for item in removals(FeatureEffects.of(pairs)) if item.harmonizer == "zscore")
    assert many.pairs == 9
    assert many.high - many.low < few.high - few.low


def test_small_sites_that_publish_less_weigh_alike() -> None:
    """Differences in every coordinate are as large on 4 of 8 coordinates."""
    rng = np.random.default_rng(9)
    a, b = site("a", {}, rng, 2000), site("b", {}, rng, 2000)
    for axis, moments in b.plain.items():
        moments.mean[:] += 2.0 if axis.startswith("features") else 1.0
    cut = {axis: moments.leading(4) for axis, moments in b.plain.items()}
    for other in (b, replace(b, plain=cut)):
        found = between(a, other)["zscore"]
        assert found.before == pytest.approx(4, rel=0.1)
        assert found.remains == pytest.approx(1, rel=0.1)


def test_the_order_of_pairs_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    pairs = compare_all(
        [site(name, {"features": far}, rng) for name, far in (("a", 0.0), ("b", 2.0), ("c", 4.0))]
    ).pairs
    for one, other in zip(
        *(removals(FeatureEffects.of(given)) for given in (pairs, dict(reversed(pairs.items())))), strict=True
    ):
        assert one.harmonizer == other.harmonizer
        assert (one.share, one.low, one.high) == pytest.approx((other.share, other.low, other.high))


def test_what_is_removed_without_one_site() -> None:
    """One site far off after a harmonizer hides what the others' maps do; left out it does not."""
    rng = np.random.default_rng(10)
    sites = [
        site("a", {}, rng, 200),
        site("b", {"features": 3.0}, rng, 200),
        site("c", {"features": 6.0}, rng, 200),
        site("odd", {"features": 3.0, "zscore": 20.0}, rng, 200),
    ]
    pairs = compare_all(sites).pairs
    less = without_each(FeatureEffects.of(pairs))
    share = {name: next(one.share for one in found if one.harmonizer == "zscore") for name, found in less.items()}
    assert share["odd"] > 0.95
    assert max(share["a"], share["b"], share["c"]) < 0
    assert less["odd"] == removals(
        FeatureEffects.of({pair: shift for pair, shift in pairs.items() if "odd" not in pair})
    )
    assert without_each(FeatureEffects.of({("a", "b"): pairs["a", "b"]})) == {}
