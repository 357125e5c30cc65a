"""From the effects of one comparison to four answers and a kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, Shift, exceeds, intervals, p_values
from shiftscope.stats import holm

__all__ = ["KINDS", "LIMITS", "QUESTIONS", "AxisVerdict", "Kind", "Limits", "Verdict", "judge", "sum_up"]

Kind = Literal["none", "appearance", "structural", "mixed", "insufficient"]
KINDS: tuple[Kind, ...] = ("none", "appearance", "structural", "mixed", "insufficient")
QUESTIONS = ("appearance", "structure", "label", "annotation")


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts. First values, from the null splits and planted federations of docs/first-results.md; not calibrated.

    Attributes:
        margin: question -> effect (squared distance over within-site variance) below which a shift does not matter.
        alpha: family-wise error, over all comparisons and questions, of calling an effect larger than its margin.
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
        p: of no difference, corrected for all axes, questions and comparisons asked together (Holm).
        axis: the axis with the strongest case, None where the question could not be asked.
        held: what was held equal, "" for nothing.
        called: whether it counts as a shift.
    """

    probability: Real | None = None
    effect: Real | None = None
    low: Real | None = None
    high: Real | None = None
    p: Real | None = None
    axis: str | None = None
    held: str = ""
    called: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The strongest effect on one question.

    Attributes:
        effect: the effect whose margin is exceeded with the most confidence.
        probability: that confidence.
        looked_at: how many effects it was chosen from.
    """

    effect: Effect
    probability: float
    looked_at: int


class Verdict(Record):
    """The four answers to one comparison, and the kind that sums up the first two."""

    kind: Kind
    axes: dict[str, AxisVerdict]


def judge(shifts: Sequence[Shift], limits: Limits = LIMITS) -> list[Verdict]:
    """Verdicts on comparisons that are looked at together.

    A shift is called when "the effect exceeds its margin" holds at the family-wise level `limits.alpha`: Holm's
    procedure over all comparisons and questions on one minus the confidence, times the number of axes that the
    strongest was chosen from. The p of no difference is corrected in the same way.
    """
    sure = _confidences(shifts, limits)
    asked = [{question: _strongest(shift, question, limits, sure) for question in QUESTIONS} for shift in shifts]
    found = {
        (index, question): candidate
        for index, row in enumerate(asked)
        for question, candidate in row.items()
        if candidate is not None
    }
    p = p_values([candidate.effect for candidate in found.values()])
    intervals([candidate.effect for candidate in found.values()])
    claims = _corrected(found, [(1 - candidate.probability) * candidate.looked_at for candidate in found.values()])
    tests = _corrected(found, [one * candidate.looked_at for one, candidate in zip(p, found.values(), strict=True)])
    verdicts = []
    for index in range(len(shifts)):
        axes = {question: AxisVerdict() for question in QUESTIONS}
        for question in QUESTIONS:
            key = (index, question)
            if key in found:
                axes[question] = _answer(found[key], tests[key], claims[key] < limits.alpha)
        verdicts.append(Verdict(kind=sum_up(axes), axes=axes))
    return verdicts


def _confidences(shifts: Sequence[Shift], limits: Limits) -> dict[int, float]:
    """Confidence that an effect exceeds its margin, by the effect's id, all in one go."""
    effects = [effect for shift in shifts for effect in shift.effects if effect.question in limits.margin]
    margins = [max(limits.margin[effect.question], limits.doubt * effect.explained) for effect in effects]
    return dict(zip(map(id, effects), exceeds(effects, margins).tolist(), strict=True))


def _corrected(keys: Iterable[tuple[int, str]], p: list[float]) -> dict[tuple[int, str], float]:
    return dict(zip(keys, map(float, holm(np.minimum(np.array(p), 1.0))), strict=True))


def _answer(candidate: _Candidate, p: float, called: bool) -> AxisVerdict:
    effect = candidate.effect
    low, high = effect.interval
    return AxisVerdict(
        probability=candidate.probability,
        effect=effect.value,
        low=low,
        high=high,
        p=p,
        axis=effect.axis,
        held=effect.held,
        called=called,
    )


def sum_up(axes: Mapping[str, AxisVerdict]) -> Kind:
    """The kind that appearance and structure make together."""
    appearance, structure = axes["appearance"].called, axes["structure"].called
    if appearance:
        return "mixed" if structure else "appearance"
    return "structural" if structure else "none"


def _strongest(shift: Shift, question: str, limits: Limits, sure: Mapping[int, float]) -> _Candidate | None:
    """The effect with the best case on a question, of those measured on enough patients."""
    margin = limits.margin[question]
    effects = [effect for effect in shift.about(question) if min(effect.n) >= limits.enough]
    if question == "appearance" and any(effect.axis == "intensity_outside" for effect in effects):
        effects = [effect for effect in effects if effect.axis != "intensity"]  # the lesion itself is not appearance
    if question == "structure" and not effects:
        return _without_masks(shift, margin, limits)
    if not effects:
        return None
    rated = [(sure[id(effect)], effect.value, effect) for effect in effects]
    probability, _, best = max(rated, key=lambda item: item[:2])
    return _Candidate(best, probability, len(effects))


def _without_masks(shift: Shift, margin: float, limits: Limits) -> _Candidate | None:
    """Structure from features: what is left of the layout's difference after each site's map to the public look, told
    in the variance of the raw features so that the two can be set against each other."""
    raw, left = shift.on("features_deep"), shift.on("canonical_deep")
    if raw is None or left is None or min(left.n) < limits.enough:
        return None
    return _Candidate(left, left.exceeds(max(margin, limits.remains * raw.value)), 1)
