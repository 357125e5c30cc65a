"""Every site in a line: where it stands, and whom it is most and least like."""

from collections.abc import Mapping

import numpy as np

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid

__all__ = ["neighbours"]


def neighbours(overview: Overview) -> Grid:
    """A row for each site, in the order of the heat maps."""
    order = overview.order
    together = overview.ordered(overview.effects.together)
    np.fill_diagonal(together, np.nan)
    questions = {name: overview.ordered(found) for name, found in overview.effects.questions.items()}
    rows = []
    for band in overview.bands:
        for place in band.places:
            effects = together[place]
            if np.isnan(effects).all():
                ends = ("not compared",) * 4
            else:
                near, far = int(np.nanargmin(effects)), int(np.nanargmax(effects))
                largest = _largest({name: found[place, far] for name, found in questions.items()})
                ends = (order[near], number(float(effects[near])), f"{order[far]}, in {largest}", number(effects[far]))
            rows.append((order[place], str(place + 1), band.name, str(overview.patients[order[place]]), *ends))
    columns = ("site", "row#", "group", "patients (n)#", "nearest", "effect#", "farthest, and most in", "effect#")
    return Grid("Every site, whom it is most like and least like", columns, rows)


def _largest(effects: Mapping[str, float]) -> str:
    """The name of the question with the largest effect."""
    known = {name: value for name, value in effects.items() if not np.isnan(value)}
    return QUESTIONS[max(known, key=lambda name: known[name])].name
