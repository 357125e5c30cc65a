"""When it changed: the cut that the likelihood likes best, and the others it cannot rule out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shiftscope.measures.question_names import CONCEPT
from shiftscope.shifts import Effect
from shiftscope.shifts.effect_distributions import LEVEL

__all__ = ["ChangePoint", "change_point"]

LOG_RATIO_CUTOFF = -math.log1p(-math.sqrt(LEVEL))
"""By how much the log-likelihood at the true cut falls short of the best one's in 95 of 100 series, at the most.

Near a change the log-likelihood ratio is a random walk that falls away before and after it. In continuous time its
highest point above the truth is exponential with mean 1 in either direction, whatever the size of the change, so the
larger of the two is below x with probability (1 - exp(-x))^2 (Siegmund 1988, doi:10.2307/1403360; Yao 1987,
doi:10.1214/aos/1176350509). Months are steps, which stay below.
"""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where a series is best cut in two.

    Attributes:
        start: the first month after the change.
        possible: the 95 % confidence set of it, in order, `start` among them.
    """

    start: int
    possible: tuple[int, ...]


def change_point(effects: Mapping[int, Effect]) -> ChangePoint:
    """The maximum-likelihood cut of normal patients whose mean changes once and whose spread does not.

    Twice the log-likelihood ratio of a cut is the squared distance of the means over its variance a coordinate: for two
    blocks of n1 and n2 patients n1 n2 / (n1 + n2) times the distance in standard deviations, so months weigh by their
    patients (Hinkley 1970, doi:10.1093/biomet/57.1.1). A slow drift has no such month; it is cut where halves differ
    most, and the set is too narrow.

    Args:
        effects: first month since -> effect of what came since against what was before, on one axis; one at least.
    """
    ratios = {start: _log_ratio(effect) for start, effect in effects.items()}
    best = max(ratios, key=lambda start: ratios[start])
    return ChangePoint(
        best, tuple(start for start in sorted(ratios) if ratios[best] - ratios[start] <= LOG_RATIO_CUTOFF)
    )


def _log_ratio(effect: Effect) -> float:
    """A contrast is one number, its length along one direction, whatever the coordinates it lies in."""
    noise, width = float(effect.distribution.noise), 1 if effect.question == CONCEPT else effect.width
    return float(effect.distribution.distance) * width / (2 * noise) if noise > 0 else 0.0
