"""What could be advised, what each is expected to gain, and which is chosen, with how much certainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from shiftscope.recommendation.prediction.advice_policy import (
    AdvicePolicy,
    GainModel,
    ModelledAction,
    PolicyInputs,
    PredictedAction,
)

__all__ = ["Candidate", "Decision", "candidates_of", "decide", "joined"]

SURE = 0.8
"""The chance with which an action has to gain to be advised; intervals hold as often."""

_PARTS: dict[PredictedAction, frozenset[PredictedAction]] = {"both": frozenset({"harmonize", "personalize"})}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One action that could be advised, and what is expected of it.

    Attributes:
        harmonizer, personalizer: with what; None for nothing.
        gain: over FedAvg.
        compute: factor on the optimizer steps of FedAvg.
        measured: whether a rehearsal is part of the gain.
    """

    action: PredictedAction
    harmonizer: str | None
    personalizer: str | None
    gain: GainModel
    compute: float = 1.0
    measured: bool = False

    def harm(self, margin: float) -> float:
        """The chance that a site loses more than the margin."""
        if not self.gain.site_spread:
            return 0.0
        return float(special.ndtr((-margin - self.gain.mean) / self.gain.site_spread))

    @property
    def surely_gains(self) -> bool:
        """Whether the true gain is above 0 with a chance of `SURE`."""
        found = self.gain
        return found.mean > 0 and float(special.ndtr(found.mean / found.spread) if found.spread else 1.0) >= SURE


@dataclass(frozen=True, slots=True)
class Decision:
    """What is chosen, before it is asked whether that is sure enough.

    Attributes:
        chosen: the cheapest within the margin of the best, of those that surely gain.
        rival: the other that most likely gains more than the margin over it.
        certainty: the chance that this one does not.
    """

    chosen: Candidate
    rival: Candidate
    certainty: float

    def calls_for_rehearsal(self, certain: float) -> bool:
        """Whether nothing is told from FedAvg, and yet something may well gain. What surely gains is worth doing at
        once, whatever may gain beside it."""
        return self.chosen.action == "pool" and self.certainty < certain


def candidates_of(policy: AdvicePolicy, inputs: PolicyInputs, harmonizer: str) -> tuple[Candidate, ...]:
    """All actions, the cheapest first.

    Args:
        policy: what predicts.
        inputs: of the federation.
        harmonizer: the one that would be used.
    """

    def gain(action: ModelledAction) -> GainModel:
        return policy.model(inputs.network, action).expected(inputs)

    personalizer = policy.personalizers[inputs.network]
    compute = policy.compute.get(personalizer, 1.0)
    both = joined(gain("harmonize"), gain("personalize"))
    return (
        Candidate("pool", None, None, GainModel(0.0, 0.0, 0.0, 0.0)),
        Candidate("harmonize", harmonizer, None, gain("harmonize")),
        Candidate("personalize", None, personalizer, gain("personalize"), compute),
        Candidate("both", harmonizer, personalizer, both, compute),
        Candidate("own_model", None, None, gain("own_model")),
    )


def joined(one: GainModel, two: GainModel) -> GainModel:
    """Of two actions at once: gains add up, and so do the squares of what is not known of them."""
    unsure = (float(np.hypot(a, b)) for a, b in zip(one.unsure, two.unsure, strict=True))
    return GainModel(float(np.clip(one.mean + two.mean, -1, 1)), *unsure)


def decide(candidates: Sequence[Candidate], margin: float) -> Decision:
    """The cheapest action within the margin of the best by expectation, of those that surely gain; the first, `pool`,
    where none does.

    What each site does alone is no advice for all of them: it is a rival, and a rehearsal says whose.
    """
    open_to = [
        each for each in candidates if each is candidates[0] or (each.surely_gains and each.action != "own_model")
    ]
    most = max(each.gain.mean for each in open_to)
    chosen = next(each for each in open_to if each.gain.mean >= most - margin)
    rivals = [each for each in candidates if each is not chosen]
    chances = [_not_better(each, chosen, margin) for each in rivals]
    nearest = int(np.argmin(chances))
    return Decision(chosen, rivals[nearest], chances[nearest])


def _not_better(rival: Candidate, chosen: Candidate, margin: float) -> float:
    """The chance that the rival gains no more than the margin over the chosen one.

    Where one is a part of the other, and both are predicted from profiles, what they have in common is as uncertain for
    both and drops out. What was rehearsed counts as independent.
    """
    squares = rival.gain.spread**2 + chosen.gain.spread**2
    if not (rival.measured or chosen.measured):
        if chosen.action in _PARTS.get(rival.action, ()):
            squares = rival.gain.spread**2 - chosen.gain.spread**2
        elif rival.action in _PARTS.get(chosen.action, ()):
            squares = chosen.gain.spread**2 - rival.gain.spread**2
    room = margin - (rival.gain.mean - chosen.gain.mean)
    spread = float(np.sqrt(max(squares, 0.0)))
    return float(special.ndtr(room / spread)) if spread else float(room >= 0)
