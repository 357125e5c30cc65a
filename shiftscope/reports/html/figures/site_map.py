"""The sites on a plane: near is alike."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.diagnosis import PairVerdict
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.html.figures.drawing import FAINT, INK, LABEL, MARKERS, PAPER, SERIES, SMALL, axes, to_svg
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.scaling import Layout, lay_out
from shiftscope.reports.sheet import Grid
from shiftscope.reports.wrapping import elided

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["as_a_map", "name_beside", "site_map", "stress_words"]

_SIZE = 380.0
_KEY = "map"
_TITLE = "Map of the sites"
_MISLEADS = 0.2  # stress above which a map is said to mislead (Kruskal 1964)


def site_map(patients: Mapping[str, int], pairs: Sequence[PairVerdict]) -> Figure | None:
    """The map of three sites or more, None of fewer: two sites lie on a line.

    Args:
        patients: of the sites that were compared.
        pairs: their comparisons; others are passed over.
    """
    sites = list(patients)
    if len(sites) < 3:
        return None
    squared, low, high = _distances(sites, pairs)
    layout = lay_out(squared, low, high)
    says = (
        "Sites near each other have images that are alike; 1 on either axis is one standard deviation of patients"
        " within a site, all questions together. The axes have no other meaning, and the map may be turned or mirrored."
        " A circle is where a site lies in 95 of 100 maps drawn with distances from inside their intervals."
        f" {stress_words(layout.stress)}"
    )
    svg = _drawn(patients, layout, says)
    rows = [
        (site, str(patients[site]), *(number(value) for value in layout.places[index]), number(layout.radius[index]))
        for index, site in enumerate(sites)
    ]
    table = Grid(_TITLE, ("site", "patients (n)#", "across#", "up#", "radius of the 95 % circle#"), rows)
    return Figure(_KEY, _TITLE, says, svg, table)


def stress_words(stress: float) -> str:
    """How far a map can be trusted."""
    trust = "so it misleads: rely on the tables" if stress > _MISLEADS else "which is low enough to be read"
    return (
        f"Squeezing all distances onto a plane distorts them: stress {number(stress)} (0 is a perfect map,"
        f" {_MISLEADS:g} a poor one), {trust}."
    )


def _distances(sites: Sequence[str], pairs: Sequence[PairVerdict]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects are squared distances and add up (`Verdict.distances`). Of their intervals, distances to the ends are
    squared and added (Zou and Donner 2008, doi:10.1002/sim.3095)."""
    place = {site: index for index, site in enumerate(sites)}
    out = np.zeros((3, len(sites), len(sites)))
    for pair in pairs:
        if pair.a not in place or pair.b not in place:
            continue
        value = np.array([answer.effect or 0.0 for answer in pair.distances])
        down = np.array([answer.low or 0.0 for answer in pair.distances]) - value
        up = np.array([answer.high or 0.0 for answer in pair.distances]) - value
        total = float(value.sum())
        ends = total, max(0.0, total - float(np.linalg.norm(down))), total + float(np.linalg.norm(up))
        one, other = place[pair.a], place[pair.b]
        out[:, one, other] = out[:, other, one] = ends
    return out[0], out[1], out[2]


def _drawn(patients: Mapping[str, int], layout: Layout, says: str) -> str:
    from matplotlib.patches import Circle

    half_width = 1.15 * float((np.abs(layout.places) + layout.radius[:, None]).max()) or 1.0
    with axes(_SIZE, _SIZE) as (figure, plot):
        for index, (site, n) in enumerate(patients.items()):
            colour, place = (
                SERIES[index % len(SERIES)],
                (float(layout.places[index, 0]), float(layout.places[index, 1])),
            )
            plot.add_patch(Circle(place, float(layout.radius[index]), color=colour, alpha=0.16, linewidth=0))
            plot.plot(*place, MARKERS[index % len(MARKERS)], color=colour, markeredgecolor=PAPER, markersize=11)
            name_beside(plot, f"{elided(site, LABEL)}\nn = {n}", place, half_width, 10)
        as_a_map(plot, half_width)
        return to_svg(figure, _KEY, _TITLE, says)


def name_beside(plot: "Axes", text: str, place: tuple[float, float], half_width: float, gap: int) -> None:
    """Write beside a point, on the side that has room, `gap` points away."""
    left = place[0] > 0.35 * half_width
    plot.annotate(
        text,
        place,
        (-gap if left else gap, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        color=INK,
        fontsize=SMALL + 1,
    )


def as_a_map(plot: "Axes", half_width: float) -> None:
    """As far to all sides, in within-site standard deviations."""
    plot.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width), aspect="equal")
    plot.set_xlabel("within-site standard deviations", color=FAINT)
    plot.grid()
    plot.set_axisbelow(True)
