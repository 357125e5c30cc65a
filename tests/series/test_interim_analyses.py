"""Interim analyses of a series: what is said stays said, what does not matter stays quiet, what matters is found."""

from dataclasses import replace

import numpy as np
import pytest
from months_made import normal_series, statistics_of_rows

from shiftscope.series.interim_analyses import interim_analyses
from shiftscope.series.limits import share
from shiftscope.shifts import compare_pairs
from shiftscope.stats import Moments

AXES = ("texture", "intensity", "layout")


def test_what_was_said_does_not_depend_on_later_months() -> None:
    sites = normal_series(np.random.default_rng(0), [50, *[25] * 6], AXES)
    short, long = ([*interim_analyses(sites[0], sites[1:end], 0.05)] for end in (4, 7))
    for one, other in zip(short, long, strict=False):
        assert {axis: (test.p, test.start) for axis, test in one.tests.items()} == {
            axis: (test.p, test.start) for axis, test in other.tests.items()
        }


def test_months_like_the_baseline_to_the_digit_alarm_nothing() -> None:
    rows = {axis: np.random.default_rng(1).standard_normal((30, 4)) for axis in AXES}
    sites = [statistics_of_rows(f"m{k}", rows) for k in range(25)]
    for analysis in interim_analyses(sites[0], sites[1:], 0.05):
        assert not analysis.alarms
        assert all(test.effect.value == 0 for test in analysis.tests.values())


def test_the_order_of_patients_and_the_scale_of_an_axis_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    rows = [rng.standard_normal((n, 4)) + 0.3 * k for k, n in enumerate((50, 25, 30))]
    mixed = [[rng.permutation(x), 7 * x + 3] for x in rows]
    first, shuffled, scaled = (
        [*interim_analyses(sites[0], sites[1:], 0.05)]
        for sites in (
            [statistics_of_rows(f"m{k}", {"texture": x}) for k, x in enumerate(chosen)]
            for chosen in (rows, [item[0] for item in mixed], [item[1] for item in mixed])
        )
    )
    for one, *others in zip(first, shuffled, scaled, strict=True):
        for other in others:
            assert other.tests["texture"].effect.value == pytest.approx(one.tests["texture"].effect.value, rel=1e-6)
            assert other.alarms.keys() == one.alarms.keys()


def test_limits_are_the_looks_share_over_axes_and_cuts() -> None:
    sites = normal_series(np.random.default_rng(3), [50, *[25] * 5], AXES)
    *_, last = interim_analyses(sites[0], sites[1:], 0.05)
    assert len(last.tests) == 3
    for test in last.tests.values():
        assert test.limit == pytest.approx(share(0.05, 5) / (3 * 4))  # the last 1, 2, 4 months, and all 5


def test_a_jump_is_found_and_what_follows_it_makes_it_clearer() -> None:
    sites = normal_series(np.random.default_rng(4), [100, *[30] * 10], AXES, jump=(5, 1.5))
    found = [*interim_analyses(sites[0], sites[1:], 0.05)]
    first = next(number for number, analysis in enumerate(found) if analysis.alarms)
    assert first in (5, 6)
    assert found[-1].tests["texture"].p <= found[first].tests["texture"].p


def test_what_is_sure_but_too_small_to_matter_is_no_alarm() -> None:
    sites = normal_series(np.random.default_rng(5), [8000, *[8000] * 3], jump=(0, 0.2))  # effect .04
    *_, last = interim_analyses(sites[0], sites[1:], 0.05)
    test = last.tests["texture"]
    assert test.effect.p < test.limit  # of no difference at all
    assert test.p > 0.5
    assert not test.outside
    assert not last.alarms


def test_prevalence_alone_is_no_structure() -> None:
    """Two classes that are unlike; only their shares change."""
    rng = np.random.default_rng(6)

    def month(name: str, sick: int, well: int):
        parts = {"sick": rng.standard_normal((sick, 4)) + 2.0, "well": rng.standard_normal((well, 4))}
        month_statistics = statistics_of_rows(
            name, {"layout": np.concatenate([*parts.values()])}, {"sick": sick, "well": well}
        )
        return replace(month_statistics, classes={label: {"layout": Moments.of(x)} for label, x in parts.items()})

    sites = [month("baseline", 50, 50), *(month(f"m{k}", 40, 10) for k in range(4))]
    *_, last = interim_analyses(sites[0], sites[1:], 0.05)
    assert set(last.alarms) == {"label"}
    held = last.blocks.shifts([0])[0].on("layout")
    assert held is not None
    assert (held.held, held.p > 0.05) == ("prevalence", True)


def test_pairs_of_disjoint_sides_are_compared_as_in_a_federation() -> None:
    sites = normal_series(np.random.default_rng(7), [50, 40], AXES)
    first = np.array([0])
    (alone,) = compare_pairs(sites, (first, first + 1), sites)
    (turned,) = compare_pairs(sites, (first + 1, first), sites)
    assert [e.value for e in alone.effects] == pytest.approx([e.value for e in turned.effects])


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
def test_few_series_without_a_change_alarm(skewed: bool) -> None:
    """Normal patients, and log-normal ones of skewness 6, whose means of twenty are far from normal."""
    rng = np.random.default_rng(8)
    alarmed = 0
    for _ in range(60):
        sizes = [60, *rng.integers(20, 60, 12)]
        rows = [rng.standard_normal((n, 4)) for n in sizes]
        sites = [statistics_of_rows(f"m{k}", {"texture": np.exp(x) if skewed else x}) for k, x in enumerate(rows)]
        alarmed += any(analysis.alarms for analysis in interim_analyses(sites[0], sites[1:], 0.05))
    assert alarmed <= 3  # .025 is spent after 12 months: 1.5 expected at the most
