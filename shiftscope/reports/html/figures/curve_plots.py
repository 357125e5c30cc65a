"""Quantile functions and spectra of all sites, overlaid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.appearance.texture import RADII
from shiftscope.profiles import Profile
from shiftscope.reports.html.figures.drawing import DASHES, FAINT, MARKERS, MOST_DRAWN, SERIES, axes, to_svg
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.sheet import Grid
from shiftscope.reports.wrapping import elided

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["overlays"]

_WIDTH, _HEIGHT, _LEGEND_ROW = 360.0, 260.0, 17.0
_NO_BAND = "No band is drawn: a profile holds the average curve of its patients, not how they spread around it."


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is drawn.

    Attributes:
        key, title, says: of the figure.
        across, up: names of the axes.
        x: (k,) where the curves are known.
        ticks: x -> its label.
        log: whether the vertical axis is logarithmic.
        digits: decimals in the table.
    """

    key: str
    title: str
    says: str
    across: str
    up: str
    x: np.ndarray
    ticks: dict[float, str]
    log: bool
    digits: int


def _quantiles() -> _Kind:
    return _Kind(
        key="quantiles",
        title="Brightness: the average quantile function of each site",
        says="A higher line is a brighter site; a steeper line has more contrast. Lines that lie on each other are"
        f" sites whose images have the same grey levels. {_NO_BAND}",
        across="share of an image's pixels that are darker",
        up="grey level, 0 black to 255 white",
        x=LEVELS,
        ticks={0.0: "0", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1.0: "100 %"},
        log=False,
        digits=0,
    )


def _spectrum(canvas: int) -> _Kind:
    edges = np.geomspace(1.0, canvas / 2, RADII + 1)
    return _Kind(
        key="spectrum",
        title="Detail: the average spectrum of each site",
        says="Left is coarse structure, right is fine detail. A line that falls faster on the right is a blurrier site;"
        f" one that stays up is sharper, or noisier. {_NO_BAND}",
        across="cycles per image side, from coarse to fine",
        up="amplitude, logarithmic",
        x=np.sqrt(edges[1:] * edges[:-1]),
        ticks={2.0**power: str(2**power) for power in range(int(np.log2(canvas)))},
        log=True,
        digits=4,
    )


def overlays(profiles: Sequence[Profile]) -> list[Figure]:
    """Both overlays, of the sites that published the curves; none where no site did."""
    bright = {item.site: (item.patients, 255 * item.quantiles) for item in profiles if item.quantiles is not None}
    fine = {item.site: (item.patients, item.spectrum) for item in profiles if item.spectrum is not None}
    kinds = ((_quantiles(), bright), (_spectrum(profiles[0].recipe.canvas), fine))
    return [_figure(kind, lines) for kind, lines in kinds if lines]


def _figure(kind: _Kind, lines: dict[str, tuple[int, np.ndarray]]) -> Figure:
    drawn = dict(list(lines.items())[:MOST_DRAWN])
    rows = -(-len(drawn) // 2)
    labels = [f"{elided(site, 15)} (n = {n})" for site, (n, _) in drawn.items()]
    handles: list[Line2D] = []
    with axes(_WIDTH, _HEIGHT + rows * _LEGEND_ROW) as (figure, plot):
        for index, (_, values) in enumerate(drawn.values()):
            handles += plot.plot(
                kind.x,
                values,
                color=SERIES[index % len(SERIES)],
                linestyle=DASHES[index % len(DASHES)],
                linewidth=2,
                marker=MARKERS[index % len(MARKERS)],
                markersize=5,
                markevery=(index % 4, max(1, len(kind.x) // 6)),
            )
        if kind.log:
            plot.set_xscale("log")
            plot.set_yscale("log")
            plot.minorticks_off()
            _decades(plot, np.concatenate([values for _, values in lines.values()]))
        plot.set_xticks([*kind.ticks], [*kind.ticks.values()])
        plot.set(xlabel=kind.across, ylabel=kind.up)
        plot.grid(axis="y")
        figure.legend(
            handles,
            labels,
            loc="outside upper left",
            ncols=2,
            labelcolor=FAINT,
            handlelength=2.2,
            columnspacing=0.8,
            handletextpad=0.5,
        )
        svg = to_svg(figure, kind.key, kind.title, kind.says)
    across = [f"{value:.1f}" if kind.log else f"{value:.1%}" for value in kind.x]
    table = Grid(
        kind.title,
        (kind.across, *(f"{site}, n = {n}#" for site, (n, _) in lines.items())),
        [
            (label, *(f"{values[row]:.{kind.digits}f}" for _, values in lines.values()))
            for row, label in enumerate(across)
        ],
    )
    return Figure(kind.key, kind.title, kind.says, svg, table)


def _decades(plot: "Axes", values: np.ndarray) -> None:
    """Plain labels on a logarithmic axis: 1, 0.1, 0.01."""
    known = values[np.isfinite(values) & (values > 0)]
    low, high = int(np.floor(np.log10(known.min()))), int(np.ceil(np.log10(known.max())))
    ticks = [10.0**power for power in range(low, high + 1)]
    plot.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
