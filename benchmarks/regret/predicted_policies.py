"""The advice of today as policies of the benchmark: from profiles alone, and with a rehearsal. Nothing is printed.

Each federation is advised by a policy that never saw its family.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gain_rows import rehearsed_as
from outcomes import REFERENCE, Outcome
from policies import MARGIN, Policy, common_places, only
from profile_inputs import InputsRow

from shiftscope.plans import name_of_strategy
from shiftscope.recommendation import AdvicePolicy, MeasuredGain
from shiftscope.recommendation.prediction.advice_policy import Network, PolicyInputs
from shiftscope.recommendation.prediction.candidates import Candidate, candidates_of, decide
from shiftscope.recommendation.prediction.policy_inputs import inputs_by_harmonizer
from shiftscope.recommendation.prediction.rehearsed_gains import sharpened

__all__ = [
    "PREDICTED",
    "REHEARSED_METHODS",
    "WITH_REHEARSAL",
    "Learned",
    "measured_by",
    "sharpened_for",
    "strategy_of",
]

PREDICTED, WITH_REHEARSAL = "prediction", "prediction and rehearsal"

REHEARSED_METHODS = {"ditto": "shrinkage"}
"""What is rehearsed for a personalizer that is called otherwise."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned without each family.

    Attributes:
        fits: family -> the policy that never saw it.
        inputs: federation -> what profiles say.
    """

    fits: Mapping[str, AdvicePolicy]
    inputs: Mapping[str, InputsRow]

    def from_profiles(self) -> dict[str, Policy]:
        """Policies that see no scores."""
        return {PREDICTED: self._predicted}

    def from_scores(self) -> dict[str, Policy]:
        """Policies that see scores too."""
        return {WITH_REHEARSAL: self._rehearsed}

    def _candidates(self, outcome: Outcome) -> tuple[Candidate, ...]:
        said = self.inputs[outcome.name]
        return candidates_of(self.fits[outcome.family], said.inputs, self._harmonizer(outcome))

    def _harmonizer(self, outcome: Outcome) -> str:
        return rehearsed_as(self.inputs[outcome.name].harmonizer, dict.fromkeys(outcome.strategies))

    def _predicted(self, outcome: Outcome, _folds: Sequence[int]) -> np.ndarray:
        """A rehearsal that is advised counts as FedAvg, which trains until it is made."""
        certain = self.fits[outcome.family].certain
        found = decide(self._candidates(outcome), MARGIN)
        unsure = found.calls_for_rehearsal(certain)
        return only(outcome, REFERENCE if unsure else strategy_of(found.chosen))

    def _rehearsed(self, outcome: Outcome, folds: Sequence[int]) -> np.ndarray:
        said, policy = self.inputs[outcome.name], self.fits[outcome.family]
        measured = measured_by(outcome, folds, [outcome.strategies[place] for place in common_places(outcome)])
        candidates = sharpened_for(policy, said.inputs, self._harmonizer(outcome), measured, "frozen")
        return only(outcome, strategy_of(decide(candidates, MARGIN).chosen))


def measured_by(outcome: Outcome, folds: Sequence[int], strategies: Collection[str]) -> tuple[MeasuredGain, ...]:
    """The gains that a rehearsal of these folds and strategies would report."""
    on_folds, about = outcome.on_folds(folds), outcome.about["strategies"]
    return tuple(
        MeasuredGain(
            about[place]["harmonizer"],
            about[place]["method"],
            float(on_folds.gains[place]),
            float(on_folds.errors[place]),
        )
        for place, name in enumerate(outcome.strategies)
        if name in strategies and name != REFERENCE and np.isfinite(on_folds.errors[place])
    )


def sharpened_for(
    policy: AdvicePolicy, inputs: PolicyInputs, harmonizer: str, measured: Sequence[MeasuredGain], network: Network
) -> tuple[Candidate, ...]:
    """The candidates after a rehearsal. The tables know what the advised harmonizer removes, and nothing of the others:
    of them nothing is counted as removed."""
    given = replace(inputs, network=network)
    candidates = candidates_of(policy, given, harmonizer)
    others = inputs_by_harmonizer(given, [], 2)
    priors = {name: candidates_of(policy, given if name == harmonizer else others[name], name) for name in others}
    return sharpened(candidates, priors, measured, policy, network)


def strategy_of(chosen: Candidate) -> str:
    """As cells call it."""
    method = None if chosen.personalizer is None else REHEARSED_METHODS.get(chosen.personalizer, chosen.personalizer)
    return name_of_strategy(chosen.harmonizer, method) or REFERENCE
