"""From the effects of one comparison to four answers and a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, Shift
from shiftscope.stats import holm

__all__ = ["KINDS", "LIMITS", "QUESTIONS", "AxisVerdict", "Kind", "Limits", "Verdict", "judge"]

Kind = Literal["none", "appearance", "structural", "mixed", "insufficient"]
KINDS: tuple[Kind, ...] = ("none", "appearance", "structural", "mixed", "insufficient")
QUESTIONS = ("appearance", "structure", "label", "annotation")


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts. First values, from the null splits and planted federations of docs/first-results.md; not calibrated.

    Attributes:
        margin: question -> effect (squared distance over within-site variance) below which a shift does not matter.
        alpha: family-wise error of the tests over all pairs and questions.
        sure: confidence that the effect exceeds its margin, from which it counts.
        enough: patients a side below which nothing is said.
        enough_files: the same where each file counts as a patient, and the true number can only be smaller.
        comfortable: patients a side below which confidence is called low.
        doubt: share of what holding size or prevalence equal took away, which the rest must exceed as well: the
            adjustment is linear, the world is not.
        remains: share of the raw feature effect that must remain after the public look to speak of structure
            where there are no masks.
    """

    margin: Mapping[str, float]
    alpha: float = 0.05
    sure: float = 0.95
    enough: int = 20
    enough_files: int = 30
    comfortable: int = 50
    doubt: float = 0.25
    remains: float = 0.5

    def needed(self, patient_source: str) -> int:
        """Patients a site needs to be diagnosed."""
        return self.enough_files if patient_source == "file" else self.enough


LIMITS = Limits(margin={"appearance": 0.1, "structure": 0.05, "label": 0.05, "annotation": 0.05})


class AxisVerdict(Record):
    """One answer.

    Attributes:
        probability: confidence that the effect exceeds its margin; None where the question could not be asked.
        effect: squared distance of the means over the within-site variance.
        low: lower end of its 95 % interval.
        high: upper end.
        p: of no difference, corrected for all questions and pairs asked together (Holm).
        axis: the axis with the strongest case, None where the question could not be asked.
        called: whether it counts as a shift.
    """

    probability: Real | None = None
    effect: Real | None = None
    low: Real | None = None
    high: Real | None = None
    p: Real | None = None
    axis: str | None = None
    called: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The strongest effect on one question before correction over comparisons."""

    effect: Effect
    probability: float
    p: float


class Verdict(Record):
    """The four answers to one comparison, and the kind that sums up the first two."""

    kind: Kind
    axes: dict[str, AxisVerdict]


def judge(shifts: Sequence[Shift], limits: Limits = LIMITS) -> list[Verdict]:
    """Verdicts on comparisons that are looked at together: p values are corrected over all of them."""
    asked = [{question: _strongest(shift, question, limits) for question in QUESTIONS} for shift in shifts]
    found = {
        (index, question): candidate.p
        for index, row in enumerate(asked)
        for question, candidate in row.items()
        if candidate is not None
    }
    corrected = dict(zip(found, holm(np.array(list(found.values()))), strict=True))
    verdicts = []
    for index, row in enumerate(asked):
        axes = {}
        for question, candidate in row.items():
            if candidate is None:
                axes[question] = AxisVerdict()
                continue
            p = float(corrected[index, question])
            low, high = candidate.effect.interval
            axes[question] = AxisVerdict(
                probability=candidate.probability,
                effect=candidate.effect.value,
                low=low,
                high=high,
                p=p,
                axis=candidate.effect.axis,
                called=candidate.probability >= limits.sure and p < limits.alpha,
            )
        verdicts.append(Verdict(kind=_kind(axes), axes=axes))
    return verdicts


def _kind(axes: Mapping[str, AxisVerdict]) -> Kind:
    appearance, structure = axes["appearance"].called, axes["structure"].called
    if appearance:
        return "mixed" if structure else "appearance"
    return "structural" if structure else "none"


def _strongest(shift: Shift, question: str, limits: Limits) -> _Candidate | None:
    """The effect with the best case on a question; its p is corrected for the number of effects looked at."""
    margin = limits.margin[question]
    effects = shift.about(question)
    if question == "appearance" and shift.on("intensity_outside"):
        effects = [effect for effect in effects if effect.axis != "intensity"]  # the lesion itself is not appearance
    if question == "structure" and not effects:
        return _without_masks(shift, margin, limits.remains)
    if not effects:
        return None
    rated = [
        (effect.difference.exceeds(max(margin, limits.doubt * effect.explained)), effect.value, effect)
        for effect in effects
    ]
    probability, _, best = max(rated, key=lambda item: item[:2])
    smallest = min(effect.p for effect in effects)
    return _Candidate(best, probability, min(1.0, smallest * len(effects)))


def _without_masks(shift: Shift, margin: float, remains: float) -> _Candidate | None:
    """Structure from features: what is left of the layout's difference after each site's map to the public look."""
    raw, left = shift.on("features_deep"), shift.on("canonical_deep")
    if raw is None or left is None:
        return None
    return _Candidate(left, left.difference.exceeds(max(margin, remains * raw.value)), left.p)
