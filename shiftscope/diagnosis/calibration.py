"""How probable each shift is, given the effects of one comparison: a small model, fitted on planted shifts.

For each question the evidence of an axis is log(1 + excess / unit), where the excess is the lower end of the effect's
80 % interval less what could have leaked into it: shares of the effects on other axes (a strong change of appearance
changes the layout a little, a change of zoom the noise), and of what was already held equal. A logistic function of the
weighted evidence is the probability. What could have leaked counts too, with a smaller weight: an appearance that a
change of framing can explain is not thereby known to be the same. Weights and shares are at least 0.

`benchmarks/calibrate.py` fits it and writes the package data that is read here, with its provenance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import expit

from shiftscope.records import Document, Finite, Misfit, Name, Record, Text
from shiftscope.shifts import Effect, Shift
from shiftscope.shifts.effect_distributions import stack

__all__ = [
    "Calibration",
    "QuestionModel",
    "ShiftProbability",
    "Signals",
    "Term",
    "load_calibration",
    "name_of",
    "shift_probabilities",
    "signals",
]

LEVEL = 0.8
"""Of the interval whose lower end is the evidence."""

_HEAVIEST = 1e4

Weight = Annotated[Finite, Field(ge=0, le=_HEAVIEST)]

AxisName = Literal["look", "size", "colour", "texture", "noise", "layout", "boundary", "labels"]
"""What the models call an axis."""

Signals = Mapping[str, tuple[float, float, float]]
"""Axis -> effect, lower end of its interval, and how much of it was explained by what was held equal."""


class Term(Record):
    """The evidence of one axis for one question.

    Attributes:
        axis: a name in `Signals`.
        weight: of the evidence, at least 0.
        leaks: other axes -> the share of their effect that may show on this one.
    """

    axis: AxisName
    weight: Weight
    leaks: dict[AxisName, Weight]


class QuestionModel(Record):
    """The model of one question.

    Attributes:
        question: appearance, structure, label or annotation.
        masks: whether both sites have masks.
        intercept: log odds without any evidence.
        disputed: weight of evidence that the other axes can explain.
        terms: evidence.
    """

    question: Literal["appearance", "structure", "label", "annotation"]
    masks: Annotated[bool, Field(strict=True)]
    intercept: Annotated[Finite, Field(ge=-_HEAVIEST, le=_HEAVIEST)]
    disputed: Weight
    terms: tuple[Term, ...]


class Calibration(Document):
    """What was fitted, and on what.

    Attributes:
        unit: effect at which the evidence is log 2.
        doubt: share of what holding something equal took away that the rest must exceed.
        answers: the models.
        provenance: bases, scenarios, seed, machine, date, basis.
    """

    SCHEMA: ClassVar[int] = 1

    unit: Annotated[Finite, Field(ge=1e-6, le=_HEAVIEST)]
    doubt: Weight
    answers: tuple[QuestionModel, ...]
    provenance: dict[Name, Text]

    @model_validator(mode="after")
    def _answers_each_question_once(self) -> Self:
        asked = [(answer.question, answer.masks) for answer in self.answers]
        if twice := [item for item in asked if asked.count(item) > 1]:
            kind = "with masks" if twice[0][1] else "without masks"
            raise Misfit("answers", f"{twice[0][0]} twice {kind}", "one model for each question and kind of site")
        return self


@dataclass(frozen=True, slots=True)
class ShiftProbability:
    """The answer to one question.

    Attributes:
        probability: that there is such a shift.
        evidence: axis -> weighted evidence, of the axes that were compared.
        disputed: how much of it, unweighted, other shifts can explain.
    """

    probability: float
    evidence: Mapping[str, float]
    disputed: float


@cache
def load_calibration() -> Calibration:
    """The calibration that comes with the package."""
    source = resources.files("shiftscope.diagnosis") / "calibration-1.json"
    with resources.as_file(source) as path:
        return Calibration.read(path)


_AS_THEY_ARE = ("colour", "texture", "noise", "layout", "boundary", "labels")
_NAMES = {
    "intensity": "look",
    "intensity_outside": "look",
    "morphology": "size",
    "morphology_3d": "size",
}


def name_of(axis: str) -> str:
    """What the models call an axis."""
    return _NAMES.get(axis, axis)


def signals(shifts: Sequence[Shift]) -> list[Signals]:
    """What the models need of each comparison, all intervals in one go.

    "look" is the brightness away from the masks where that is known, else of the whole image: a lesion is no part of
    what a scanner makes of an image. "size" is the morphology, in 2-D or 3-D.
    """
    effects = [effect for shift in shifts for effect in shift.effects if effect.question != "features"]
    low = stack([effect.distribution for effect in effects]).interval(LEVEL)[0].tolist() if effects else []
    ends = {id(effect): end for effect, end in zip(effects, low, strict=True)}
    out: list[Signals] = []
    for shift in shifts:
        found = {effect.axis: effect for effect in shift.effects if id(effect) in ends}
        named: dict[str, Effect | None] = {
            "look": found.get("intensity_outside", found.get("intensity")),
            "size": found.get("morphology", found.get("morphology_3d")),
            **{axis: found.get(axis) for axis in _AS_THEY_ARE},
        }
        out.append(
            {
                name: (effect.value, max(ends[id(effect)], 0.0), effect.explained)
                for name, effect in named.items()
                if effect is not None
            }
        )
    return out


def shift_probabilities(found: Signals, calibration: Calibration) -> dict[str, ShiftProbability]:
    """Question -> answer; a question is absent where none of its axes was compared."""
    masks = "size" in found
    out: dict[str, ShiftProbability] = {}
    for answer in calibration.answers:
        known = [term for term in answer.terms if term.axis in found]
        if answer.masks != masks or not known:
            continue
        evidence: dict[str, float] = {}
        disputed = 0.0
        for term in known:
            sure, contested = _evidence(term, found, calibration)
            evidence[term.axis] = term.weight * sure + answer.disputed * contested
            disputed += contested
        out[answer.question] = ShiftProbability(
            float(expit(answer.intercept + sum(evidence.values()))), evidence, disputed
        )
    return out


def _evidence(term: Term, found: Signals, calibration: Calibration) -> tuple[float, float]:
    """What an axis says, and what it would say beyond that if nothing could have leaked into it."""
    _, low, explained = found[term.axis]
    leaked = sum(share * found[axis][0] for axis, share in term.leaks.items() if axis in found)
    whole = max(0.0, low - calibration.doubt * explained) / calibration.unit
    sure = float(np.log1p(max(0.0, whole - leaked / calibration.unit)))
    return sure, float(np.log1p(whole)) - sure
