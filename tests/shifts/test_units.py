"""How much a site counts in the unit: a claim beyond the others' numbers changes nothing for them."""

from dataclasses import replace

import numpy as np
import pytest

from shiftscope.shifts import SiteStatistics, compare_all, compare_pairs
from shiftscope.shifts.differences import MomentTable, plain
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.shifts.units import MOST, capped, unit_at_width
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

AXIS = "texture"


def statistics_of(name: str, moments: Moments, axis: str = AXIS) -> SiteStatistics:
    return SiteStatistics(name, moments.n, {axis: moments}, {}, None, {}, LabelCounts({}, {}, 0))


def honest(seed: int, sizes: tuple[int, ...], d: int = 4) -> list[SiteStatistics]:
    rng = np.random.default_rng(seed)
    mix = np.eye(d) + 0.5 * rng.standard_normal((d, d))
    rows = [
        (rng.standard_normal((n, d)) + shift) @ mix.T
        for n, shift in zip(sizes, np.linspace(0, 1, len(sizes)), strict=True)
    ]
    return [statistics_of(f"s{k}", Moments.of(values)) for k, values in enumerate(rows)]


def numbers(sites: list[SiteStatistics], pair: tuple[str, str]) -> list[float]:
    effect = compare_all(sites).pairs[pair].on(AXIS)
    assert effect is not None
    return [effect.value, effect.p, *effect.interval]


def sizes(sites: list[SiteStatistics]) -> list[int]:
    return [item.plain[AXIS].n for item in sites]


def test_no_site_counts_for_more_than_five_times_the_median() -> None:
    assert sizes(capped(honest(0, (40, 50, 60, 1000)))) == [40, 50, 60, 275]
    assert sizes(capped(honest(0, (20, 200, 1000)))) == [20, 200, 1000]
    assert sizes(capped(honest(0, (20, 1000)))) == [20, 1000]  # no telling which of two is odd
    sites = [*honest(0, (40, 1000)), statistics_of("other", Moments(30, np.zeros(4), np.eye(4)), "layout")]
    assert [item.plain[AXIS].n for item in capped(sites)[:2]] == [40, 1000]  # sites that have the axis count


@pytest.mark.parametrize("cov", [0.0, 0.2, 30.0])
@pytest.mark.parametrize("others", [(40, 40), (20, 60, 200), (40,) * 5])
def test_a_billion_patients_count_as_five_times_the_median(cov: float, others: tuple[int, ...]) -> None:
    sites = honest(1, others)
    forged = Moments(10**9, np.full(4, 3.0), cov * np.eye(4))
    most = int(MOST * np.median([*others, 10**9]))
    pair = ("s0", "s1")
    loud, limited = (numbers([*sites, statistics_of("z", replace(forged, n=n))], pair) for n in (10**9, most))
    assert loud == limited
    free = WithinSiteCovariance.of([item.plain[AXIS] for item in sites] + [forged])
    at = plain(MomentTable.of([item.plain[AXIS] for item in sites]), np.array([0]), np.array([1])).distributions(
        lambda _: free
    )
    without = numbers(sites, pair)[0]
    assert abs(np.log((float(at.value[0]) + 0.01) / without)) > abs(np.log((loud[0] + 0.01) / without))


def test_where_no_site_outweighs_the_others_the_unit_is_that_of_all_patients() -> None:
    sites = honest(2, (40, 60, 150))
    unit = WithinSiteCovariance.of([item.plain[AXIS] for item in sites])
    found = plain(MomentTable.of([item.plain[AXIS] for item in sites]), np.array([0]), np.array([1])).distributions(
        lambda _: unit
    )
    assert numbers(sites, ("s0", "s1"))[0] == float(found.value[0])


def test_months_of_one_site_count_in_full() -> None:
    """Nobody else is compared in their unit."""
    sites = honest(3, (20, 20, 2000))
    (found,) = compare_pairs(sites, (np.array([0]), np.array([1])), sites)
    unit = WithinSiteCovariance.of([item.plain[AXIS] for item in sites])
    expected = plain(MomentTable.of([item.plain[AXIS] for item in sites]), np.array([0]), np.array([1])).distributions(
        lambda _: unit
    )
    effect = found.on(AXIS)
    assert effect is not None
    assert effect.value == float(expected.value[0])
    assert numbers(sites, ("s0", "s1"))[0] != effect.value


def test_the_mean_of_one_site_does_not_change_the_effect_between_two_others() -> None:
    """Coordinates that hardly vary beside a huge mean are rounding; whose mean is not for one site to say."""
    sites = honest(4, (40, 40))
    forged = Moments(40, np.zeros(4), sites[0].plain[AXIS].cov)
    near, far = (
        numbers([*sites, statistics_of("z", replace(forged, mean=np.full(4, at)))], ("s0", "s1")) for at in (0.0, 1e9)
    )
    assert near == far


def test_leaving_one_out_is_the_unit_of_the_others() -> None:
    moments = [item.plain[AXIS] for item in honest(5, (40, 25, 60, 30))]
    moments[1] = replace(moments[1], cov=1e24 * moments[1].cov)  # nothing of it is left, not even rounding
    for place, found in enumerate(WithinSiteCovariance.leave_one_out(moments)):
        expected = WithinSiteCovariance.of([one for k, one in enumerate(moments) if k != place])
        np.testing.assert_allclose(found.root, expected.root, rtol=1e-9)
        np.testing.assert_allclose(found.cov, expected.cov, rtol=1e-12)
        assert (found.shrinkage, found.freedom) == pytest.approx((expected.shrinkage, expected.freedom))


def test_intervals_still_hold_the_truth_beside_an_honest_large_site() -> None:
    """Not all of its patients count, so they are rather wide."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        rows = [rng.standard_normal((n, 4)) for n in (20, 20, 2000)]
        rows[0][:, 0] += 2
        moments = [Moments.of(one) for one in rows]
        unit = unit_at_width(AXIS, capped([statistics_of(f"s{k}", one) for k, one in enumerate(moments)]))
        found.append(plain(MomentTable.of(moments), np.array([0]), np.array([1])).distributions(unit))
    distributions = EffectDistribution(*np.concatenate(found, axis=1))
    low, high = distributions.interval()
    assert np.mean((low <= 4) & (high >= 4)) >= 0.93
    assert np.mean(distributions.value) == pytest.approx(4, rel=0.06)
