"""Many sites on a plane: a mark a site, its shape and colour those of its group, names beside the odd ones."""

import numpy as np

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.html.figures.drawing import FAINT, INK, LABEL, MARKERS, PAPER, SERIES, axes, to_svg
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.site_map import as_a_map, name_beside, stress_words
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.html.scaling import classical, stress
from shiftscope.reports.sheet import Grid
from shiftscope.reports.wrapping import elided

__all__ = ["group_map"]

_SIZE = 380.0
_KEY = "map"
_TITLE = "Map of the sites"
_MOST_NAMED = 12


def group_map(overview: Overview) -> Figure:
    """Classical scaling of the effects of all questions together, without circles: of so many sites they would cover
    each other."""
    squared = overview.ordered(overview.effects.distance**2)
    places = classical(squared)
    says = (
        "Sites near each other have images that are alike; 1 on either axis is one standard deviation of patients"
        " within a site, all questions together. The axes have no other meaning, and the map may be turned or mirrored."
        " Shapes and colours are groups, as in the legend; the odd sites have their names. How sure a place is, is not"
        f" drawn. {stress_words(stress(places, squared))}"
    )
    svg = _drawn(overview, places, says)
    rows = [
        (overview.order[place], band.name, *(number(float(value)) for value in places[place]))
        for band in overview.bands
        for place in band.places
    ]
    return Figure(_KEY, _TITLE, says, svg, Grid(_TITLE, ("site", "group", "across#", "up#"), rows))


def _drawn(overview: Overview, places: np.ndarray, says: str) -> str:
    half_width = 1.15 * float(np.abs(places).max()) or 1.0
    with axes(_SIZE, _SIZE) as (figure, plot):
        for index, band in enumerate(overview.bands):
            colour = INK if band.odd else SERIES[index % len(SERIES)]
            plot.plot(
                *places[list(band.places)].T,
                MARKERS[index % len(MARKERS)],
                color=colour,
                markeredgecolor=PAPER,
                markeredgewidth=0.5,
                markersize=7,
                label=band.name,
            )
        for place in range(min(len(overview.odd), _MOST_NAMED)):
            there = float(places[place, 0]), float(places[place, 1])
            name_beside(plot, elided(overview.order[place], LABEL), there, half_width, 8)
        as_a_map(plot, half_width)
        figure.legend(loc="outside upper left", ncols=3, labelcolor=FAINT, handletextpad=0.2, columnspacing=1.0)
        return to_svg(figure, _KEY, _TITLE, says)
