"""The numbers in the docstrings of the three steps are true."""

import doctest
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from shiftscope.measures.basis import load_basis
from shiftscope.shifts import SiteStatistics, axis_differences, compare_all, compare_two, comparisons
from shiftscope.shifts.adjustments import adjusted_axes, contour_habits, lesion_areas, prevalence
from shiftscope.shifts.contrasts import class_contrasts
from shiftscope.shifts.differences import Differences
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments


def statistics(name: str, axes: dict[str, Moments], label: str = "") -> SiteStatistics:
    n = next(iter(axes.values())).n
    counts = {label: n} if label else {}
    classes = {label: axes} if label else {}
    return SiteStatistics(name, n, axes, {}, None, classes, LabelCounts(counts, counts, sum(counts.values())))


def shown(module: ModuleType, *numbers: str) -> None:
    """The docstring says these numbers."""
    text = " ".join((module.__doc__ or "").split())
    for number in numbers:
        assert number in text, number


@pytest.mark.parametrize("module", [axis_differences, lesion_areas, class_contrasts])
def test_examples_that_run(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 3
    assert found.failed == 0


def mixed(name: str, benign: int, malignant: int) -> SiteStatistics:
    """Two classes that lie two deviations apart."""
    means = {"benign": (0.0, benign), "malignant": (2.0, malignant)}
    parts = [
        statistics(name, {"texture": Moments(n, np.full(1, mean), np.eye(1))}, label)
        for label, (mean, n) in means.items()
    ]
    return SiteStatistics.pooled(name, parts)


def test_prevalence_is_held_equal() -> None:
    sites = [mixed("even", 60, 60), mixed("rarer", 100, 20)]
    gap = sites[0].plain["texture"].mean[0] - sites[1].plain["texture"].mean[0]
    effect = compare_two(*sites).on("texture")
    assert effect is not None
    assert (round(gap, 2), effect.held, round(effect.value, 2)) == (0.67, "prevalence", 0.0)
    shown(
        adjusted_axes,
        "60/120 - 20/120",
        f"{gap:.2f}".lstrip("0"),
        f"effect of {effect.explained:.1f}".replace("0.", "."),
    )
    apart = sites[0].labels.low["malignant"] / 120 - sites[1].labels.low["malignant"] / 120
    assert apart == pytest.approx(1 / 3)
    shown(prevalence, "1/2 - 1/6 = 1/3")


@pytest.mark.parametrize(("axis", "power"), [("morphology", 2), ("morphology_3d", 3)])
def test_a_contour_beyond_the_edge_encloses_a_larger_area(axis: str, power: int) -> None:
    """Beyond it by .05 radii at the first site: exp(.1) times the area, so .1 less in log area once it is corrected."""
    basis = load_basis()[0]
    contour, size = basis["boundary"], basis[axis]
    log_area = size.centre[0]
    ball = np.pi if power == 2 else 4 / 3 * np.pi
    radius = 256 * (np.exp(log_area) / ball) ** (1 / power)
    zero = Moments(50, np.zeros(8), np.eye(8))
    offsets = -0.05 * radius, 0.0
    sites = []
    for name, offset in zip(("generous", "exact"), offsets, strict=True):
        drawn = Moments(50, np.array([(offset - contour.centre[0]) / contour.spread[0], 0, 0, 0]), np.eye(4))
        sites.append(statistics(name, {axis: zero, "boundary": drawn}))
    pair = np.array([0]), np.array([1])
    plain = Differences(np.array([8]), np.zeros((1, 8)), np.ones((2, 1, 8, 8)), np.full((2, 1), 49.0))
    left = contour_habits.without_habit(axis, plain, sites, *pair)
    assert left.delta[0, 0] * size.spread[0] == pytest.approx(-power * 0.05)
    assert left.width.tolist() == [4]
    assert np.exp(0.1) == pytest.approx(1.105, abs=5e-4)
    shown(contour_habits, "exp(2 t)", "exp(3 t)", "1.105", "t = .05")


def test_three_hospitals_are_compared() -> None:
    sites = [
        statistics(name, {"texture": Moments(50, np.full(1, mean), np.eye(1))})
        for name, mean in (("a", 1.0), ("b", 0.0), ("c", 0.0))
    ]
    found = compare_all(sites)
    first, last, whole = (
        shift.on("texture") for shift in (found.pairs["a", "b"], found.pairs["b", "c"], found.by_site["a"])
    )
    assert first is not None
    assert last is not None
    assert whole is not None
    numbers = {
        f"{first.value:.2g}, 95 % [{first.interval[0]:.2g}, {first.interval[1]:.2g}]",
        f"{whole.value:.2g}, 95 % [{whole.interval[0]:.2g}, {whole.interval[1]:.2g}]",
    }
    shown(comparisons, *(item.replace("0.", ".") for item in numbers), "p below .0001", "Between the last two it is 0")
    assert first.p < 1e-4
    assert last.value == 0


def test_nothing_but_the_first_step_is_needed_for_equal_sites() -> None:
    one = mixed("a", 60, 60)
    effect = compare_two(one, replace(one, site="b")).on("texture")
    assert effect is not None
    assert (effect.value, effect.held, effect.explained) == (0.0, "", 0.0)
