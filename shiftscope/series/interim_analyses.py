"""What the analysis of the series after each month finds on every axis, and which questions it alarms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from shiftscope.diagnosis.calibration import load_calibration, name_of, shift_probabilities, signals
from shiftscope.diagnosis.verdicts import LIMITS, Limits
from shiftscope.series.blocks import Blocks, cuts, growing
from shiftscope.series.limits import share
from shiftscope.shifts import Effect, EffectBatch, Shift, SiteStatistics
from shiftscope.shifts.effect_distributions import SMALLEST_P

__all__ = ["Alarm", "InterimAnalysis", "Test", "interim_analyses"]


@dataclass(frozen=True, slots=True)
class Test:
    """One axis in one analysis, cut where most speaks against "nothing changed that matters".

    Attributes:
        effect: what came since against what was before.
        start: the first month since.
        p: of an effect no larger than the margin; of labels, of none.
        limit: the p value from which on it is outside.
        outside: whether it is, by an effect of the margin or more.
    """

    effect: Effect
    start: int
    p: float
    limit: float
    outside: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """One question that is alarmed.

    Attributes:
        axis: the one outside with the smallest p.
        probability: that there is such a shift, by the diagnosis' calibration.
    """

    axis: str
    probability: float


@dataclass(frozen=True, slots=True)
class InterimAnalysis:
    """The series judged after one month.

    Attributes:
        blocks: the series up to this month.
        tests: by axis.
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
    """Every axis at its own best cut."""
    every = [(start, effect) for start, shift in shifts.items() for effect in _judged(shift, limits)]
    effects = [effect for _, effect in every]
    margins = [limits.margin[effect.question] for effect in effects]
    cleared = np.array(margins) * [effect.question != "label" for effect in effects]
    p = np.maximum(1 - EffectBatch.of(effects).exceeds(cleared), SMALLEST_P).tolist() if effects else []
    limit = allowed / max(len({effect.axis for effect in effects}) * len(shifts), 1)
    out: dict[str, Test] = {}
    for (start, effect), value, margin in zip(every, p, margins, strict=True):
        best = out.get(effect.axis)
        if best is None or (value, -effect.value) < (best.p, -best.effect.value):
            out[effect.axis] = Test(effect, start, value, limit, value <= limit and effect.value >= margin)
    return out


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
    for axis, test in sorted(tests.items(), key=lambda item: (item[1].p, -item[1].effect.value)):
        question = test.effect.question
        if test.outside and question not in found:
            answer = shift_probabilities(signals([shifts[test.start]])[0], load_calibration()).get(question)
            found[question] = Alarm(axis, 0.0 if answer is None else answer.probability)
    likeliest = max(found, key=lambda question: found[question].probability, default="")
    return {
        question: alarm
        for question, alarm in found.items()
        if alarm.probability >= limits.probable or question == likeliest
    }
