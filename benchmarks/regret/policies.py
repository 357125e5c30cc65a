"""Ways to choose a strategy for a federation: fixed ones, by the kind of shift, by advice, by rehearsal.

Each is `policy(outcome, folds) -> (strategies,) weights`, which add up to 1. What it may look at: the scores of the
given folds (`Outcome.on_folds`, and `Outcome.early` after fewer rounds), and what is known before any training
(`Outcome.about`).
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import numpy as np
from early_rounds import FIRST_LOOK, HALVING
from outcomes import REFERENCE, FoldScores, Outcome
from scipy.stats import t

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import name_of_strategy
from shiftscope.training.evaluation.estimates import Estimate
from shiftscope.training.rehearsals.rehearsal_summaries import expected_gains
from shiftscope.training.rehearsals.rehearsed_strategies import STANDS_FOR
from shiftscope.training.trials.prepared_trials import KEEP

__all__ = [
    "BEST",
    "MARGIN",
    "Policy",
    "always",
    "by_advice",
    "by_study",
    "chosen_by_scores",
    "common_places",
    "only",
    "policies",
]

Policy = Callable[[Outcome, Sequence[int]], np.ndarray]

MARGIN = 0.01
"""A smaller gain counts for nothing, as in plans."""

HARMONIZER, PERSONALIZER = "quantile_map", "local"
"""What the study's rule stands for where it names a family of methods and no member: the map of `recommend` that is
fitted on all sites, and an own head (`fedper`, where the encoder is frozen)."""


def only(outcome: Outcome, strategy: str) -> np.ndarray:
    weights = np.zeros(len(outcome.strategies))
    weights[outcome.place(strategy)] = 1
    return weights


def always(strategy: str) -> Policy:
    """One strategy, whatever the federation."""
    return lambda outcome, _folds: only(outcome, strategy)


def by_study(harmonizer: str = HARMONIZER, personalizer: str = PERSONALIZER) -> Policy:
    """The study's rule (arXiv:2605.00892), given the true kind.

    Appearance: harmonize; structure: personalize; both (it says that neither dominates): both at once; neither: FedAvg.
    Of class ratios, of concepts and of annotation it says nothing, so they add nothing. Natural groups have the kind
    that the study gives them by hand.
    """

    def choose(outcome: Outcome, _folds: Sequence[int]) -> np.ndarray:
        kinds = str(outcome.about["study"] or outcome.about["kind"]).split("+")
        before = harmonizer if "appearance" in kinds else None
        method = personalizer if "structure" in kinds else None
        return only(outcome, name_of_strategy(before, method) or REFERENCE)

    return choose


def by_advice(outcome: Outcome, _folds: Sequence[int]) -> np.ndarray:
    """What `recommend` said of the profiles by the rule it had before it predicted; its personalizer as what it comes
    to behind a frozen encoder."""
    advice = outcome.about["advice"]
    own = advice["personalizer"]
    method = None if own is None else next((name for name, same in STANDS_FOR.items() if own in same), own)
    return only(outcome, name_of_strategy(advice["harmonizer"], method) or REFERENCE)


def common_places(outcome: Outcome) -> list[int]:
    """Places of the strategies that every federation has: what is tried for the advice alone nobody else may choose."""
    first = {name: name.partition("+")[0] for name in outcome.strategies}
    swept = [name for name, part in first.items() if part not in HARMONIZERS or part in outcome.about["swept"]]
    return [outcome.place(name) for name in swept]


def at_random(outcome: Outcome, _folds: Sequence[int]) -> np.ndarray:
    """Any strategy, all alike likely."""
    weights = np.zeros(len(outcome.strategies))
    weights[common_places(outcome)] = 1 / len(common_places(outcome))
    return weights


def _by_scores(choose: Callable[[FoldScores, list[int]], int]) -> Policy:
    def policy(outcome: Outcome, folds: Sequence[int]) -> np.ndarray:
        weights = np.zeros(len(outcome.strategies))
        weights[choose(outcome.on_folds(folds), common_places(outcome))] = 1
        return weights

    return policy


def _best(found: FoldScores, places: list[int]) -> int:
    """The highest mean; FedAvg comes first where two are equal."""
    return max(places, key=lambda place: float(found.means[place]))


def _sure(found: FoldScores, places: list[int]) -> int:
    """The highest mean, where the 95 % interval of its gain over FedAvg leaves 0; else FedAvg."""
    best = _best(found, places)
    low = found.gains[best] - t.ppf(0.975, found.freedom) * found.errors[best]
    return best if low > 0 else found.strategies.index(REFERENCE)


def _shrunken(found: FoldScores, places: list[int]) -> int:
    """The largest expected gain (shrunken as `rehearse` shrinks it), where it exceeds the margin; else FedAvg."""
    base = found.strategies.index(REFERENCE)
    gains = {
        str(place): Estimate(float(found.gains[place]), patients_se=float(found.errors[place]))
        for place in places
        if place != base and np.isfinite(found.errors[place])
    }
    expected = expected_gains(gains)
    best = max(expected, key=lambda name: expected[name], default=str(base))
    return int(best) if expected.get(best, 0.0) > MARGIN else base


def by_early_best(rounds: int) -> Policy:
    """The highest mean of runs of so few rounds; FedAvg comes first where two are equal."""

    def policy(outcome: Outcome, folds: Sequence[int]) -> np.ndarray:
        means = _early(outcome, rounds, folds)
        return only(outcome, outcome.strategies[max(common_places(outcome), key=lambda place: float(means[place]))])

    return policy


def by_halving(outcome: Outcome, folds: Sequence[int]) -> np.ndarray:
    """As `trial` does it: the better half of a rung goes on to the next, and the best of the last one is taken, or
    FedAvg, which runs in all of them.

    Its grace for ties is left out: it costs time, and never drops the best.
    """
    base = outcome.place(REFERENCE)
    left = [place for place in common_places(outcome) if place != base]
    *rungs, last = HALVING
    for rounds in rungs:
        means = _early(outcome, rounds, folds)
        left = sorted(left, key=lambda place: -float(means[place]))[: ceil(len(left) * KEEP)]
    means = _early(outcome, last, folds)
    return only(outcome, outcome.strategies[max([base, *left], key=lambda place: float(means[place]))])


def _early(outcome: Outcome, rounds: int, folds: Sequence[int]) -> np.ndarray:
    """(strategies,) mean over sites and these folds."""
    return np.asarray(np.nanmean(outcome.early[rounds][:, :, list(folds)], axis=(0, 2)))


BEST = _by_scores(_best)

_ON_ALL_ROUNDS: Mapping[str, Policy] = {
    "rehearsal: best": BEST,
    "rehearsal: best beyond its interval": _by_scores(_sure),
    "rehearsal: shrunken": _by_scores(_shrunken),
}
_ON_FEWER_ROUNDS: Mapping[str, Policy] = {
    "trial of two rounds": by_early_best(FIRST_LOOK),
    "successive halving": by_halving,
}


def chosen_by_scores(early: bool = True) -> dict[str, Policy]:
    """Those that see scores: a choice on some folds must not be judged on them.

    Args:
        early: whether every federation was also tried after fewer rounds, which some of them look at.
    """
    return {**_ON_ALL_ROUNDS, **(_ON_FEWER_ROUNDS if early else {})}


def policies(strategies: Sequence[str], early: bool = True) -> dict[str, Policy]:
    """All by name, single strategies first.

    Args:
        strategies: that every federation has.
        early: as `chosen_by_scores` has it.
    """
    return {
        **{name: always(name) for name in strategies},
        "study's rule": by_study(),
        "first rule": by_advice,
        **chosen_by_scores(early),
        "random": at_random,
    }
