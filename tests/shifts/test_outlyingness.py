"""Sites that stand out: whoever changes the effect between two others is found, and hardly anybody else."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from shiftscope.shifts import UNLIKE, Outlyingness, SiteStatistics, compare_all
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

AXIS = "texture"


def statistics_of(name: str, moments: Moments) -> SiteStatistics:
    return SiteStatistics(name, moments.n, {AXIS: moments}, {}, None, {}, LabelCounts({}, {}, 0))


def honest(rng: np.random.Generator, count: int, n: int, d: int, apart: float) -> list[SiteStatistics]:
    """Sites whose patients vary alike, their means some deviations apart."""
    mix = np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d)
    rows = [(rng.standard_normal((n, d)) + apart * rng.standard_normal(d)) @ mix.T for _ in range(count)]
    return [statistics_of(f"s{k}", Moments.of(values)) for k, values in enumerate(rows)]


def forged(rng: np.random.Generator, sites: list[SiteStatistics]) -> np.ndarray:
    """A covariance made to change the effect between the first two sites, or any: none, scaled, along or across it."""
    d = len(sites[0].plain[AXIS].mean)
    cov = np.mean([one.plain[AXIS].cov for one in sites], axis=0)
    gap = sites[0].plain[AXIS].mean - sites[1].plain[AXIS].mean
    scale = 10.0 ** rng.uniform(-6, 6)
    across = np.eye(d) - np.outer(gap, gap) / (gap @ gap)
    mixed = rng.standard_normal((d, d)) * 10.0 ** rng.uniform(-3, 3, d)
    turned = np.linalg.solve(cov, gap)
    choices = [
        np.zeros((d, d)),
        scale * cov,
        scale * np.outer(gap, gap),
        scale * across @ cov @ across,
        scale * np.outer(turned, turned),
        mixed @ mixed.T,
    ]
    return np.asarray(choices[rng.integers(len(choices))])


def stands_out(found: Outlyingness) -> bool:
    unlike = max(found.spread, 1 / found.spread) > UNLIKE
    return unlike or (found.influence is not None and found.influence.factor >= 2)


def on_axis(sites: list[SiteStatistics]) -> dict[str, Outlyingness]:
    return {site: found[0] for site, found in compare_all(sites).outlyingness.items()}


def test_whoever_doubles_or_halves_the_effect_between_two_others_is_found() -> None:
    """Any covariance, any number of patients, any mean; effects that chance does not make."""
    rng = np.random.default_rng(0)
    changed = 0
    for _ in range(250):
        count, n = int(rng.choice([2, 3, 5])), int(rng.choice([20, 40, 100]))
        sites = honest(rng, count, n, 4 if n < 80 else 8, float(rng.choice([0.3, 1.0])))
        mean = rng.standard_normal(len(sites[0].plain[AXIS].mean)) * 10.0 ** rng.uniform(-1, 4)
        liar = statistics_of("z", Moments(int(rng.choice([20, 5 * n, 10**9])), mean, forged(rng, sites)))
        alone, among = compare_all(sites), compare_all([*sites, liar])
        found = among.outlyingness["z"][0]
        for pair in combinations([one.site for one in sites], 2):
            before, after = alone.pairs[pair].on(AXIS), among.pairs[pair].on(AXIS)
            assert before is not None
            assert after is not None
            least = [max(0.1, float(one.distribution.noise)) for one in (before, after)]
            factor = max(after.value, least[1]) / max(before.value, least[0])
            if max(factor, 1 / factor) > 2.05:
                changed += 1
                assert stands_out(found)
                influence = found.influence
                if influence is not None and influence.pair == pair:
                    assert influence.among == pytest.approx(after.value, rel=0.02, abs=0.005)
                    assert influence.without == pytest.approx(before.value, rel=0.02, abs=0.005)
    assert changed > 200


def test_sites_that_differ_by_chance_alone_do_not_stand_out() -> None:
    rng = np.random.default_rng(1)
    found = [
        one
        for _ in range(60)
        for one in on_axis(honest(rng, int(rng.choice([3, 5])), int(rng.choice([20, 40])), 4, 0.0)).values()
    ]
    assert sum(map(stands_out, found)) <= 0.01 * len(found)
    assert max(one.distance for one in found) < 2


@pytest.mark.parametrize("factor", [0.0, 1e-4, 1e4, 1e12])
def test_an_outlying_site_neither_hides_itself_nor_makes_others_outlying(factor: float) -> None:
    rng = np.random.default_rng(2)
    sites = honest(rng, 3, 60, 8, 0.5)
    moments = sites[2].plain[AXIS]
    sites[2] = statistics_of("outlying", Moments(10**9, moments.mean, factor * moments.cov))
    found = on_axis(sites)
    assert {site for site, one in found.items() if stands_out(one)} == {"outlying"}
    assert found["outlying"].spread == pytest.approx(factor, rel=0.5, abs=1e-6)
    assert (found["outlying"].n, found["outlying"].counted) == (10**9, 300)


def test_the_nearest_site_and_how_far_it_is() -> None:
    """In the unit of the others, whatever the site's own spread."""
    moments = [Moments(4000, np.full(2, at), np.eye(2)) for at in (0.0, 0.1, 3.0)]
    moments[2] = Moments(4000, moments[2].mean, 400 * np.eye(2))
    found = on_axis([statistics_of(f"s{k}", one) for k, one in enumerate(moments)])
    assert found["s2"].nearest == "s1"
    assert found["s2"].distance == pytest.approx(2 * 2.9**2, abs=0.3)
    assert found["s0"].nearest == "s1"


