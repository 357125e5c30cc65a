"""Which arrays a message may hold: by name, shape, kind of number and size, told from the question and the order."""

from collections.abc import Callable, Iterable, Mapping
from math import prod

import numpy as np

from shiftscope.disclosure.field_rules import FEW, UNKNOWN
from shiftscope.disclosure.policies.site_policy import allows
from shiftscope.disclosure.situations import Arrays, FieldRefused, Situation
from shiftscope.federations.orders import fingerprint_of
from shiftscope.harmonizers import HARMONIZERS

__all__ = [
    "DECIDING",
    "MOST_NUMBERS",
    "SHARED",
    "ArrayRule",
    "as_asked",
    "covariance",
    "nothing",
    "own_weights",
    "shared_by_all",
    "shared_statistics",
]

ArrayRule = Callable[[Arrays, str, Situation], dict[str, np.ndarray]]
"""(arrays, where they stand in the message, the situation) -> those that leave."""

DECIDING = {"segmentation": "dice", "classification": "auroc"}
"""Task -> the metric whose differences sites compare, as `training.evaluation.scores.PRIMARY` has it."""

MOST_NUMBERS = 2**17
"""In one array of a harmonizer's statistics."""

SHARED: Mapping[str, Mapping[str, int]] = {
    "quantile_map": {"quantiles": 2},
    "polarity": {"picture": 1, "correlation": 1, "turned": 1, "quantiles": 2},
    "quantile_spectrum": {"quantiles": 2, "surface": 2, "amplitude": 2, "filtered": 2},
    "match_case": {"quantiles": 2},
    "nyul": {"quantiles": 2},
    "fda": {"amplitude": 3},
    "mixstyle": {"mean": 1, "sd": 1},
    "macenko": {"vectors": 2, "amounts": 1},
    "reinhard": {"mean": 1, "sd": 1},
    "combat": {"patients": 1, "mean": 1, "squares": 1},
    "resample": {"spacing_mm": 1, "field_mm": 1},
}
"""Harmonizer -> its statistics -> how many axes each has. A harmonizer that is not here lets nothing out."""


def nothing(arrays: Arrays, where: str, _situation: Situation) -> dict[str, np.ndarray]:
    """No array at all."""
    for name in arrays:
        raise FieldRefused(UNKNOWN, f"{where}/{name}", "no array")
    return {}


