"""What is advised once a federation has rehearsed, for every network, by policies that never saw its family.

Nothing is printed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from gain_rows import GainRow, rehearsed_as
from outcomes import REFERENCE, Outcome
from predicted_policies import REHEARSED_METHODS, measured_by, sharpened_for, strategy_of
from trained_gains import MARGIN, PERSONALIZERS

from shiftscope.recommendation import AdvicePolicy
from shiftscope.recommendation.prediction.advice_policy import Network
from shiftscope.recommendation.prediction.candidates import Candidate, decide

__all__ = ["RehearsedAdvice", "after_nothing_planted", "after_training", "gained_elsewhere"]

_NOT_HARMONIZERS = {"local", *(name for names in PERSONALIZERS.values() for name in names)}


@dataclass(frozen=True, slots=True)
class RehearsedAdvice:
    """Of one federation on one network.

    Attributes:
        row: any of its rows, for what they have in common.
        chosen: what is advised after the rehearsal.
        gain: what training it gained over FedAvg, 0 for FedAvg itself; None where that was not trained.
        lost: share of sites that it cost more than the margin; likewise.
    """

    row: GainRow
    chosen: Candidate
    gain: float | None = None
    lost: float | None = None


def after_nothing_planted(
    rows: Sequence[GainRow], outcomes: Mapping[str, Outcome], fits: Mapping[str, AdvicePolicy], network: Network
) -> list[RehearsedAdvice]:
    """The advice for federations in which nothing was planted, from all that was rehearsed.

    Args:
        rows: of the tables.
        outcomes: federation -> what was rehearsed.
        fits: family -> the policy that never saw it.
        network: what is to be trained.
    """
    nulls = {row.federation: row for row in rows if row.kind == "none"}
    return [
        RehearsedAdvice(row, _chosen(row, outcomes[name], fits[row.family], network, range(outcomes[name].folds)))
        for name, row in nulls.items()
    ]


def gained_elsewhere(row: GainRow, outcome: Outcome, policy: AdvicePolicy) -> float:
    """What the advice for a frozen encoder gains on two folds after a rehearsal of the three others, mean over all ten
    ways to divide them."""
    gains = []
    for folds in combinations(range(outcome.folds), outcome.folds - 2):
        others = [fold for fold in range(outcome.folds) if fold not in folds]
        chosen = strategy_of(_chosen(row, outcome, policy, "frozen", folds))
        place, base = outcome.place(chosen), outcome.place(REFERENCE)
        gains.append(np.nanmean(outcome.scores[:, place][:, others] - outcome.scores[:, base][:, others]))
    return float(np.mean(gains))


def after_training(
    rows: Sequence[GainRow], outcomes: Mapping[str, Outcome], fits: Mapping[str, AdvicePolicy], network: Network
) -> list[RehearsedAdvice]:
    """The advice for federations on which a whole network was trained, from what was rehearsed of the strategies that
    were trained too, and what it gained."""
    trained: dict[str, dict[str, GainRow]] = {}
    for row in rows:
        if row.network == network:
            outcome = outcomes[row.federation]
            trained.setdefault(row.federation, {})[_rehearsed(row.strategy, outcome)] = row
    found = []
    for name, inside in trained.items():
        row = next(iter(inside.values()))
        outcome = outcomes[name]
        chosen = _chosen(row, outcome, fits[row.family], network, range(outcome.folds), inside)
        measured = inside.get(strategy_of(chosen))
        if chosen.action == "pool":
            found.append(RehearsedAdvice(row, chosen, 0.0, 0.0))
        elif measured is None:
            found.append(RehearsedAdvice(row, chosen))
        else:
            found.append(RehearsedAdvice(row, chosen, measured.gain, measured.lost))
    return found


def _rehearsed(strategy: str, outcome: Outcome) -> str:
    """What a trained strategy was rehearsed as."""
    if strategy in _NOT_HARMONIZERS:
        return REHEARSED_METHODS.get(strategy, strategy)
    return rehearsed_as(strategy, dict.fromkeys(outcome.strategies))


def _chosen(
    row: GainRow,
    outcome: Outcome,
    policy: AdvicePolicy,
    network: Network,
    folds: Sequence[int],
    strategies: Collection[str] | None = None,
) -> Candidate:
    """What is advised after a rehearsal of these folds and strategies; None for all of them."""
    measured = measured_by(outcome, folds, outcome.strategies if strategies is None else strategies)
    harmonizer = next((each.harmonizer for each in measured if each.harmonizer), "zscore")
    return decide(sharpened_for(policy, row.inputs, harmonizer, measured, network), MARGIN).chosen
