"""Clustered federated learning (Sattler et al. 2020, arXiv:1910.01991): a model per group of like sites.

The groups come from the distances between the sites' profiles and stand in the plan; the paper finds them from the
sites' updates while training.
"""

from collections.abc import Sequence

from shiftscope.errors import PlanError
from shiftscope.training.algorithms.aggregation import Tensors, Update, weighted_mean
from shiftscope.training.algorithms.algorithm import Server

__all__ = ["average_clusters", "model_of_cluster", "one_model_each"]


def one_model_each(shared: Tensors, server: Server) -> Tensors:
    """Every cluster starts from the same model.

    Raises:
        PlanError: the plan has one cluster, so the method would be FedAvg under another name.
    """
    clusters = sorted({site.cluster for site in server.plan.sites.values()})
    if len(clusters) < 2:
        raise PlanError(
            "personalizer: clustered needs two clusters or more, and the plan puts all sites into one;"
            " give sites another `cluster`, or take fedavg"
        )
    return {f"{cluster}/{name}": tensor for cluster in clusters for name, tensor in shared.items()}


def model_of_cluster(shared: Tensors, server: Server, site: str) -> Tensors:
    """What the sites of one cluster share."""
    prefix = f"{server.plan.sites[site].cluster}/"
    return {name.removeprefix(prefix): tensor for name, tensor in shared.items() if name.startswith(prefix)}


def average_clusters(shared: Tensors, updates: Sequence[Update], server: Server) -> Tensors:
    """FedAvg's mean in every cluster that answered; the others stay as they were."""
    after = dict(shared)
    for cluster in sorted({server.plan.sites[update.site].cluster for update in updates}):
        members = [update for update in updates if server.plan.sites[update.site].cluster == cluster]
        after |= {f"{cluster}/{name}": tensor for name, tensor in weighted_mean(members).items()}
    return after
