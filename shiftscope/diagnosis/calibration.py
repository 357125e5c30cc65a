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
from math import isnan
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import expit

from shiftscope.records import Document, Finite, Misfit, Name, Record, Text
from shiftscope.shifts import Shift
from shiftscope.shifts.effect_distributions import joined
from shiftscope.shifts.many_sites.axis_effects import AxisEffects, effects_by_axis

__all__ = [
    "MODELLED",
    "Calibration",
    "QuestionModel",
    "ShiftProbabilities",
    "ShiftProbability",
    "Signals",
    "Term",
    "load_calibration",
    "name_of",
    "probability_table",
    "shift_probabilities",
    "signal_table",
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


@dataclass(frozen=True, slots=True)
class ShiftProbabilities:
    """The answers to one question of many comparisons, arrays (m,): `ShiftProbability` has what they are. Not a number
    where the question could not be asked, or an axis was not compared."""

    probability: np.ndarray
    evidence: dict[str, np.ndarray]
    disputed: np.ndarray


@cache
def load_calibration() -> Calibration:
    """The calibration that comes with the package."""
    source = resources.files("shiftscope.diagnosis") / "calibration-1.json"
    with resources.as_file(source) as path:
        return Calibration.read(path)


_SIGNALS = {
    "look": ("intensity_outside", "intensity"),
    "size": ("morphology", "morphology_3d"),
    **{axis: (axis,) for axis in ("colour", "texture", "noise", "layout", "boundary", "labels")},
}
"""What the models call an axis -> the axes it can be, the first that is there."""

MODELLED = tuple(axis for axes in _SIGNALS.values() for axis in axes if axis != "labels")
"""Axes that some model asks for, and class prevalence beside them."""

_NAMES = {axis: name for name, axes in _SIGNALS.items() for axis in axes}


def name_of(axis: str) -> str:
    """What the models call an axis."""
    return _NAMES.get(axis, axis)


def signal_table(axes: Sequence[AxisEffects], count: int, near: bool = False) -> dict[str, np.ndarray]:
    """What the models need of `count` comparisons: name -> (3, count) effect, lower end of its interval and what was
    explained, not a number where there is none.

    "look" is the brightness away from the masks where that is known, else of the whole image: a lesion is no part of
    what a scanner makes of an image. "size" is the morphology, in 2-D or 3-D.

    Args:
        axes: effects, axis by axis.
        count: of comparisons.
        near: ends by `EffectDistribution.near_lower_end`, for very many.
    """
    found = {one.axis: one for one in axes}
    table = {name: np.full((3, count), np.nan) for name in _SIGNALS}
    asked = []
    for name, sources in _SIGNALS.items():
        for one in (found[axis] for axis in sources if axis in found):
            kept = np.flatnonzero(np.isnan(table[name][0, one.rows]))
            table[name][0, one.rows[kept]] = one.values[kept]
            asked.append((table[name], one, kept))
    if asked:
        distributions = joined([one.distributions.at_rows(kept) for _, one, kept in asked])
        low = distributions.near_lower_end(LEVEL) if near else np.maximum(distributions.lower_end(LEVEL), 0.0)
        ends = np.split(low, np.cumsum([len(kept) for _, _, kept in asked])[:-1])
        for (signal, one, kept), end in zip(asked, ends, strict=True):
            signal[1:, one.rows[kept]] = end, one.explained[kept]
    return table


def signals(shifts: Sequence[Shift]) -> list[Signals]:
    """What the models need of each comparison, all intervals in one go."""
    table = signal_table(effects_by_axis(shifts), len(shifts))
    return [
        {
            name: (effect, low, explained)
            for name, (effect, low, explained) in zip(table, row, strict=True)
            if not isnan(effect)
        }
        for row in np.stack([*table.values()], axis=0).transpose(2, 0, 1).tolist()
    ]


def shift_probabilities(found: Signals, calibration: Calibration) -> dict[str, ShiftProbability]:
    """Question -> answer; a question is absent where none of its axes was compared."""
    table = {name: np.array(signal)[:, None] for name, signal in found.items()}
    return {
        question: ShiftProbability(
            float(answer.probability[0]),
            {axis: float(values[0]) for axis, values in answer.evidence.items() if not isnan(values[0])},
            float(answer.disputed[0]),
        )
        for question, answer in probability_table(table, calibration, 1).items()
        if not isnan(answer.probability[0])
    }


def probability_table(
    table: Mapping[str, np.ndarray], calibration: Calibration, count: int
) -> dict[str, ShiftProbabilities]:
    """Question -> the answers of many comparisons.

    Args:
        table: as `signal_table` has it.
        calibration: the models.
        count: of the comparisons.
    """
    missing = np.full((3, count), np.nan)
    masks = ~np.isnan(table.get("size", missing)[0])
    out: dict[str, ShiftProbabilities] = {
        question: ShiftProbabilities(np.full(count, np.nan), {}, np.zeros(count))
        for question in dict.fromkeys(model.question for model in calibration.answers)
    }
    for model in calibration.answers:
        answer = out[model.question]
        odds, asked = np.zeros(count), np.zeros(count, dtype=bool)
        for term in model.terms:
            signal = table.get(term.axis, missing)
            known = (masks == model.masks) & ~np.isnan(signal[0])
            asked |= known
            sure, contested = _evidence(term, table, signal, calibration)
            evidence = term.weight * sure + model.disputed * contested
            odds += np.where(known, evidence, 0.0)
            answer.disputed[known] += contested[known]
            answer.evidence.setdefault(term.axis, np.full(count, np.nan))[known] = evidence[known]
        answer.probability[asked] = expit(model.intercept + odds[asked])
    return out


def _evidence(
    term: Term, table: Mapping[str, np.ndarray], signal: np.ndarray, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray]:
    """What an axis says, and what it would say beyond that if nothing could have leaked into it."""
    _, low, explained = signal
    leaked = np.zeros(len(low))
    for axis, share in term.leaks.items():
        if axis in table:
            leaked += share * np.nan_to_num(table[axis][0])
    whole = np.maximum(0.0, low - calibration.doubt * explained) / calibration.unit
    sure = np.log1p(np.maximum(0.0, whole - leaked / calibration.unit))
    return sure, np.log1p(whole) - sure
