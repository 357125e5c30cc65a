"""One answer to one question, what counts as a yes, and the answers of documents that know fewer questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from shiftscope.measures.question_names import CONCEPT
from shiftscope.records import Real, Record

__all__ = ["LIMITS", "AxisVerdict", "Limits", "QuestionVerdicts"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts, beside the calibrated probability (docs/diagnosis.md).

    Attributes:
        margin: question -> effect (squared distance in within-site standard deviations) below which a shift does not
            matter; of the meaning of labels, beyond what appearance may have done to them.
        alpha: family-wise error of calling an effect larger than its margin, over all comparisons and the questions
            that have a calibration; and again over all comparisons of what labels mean.
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


LIMITS = Limits(margin={"appearance": 0.1, "structure": 0.1, "label": 0.05, "annotation": 0.1, CONCEPT: 0.0})


class AxisVerdict(Record):
    """One answer.

    Attributes:
        probability: that there is such a shift, calibrated on planted shifts; None where the question could not be
            asked, and of the meaning of labels, for which there is no calibration.
        effect: squared distance of the means in within-site standard deviations, on the axis with the strongest case.
        low: lower end of its 95 % interval.
        high: upper end.
        p: of no difference, corrected for all axes, questions and comparisons asked together (Holm); of the meaning of
            labels, of no difference beyond what appearance may have done to them.
        detectable: smallest effect that would have been distinguished from that at these n, on this axis, with 80 %
            power.
        axis: the axis with the strongest case, None where the question could not be asked.
        held: what was held equal, "" for nothing.
        called: whether it counts as a shift.
        disputed: the effect is there, but other shifts between the same sites can explain it: nothing can be said.
        classes: whose contrast differs, where that is the question.
        hidden: not called, but what counts could not have been seen either: nothing can be said.
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
    classes: tuple[str, ...] = ()
    hidden: bool = False


def _with_later_questions(axes: dict[str, AxisVerdict]) -> dict[str, AxisVerdict]:
    """A document from before a question was there did not ask it."""
    return axes if CONCEPT in axes else {**axes, CONCEPT: AxisVerdict()}


QuestionVerdicts = Annotated[dict[str, AxisVerdict], AfterValidator(_with_later_questions)]
"""Question -> answer."""
