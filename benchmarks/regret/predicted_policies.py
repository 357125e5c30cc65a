"""The advice of today as policies of the benchmark: from profiles alone, and with a rehearsal. Nothing is printed.

Each federation is advised by a policy that never saw its family.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gain_rows import rehearsed_as
from outcomes import REFERENCE, Outcome
from policies import MARGIN, Policy, common_places, only
from profile_inputs import InputsRow

from shiftscope.plans import name_of_strategy
from shiftscope.recommendation import AdvicePolicy, MeasuredGain
from shiftscope.recommendation.prediction.candidates import Candidate, candidates_of, decide
from shiftscope.recommendation.prediction.rehearsed_gains import sharpened

__all__ = ["PREDICTED", "WITH_REHEARSAL", "Learned"]

PREDICTED, WITH_REHEARSAL = "prediction", "prediction and rehearsal"

_METHODS = {"ditto": "shrinkage"}
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
        harmonizer = rehearsed_as(said.harmonizer, dict.fromkeys(outcome.strategies))
        return candidates_of(self.fits[outcome.family], said.inputs, harmonizer)

    def _predicted(self, outcome: Outcome, _folds: Sequence[int]) -> np.ndarray:
        """A rehearsal that is advised counts as FedAvg, which trains until it is made."""
        certain = self.fits[outcome.family].certain
        found = decide(self._candidates(outcome), MARGIN)
        unsure = found.calls_for_rehearsal(certain)
        return only(outcome, REFERENCE if unsure else _strategy(found.chosen))

    def _rehearsed(self, outcome: Outcome, folds: Sequence[int]) -> np.ndarray:
        on_folds, policy = outcome.on_folds(folds), self.fits[outcome.family]
        about = outcome.about["strategies"]
        measured = [
            MeasuredGain(
                about[place]["harmonizer"],
                about[place]["method"],
                float(on_folds.gains[place]),
                float(on_folds.errors[place]),
            )
            for place in common_places(outcome)
            if outcome.strategies[place] != REFERENCE and np.isfinite(on_folds.errors[place])
        ]
        return only(
            outcome,
            _strategy(decide(sharpened(self._candidates(outcome), measured, policy, "frozen"), MARGIN).chosen),
        )


def _strategy(chosen: Candidate) -> str:
    method = None if chosen.personalizer is None else _METHODS.get(chosen.personalizer, chosen.personalizer)
    return name_of_strategy(chosen.harmonizer, method) or REFERENCE
