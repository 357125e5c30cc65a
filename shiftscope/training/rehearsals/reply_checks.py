"""Whether what a site sends in a rehearsal can be: each function gives it in its form, or raises an `EngineError`."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.plans import Plan
from shiftscope.printable_text import on_one_line, shown
from shiftscope.training.algorithms.aggregation import planned_cases
from shiftscope.training.algorithms.update_checks import FARTHEST_STEP
from shiftscope.training.data.splits import PARTS
from shiftscope.training.evaluation.patient_spreads import PatientSpread, require_covariance
from shiftscope.training.rehearsals.coordinated_heads import TableKey
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.mixing_weights import LEAST_VARIANCE, OwnWeight
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, Rehearsed
from shiftscope.training.rehearsals.table_rehearsals import HeadScores
from shiftscope.training.runs.answer_values import (
    few_names,
    few_text,
    is_count,
    is_kept,
    is_number,
    kept_names,
    most_cases,
)
from shiftscope.training.runs.share_checks import require_share

__all__ = [
    "RehearsingFacts",
    "SiteFeatures",
    "checked_facts",
    "checked_features",
    "checked_heads",
    "checked_scores",
    "checked_seconds",
    "checked_shares",
    "checked_weights",
    "usual",
]

_LARGEST = 1e12
"""Of seconds, and of features' mean square."""

_FEATURES, _LEVELS = 100_000, 100

_FARTHEST = FARTHEST_STEP * max(BUDGET.rate, BUDGET.map_rate) * BUDGET.local_steps
"""No weight of a head moves further in a round."""

_UNLIKE = 100
"""Times the middle of all sites: the mean square of one network's features differs less, whatever the images."""


@dataclass(frozen=True, slots=True)
class RehearsingFacts:
    """What a site says of itself before the first question, as `RehearsingSite` has it.

    Attributes:
        patients: of each part; empty where the site keeps them.
        cases: training cases of each fold, as the plan expects them where the site keeps them; none where scores are
            withheld.
        even: whether its classes are equally frequent; not where the site keeps that.
        kept: what its policy keeps at the site: "patients", "cases", "labels".
    """

    patients: dict[str, int]
    withheld: str
    cases: tuple[float, ...]
    even: bool
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteFeatures:
    """What a site says of its features behind one harmonizer, as `RehearsingSite.prepare` has it."""

    squares: tuple[float, ...]
    features: int
    same_as: frozenset[str]


def checked_facts(site: str, facts: Mapping[str, Any], plan: Plan) -> RehearsingFacts:
    """Of a site of the plan, with at most twice the cases that it knows of: counts of a private profile are noisy."""
    if site not in plan.sites:
        raise EngineError(f"it is no site of the plan: {', '.join(plan.sites)}")
    most, patients, cases = most_cases(plan, site), facts.get("patients"), facts.get("cases")
    named = {"patients": patients, "cases": cases, "labels": facts.get("even")}
    kept = tuple(name for name, value in named.items() if is_kept(value))
    if is_kept(patients):
        patients = {}
    elif not isinstance(patients, dict) or not all(is_count(patients.get(part), most) for part in PARTS):
        raise EngineError(f"it sent {shown(patients)}, expected patients in {', '.join(PARTS)}")
    counted = {part: int(patients[part]) for part in PARTS if patients}
    if why := on_one_line(str(facts.get("withheld", "it did not say whether it may take part"))[:200]):
        return RehearsingFacts(counted, why, (), False, kept)
    if is_kept(cases):
        cases = [planned_cases(plan, site)] * plan.folds
    elif not isinstance(cases, list) or len(cases) != plan.folds or not all(is_count(n, most, 1) for n in cases):
        raise EngineError(f"it sent {shown(cases)}, expected training cases of {plan.folds} folds, 1 to {most}")
    return RehearsingFacts(counted, "", tuple(cases), facts.get("even") is True, kept)


def checked_seconds(facts: Mapping[str, Any]) -> float:
    """What a question took at the site; 0 where it says something else."""
    found = facts.get("seconds")
    return float(found) if is_number(found, 0, _LARGEST) else 0.0


def checked_shares(shares: Mapping[str, Statistics]) -> Mapping[str, Statistics]:
    """Statistics of harmonizers, under "harmonizer/fold"."""
    for key, share in shares.items():
        require_share(key.rpartition("/")[0], share)
    return shares


