"""Sites' weights into one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shiftscope.plans import Plan, SiteRound

__all__ = ["Tensors", "Update", "planned_cases", "weighted_mean"]

Tensors = dict[str, np.ndarray]
"""Named arrays as a state dict has them."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one site sends after a round.

    Attributes:
        site: its name.
        tensors: the shared part of its model, and nothing else.
        cases: training cases, the weight of its answer.
        loss: mean training loss over the round's steps; None where the site keeps it.
        spent: what it took.
    """

    site: str
    tensors: Tensors
    cases: int
    loss: float | None
    spent: SiteRound = field(default_factory=SiteRound)


def planned_cases(plan: Plan, site: str) -> float:
    """Training cases that the plan expects of a site: its weight for as long as, or where, the site does not say."""
    return plan.split.train * plan.sites[site].cases


def weighted_mean(updates: Sequence[Update]) -> Tensors:
    """FedAvg (McMahan 2017, arXiv:1602.05629): the mean of the updates, weighted by training cases.

    Summed in float64 in the order of the sites' names, so that the answer does not depend on who replied first.
    Integer tensors (BatchNorm counts its batches) are rounded to the nearest integer.
    """
    ordered = sorted(updates, key=lambda update: update.site)
    total = sum(update.cases for update in ordered)
    return {
        name: _mean([(update.tensors, update.cases / total) for update in ordered], name) for name in ordered[0].tensors
    }


def _mean(parts: Sequence[tuple[Mapping[str, np.ndarray], float]], name: str) -> np.ndarray:
    kind = parts[0][0][name].dtype
    mean = np.zeros(parts[0][0][name].shape, dtype=np.float64)
    for tensors, share in parts:
        mean += share * tensors[name].astype(np.float64)
    return (np.rint(mean) if np.issubdtype(kind, np.integer) else mean).astype(kind)
