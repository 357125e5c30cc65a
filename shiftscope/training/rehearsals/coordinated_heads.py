"""What the coordinator makes of the sites' heads: their average, round by round, and each site's mixing weight."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from shiftscope.training.rehearsals.head_tables import places_in
from shiftscope.training.rehearsals.linear_heads import blank_heads
from shiftscope.training.rehearsals.mixing_weights import OwnWeight, shrunken
from shiftscope.training.rehearsals.table_rehearsals import SharedHeads

__all__ = ["TableKey", "average_heads", "blank_shared", "site_weights"]

TableKey = tuple[str, str | None, tuple[int, ...]]
"""Name, harmonizer, folds of a table: the same at every site."""


def blank_shared(keys: Sequence[TableKey], features: int, outputs: int) -> dict[str, torch.Tensor]:
    """Before round 1."""
    return {name: blank_heads(len(places_in(harmonizer, folds)), features, outputs) for name, harmonizer, folds in keys}


def average_heads(
    keys: Sequence[TableKey], replies: Mapping[str, SharedHeads], cases: Mapping[str, Sequence[float]]
) -> dict[str, torch.Tensor]:
    """Each head's mean over sites, weighted by the fold's training cases (FedAvg, McMahan et al. 2017).

    Args:
        replies: site -> its heads after the round.
        cases: site -> training cases in each fold.
    """
    found = {}
    for name, harmonizer, folds in keys:
        places = places_in(harmonizer, folds)
        sums, weights = torch.zeros(()), torch.zeros(len(places), 1, 1)
        for site in sorted(replies):
            counts = torch.tensor([float(cases[site][place.fold]) for place in places]).reshape(-1, 1, 1)
            sums, weights = sums + counts * replies[site][name], weights + counts
        found[name] = sums / weights
    return found


def site_weights(
    keys: Sequence[TableKey], said: Mapping[str, Mapping[str, Sequence[OwnWeight | None]]]
) -> dict[str, dict[str, np.ndarray]]:
    """Site -> table -> (folds,) the weight of its own head.

    Args:
        said: site -> table -> what its validation patients say, fold by fold.
    """
    weights: dict[str, dict[str, np.ndarray]] = {site: {} for site in said}
    for name, _, folds in keys:
        by_fold = []
        for row in range(len(folds)):
            known = {site: each for site, tables in said.items() if (each := tables[name][row]) is not None}
            by_fold.append(shrunken(known, list(said)))
        for site in said:
            weights[site][name] = np.array([found[site] for found in by_fold])
    return weights