def checked_features(facts: Mapping[str, Any]) -> SiteFeatures:
    """Numbers that features can have."""
    squares, features, same_as = (facts.get(key) for key in ("squares", "features", "same_as"))
    if (
        not isinstance(squares, list)
        or not 0 < len(squares) <= _LEVELS
        or not all(is_number(square, 0, _LARGEST) for square in squares)
        or not is_count(features, _FEATURES, 1)
    ):
        raise EngineError(f"it sent {shown(squares)} as mean squares of {shown(features)} features")
    if not isinstance(same_as, list) or not all(isinstance(name, str) for name in same_as):
        raise EngineError(f"it sent {shown(same_as)}, expected names of harmonizers")
    return SiteFeatures(tuple(map(float, squares)), int(features), frozenset(same_as))


def usual(found: Mapping[str, SiteFeatures]) -> dict[str, SiteFeatures]:
    """The sites that have as many features as more than half of all, and of a size as usual; all see one network."""
    counts = Counter((each.features, len(each.squares)) for each in found.values())
    forms = {site: each for site, each in found.items() if 2 * counts[each.features, len(each.squares)] > len(found)}
    sizes = {site: np.log(np.maximum(each.squares, 1 / _LARGEST)) for site, each in forms.items()}
    middle = np.median([*sizes.values()], axis=0) if sizes else 0.0
    return {site: each for site, each in forms.items() if (np.abs(sizes[site] - middle) < math.log(_UNLIKE)).all()}


def checked_heads(tensors: Mapping[str, np.ndarray], sent: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Heads after a round: in the shapes they were sent in, and moved no further than steps can move them."""
    for name, heads in sent.items():
        found = tensors.get(name)
        if found is None or found.shape != tuple(heads.shape) or found.dtype != np.float32:
            raise EngineError(f"it sent no heads {tuple(heads.shape)} for {name}")
        if not np.abs(found - heads.numpy()).max() <= _FARTHEST:  # false of what is not a number, too
            raise EngineError(f"it sent heads for {name} that {BUDGET.local_steps} steps cannot have made of the last")
    return {name: torch.from_numpy(tensors[name]) for name in sent}


def checked_weights(
    facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray], keys: Sequence[TableKey]
) -> dict[str, list[OwnWeight | None]]:
    """Table -> fold by fold, what validation patients say of the own head's weight; nothing where the site keeps it."""
    kept = kept_names(facts)
    return {
        name: [None] * len(folds) if f"tensors/{name}" in kept else _own_weights(name, tensors.get(name), len(folds))
        for name, _, folds in keys
    }


def _own_weights(name: str, rows: np.ndarray | None, folds: int) -> list[OwnWeight | None]:
    if rows is None or rows.shape != (folds, 2) or not np.issubdtype(rows.dtype, np.floating):
        raise EngineError(f"it sent no weights ({folds}, 2) for {name}")
    unknown = np.isnan(rows).all(axis=1)
    means, variances = rows[~unknown].T
    inside = (means >= 0) & (means <= 1) & (variances >= LEAST_VARIANCE) & (variances <= 0.25)
    if not inside.all():
        raise EngineError(f"it sent weights for {name} that are no mean and variance of numbers from 0 to 1")
    return [None if none else OwnWeight(float(row[0]), float(row[1])) for row, none in zip(rows, unknown, strict=True)]


def checked_scores(
    facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray], strategies: Sequence[Rehearsed]
) -> HeadScores:
    """Means of all strategies, and a covariance that differences of scores can have; without both nothing is judged."""
    names = [each.name for each in strategies]
    order, freedom = (facts.get(key) for key in ("strategies", "freedom"))
    if "tensors/covariance" in kept_names(facts) or is_kept(freedom):
        few = f"; {few_text('them')}" if few_names(facts) else ""
        raise EngineError(f"its policy keeps its scores, or how they vary with its patients, at the site{few}")
    means, validation = (_means(facts.get(key), names) for key in ("means", "validation"))
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(name for name in names if name != REFERENCE):
        raise EngineError(f"it sent a covariance of {shown(order)}, expected every strategy but {REFERENCE}")
    covariance = require_covariance(tensors.get("covariance"), len(order), 1, 1.0)
    if not is_count(freedom, 10**6, int(np.isfinite(covariance).any())):
        raise EngineError(f"it sent {shown(freedom)} degrees of freedom")
    return HeadScores(means, PatientSpread(tuple(order), covariance, int(freedom)), validation)


def _means(found: Any, names: Sequence[str]) -> dict[str, float]:
    """Strategy -> a score, NaN for one that is undefined, or that the site keeps."""
    if not isinstance(found, dict) or found.keys() != {*names}:
        raise EngineError(f"it sent means of {shown(found)}, expected those of {len(names)} strategies")
    known = {name: value for name, value in found.items() if value is not None and not is_kept(value)}
    if odd := {name: value for name, value in known.items() if not is_number(value, 0, 1)}:
        raise EngineError(f"it sent {shown(odd)}, expected scores from 0 to 1")
    return {name: float(known.get(name, math.nan)) for name in found}
