"""Predicted gains made surer by a rehearsal: one posterior from what was expected and what was measured.

Of a strategy the prior is normal, as the policy expects its action on this network; the likelihood is normal too, with
the rehearsal's own error and, beside it, how far training went from rehearsals in the benchmark (scale and variance).
"""

from collections.abc import Iterator, Sequence
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
    candidates: Sequence[Candidate], measured: Sequence[MeasuredGain], policy: AdvicePolicy, network: Network
) -> tuple[Candidate, ...]:
    """The candidates after a rehearsal: of each action the strategy that is expected to gain most, the cheapest first.

    What was not rehearsed stays as it was predicted, and both at once are what their parts are.
    """
    prior = {each.action: each for each in candidates}
    found: dict[PredictedAction, Candidate] = {}
    for action, one in _posteriors(prior, measured, policy, network):
        if action not in found or one.gain.mean > found[action].gain.mean:
            found[action] = one
    if "both" not in found and found.keys() & {"harmonize", "personalize"}:
        one, two = (found.get(part, prior[part]) for part in ("harmonize", "personalize"))
        gain = joined(one.gain, two.gain)
        found["both"] = Candidate("both", one.harmonizer, two.personalizer, gain, two.compute, measured=True)
    return tuple(found.get(each.action, each) for each in candidates)


def _posteriors(
    prior: dict[PredictedAction, Candidate], measured: Sequence[MeasuredGain], policy: AdvicePolicy, network: Network
) -> Iterator[tuple[PredictedAction, Candidate]]:
    for item in measured:
        action, personalizer = _METHODS.get(item.method, ("pool", None))
        if item.harmonizer is not None:
            if action == "own_model":  # a federation for the harmonizer alone
                continue
            action = "both" if personalizer else "harmonize"
        elif action == "pool":  # FedAvg, or what hardly differs from it
            continue
        if not np.isfinite(item.error):
            continue
        gain = _posterior(prior[action].gain, item, _transfers(policy, network, action))
        compute = policy.compute.get(personalizer or "", 1.0)
        yield (
            action,
            Candidate(action, item.harmonizer, personalizer, gain, compute, measured=True),
        )


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
    weight = before / (before + evidence)
    mean = prior.mean + weight * (scale * item.mean - prior.mean)
    left = weight * evidence
    half = _Z_90 * float(np.sqrt(left + error**2))
    return GainModel(mean, half, float(np.sqrt(left)), prior.site_spread)
