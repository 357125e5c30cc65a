"""What the analysis of the series after each month finds on every axis, and which questions it alarms."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from shiftscope.diagnosis.calibration import load_calibration, name_of, shift_probabilities, signals
from shiftscope.diagnosis.verdicts import LIMITS, Limits
from shiftscope.measures.question_names import CONCEPT
from shiftscope.series.blocks import Blocks, cuts, growing
from shiftscope.series.limits import share
from shiftscope.shifts import ClassContrast, Effect, EffectBatch, Shift, SiteStatistics
from shiftscope.shifts.contrasts.class_contrasts import CLASS_CONTRAST
from shiftscope.shifts.effect_distributions import SMALLEST_P

__all__ = ["Alarm", "InterimAnalysis", "Test", "interim_analyses"]


@dataclass(frozen=True, slots=True)
class Test:
    """One axis, or all contrasts of classes, in one analysis, cut where most speaks against "nothing changed that
    matters".

    Attributes:
        effect: what came since against what was before; of contrasts, the one with the smallest p.
        start: the first month since.
        p: of an effect no larger than the margin; of labels, of none; of contrasts, of none larger than what other
            images can explain, which is the smallest of theirs times their number.
        limit: the p value from which on it is outside.
        outside: whether it is, by an effect of the margin or more.
        classes: whose contrast it is, none on an axis.
    """

    effect: Effect
    start: int
    p: float
    limit: float
    outside: bool
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One question that is alarmed.

    Attributes:
        axis: the one outside with the smallest p.
        probability: that there is such a shift, by the diagnosis' calibration; None of what labels mean, for which
            there is none, and which is alarmed by its p value alone.
        classes: whose contrast it is, none on an axis.
    """

    axis: str
    probability: float | None
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterimAnalysis:
    """The series judged after one month.

    Attributes:
        blocks: the series up to this month.
        tests: by axis, and of all contrasts under `CLASS_CONTRAST`.
        alarms: by question.
    """

    blocks: Blocks
    tests: Mapping[str, Test]
    alarms: Mapping[str, Alarm]


def interim_analyses(
    baseline: SiteStatistics, months: Sequence[SiteStatistics], alpha: float, limits: Limits = LIMITS
) -> Iterator[InterimAnalysis]:
    """Analyse the series after every month, with what is known by then alone.

    An axis is outside its limit when the p value of "the effect is at most the diagnosis' margin", at one of the cuts,
    is at most the analysis' share of `alpha` over axes and cuts. So what does not matter raises no alarm, however many
    patients show it; and the far tails, where means of skewed patients are not normal, are kept away from. Shares of
    classes have no such tails: theirs is the p value of no difference, and their effect must be the margin or more. Of
    the questions that have an axis outside those are alarmed that are probable by the diagnosis' calibration, because a
    strong change of one kind shows a little on axes of another; where none is, the likeliest: something did change.
    What labels mean counts as one axis more, where two classes are known before and since. It has no probability: a
    share of what images moved by is taken off its effect instead, and so it is alarmed beside the others, and none of
    them is judged otherwise for it.

    Args:
        baseline: what the site was like.
        months: in order, none with patients of another or of the baseline.
        alpha: chance of any alarm, over all analyses and axes, when nothing changes.
        limits: margins and probability of the diagnosis, and patients that an axis needs.
    """
    for number, blocks in enumerate(growing(baseline, months), start=1):
        starts = cuts(number)
        shifts = dict(zip(starts, blocks.shifts(starts), strict=True))
        tests = _tests(shifts, share(alpha, number), limits)
        yield InterimAnalysis(blocks, tests, _alarms(tests, shifts, limits))


