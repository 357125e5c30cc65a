"""The first rung of a trial, where it is asked for: all strategies on features of the frozen encoder."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftscope.plans import RehearsalResult, RehearsedFate, name_of_strategy
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, STANDS_FOR
from shiftscope.training.trials.strategies import Strategy

__all__ = ["RehearsedCut", "cut_rehearsed"]


@dataclass(frozen=True, slots=True)
class RehearsedCut:
    """What the rehearsal decides.

    Attributes:
        left: strategies that go on, in the order in which they were given.
        fates: of all of them, by name.
    """

    left: tuple[Strategy, ...]
    fates: Mapping[str, RehearsedFate]


def cut_rehearsed(result: RehearsalResult, strategies: tuple[Strategy, ...], keep: float) -> RehearsedCut:
    """Who goes on, by validation patients alone: at least the share `keep` of the strategies that were rehearsed.

    So does who lies less than one standard error below the last of them: of the paired difference over sites. A
    strategy that stands for nothing of the rehearsal goes on unseen; two whose heads are the same stay or go together.
    """
    names = {item.name: _rehearsed_as(item, result) for item in strategies}
    scores = {name: _validation(result, rehearsed) for name, rehearsed in names.items() if rehearsed}
    scores = {name: values for name, values in scores.items() if np.isfinite(values).all() and len(values)}
    order = sorted(scores, key=lambda name: -float(scores[name].mean()))
    fates: dict[str, RehearsedFate] = {item.name: "not rehearsed" for item in strategies}
    kept = order[: max(1, int(np.ceil(keep * len(order))))]
    for name in order:
        fates[name] = "kept" if name in kept else "tied" if _ties(scores[name], scores[kept[-1]]) else "dropped"
    left = tuple(item for item in strategies if fates[item.name] != "dropped")
    return RehearsedCut(left, fates)


def _ties(lower: np.ndarray, last: np.ndarray) -> bool:
    """Whether scores of sites are less than a standard error below others."""
    difference = last - lower
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else 0.0
    return bool(difference.mean() <= error)


def _rehearsed_as(strategy: Strategy, result: RehearsalResult) -> str | None:
    """The rehearsed strategy whose heads this one has; None where there is none."""
    known = [each.name for each in result.strategies]
    methods = {name: method for method, names in STANDS_FOR.items() for name in (method, *names)}
    method = methods.get(strategy.algorithm, strategy.algorithm)
    name = name_of_strategy(strategy.harmonizer, None if strategy.harmonizer and method == REFERENCE else method)
    if name in known:
        return name
    return next((each.name for each in result.strategies if name in each.stands_for), None)


def _validation(result: RehearsalResult, name: str) -> np.ndarray:
    """(sites,) of those that say it of FedAvg."""
    sites = [site for site, found in result.strategies[0].sites.items() if found.validation is not None]
    found = [result.strategy(name).sites[site].validation for site in sites]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)
