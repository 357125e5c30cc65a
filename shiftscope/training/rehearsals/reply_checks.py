"""Whether what a site sends in a rehearsal can be: each function gives it in its form, or raises an `EngineError`."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import torch

from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.plans import Plan
from shiftscope.printable_text import on_one_line, shown
from shiftscope.training.data.splits import PARTS
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.rehearsals.coordinated_heads import TableKey
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.mixing_weights import LEAST_VARIANCE, OwnWeight
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, Rehearsed
from shiftscope.training.rehearsals.table_rehearsals import HeadScores

__all__ = [
    "RehearsingFacts",
    "SiteFeatures",
    "alike",
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

_FARTHEST = 4 * max(BUDGET.rate, BUDGET.map_rate) * BUDGET.local_steps
"""No weight moves further in a round: a step of Adam is at most 3.2 of its rate (Kingma & Ba 2015, arXiv:1412.6980)."""

_UNLIKE = 100
"""Times the middle of all sites: the mean square of one network's features differs less, whatever the images."""

_ROUNDING = 0.01
"""What correlations with two decimals may lack in any direction to be those of a covariance, for each strategy."""


@dataclass(frozen=True, slots=True)
class RehearsingFacts:
    """What a site says of itself before the first question, as `RehearsingSite` has it.

    Attributes:
        cases: none where scores are withheld.
    """

    patients: dict[str, int]
    withheld: str
    cases: tuple[int, ...]
    even: bool


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
    most, patients, cases = 2 * plan.sites[site].cases, facts.get("patients"), facts.get("cases")
    if not isinstance(patients, dict) or not all(_is_count(patients.get(part), most) for part in PARTS):
        raise EngineError(f"it sent {shown(patients)}, expected patients in {', '.join(PARTS)}")
    counted = {part: int(patients[part]) for part in PARTS}
    if why := on_one_line(str(facts.get("withheld", "it did not say whether it may take part"))[:200]):
        return RehearsingFacts(counted, why, (), False)
    if not isinstance(cases, list) or len(cases) != plan.folds or not all(_is_count(n, most, 1) for n in cases):
        raise EngineError(f"it sent {shown(cases)}, expected training cases of {plan.folds} folds, 1 to {most}")
    return RehearsingFacts(counted, "", tuple(cases), facts.get("even") is True)


def checked_seconds(facts: Mapping[str, Any]) -> float:
    """What a question took at the site; 0 where it says something else."""
    found = facts.get("seconds")
    return float(found) if _is_number(found, 0, _LARGEST) else 0.0


def checked_shares(shares: Mapping[str, Statistics]) -> Mapping[str, Statistics]:
    """Statistics of harmonizers, all of them finite numbers."""
    for key, share in shares.items():
        for name, array in share.items():
            if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
                raise EngineError(f"it sent {shown(name)} of {shown(key)}, expected finite numbers")
    return shares


def alike(shares: Mapping[str, Statistics]) -> set[str]:
    """The sites whose statistics have the names and shapes that most have."""
    forms = {site: str(sorted((name, array.shape) for name, array in share.items())) for site, share in shares.items()}
    usual_form = max(forms.values(), key=Counter(forms.values()).__getitem__, default="")
    return {site for site, form in forms.items() if form == usual_form}


def checked_features(facts: Mapping[str, Any]) -> SiteFeatures:
    """Numbers that features can have."""
    squares, features, same_as = (facts.get(key) for key in ("squares", "features", "same_as"))
    if (
        not isinstance(squares, list)
        or not 0 < len(squares) <= _LEVELS
        or not all(_is_number(square, 0, _LARGEST) for square in squares)
        or not _is_count(features, _FEATURES, 1)
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


def checked_weights(tensors: Mapping[str, np.ndarray], keys: Sequence[TableKey]) -> dict[str, list[OwnWeight | None]]:
    """Table -> fold by fold, what validation patients say of the own head's weight."""
    return {name: _own_weights(name, tensors.get(name), len(folds)) for name, _, folds in keys}


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
    """Means of all strategies, and a covariance that differences of scores can have."""
    names = [each.name for each in strategies]
    order, freedom = (facts.get(key) for key in ("strategies", "freedom"))
    means, validation = (_means(facts.get(key), names) for key in ("means", "validation"))
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(name for name in names if name != REFERENCE):
        raise EngineError(f"it sent a covariance of {shown(order)}, expected every strategy but {REFERENCE}")
    covariance = _covariance(tensors.get("covariance"), len(order))
    if not _is_count(freedom, 10**6, int(np.isfinite(covariance).any())):
        raise EngineError(f"it sent {shown(freedom)} degrees of freedom")
    return HeadScores(means, PatientSpread(tuple(order), covariance, int(freedom)), validation)


def _means(found: Any, names: Sequence[str]) -> dict[str, float]:
    """Strategy -> a score, NaN for one that is undefined."""
    if not isinstance(found, dict) or found.keys() != {*names}:
        raise EngineError(f"it sent means of {shown(found)}, expected those of {len(names)} strategies")
    if odd := {name: value for name, value in found.items() if value is not None and not _is_number(value, 0, 1)}:
        raise EngineError(f"it sent {shown(odd)}, expected scores from 0 to 1")
    return {name: math.nan if value is None else float(value) for name, value in found.items()}


def _covariance(found: np.ndarray | None, count: int) -> np.ndarray:
    if found is None or found.shape != (count, 1, count, 1) or not np.issubdtype(found.dtype, np.floating):
        raise EngineError(f"it sent no covariance of {count} strategies")
    matrix = found.astype(np.float64).reshape(count, count)
    unknown = np.isnan(np.diagonal(matrix))
    known = matrix[np.ix_(~unknown, ~unknown)]
    variances = np.diagonal(known)
    if not (np.isnan(matrix[unknown]).all() and np.isnan(matrix[:, unknown]).all() and np.isfinite(known).all()):
        raise EngineError("it sent a covariance of which a row is known in part")
    if not ((variances >= 0) & (variances <= 1)).all() or not np.allclose(known, known.T):
        raise EngineError("it sent a covariance that scores from 0 to 1 cannot have")
    roots = np.sqrt(np.outer(variances, variances))
    if (np.abs(known) > (1 + _ROUNDING) * roots).any():
        raise EngineError("it sent correlations beyond 1")
    correlations = np.divide(known, roots, out=np.zeros_like(known), where=roots > 0)
    if np.linalg.eigvalsh(correlations).min(initial=0) < -_ROUNDING * count:
        raise EngineError("it sent a matrix that is no covariance: some difference would have less than no variance")
    return matrix.reshape(found.shape)


def _is_number(value: Any, low: float, high: float) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_count(value: Any, most: int, least: int = 0) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