def _tests(shifts: Mapping[int, Shift], allowed: float, limits: Limits) -> dict[str, Test]:
    """Every axis at its own best cut, then all contrasts at theirs."""
    every = [(start, effect) for start, shift in shifts.items() for effect in _judged(shift, limits)]
    effects = [effect for _, effect in every]
    margins = [limits.margin[effect.question] for effect in effects]
    cleared = np.array(margins) * [effect.question != "label" for effect in effects]
    p = np.maximum(1 - EffectBatch.of(effects).exceeds(cleared), SMALLEST_P).tolist() if effects else []
    contrast = _clearest_contrast(shifts, limits)
    asked = len({effect.axis for effect in effects}) + (contrast is not None)
    limit = allowed / max(asked * len(shifts), 1)
    out: dict[str, Test] = {}
    for (start, effect), value, margin in zip(every, p, margins, strict=True):
        best = out.get(effect.axis)
        if best is None or (value, -effect.value) < (best.p, -best.effect.value):
            out[effect.axis] = Test(effect, start, value, limit, value <= limit and effect.value >= margin)
    if contrast is not None:
        start, value, found = contrast
        out[CLASS_CONTRAST] = Test(found.effect, start, value, limit, value <= limit, found.classes)
    return out


def _clearest_contrast(shifts: Mapping[int, Shift], limits: Limits) -> tuple[int, float, ClassContrast] | None:
    """The cut at which, and the classes and axis on which, classes lie apart most surely otherwise than before, with
    the p value of that; None where at no cut two classes are known before and since.

    Args:
        shifts: by the first month since.
        limits: margin beyond what other images can explain, and patients that a contrast needs.
    """
    every = [
        (start, contrast)
        for start, shift in shifts.items()
        for contrast in shift.contrasts
        if min(contrast.effect.n) >= limits.enough
    ]
    if not every:
        return None
    number = Counter(start for start, _ in every)
    margins = np.array([contrast.margin for _, contrast in every]) + limits.margin[CONCEPT]
    p = np.maximum(1 - EffectBatch.of([contrast.effect for _, contrast in every]).exceeds(margins), SMALLEST_P)
    ranked = [
        (min(value * number[start], 1.0), -contrast.effect.value, place)
        for place, ((start, contrast), value) in enumerate(zip(every, p.tolist(), strict=True))
    ]
    value, _, place = min(ranked)
    return every[place][0], value, every[place][1]


def _judged(shift: Shift, limits: Limits) -> list[Effect]:
    """The effects that decide a question; brightness away from the mask stands for that of the whole image."""
    kept = [effect for effect in shift.effects if name_of(effect.axis) in _known() and min(effect.n) >= limits.enough]
    outside = any(effect.axis == "intensity_outside" for effect in kept)
    return [effect for effect in kept if not (outside and effect.axis == "intensity")]


@cache
def _known() -> frozenset[str]:
    """The axes that the calibration judges by, under its own names."""
    return frozenset(term.axis for answer in load_calibration().answers for term in answer.terms)


def _alarms(tests: Mapping[str, Test], shifts: Mapping[int, Shift], limits: Limits) -> dict[str, Alarm]:
    """Each question's probability is that of its clearest axis, at that axis's cut."""
    found: dict[str, Alarm] = {}
    for test in sorted(tests.values(), key=lambda test: (test.p, -test.effect.value)):
        question = test.effect.question
        if test.outside and question not in found:
            found[question] = Alarm(test.effect.axis, _probability(question, shifts[test.start]), test.classes)
    chances = {question: alarm.probability for question, alarm in found.items() if alarm.probability is not None}
    likeliest = max(chances, key=lambda question: chances[question], default="")
    return {
        question: alarm
        for question, alarm in found.items()
        if alarm.probability is None or alarm.probability >= limits.probable or question == likeliest
    }


def _probability(question: str, shift: Shift) -> float | None:
    """That there is such a shift; None where no calibration answers."""
    if question == CONCEPT:
        return None
    answer = shift_probabilities(signals([shift])[0], load_calibration()).get(question)
    return 0.0 if answer is None else answer.probability
