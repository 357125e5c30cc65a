"""A policy whose numbers were made up, so that tests know what it must say."""

from shiftscope.recommendation import AdvicePolicy
from shiftscope.recommendation.prediction.advice_policy import ActionModel, Network, Transfer

__all__ = ["policy"]

NETWORKS: tuple[Network, ...] = ("frozen", "pretrained", "random")


def policy(spread: float = 0.005, size: float = 0.04, conflict: float = 0.1) -> AdvicePolicy:
    """From random weights .1 a unit of what is removed, `conflict` one of conflict, `size` a doubling of the smallest
    site; from trained ones nothing; an own model costs .05."""
    found = []
    for network in NETWORKS:
        scale = 1.0 if network == "random" else 0.0
        wide = {"half": 0.02, "spread": spread, "site_spread": 0.03, "network": network, "federations": 9}
        found += [
            ActionModel(action="harmonize", constant=0.0, weights={"removed": 0.1 * scale}, **wide),
            ActionModel(
                action="personalize",
                constant=-0.04 * scale,
                weights={"conflict": conflict * scale, "smallest": size * scale},
                **wide,
            ),
            ActionModel(action="own_model", constant=-0.05, weights={}, **wide),
        ]
    transfers = [
        Transfer(network=network, action=action, scale=1.0, spread=0.0)
        for network in NETWORKS
        for action in ("harmonize", "personalize", "own_model")
    ]
    return AdvicePolicy(
        actions=tuple(found),
        transfers=tuple(transfers),
        personalizers=dict.fromkeys(NETWORKS, "ditto"),
        compute={"ditto": 2.0},
        certain=0.7,
        provenance={"made": "up"},
    )
