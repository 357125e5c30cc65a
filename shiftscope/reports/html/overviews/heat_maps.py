"""All sites against all: a cell a pair, the odd ones first, groups told apart; groups against groups as numbers."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.overviews.heat_drawing import MOST_NAMED, draw_cells
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid

__all__ = ["heat_maps"]

_MIDDLE = (0.05, 0.95)


def heat_maps(overview: Overview) -> list[Figure]:
    """All questions together, with the name of every site in it, and each question that could be asked."""
    effects = overview.effects
    title, says = "All questions together: every site against every site", _says(overview)
    out = [_figure(overview, "heat", title, says, effects.together)]
    for question, found in effects.questions.items():
        says = f"{QUESTIONS[question].asks} The order is that of all questions together."
        out.append(_figure(overview, f"heat-{question}", QUESTIONS[question].title, says, found))
    return out


def _figure(overview: Overview, key: str, title: str, says: str, effects: np.ndarray) -> Figure:
    ordered = overview.ordered(effects)
    return Figure(key, title, says, draw_cells(overview, ordered, key, title, says), _between(overview, ordered, title))


def _says(overview: Overview) -> str:
    """How it is read, who is odd, and which groups there are."""
    odd, groups = overview.odd, overview.ordering.groups
    first = f"First the odd ones, which lie far from all others: {_listed(odd)}." if odd else "No site stands alone."
    if len(groups) > 1:
        *sizes, last = (str(len(group)) for group in groups)
        apart = "most pairs of two groups are shown to differ"
        then = f"Then {len(groups)} groups, of {', '.join(sizes)} and {last} sites: {apart}."
    else:
        then = f"{'The others' if odd else 'The sites'} form no groups that are clearly apart."
    return (
        "Each row is a site, and each column, in the same order; a cell has the shade of the effect between the two, as"
        f" in the list of shades above. {first} {then} Within a group alike sites are neighbours. Point at a row to"
        " read whose it is; the tables below name every site."
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def _between(overview: Overview, ordered: np.ndarray, title: str) -> Grid:
    """Odd sites and groups against each other: the median effect, and within what nine tenths of the pairs lie."""
    order = overview.order
    places: dict[str, Sequence[int]] = {f"'{order[place]}'": [place] for place in range(len(overview.odd))[:MOST_NAMED]}
    places |= {f"{band.name}, {len(band.places)} sites": band.places for band in overview.bands if not band.odd}
    rows = [(name, *(_median(ordered, own, others) for others in places.values())) for name, own in places.items()]
    return Grid(title, ("median effect (nine tenths of the pairs)", *places), rows)


def _median(ordered: np.ndarray, own: Sequence[int], others: Sequence[int]) -> str:
    """Of all pairs of two groups, or within one."""
    between = ordered[np.ix_(own, others)]
    if own == others:
        if len(own) == 1:
            return "itself"
        between = between[np.triu_indices(len(own), k=1)]
    known = between[~np.isnan(between)]
    if not known.size:
        return "not compared"
    if known.size == 1:
        return number(float(known[0]))
    low, high = np.quantile(known, _MIDDLE).tolist()
    return f"{number(float(np.median(known)))} ({number(low)} to {number(high)})"
