"""The families of algorithms: what is personal, and what it is compared with.

A member is a line below, and a function where it does something of its own. Nothing here knows the engine; nothing
that stays at home ever enters a message.
"""

from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.methods.ala import mix_in, mixed_start_round, mixing_compute
from shiftscope.training.algorithms.methods.apfl import mixed_round, take_mixture
from shiftscope.training.algorithms.methods.clustered import average_clusters, model_of_cluster, one_model_each
from shiftscope.training.algorithms.methods.ditto import ditto_round, take_personal
from shiftscope.training.algorithms.methods.heads import (
    body_round,
    head_then_body_round,
    probe_then_tune,
    tune_all,
    tune_head,
)
from shiftscope.training.algorithms.methods.meta import adapt, meta_round, one_step_later
from shiftscope.training.algorithms.methods.norms import estimate_statistics
from shiftscope.training.algorithms.methods.prox import prox_round
from shiftscope.training.algorithms.methods.scaffold import PREFIX, add_controls, average_with_controls, corrected_round
from shiftscope.training.algorithms.methods.server_adam import adam_average
from shiftscope.training.models.layers import all_of_it, head, normalization, statistics, stem

__all__ = ["CONTROLS", "PERSONALIZERS", "find_algorithm"]

TUNING = 0.2
"""Share of the rounds that tuning at the end takes from training together: its steps are part of the one budget."""

PERSONALIZERS: dict[str, Algorithm] = {
    "fedbn": Algorithm("BatchNorm stays at the site", normalization),
    "silobn": Algorithm(
        "BatchNorm's running statistics stay at the site, its weights are shared",
        statistics,
        finish=estimate_statistics,
    ),
    "fedper": Algorithm("the head of the model stays at the site", head),
    "fedrep": Algorithm(
        "the head stays at the site; it is trained first, then the body", head, head_then_body_round, least_steps=2
    ),
    "fedbabu": Algorithm(
        "the body is trained together under a fixed head; the whole model is tuned at the site in the end",
        head,
        body_round,
        finish=tune_all,
        tuning=TUNING,
    ),
    "fedbabu_head": Algorithm(
        "FedBABU, and only the head is tuned at the site in the end",
        head,
        body_round,
        finish=tune_head,
        tuning=TUNING,
    ),
    "lg_fedavg": Algorithm("the early layers stay at the site", stem),
    "ditto": Algorithm(
        "a personal model beside the global one, held near it",
        local_round=ditto_round,
        finish=take_personal,
        gradients_per_step=2.0,
        models=2,
    ),
    "apfl": Algorithm(
        "a personal model, mixed with the global one by a learned weight",
        local_round=mixed_round,
        finish=take_mixture,
        gradients_per_step=2.0,
        models=2,
    ),
    "perfedavg": Algorithm(
        "a model that is good after one step at the site (meta-learning)",
        local_round=meta_round,
        finish=adapt,
        gradients_per_step=2.0,
        extra_compute=one_step_later,
        least_steps=2,
    ),
    "fedala": Algorithm(
        "the top layers start each round between the site's and all sites', weight by weight",
        local_round=mixed_start_round,
        finish=mix_in,
        jumps=True,
        extra_compute=mixing_compute,
    ),
    "lp_ft": Algorithm(
        "FedAvg, then the head and in the end the whole model are tuned at the site",
        finish=probe_then_tune,
        tuning=TUNING,
    ),
    "clustered": Algorithm(
        "one model for each group of sites whose profiles are alike",
        begin=one_model_each,
        model_for_site=model_of_cluster,
        aggregate=average_clusters,
    ),
}

CONTROLS: dict[str, Algorithm] = {
    "fedavg": Algorithm("one model for all, weighted by training cases"),
    "fedprox": Algorithm("FedAvg with steps held near the global model", local_round=prox_round),
    "scaffold": Algorithm(
        "FedAvg with gradients corrected for how sites differ; twice the bytes",
        local_round=corrected_round,
        sends_changes=PREFIX,
        begin=add_controls,
        aggregate=average_with_controls,
    ),
    "fedadam": Algorithm("FedAvg with Adam at the server", aggregate=adam_average),
    "local": Algorithm("every site trains alone", all_of_it),
    "pooled": Algorithm("all cases in one place: a bound, only where one machine holds them all", pools=True),
}


def find_algorithm(name: str) -> Algorithm:
    """The algorithm of that name, personal or not."""
    return {**CONTROLS, **PERSONALIZERS}[name]
