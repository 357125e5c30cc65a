"""Do the same labels mean the same? Called by p values: there is no calibration of how probable such a shift is.

Three answers. Called: classes lie apart otherwise than elsewhere, by more than what moved both classes together may
have done. Alike: not called, though labels that had nothing to do with images at one of the sites would have been.
Hidden: not called, and those would not have been either, because images differ too much, patients are too few, or the
classes lie too close to each other on public features. And where two sites do not know two classes, nothing was asked.

A family of its own: Holm over comparisons, axes and every two classes, so that the other questions' levels stay as they
are.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shiftscope.diagnosis.axis_verdicts import AxisVerdict, Limits
from shiftscope.measures.question_names import CONCEPT
from shiftscope.shifts import ClassContrast, EffectBatch, Shift
from shiftscope.shifts.effect_distributions import SMALLEST_P
from shiftscope.stats import holm

__all__ = ["concepts_said", "judge_concepts"]


def judge_concepts(shifts: Sequence[Shift], limits: Limits) -> list[AxisVerdict]:
    """An answer for each of the comparisons, which are judged together.

    Of what is called, the contrast with the smallest p counts; else the one on which meaningless labels would have been
    seen most easily.
    """
    asked = [
        (index, contrast)
        for index, shift in enumerate(shifts)
        for contrast in shift.contrasts
        if min(contrast.effect.n) >= limits.enough
    ]
    if not asked:
        return [AxisVerdict() for _ in shifts]
    batch = EffectBatch.of([contrast.effect for _, contrast in asked])
    margins = np.array([contrast.margin for _, contrast in asked]) + limits.margin[CONCEPT]
    p = holm(np.maximum(1 - batch.exceeds(margins), SMALLEST_P))
    return concepts_said([shift.contrasts for shift in shifts], p, limits)


def concepts_said(contrasts: Sequence[Sequence[ClassContrast]], p: np.ndarray, limits: Limits) -> list[AxisVerdict]:
    """An answer for each of some comparisons.

    Args:
        contrasts: of each comparison.
        p: (k,) corrected, of all of these that are on enough patients, in their order.
        limits: what counts.
    """
    asked = [
        (index, contrast)
        for index, found in enumerate(contrasts)
        for contrast in found
        if min(contrast.effect.n) >= limits.enough
    ]
    if not asked:
        return [AxisVerdict() for _ in contrasts]
    batch = EffectBatch.of([contrast.effect for _, contrast in asked])
    margins = np.array([contrast.margin for _, contrast in asked]) + limits.margin[CONCEPT]
    detectable = batch.distributions.detectable(margins)
    common = np.array([contrast.common for _, contrast in asked])
    needed = detectable / np.maximum(common, 1e-9)
    chosen: dict[int, int] = {}
    ends = np.searchsorted([index for index, _ in asked], np.arange(len(contrasts) + 1))
    for index, (start, end) in enumerate(pairwise(ends.tolist())):
        if start < end:
            keys = p if p[start:end].min() < limits.alpha else needed
            chosen[index] = start + int(np.argmin(keys[start:end]))
    intervals = EffectBatch.of([asked[row][1].effect for row in chosen.values()]).intervals.tolist()
    out = [AxisVerdict() for _ in contrasts]
    for (index, row), (low, high) in zip(chosen.items(), intervals, strict=True):
        called = bool(p[row] < limits.alpha)
        hidden = not called and bool(needed[row] > 1)
        out[index] = _answer(asked[row][1], (low, high), float(p[row]), float(detectable[row]), called, hidden)
    return out


def _answer(
    contrast: ClassContrast, interval: tuple[float, float], p: float, detectable: float, called: bool, hidden: bool
) -> AxisVerdict:
    return AxisVerdict(
        effect=contrast.effect.value,
        low=interval[0],
        high=interval[1],
        p=p,
        detectable=detectable,
        axis=contrast.effect.axis,
        called=called,
        classes=contrast.classes,
        hidden=hidden,
    )
