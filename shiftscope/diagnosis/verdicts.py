"""From the effects of one comparison to five answers and a kind."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from shiftscope.diagnosis.axis_verdicts import LIMITS, AxisVerdict, Limits, QuestionVerdicts
from shiftscope.diagnosis.calibration import Calibration, load_calibration
from shiftscope.diagnosis.concept_verdicts import judge_concepts
from shiftscope.diagnosis.strongest_effects import StrongestEffects, judged_together, strongest_effects
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.records import Record
from shiftscope.shifts import Shift
from shiftscope.shifts.many_sites.axis_effects import effects_by_axis

__all__ = [
    "KINDS",
    "LIMITS",
    "QUESTIONS",
    "AxisVerdict",
    "Kind",
    "Limits",
    "Verdict",
    "joined_verdicts",
    "judge",
    "sum_up",
]

Kind = Literal["none", "appearance", "structural", "mixed", "insufficient"]
KINDS: tuple[Kind, ...] = ("none", "appearance", "structural", "mixed", "insufficient")


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
    axes that the strongest was chosen from (`strongest_effects`). What labels mean is judged beside it, by p values
    alone (`concept_verdicts`).
    """
    model = calibration or load_calibration()
    strongest = strongest_effects(effects_by_axis(shifts), len(shifts), limits, model)
    return joined_verdicts(strongest, judge_concepts(shifts, limits), limits)


def joined_verdicts(
    strongest: Mapping[str, StrongestEffects], concepts: Sequence[AxisVerdict], limits: Limits
) -> list[Verdict]:
    """Verdicts on comparisons from their strongest cases and from what labels mean, an answer for each."""
    axes = [{question: AxisVerdict() for question in QUESTIONS} for _ in concepts]
    for question, judged in judged_together(strongest, limits).items():
        for row, answer in zip(judged.found.rows.tolist(), judged.verdicts(np.arange(len(judged.p))), strict=True):
            axes[row][question] = answer
    for row, concept in enumerate(concepts):
        axes[row][CONCEPT] = concept
    return [Verdict(kind=sum_up(answers), axes=answers) for answers in axes]


def sum_up(axes: Mapping[str, AxisVerdict]) -> Kind:
    """The kind that appearance and structure make together."""
    appearance, structure = axes["appearance"].called, axes["structure"].called
    if appearance:
        return "mixed" if structure else "appearance"
    return "structural" if structure else "none"
