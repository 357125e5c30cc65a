"""From the effects of one comparison to four answers and a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.diagnosis.calibration import (
    Calibration,
    ShiftProbability,
    load_calibration,
    name_of,
    shift_probabilities,
    signals,
)
from shiftscope.measures.question_names import QUESTIONS
from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, EffectBatch, Shift
from shiftscope.stats import holm

__all__ = ["KINDS", "LIMITS", "QUESTIONS", "AxisVerdict", "Kind", "Limits", "Verdict", "judge", "sum_up"]

Kind = Literal["none", "appearance", "structural", "mixed", "insufficient"]
KINDS: tuple[Kind, ...] = ("none", "appearance", "structural", "mixed", "insufficient")


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts, beside the calibrated probability (docs/diagnosis.md).

    Attributes:
        margin: question -> effect (squared distance in within-site standard deviations) below which a shift does not
            matter.
        alpha: family-wise error, over all comparisons and questions, of calling an effect larger than its margin.
        probable: probability from which a shift can be called.
        enough: patients per site below which nothing is said.
        enough_files: the same where each file counts as a patient, and the true number can only be smaller.
        comfortable: patients per site below which confidence is called low.
    """

    margin: Mapping[str, float]
    alpha: float = 0.05
    probable: float = 0.5
    enough: int = 20
    enough_files: int = 30
    comfortable: int = 50

    def needed(self, patient_source: str) -> int:
        """Patients a site needs to be diagnosed."""
        return self.enough_files if patient_source == "file" else self.enough


LIMITS = Limits(margin={"appearance": 0.1, "structure": 0.1, "label": 0.05, "annotation": 0.1})


class AxisVerdict(Record):
    """One answer.

    Attributes:
        probability: that there is such a shift, calibrated on planted shifts; None where the question could not be
            asked.
        effect: squared distance of the means in within-site standard deviations, on the axis with the strongest case.
        low: lower end of its 95 % interval.
        high: upper end.
        p: of no difference, corrected for all axes, questions and comparisons asked together (Holm).
        detectable: smallest effect that would have been distinguished from none at these n, on this axis, with 80 %
            power.
        axis: the axis with the strongest case, None where the question could not be asked.
        held: what was held equal, "" for nothing.
        called: whether it counts as a shift.
        disputed: the effect is there, but other shifts between the same sites can explain it: nothing can be said.
    """

    probability: Real | None = None
    effect: Real | None = None
    low: Real | None = None
    high: Real | None = None
    p: Real | None = None
    detectable: Real | None = None
    axis: str | None = None
    held: str = ""
    called: bool = False
    disputed: bool = False


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
    """The four answers to one comparison, and the kind that sums up the first two."""

    kind: Kind
    axes: dict[str, AxisVerdict]


def judge(shifts: Sequence[Shift], limits: Limits = LIMITS, calibration: Calibration | None = None) -> list[Verdict]:
    """Verdicts on comparisons that are judged together.

    A shift is called when it is probable, and "its effect exceeds the margin" holds at the family-wise level
    `limits.alpha`: Holm's procedure over all comparisons and questions on one minus the confidence, times the number of
    axes that the strongest was chosen from. The p of no difference is corrected in the same way.
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
    for index in range(len(shifts)):
        axes = {question: answered.get((index, question), AxisVerdict()) for question in QUESTIONS}
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
