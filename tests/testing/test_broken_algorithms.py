"""Every contract of an algorithm can fail, and says what is wrong."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from shiftscope.testing import Reduction, check_algorithm, check_reduction
from shiftscope.testing.algorithm_checks import ALGORITHM_CONTRACTS
from shiftscope.training.algorithms.aggregation import Tensors, Update, weighted_mean
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.algorithms.local_rounds import Round, plain_round, run_steps
from shiftscope.training.algorithms.methods.heads import only
from shiftscope.training.algorithms.methods.twins import tensors_of

SAYS = "a sentence that is long enough"
BIAS = "1.3.bias"


def spy(model: nn.Module, round_: Round) -> float:
    round_.extra["patients"] = np.array(len(round_.samples))
    return plain_round(model, round_)


def double(_shared: Tensors, updates: Sequence[Update], _server: Server) -> Tensors:
    return {name: np.asarray(tensor, np.float64) for name, tensor in weighted_mean(updates).items()}


def bias_at_home(_model: nn.Module) -> frozenset[str]:
    return frozenset({BIAS})


def shared_after_all(shared: Tensors, _server: Server) -> Tensors:
    return shared | {BIAS: np.zeros(2, np.float32)}


def all_but_the_bias(model: nn.Module, round_: Round) -> float:
    with only(model, frozenset(dict(model.named_parameters())) - {BIAS}) as parameters:
        return run_steps(model, round_, parameters=parameters)


def without_the_head(shared: Tensors, _server: Server, _site: str) -> Tensors:
    return {name: tensor for name, tensor in shared.items() if not name.startswith("1.3")}


def a_copy_at_home(model: nn.Module, round_: Round) -> float:
    loss = plain_round(model, round_)
    round_.memory |= {f"copy/{name}": tensor for name, tensor in tensors_of(model).items()}
    return loss


def room_for_a_picture(shared: Tensors, _server: Server) -> Tensors:
    return shared | {"picture": np.zeros((6, 6), np.float32)}


def with_a_picture(model: nn.Module, round_: Round) -> float:
    round_.extra["picture"] = round_.samples[0].pixels[0, 0, ::4, ::4].astype(np.float32)
    return plain_round(model, round_)


def in_place(shared: Tensors, updates: Sequence[Update], _server: Server) -> Tensors:
    for name, tensor in weighted_mean(updates).items():
        shared[name] = tensor
    return shared


def in_an_update(_shared: Tensors, updates: Sequence[Update], _server: Server) -> Tensors:
    mean = weighted_mean(updates)
    updates[0].tensors.update(mean)
    return mean


def emptied(shared: Tensors, _server: Server, _site: str) -> Tensors:
    given = dict(shared)
    shared.clear()
    shared.update({name: tensor + tensor.dtype.type(1) for name, tensor in given.items()})
    return given


def ahead(shared: Tensors, _server: Server) -> Tensors:
    return {name: tensor * tensor.dtype.type(2) for name, tensor in shared.items()}


def diverged(model: nn.Module, _round: Round) -> None:
    with torch.no_grad():
        next(model.parameters()).fill_(np.nan)


def no_loss(model: nn.Module, round_: Round) -> float:
    plain_round(model, round_)
    return float("nan")


def own_dice(model: nn.Module, round_: Round) -> float:
    loss = plain_round(model, round_)
    with torch.no_grad():
        next(model.parameters()).add_(float(np.random.default_rng().normal()))
    return loss


def unwritable(model: nn.Module, round_: Round) -> float:
    round_.memory["phase"] = np.array([1 + 2j])
    return plain_round(model, round_)


def momentum_in_a_closure() -> Algorithm:
    """The server's memory of each run is kept beside `server.memory`, where no file will hold it."""
    kept: list[tuple[Server, Tensors]] = []

    def aggregate(shared: Tensors, updates: Sequence[Update], server: Server) -> Tensors:
        mean = weighted_mean(updates)
        before = next((tensors for known, tensors in kept if known is server), shared)
        kept.append((server, dict(mean)))
        return {name: (mean[name] + (mean[name] - before[name]) / 2).astype(shared[name].dtype) for name in mean}

    return Algorithm(SAYS, aggregate=aggregate)


def first_come(_shared: Tensors, updates: Sequence[Update], _server: Server) -> Tensors:
    return dict(updates[0].tensors)


def one_step_more(model: nn.Module, round_: Round) -> float:
    return run_steps(model, round_, window=range(round_.plan.local_steps + 1))


def one_pass_more(model: nn.Module, round_: Round) -> float:
    loss = plain_round(model, round_)
    round_.gradients += 1
    return loss


def plain_again(model: nn.Module, round_: Round) -> float:
    return run_steps(model, round_)