def as_asked(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """The tensors of the question, each in its shape and kind of number, all finite: a model after a round."""
    expected = situation.asked.tensors
    for name, array in _plain(arrays, expected, where):
        if array.dtype != expected[name].dtype:
            raise FieldRefused("array_kind", f"{where}/{name}", f"numbers of kind {expected[name].dtype}")
        if array.shape != expected[name].shape:
            raise FieldRefused("array_shape", f"{where}/{name}", f"the shape {expected[name].shape} of the question")
        _require_finite(array, f"{where}/{name}")
    return dict(arrays)


def covariance(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """How differences of strategies vary over patients: (k, s, k, s) float64; what is undefined is not a number.

    k are the strategies that the facts beside it name, s the seeds of the question, in a rehearsal one.
    """
    strategies = len(situation.answer.facts.get("strategies", ())) if situation.answer is not None else 0
    seeds = len(situation.asked.facts.get("seeds", (0,)))
    for name, array in _plain(arrays, ("covariance",), where):
        if array.dtype != np.float64:
            raise FieldRefused("array_kind", f"{where}/{name}", "numbers of kind float64")
        if array.shape != (strategies, seeds, strategies, seeds):
            raise FieldRefused("array_shape", f"{where}/{name}", "strategies and seeds, twice")
        if np.isinf(array).any():
            raise FieldRefused("finite", f"{where}/{name}", "numbers that are not infinite")
    return _of_deciding(arrays, where, situation)


def own_weights(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """For each table of the question (folds, 2): mean and variance of a weight, not a number where too few tell."""
    folds = situation.plan.folds
    for name, array in _plain(arrays, situation.asked.tensors, where):
        if array.dtype != np.float64:
            raise FieldRefused("array_kind", f"{where}/{name}", "numbers of kind float64")
        if array.ndim != 2 or array.shape[0] > folds or array.shape[1] != 2:
            raise FieldRefused("array_shape", f"{where}/{name}", f"at most {folds} rows of two numbers")
        known = array[~np.isnan(array)]
        if ((known < 0) | (known > 1)).any():
            raise FieldRefused("range", f"{where}/{name}", "numbers from 0 to 1")
    return _of_deciding(arrays, where, situation)


def shared_statistics(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """What the harmonizer of the question shares."""
    return _of_harmonizer(str(situation.asked.facts.get("harmonizer")), arrays, where, situation)


def shared_by_all(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """What several harmonizers share in several folds: "harmonizer/fold/name"."""
    asked = {f"{name}/{fold}": name for name, fold in situation.asked.facts.get("asked", ())}
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        group, _, name = str(key).rpartition("/")
        if group not in asked:
            raise FieldRefused(UNKNOWN, f"{where}/{key}", "statistics of a harmonizer and fold of the question")
        groups.setdefault(group, {})[name] = array
    leave = {
        f"{group}/{name}"
        for group, found in groups.items()
        for name in _of_harmonizer(asked[group], found, f"{where}/{group}", situation)
    }
    return {key: array for key, array in arrays.items() if key in leave}


def _of_harmonizer(harmonizer: str, arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    axes = SHARED.get(harmonizer, {}) if harmonizer in HARMONIZERS else {}
    for name, array in _plain(arrays, axes, where):
        if array.dtype != np.float64:
            raise FieldRefused("array_kind", f"{where}/{name}", "numbers of kind float64")
        if array.ndim != axes[name]:
            raise FieldRefused("array_shape", f"{where}/{name}", f"an array of {axes[name]} axes")
        if prod(array.shape) > MOST_NUMBERS:
            raise FieldRefused("size", f"{where}/{name}", f"{MOST_NUMBERS} numbers at the most")
        _require_finite(array, f"{where}/{name}")
    if (key := _kept_by(harmonizer, arrays, situation)) is not None:
        situation.suppressed.update({f"{where}/{name}": key for name in arrays})
        return {}
    return dict(arrays)


def _kept_by(harmonizer: str, arrays: Arrays, situation: Situation) -> str | None:
    """The key of the policy that keeps a harmonizer's share at the site, whole: a part of it would be of no use."""
    policy = situation.policy
    if not allows(policy.harmonizers, harmonizer) and fingerprint_of(situation.plan) not in policy.plans:
        return "harmonizers"
    return "counts" if "patients" in arrays and not allows(policy.counts, "patients") else None


def _of_deciding(arrays: Arrays, where: str, situation: Situation) -> dict[str, np.ndarray]:
    """What scores in the metric that decides come to: where the policy allows that, those that rest on as many patients
    as it asks for; each of the others is noted."""
    if not allows(situation.policy.metrics, DECIDING[situation.plan.task]):
        situation.suppressed.update({f"{where}/{name}": "metrics" for name in arrays})
        return {}
    few = [name for name in arrays if situation.rests_on_few(f"{where}/{name}")]
    situation.suppressed.update({f"{where}/{name}": FEW for name in few})
    return {name: array for name, array in arrays.items() if name not in few}


def _plain(arrays: Arrays, known: Iterable[str], where: str) -> Iterable[tuple[str, np.ndarray]]:
    """Arrays of numbers under known names."""
    names = {*known}
    for name, array in arrays.items():
        if type(name) is not str or name not in names:
            raise FieldRefused(UNKNOWN, f"{where}/{name}", f"one of {len(names)} known arrays")
        if type(array) is not np.ndarray or array.dtype.kind not in "fiub" or array.dtype.names is not None:
            raise FieldRefused("array_kind", f"{where}/{name}", "an array of plain numbers")
        yield name, array


def _require_finite(array: np.ndarray, where: str) -> None:
    if not np.isfinite(array).all():
        raise FieldRefused("finite", where, "numbers that are finite")
