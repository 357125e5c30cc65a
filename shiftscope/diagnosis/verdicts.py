"""From the effects of one comparison to five answers and a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.diagnosis.axis_verdicts import LIMITS, AxisVerdict, Limits, QuestionVerdicts
from shiftscope.diagnosis.calibration import (
    Calibration,
    ShiftProbability,
    load_calibration,
    name_of,
    shift_probabilities,
    signals,
)
from shiftscope.diagnosis.concept_verdicts import judge_concepts
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.records import Record
from shiftscope.shifts import Effect, EffectBatch, Shift
from shiftscope.stats import holm

__all__ = ["KINDS", "LIMITS", "QUESTIONS", "AxisVerdict", "Kind", "Limits", "Verdict", "judge", "sum_up"]

Kind = Literal["none", "appearance", "structural", "mixed", "insufficient"]
KINDS: tuple[Kind, ...] = ("none", "appearance", "structural", "mixed", "insufficient")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The strongest case for one question.

    Attributes:
        effect: on the axis with the most evidence.
        probability: of the shift.
        contested: whether other shifts can explain some of the evidence.
        choices: how many effects it was chosen from.
    """

    effect: Effect
    probability: float
    contested: bool
    choices: int


class Verdict(Record):
    """The answers to one comparison, and the kind that sums up the first two."""

    kind: Kind
    axes: QuestionVerdicts

    @property
    def distances(self) -> tuple[AxisVerdict, ...]:
        """Answers whose effects add up to one squared distance: all that were given, and what labels mean where it is
        called, because other images show in its effect."""
        return tuple(
            answer
            for question, answer in self.axes.items()
            if answer.effect is not None and (question != CONCEPT or answer.called)
        )


def judge(shifts: Sequence[Shift], limits: Limits = LIMITS, calibration: Calibration | None = None) -> list[Verdict]:
    """Verdicts on comparisons that are judged together.

    A shift is called when it is probable, and "its effect exceeds the margin" holds at the family-wise level
    `limits.alpha`: Holm's procedure over all comparisons and questions on one minus the confidence, times the number of
    axes that the strongest was chosen from. The p of no difference is corrected in the same way. What labels mean is
    judged beside it, by p values alone (`concept_verdicts`).
    """
    model = calibration or load_calibration()
    found = {
        (index, question): candidate
        for index, (shift, signal) in enumerate(zip(shifts, signals(shifts), strict=True))
        for question, answer in shift_probabilities(signal, model).items()
        if (candidate := _candidate(shift, answer, limits)) is not None
    }
    answered = dict(zip(found, _answers([*found.values()], [question for _, question in found], limits), strict=True))
    verdicts = []
    for index, concept in enumerate(judge_concepts(shifts, limits)):
        axes = {question: answered.get((index, question), AxisVerdict()) for question in QUESTIONS}
        axes[CONCEPT] = concept
        verdicts.append(Verdict(kind=sum_up(axes), axes=axes))
    return verdicts


def _answers(candidates: Sequence[_Candidate], questions: Sequence[str], limits: Limits) -> list[AxisVerdict]:
    """An answer to the question of each candidate, family-wise over all of them."""
    if not candidates:
        return []
    batch = EffectBatch.of([candidate.effect for candidate in candidates])
    choices = np.array([candidate.choices for candidate in candidates])
    margins = np.array([limits.margin[question] for question in questions])
    there = holm(np.minimum((1 - batch.exceeds(margins)) * choices, 1.0)) < limits.alpha
    tests = holm(np.minimum(batch.p * choices, 1.0))
    numbers = zip(batch.low.tolist(), batch.high.tolist(), tests.tolist(), batch.detectable.tolist(), strict=True)
    return [
        _answer(candidate, own, above, limits.probable)
        for candidate, own, above in zip(candidates, numbers, there.tolist(), strict=True)
    ]


def _answer(
    candidate: _Candidate, numbers: tuple[float, float, float, float], there: bool, probable: float
) -> AxisVerdict:
    """What is said of a candidate.

    Args:
        candidate: the strongest case.
        numbers: ends of its interval, its corrected p, and the smallest effect that would have been detected.
        there: whether the effect is larger than its margin, family-wise.
        probable: probability from which a shift can be called.
    """
    effect, (low, high, p, detectable) = candidate.effect, numbers
    called = there and candidate.probability >= probable
    return AxisVerdict(
        probability=candidate.probability,
        effect=effect.value,
        low=low,
        high=high,
        p=p,
        detectable=detectable,
        axis=effect.axis,
        held=effect.held,
        called=called,
        disputed=there and not called and candidate.contested,
    )


def sum_up(axes: Mapping[str, AxisVerdict]) -> Kind:
    """The kind that appearance and structure make together."""
    appearance, structure = axes["appearance"].called, axes["structure"].called
    if appearance:
        return "mixed" if structure else "appearance"
    return "structural" if structure else "none"


def _candidate(shift: Shift, answer: ShiftProbability, limits: Limits) -> _Candidate | None:
    """The effect with the most evidence, the largest of equals, of those measured on enough patients.

    The lesion itself is no part of what a scanner makes of an image: where the brightness is known away from masks,
    that counts.
    """
    effects = [
        effect for effect in shift.effects if name_of(effect.axis) in answer.evidence and min(effect.n) >= limits.enough
    ]
    if any(effect.axis == "intensity_outside" for effect in effects):
        effects = [effect for effect in effects if effect.axis != "intensity"]
    if not effects:
        return None
    best = max(effects, key=lambda effect: (answer.evidence[name_of(effect.axis)], effect.value))
    return _Candidate(best, answer.probability, answer.disputed > 0, len(effects))
