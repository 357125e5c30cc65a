"""When it changed: against least squares on the patients themselves, and how often the set holds the truth."""

import math

import numpy as np
import pytest
from months_made import normal_series, statistics_of_rows

from shiftscope.series.blocks import growing
from shiftscope.series.change_points import LOG_RATIO_CUTOFF, ChangePoint, change_point
from shiftscope.shifts import SiteStatistics


def found(sites: list[SiteStatistics], axis: str = "texture") -> ChangePoint:
    last = [*growing(sites[0], sites[1:])][-1]
    starts = range(len(sites) - 1)
    effects = [shift.on(axis) for shift in last.shifts(starts)]
    return change_point({start: effect for start, effect in zip(starts, effects, strict=True) if effect is not None})


def test_reach_is_where_the_larger_of_two_exponentials_stays_below() -> None:
    assert (1 - math.exp(-LOG_RATIO_CUTOFF)) ** 2 == pytest.approx(0.95)
    rng = np.random.default_rng(0)
    assert np.mean(rng.exponential(size=(200_000, 2)).max(axis=1) <= LOG_RATIO_CUTOFF) == pytest.approx(0.95, abs=0.003)


def test_the_best_cut_is_that_of_least_squares() -> None:
    """Many patients, so that the unit is as good as known: the cut with the least squares within both parts."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        rows = [rng.standard_normal((n, 4)) + 0.5 * (k > 4) for k, n in enumerate((200, *rng.integers(60, 160, 8)))]
        sites = [statistics_of_rows(f"m{k}", {"texture": x}) for k, x in enumerate(rows)]
        squares = []
        for start in range(8):
            parts = np.concatenate(rows[: 1 + start]), np.concatenate(rows[1 + start :])
            squares.append(sum(float(np.sum((part - part.mean(axis=0)) ** 2)) for part in parts))
        assert found(sites).start == int(np.argmin(squares))


@pytest.mark.parametrize("jump", [0.5, 1.0])
def test_the_set_holds_the_true_month(jump: float) -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(120):
        sites = normal_series(rng, [60, *[25] * 10], jump=(5, jump))  # months 0 to 4 as before, 5 to 9 moved
        point = found(sites)
        assert point.start in point.possible
        hits += 5 in point.possible
    assert hits >= 0.9 * 120


def test_a_large_jump_is_put_where_it_is() -> None:
    rng = np.random.default_rng(4)
    for start in range(6):
        point = found(normal_series(rng, [40, *[20] * 6], jump=(start, 4.0)))
        assert point == ChangePoint(start, (start,))
