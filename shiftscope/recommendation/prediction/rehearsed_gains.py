"""Predicted gains made surer by a rehearsal: one posterior from what was expected and what was measured.

Of a strategy the prior is normal, as the policy expects its action on this network, with what this harmonizer removes;
the likelihood is normal too, with the rehearsal's own error and, beside it, how far training went from rehearsals in
the benchmark (scale and variance).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from shiftscope.recommendation.prediction.advice_policy import (
    AdvicePolicy,
    GainModel,
    ModelledAction,
    Network,
    PredictedAction,
    Transfer,
)
from shiftscope.recommendation.prediction.candidates import Candidate, joined

__all__ = ["MeasuredGain", "sharpened"]

_Z_90 = float(special.ndtri(0.9))

_LEAST_ERROR = 0.001
"""No gain is known better: scores have three digits."""

_METHODS: dict[str, tuple[PredictedAction, str | None]] = {
    "lp_ft": ("personalize", "lp_ft"),
    "shrinkage": ("personalize", "ditto"),
    "local": ("own_model", None),
}
"""How heads were made -> which action that is, and by which method a whole network does it."""


@dataclass(frozen=True, slots=True)
class MeasuredGain:
    """What a rehearsal says of one strategy.

    Attributes:
        harmonizer: before the encoder; None for none.
        method: how heads were made.
        mean: gain over FedAvg.
        error: its standard error.
    """

    harmonizer: str | None
    method: Literal["fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage"]
    mean: float
    error: float


def sharpened(
    candidates: Sequence[Candidate],
    priors: Mapping[str, Sequence[Candidate]],
    measured: Sequence[MeasuredGain],
    policy: AdvicePolicy,
    network: Network,
) -> tuple[Candidate, ...]:
    """The candidates after a rehearsal: of each action the strategy that is expected to gain most, the cheapest first.

    What was not rehearsed stays as it was predicted, and both at once are what their parts are.

    Args:
        candidates: as they are predicted.
        priors: harmonizer -> the candidates if it were the advised one, for every harmonizer that was rehearsed.
        measured: by the rehearsal.
        policy: what predicts.
        network: what is to be trained.
    """
    prior = {each.action: each for each in candidates}
    by_harmonizer = {name: {each.action: each for each in given} for name, given in priors.items()}
    found: dict[PredictedAction, Candidate] = {}
    for action, item, personalizer in _counted(measured):
        before = (prior if item.harmonizer is None else by_harmonizer[item.harmonizer])[action]
        gain = _posterior(before.gain, item, _transfers(policy, network, action))
        compute = policy.compute.get(personalizer or "", 1.0)
        one = Candidate(action, item.harmonizer, personalizer, gain, compute, measured=True)
        if action not in found or one.gain.mean > found[action].gain.mean:
            found[action] = one
    if "both" not in found and found.keys() & {"harmonize", "personalize"}:
        one, two = (found.get(part, prior[part]) for part in ("harmonize", "personalize"))
        gain = joined(one.gain, two.gain)
        found["both"] = Candidate("both", one.harmonizer, two.personalizer, gain, two.compute, measured=True)
    return tuple(found.get(each.action, each) for each in candidates)


def _counted(measured: Sequence[MeasuredGain]) -> Iterator[tuple[PredictedAction, MeasuredGain, str | None]]:
    """Each that is one of the actions, and with which personalizer."""
    for item in measured:
        action, personalizer = _METHODS.get(item.method, ("pool", None))
        if item.harmonizer is not None:
            if item.method == "fedavg":
                action = "harmonize"
            elif personalizer:
                action = "both"
            else:  # no one action of these: a federation for the harmonizer alone, or another way to one shared head
                continue
        elif action == "pool":  # FedAvg, or what hardly differs from it
            continue
        if np.isfinite(item.error):
            yield action, item, personalizer


def _transfers(policy: AdvicePolicy, network: Network, action: PredictedAction) -> list[Transfer]:
    """From a rehearsal to training; of both, those of its parts."""
    parts: tuple[ModelledAction, ...] = (
        ("harmonize", "personalize") if action == "both" else (action,)  # type: ignore[assignment]
    )
    return [policy.transfer(network, part) for part in parts]


def _posterior(prior: GainModel, item: MeasuredGain, transfers: Sequence[Transfer]) -> GainModel:
    """Normal prior, normal likelihood. A run as large as the rehearsal would measure the gain with its error."""
    scale = float(np.mean([each.scale for each in transfers]))
    if not scale:  # a rehearsal says nothing of training
        return prior
    error = max(item.error, _LEAST_ERROR)
    before = prior.spread**2
    evidence = (scale * error) ** 2 + sum(each.spread**2 for each in transfers)
    weight = before / (before + evidence) if before else 0.0
    mean = float(np.clip(prior.mean + weight * (scale * item.mean - prior.mean), -1, 1))
    left = weight * evidence
    half = _Z_90 * float(np.sqrt(left + error**2))
    return GainModel(mean, half, float(np.sqrt(left)), prior.site_spread)
