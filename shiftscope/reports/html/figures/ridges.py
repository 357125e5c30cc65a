"""How one measure is spread over the patients of each site: a ridge a site, with the mean and its interval."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures import MEASURES
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.measures.plain_names import plain_name
from shiftscope.profiles import Profile, Summary
from shiftscope.reports.html.figures.drawing import INK, MOST_DRAWN, PAPER, SERIES, axes, to_svg
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.sheet import Grid
from shiftscope.reports.wrapping import elided

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ridges"]

_WIDTH, _ROW, _FRAME, _LIFT = 330.0, 38.0, 58.0, 0.72
_MOST_SDS = 4.0  # standard deviations from the mean at which the axis ends, not at the ends of the public grid


def ridges(profiles: Sequence[Profile], question: str) -> list[Figure]:
    """A figure for every measure of a question that some site published."""
    found = []
    for name in (measure for cause in CAUSES[question].values() for measure in cause):
        sites = {item.site: item.measures[name] for item in profiles if name in item.measures}
        if sites:
            found.append(_figure(name, sites))
    return found


def _figure(name: str, sites: dict[str, Summary]) -> Figure:
    measure = MEASURES[name]
    title = f"{plain_name(name)[0].upper()}{plain_name(name)[1:]}"
    says = f"{measure.sentence} {measure.direction[0].upper()}{measure.direction[1:]}."
    drawn = dict(list(sites.items())[:MOST_DRAWN])
    key = f"measure-{name}"
    with axes(_WIDTH, _FRAME + _ROW * len(drawn)) as (figure, plot):
        for index, summary in enumerate(drawn.values()):
            _ridge(plot, summary, len(drawn) - 1 - index, SERIES[index % len(SERIES)])
        plot.set_yticks(range(len(drawn) - 1, -1, -1), [elided(site, 18) for site in drawn], color=INK)
        plot.tick_params(axis="y", length=0)
        plot.spines["left"].set_visible(False)
        plot.set(xlim=_limits(drawn.values()), ylim=(-0.35, len(drawn)), xlabel=_unit(measure.unit))
        plot.grid(axis="x")
        plot.set_axisbelow(True)
        svg = to_svg(figure, key, title, says)
    return Figure(key, title, says, svg, _table(title, sites))


def _ridge(plot: "Axes", summary: Summary, foot: int, colour: str) -> None:
    """The share of patients per unit of the measure, as high as the row; below it the mean with its interval."""
    edges, counts = np.array(summary.edges), np.array(summary.counts, dtype=float)
    height = counts / np.diff(edges)
    height = foot + _LIFT * height / height.max()
    plot.stairs(height, edges, baseline=foot, fill=True, color=colour, alpha=0.3, linewidth=0)
    plot.stairs(height, edges, baseline=foot, color=colour, linewidth=1.5)
    low, high = _interval(summary)
    plot.plot([low, high], [foot - 0.14] * 2, color=INK, linewidth=2)
    plot.plot([summary.mean], [foot - 0.14], "o", color=INK, markeredgecolor=PAPER, markersize=5.5)


def _interval(summary: Summary) -> tuple[float, float]:
    """95 % interval of a mean over patients, by Student's t."""
    from scipy import stats

    half_width = float(stats.t.ppf(0.975, summary.n - 1)) * summary.sd / np.sqrt(summary.n)
    return summary.mean - half_width, summary.mean + half_width


def _limits(sites: Iterable[Summary]) -> tuple[float, float]:
    """Where the patients are."""
    ends = [
        (max(item.edges[0], item.mean - _MOST_SDS * item.sd), min(item.edges[-1], item.mean + _MOST_SDS * item.sd))
        for item in sites
    ]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return (low, high) if low < high else (low - 0.5, high + 0.5)  # every patient has one value


def _unit(unit: str) -> str:
    if unit == "1":
        return "no unit"
    return "natural logarithm, no unit" if unit == "log 1" else unit.replace("log ", "natural logarithm of ")


def _table(title: str, sites: dict[str, Summary]) -> Grid:
    """The numbers, cell by cell."""
    rows = []
    for site, item in sites.items():
        low, high = _interval(item)
        cells = "; ".join(
            f"{left:.4g} to {right:.4g}: {count}"
            for left, right, count in zip(item.edges[:-1], item.edges[1:], item.counts, strict=True)
        )
        rows.append((site, str(item.n), f"{item.mean:.4g}", f"{low:.4g} to {high:.4g}", f"{item.sd:.3g}", cells))
    columns = ("site", "patients (n)#", "mean#", "95 % interval of the mean", "standard deviation#", "patients by cell")
    return Grid(title, columns, rows)