BROKEN: list[tuple[str, str, Algorithm, dict[str, Any]]] = [
    ("answers with the tensors that it received", "got patients on one", Algorithm(SAYS, local_round=spy), {}),
    ("answers with the tensors that it received", "as float64 of shape", Algorithm(SAYS, aggregate=double), {}),
    (
        "keeps at home what stays home",
        f"got {BIAS} in a message",
        Algorithm(SAYS, bias_at_home, begin=shared_after_all),
        {},
    ),
    (
        "keeps at home what stays home",
        "the same values at both sites",
        Algorithm(SAYS, bias_at_home, all_but_the_bias),
        {},
    ),
    ("keeps at home what stays home", "no value for ['1.3.bias'", Algorithm(SAYS, model_for_site=without_the_head), {}),
    (
        "sends no value that a site keeps for itself",
        "got the value of copy/",
        Algorithm(SAYS, local_round=a_copy_at_home),
        {},
    ),
    (
        "sends no value that a site keeps for itself",
        "only exceptions that are needed",
        PERSONALIZERS["ditto"],
        {"personal": True, "also_sent": ("personal/",)},
    ),
    (
        "sends no case",
        "pixels of a single case in picture, sent by site a in round 1",
        Algorithm(SAYS, local_round=with_a_picture, begin=room_for_a_picture),
        {},
    ),
    ("writes to nothing that the coordinator holds", "after `aggregate`", Algorithm(SAYS, aggregate=in_place), {}),
    ("writes to nothing that the coordinator holds", "after `aggregate`", Algorithm(SAYS, aggregate=in_an_update), {}),
    (
        "writes to nothing that the coordinator holds",
        "after `model_for_site`",
        Algorithm(SAYS, model_for_site=emptied),
        {},
    ),
    ("says in a sentence what it does", "got 'FedX.'", Algorithm("FedX."), {}),
    ("starts from the model that all start from", "got another 0.0.0.weight", Algorithm(SAYS, begin=ahead), {}),
    ("stays finite", "values that are not finite", Algorithm(SAYS, finish=diverged), {}),
    ("stays finite", "got the loss nan", Algorithm(SAYS, local_round=no_loss), {}),
    ("gives the same model for the same seed", "got another", Algorithm(SAYS, local_round=own_dice), {}),
    ("goes on from what was kept between rounds", "got", Algorithm(SAYS, local_round=unwritable), {}),
    ("goes on from what was kept between rounds", "got another", momentum_in_a_closure(), {}),
    ("does not depend on who replies first", "come in another order", Algorithm(SAYS, aggregate=first_come), {}),
    (
        "takes the steps and passes that it predicts",
        "got 5 optimizer steps",
        Algorithm(SAYS, local_round=one_step_more),
        {},
    ),
    ("takes the steps and passes that it predicts", "and 5 passes", Algorithm(SAYS, local_round=one_pass_more), {}),
    (
        "takes the steps and passes that it predicts",
        "got 4 optimizer steps and 4 passes at site a in round 1, expected 8 and 4",
        Algorithm(SAYS, extra_compute=lambda *_: (4, 0)),
        {},
    ),
    ("is personal where that is claimed", "say personal=True", PERSONALIZERS["fedbn"], {}),
    ("is personal where that is claimed", "say personal=False", CONTROLS["fedprox"], {"personal": True}),
    ("is no other name for FedAvg", "got the model of FedAvg", Algorithm(SAYS, local_round=plain_again), {}),
]


@pytest.mark.parametrize(("contract", "said", "algorithm", "claims"), BROKEN)
def test_a_broken_algorithm_is_reported(contract: str, said: str, algorithm: Algorithm, claims: dict[str, Any]) -> None:
    with pytest.raises(AssertionError) as broken:
        check_algorithm(algorithm, name="mine", **claims)
    message = str(broken.value)
    assert message.startswith(f"mine breaks the contract '{contract}': got ")
    assert said in message


def test_every_contract_is_broken_by_somebody() -> None:
    assert {contract for contract, *_ in BROKEN} == ALGORITHM_CONTRACTS.keys()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Reduction(CONTROLS["fedprox"], CONTROLS["fedavg"]), "another .* in what is shared"),
        (Reduction(PERSONALIZERS["fedbn"], CONTROLS["fedavg"], "model"), "in the model of site a"),
        (Reduction(CONTROLS["fedprox"], CONTROLS["fedavg"], "parameters"), "in the model of site a"),
        (Reduction(CONTROLS["fedprox"], CONTROLS["local"], "shared", alone=True), "in what is shared"),
        (Reduction(CONTROLS["local"], CONTROLS["local"], "shared"), "another nothing at all"),
    ],
)
def test_a_reduction_that_is_none_is_reported(wrong: Reduction, said: str) -> None:
    with pytest.raises(AssertionError, match=f"^mine breaks the contract 'reduces to what is declared': got .*{said}"):
        check_reduction(wrong, "mine")
    with pytest.raises(AssertionError, match=f"^fedprox breaks the contract .*{said}"):
        check_algorithm(CONTROLS["fedprox"], name="fedprox", reductions=[wrong])


def test_a_part_switched_off_is_a_claim_like_others() -> None:
    weaker = replace(CONTROLS["fedprox"], local_round=plain_round)
    check_algorithm(CONTROLS["fedprox"], reductions=[Reduction(weaker, CONTROLS["fedavg"])])