def test_harmonized_features_are_held_against_the_others_in_the_unit_of_the_raw_ones() -> None:
    rng = np.random.default_rng(5)
    sites = honest(rng, 3, 80, 4, 0.0)
    plain = [
        dict.fromkeys(("features_deep", "zscore_deep"), moments) for one in sites for moments in one.plain.values()
    ]
    far = plain[2]["zscore_deep"]
    root = np.linalg.cholesky(far.cov)[:, 0]
    plain[2] = {**plain[2], "zscore_deep": Moments(far.n, far.mean + 30 * root, 20 * far.cov)}
    found = compare_all([replace(one, plain=axes) for one, axes in zip(sites, plain, strict=True)]).outlyingness
    raw, after = found["s2"]
    assert (raw.axis, after.axis) == ("features_deep", "zscore_deep")
    assert raw.distance < 1
    assert after.distance > 300
    assert after.spread == pytest.approx(20, rel=0.3)
    assert after.influence is None  # what makes the unit is that of the raw ones
    assert max(one.distance for one in found["s0"]) < 1


def test_two_sites_are_held_against_nobody() -> None:
    rng = np.random.default_rng(3)
    assert compare_all(honest(rng, 2, 40, 4, 0.5)).outlyingness == {"s0": (), "s1": ()}


def test_a_narrow_site_is_held_against_the_leading_coordinates_of_the_others() -> None:
    rng = np.random.default_rng(4)
    sites = honest(rng, 4, 100, 8, 0.5)
    narrow = sites[3].plain[AXIS].leading(4)
    sites[3] = statistics_of("narrow", Moments(narrow.n, narrow.mean, 50 * narrow.cov))
    found = on_axis(sites)
    assert found["narrow"].spread == pytest.approx(50, rel=0.4)
    assert not stands_out(found["s0"])


@pytest.mark.parametrize("lacking", ["harmonized", "raw", "narrow"])
def test_a_site_without_a_harmonized_axis_or_with_a_narrower_one_stops_nobody(lacking: str) -> None:
    """Everybody who has the axis among two others that have it is placed; the others are compared as far as they go."""
    rng = np.random.default_rng(6)
    sites = []
    for one in honest(rng, 4, 80, 8, 0.3):
        moments = one.plain[AXIS]
        sites.append(replace(one, plain={"features_deep": moments, "zscore_deep": moments}))
    axes = {**sites[3].plain}
    if lacking == "narrow":
        axes["zscore_deep"] = axes["zscore_deep"].leading(4)
    else:
        del axes["zscore_deep" if lacking == "harmonized" else "features_deep"]
    sites[3] = replace(sites[3], plain=axes)
    found = compare_all(sites)
    assert [one.axis for one in found.outlyingness["s0"]] == ["features_deep", "zscore_deep"]
    known = [one.axis for one in found.outlyingness["s3"]]
    assert known == {"harmonized": ["features_deep"], "raw": [], "narrow": ["features_deep", "zscore_deep"]}[lacking]
    assert (found.pairs["s0", "s3"].on("zscore_deep") is None) == (lacking == "harmonized")
