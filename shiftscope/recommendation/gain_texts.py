"""Gains and actions as they stand in sentences."""

from shiftscope.recommendation.prediction.advice_policy import GainModel, Network
from shiftscope.recommendation.prediction.candidates import Candidate

__all__ = ["NETWORKS", "action_text", "chance_text", "gain_text"]

NETWORKS: dict[Network, str] = {
    "frozen": "a linear head on a frozen encoder",
    "pretrained": "a network that starts from trained weights",
    "random": "a network that starts from random weights",
}

_LEAST_CHANCE = 0.01

_WITHOUT_METHODS = {"pool": "plain FedAvg", "own_model": "each site alone"}


def gain_text(gain: GainModel) -> str:
    """The expected gain, and the interval in which a run would measure it: "+0.021, 80 % [-0.004, +0.046]"."""
    return f"{gain.mean:+.3f}, 80 % [{gain.mean - gain.half:+.3f}, {gain.mean + gain.half:+.3f}]"


def chance_text(chance: float) -> str:
    """A chance, none said to be nearer to 0 or 1 than `_LEAST_CHANCE`: "0.72"."""
    return f"{min(max(chance, _LEAST_CHANCE), 1 - _LEAST_CHANCE):.2g}"


def action_text(candidate: Candidate) -> str:
    """The action with its methods: "both (zscore, lp_ft)"."""
    if candidate.action in _WITHOUT_METHODS:
        return _WITHOUT_METHODS[candidate.action]
    names = ", ".join(filter(None, (candidate.harmonizer, candidate.personalizer)))
    return candidate.action + (f" ({names})" if names else "")
