"""What a site answers in a run, as far as it can be believed: each function gives it in its form, or refuses it.

A value in whose place the marker of the site's policy stands is None, and its name is among those that are `kept`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from shiftscope.errors import EngineError
from shiftscope.plans import Kept, Plan, SiteRound
from shiftscope.printable_text import shown
from shiftscope.records import Record, check_name, explain_validation
from shiftscope.training.data.splits import PARTS
from shiftscope.training.evaluation.patient_spreads import PatientSpread, require_covariance
from shiftscope.training.evaluation.scores import metrics_of
from shiftscope.training.runs.answer_values import is_count, is_few, is_kept, is_number, kept_names, most_cases
from shiftscope.training.runs.states import ReceivedEvaluation

__all__ = [
    "ImageChange",
    "SiteDescription",
    "TrainedRound",
    "read_change",
    "read_description",
    "read_evaluation",
    "read_round",
    "read_spread",
]

R = TypeVar("R", bound=Record)

_LARGEST = 1e12
"""Of a loss, a distance, a change, seconds."""

_MOST = 10**9
"""Steps and passes of one round."""

_MARK = re.compile("[0-9a-f]{16}")

_MOST_REASONS = 100

_LARGEST_VARIANCE = 4.0
"""Of a difference of two scores from 0 to 1, of as few patients as there may be."""


@dataclass(frozen=True, slots=True)
class SiteDescription:
    """What a site says of itself before anything is asked.

    Attributes:
        patients: of each part; empty where the site keeps them.
        left_out: files that could not be used, by reason; empty likewise.
        split: a mark of how its patients are divided.
        kept: "patients", "left_out".
    """

    patients: dict[str, int]
    left_out: dict[str, int]
    split: str
    kept: frozenset[str]


@dataclass(frozen=True, slots=True)
class ImageChange:
    """What a site says of its harmonized images.

    Attributes:
        changed: mean absolute change of a training pixel; None where the site keeps it.
        signal: what is left of what the model has to learn; None where it is unknown, too.
        kept: "change", "signal".
    """

    changed: float | None
    signal: Kept | None
    kept: frozenset[str]


@dataclass(frozen=True, slots=True)
class TrainedRound:
    """What a site says of a round, beside the tensors.

    Attributes:
        cases: training cases; None where the site keeps their number.
        loss: mean over the round's steps; None likewise.
    """

    cases: int | None
    loss: float | None
    spent: SiteRound


def read_description(site: str, facts: Mapping[str, Any], plan: Plan) -> SiteDescription:
    """Counts that a site of the plan can have.

    Raises:
        EngineError: it sent something else.
    """
    kept = frozenset(name for name in ("patients", "left_out") if is_kept(facts.get(name)))
    patients, left_out = _counts(facts.get("patients"), most_cases(plan, site)), _counts(facts.get("left_out"), _MOST)
    if patients is None or (patients.keys() != {*PARTS} and "patients" not in kept):
        raise EngineError(f"it sent {shown(facts.get('patients'))}, expected patients in {', '.join(PARTS)}")
    if left_out is None:
        raise EngineError(f"it sent {shown(facts.get('left_out'))}, expected files left out by reason")
    split = facts.get("split")
    if not isinstance(split, str) or not _MARK.fullmatch(split):
        raise EngineError(f"it sent {shown(split)}, expected a mark of its division of 16 hexadecimal digits")
    return SiteDescription({part: patients[part] for part in PARTS if patients}, left_out, split, kept)


def read_change(facts: Mapping[str, Any]) -> ImageChange:
    """How much a harmonizer changed, and what it left.

    Raises:
        EngineError: it sent something else.
    """
    signal = facts.get("kept")
    changed = _number(facts.get("changed"), "as how much a pixel changed", 0)
    named = {"change": facts.get("changed"), "signal": signal}
    kept = frozenset(name for name, value in named.items() if is_kept(value))
    return ImageChange(changed, None if signal is None or is_kept(signal) else _signal(signal), kept)


def read_round(facts: Mapping[str, Any], most: int) -> TrainedRound:
    """Cases, loss and cost of a round.

    Args:
        most: training cases that it can have.

    Raises:
        EngineError: it sent something else.
    """
    cases = facts.get("cases")
    if not is_kept(cases) and not is_count(cases, most, 1):
        raise EngineError(f"sent {shown(cases)} as its training cases, expected 1 to {most}")
    loss = _number(facts.get("loss"), "as its loss", -_LARGEST)
    return TrainedRound(None if is_kept(cases) else cases, loss, _spent(facts.get("spent")))


def read_evaluation(facts: Mapping[str, Any], plan: Plan, most: int) -> ReceivedEvaluation:
    """Scores of a trained model, every metric of the plan's task.

    Args:
        most: test cases that the site can have.

    Raises:
        EngineError: it sent something else.
    """
    cases, kept_baseline = facts.get("cases"), facts.get("kept_baseline")
    if not is_kept(cases) and not is_count(cases, most):
        raise EngineError(f"it sent {shown(cases)} as its test cases, expected 0 to {most}")
    if not isinstance(kept_baseline, bool) and not is_kept(kept_baseline):
        raise EngineError(f"it sent {shown(kept_baseline)}, expected whether it keeps the baseline's model")
    said = {kind: _scores(facts.get(kind), plan) for kind in ("scores", "ungated", "validation")}
    named = {"cases": cases, "choice": kept_baseline}
    kept, few = (_names_that(keeps, said, named) for keeps in (is_kept, is_few))
    return ReceivedEvaluation(
        cases=None if is_kept(cases) else cases,
        **{
            kind: {name: None if is_kept(value) else value for name, value in scores.items()}
            for kind, scores in said.items()
        },
        kept_baseline=kept_baseline is True,
        spent=_spent(facts.get("spent")),
        kept=kept,
        few=few,
    )


def read_spread(
    facts: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    compared: Collection[str],
    seeds: int,
    most: int,
) -> PatientSpread | None:
    """How strategies' differences from the first vary with a site's patients; None where the site keeps it.

    Args:
        compared: the strategies that it may speak of.
        seeds: that it was asked for.
        most: patients that it can have.

    Raises:
        EngineError: it sent something else.
    """
    names, freedom, covariance = facts.get("strategies"), facts.get("freedom"), tensors.get("covariance")
    if not isinstance(names, list) or len({*map(str, names)}) < len(names) or not {*map(str, names)} <= {*compared}:
        raise EngineError(f"it sent a covariance of {shown(names)}, expected strategies of the run, each once")
    if is_kept(freedom) or (covariance is None and "tensors/covariance" in kept_names(facts)):
        return None
    found = require_covariance(covariance, len(names), seeds, _LARGEST_VARIANCE)
    if not is_count(freedom, most, int(np.isfinite(found).any())):
        raise EngineError(f"it sent a covariance over patients with {shown(freedom)} degrees of freedom")
    return PatientSpread(tuple(names), found, freedom)


def _names_that(
    keeps: Callable[[Any], bool], said: Mapping[str, Mapping[str, Any]], named: Mapping[str, Any]
) -> tuple[str, ...]:
    """What is kept of a judgement, as `ReceivedEvaluation` names it."""
    found = {name for name, value in named.items() if keeps(value)}
    found |= {name for kind in ("scores", "ungated") for name, value in said[kind].items() if keeps(value)}
    beside = {name for name, value in said["validation"].items() if keeps(value)} - found
    return tuple(sorted(found | ({"validation"} if beside else set())))


def _scores(found: Any, plan: Plan) -> dict[str, Any]:
    """Metric -> a score, None or a marker."""
    metrics = metrics_of(plan)
    if not isinstance(found, dict) or found.keys() != metrics.keys():
        raise EngineError(f"it sent scores of {shown(found)}, expected {', '.join(metrics)}")
    for name, value in found.items():
        highest = _LARGEST if name.startswith("surface_px") else 1.0
        if value is not None and not is_kept(value) and not is_number(value, 0, highest):
            raise EngineError(f"it sent {shown(value)} as its {name}, expected a number from 0 to {highest:g}")
    return found


def _record(kind: type[R], found: Any, what: str) -> R:
    try:
        return kind.model_validate(found)
    except ValidationError as problem:
        raise EngineError(f"sent a {what} that cannot be: {explain_validation(problem)}") from None


def _spent(found: Any) -> SiteRound:
    spent = _record(SiteRound, found, "cost")
    counts = (spent.steps, spent.passes, spent.peak_bytes or 0, spent.up, spent.down)
    within = max(counts[:2]) <= _MOST and max(counts) <= _LARGEST * 1000 and is_number(spent.seconds, 0, _LARGEST)
    if not within or (spent.start and not _MARK.fullmatch(spent.start)):
        raise EngineError(f"sent a cost that cannot be: {shown(found)}")
    return spent


def _signal(found: Any) -> Kept:
    signal = _record(Kept, found, "signal")
    numbers = (signal.before, signal.after, signal.drop, signal.low, signal.high)
    if not is_count(signal.cases, _MOST) or not all(is_number(each, -_LARGEST, _LARGEST) for each in numbers):
        raise EngineError(f"sent a signal that cannot be: {shown(found)}")
    return signal


def _number(found: Any, what: str, low: float) -> float | None:
    """A finite number; None where the site keeps it."""
    if is_kept(found):
        return None
    if not is_number(found, low, _LARGEST):
        raise EngineError(f"sent {shown(found)} {what}, expected a number from {low:g} to {_LARGEST:g}")
    return float(found)


def _counts(found: Any, most: int) -> dict[str, int] | None:
    """Counts under names that can be printed; empty where the site keeps them, None where they are something else."""
    if is_kept(found):
        return {}
    if not isinstance(found, dict) or len(found) > _MOST_REASONS:
        return None
    try:
        counted = {check_name(name): count for name, count in found.items() if is_count(count, most)}
    except ValueError:
        return None
    return counted if len(counted) == len(found) else None
