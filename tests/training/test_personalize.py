"""What stays home stays home, survives, and is found by what it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_runs import SEED, Recorded, apart, arms_for, go_on, job_for
from safetensors.numpy import load_file
from small_hospitals import plan_for
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import SiteRound
from shiftscope.training.algorithms import families
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.algorithms.local_rounds import Round
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.evaluation.fairness import digest_of
from shiftscope.training.federation.participants import Participant
from shiftscope.training.models import layers
from shiftscope.training.models.model_parts import head_of
from shiftscope.training.models.networks import build
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.runs.states import Evaluation

EVERY = [*CONTROLS, *PERSONALIZERS]
KEEPING = [name for name in EVERY if find_algorithm(name).stays_home is not layers.nothing]

REMEMBERED = {
    "ditto": {"personal"},
    "apfl": {"personal", "alpha"},
    "scaffold": {"control"},
    "fedala": {"own", "weight"},
}
"""First parts of the names of what a method remembers at a site beside its model."""

SENT_ANYWAY = {"fedala": "own/"}
"""FedALA remembers the end of its own round, which it also sent as its update."""


States = dict[tuple[str, str, object], tuple[str, str]]
"""(algorithm, site, round or "finish") -> marks of what the site has of its own before and after."""


def trained(run: Recorded, name: str) -> set[str]:
    """Names of the tensors of the model a run trains."""
    return set(run.final(name, run.job.sites[0]))


@pytest.mark.parametrize("name", EVERY)
def test_messages_hold_the_shared_part_and_nothing_else(name: str, portfolio: Recorded) -> None:
    algorithm = find_algorithm(name)
    home = portfolio.personal(name, "a", after=algorithm.federated(portfolio.job.plan.rounds)).home.keys()
    shared = trained(portfolio, name) - home
    rounds = portfolio.messages(name, "train")
    parties = 1 if algorithm.pools else len(portfolio.job.sites)
    assert len(rounds) == parties * algorithm.federated(portfolio.job.plan.rounds)
    for _, question, answer in rounds:
        beside = {key for key in question.tensors if key.startswith("control/")}
        assert bool(beside) == (name == "scaffold")
        assert question.tensors.keys() - beside == shared
        assert answer.tensors.keys() == question.tensors.keys()
        assert answer.facts.keys() == {"cases", "loss", "spent"}
        assert answer.facts["spent"].keys() == SiteRound.model_fields.keys()
        assert not answer.statistics
    judged = portfolio.messages(name, "evaluate")
    assert len(judged) == len(portfolio.job.sites)
    for _, question, answer in judged:
        assert not home & question.tensors.keys()
        assert not answer.tensors
        assert not answer.statistics
        assert answer.facts.keys() == Evaluation.model_fields.keys()
    assert not home & portfolio.checkpoint(name).shared.keys()


@pytest.mark.parametrize("name", EVERY)
def test_no_message_carries_the_value_of_what_a_site_keeps(name: str, portfolio: Recorded) -> None:
    travelled = {
        tensor.tobytes()
        for kind in ("train", "evaluate")
        for _, *payloads in portfolio.messages(name, kind)
        for payload in payloads
        for tensor in payload.tensors.values()
    }
    for site in portfolio.job.sites[:1] if find_algorithm(name).pools else portfolio.job.sites:
        last = find_algorithm(name).federated(portfolio.job.plan.rounds)
        mine = portfolio.personal(name, site, after=last)
        assert {key.split("/")[0] for key in mine.memory} == REMEMBERED.get(name, set())
        kept = {**mine.home, **mine.memory}
        for key, tensor in kept.items():
            if np.unique(tensor).size > 3 and not key.startswith(SENT_ANYWAY.get(name, "nothing")):
                assert tensor.tobytes() not in travelled, key
    assert travelled or name == "local"


def test_a_leak_would_be_seen(portfolio: Recorded) -> None:
    answers = [answer for _, _, answer in portfolio.messages("fedala", "train")]
    travelled = {tensor.tobytes() for answer in answers for tensor in answer.tensors.values()}
    mine = portfolio.personal("fedala", "a", after=3).memory
    own = [tensor for key, tensor in mine.items() if key.startswith("own/")]
    assert own
    assert all(tensor.tobytes() in travelled for tensor in own)


def test_scaffold_sends_the_change_of_its_control_variate(portfolio: Recorded) -> None:
    sent = [answer.tensors for site, _, answer in portfolio.messages("scaffold", "train") if site == "a"]
    own = portfolio.personal("scaffold", "a", after=3).memory
    assert own
    for key, variate in own.items():
        total = np.sum([tensors[key].astype(np.float64) for tensors in sent], axis=0)
        np.testing.assert_allclose(variate, total, rtol=1e-4, atol=1e-7)
        assert np.any(variate)


def spied(name: str, states: States) -> Algorithm:
    """The algorithm, telling what a site has of its own as a round begins and as it ends."""
    algorithm = find_algorithm(name)

    def own(model: nn.Module, round_: Round) -> str:
        home = algorithm.stays_home(model)
        mine = {key: value for key, value in tensors_of(model).items() if key in home}
        return digest_of({**mine, **{f"memory/{key}": value for key, value in round_.memory.items()}})

    def local_round(model: nn.Module, round_: Round) -> float:
        before = own(model, round_)
        loss = algorithm.local_round(model, round_)
        states[name, str(round_.origin[1]), round_.number] = (before, own(model, round_))
        return loss

    def finish(model: nn.Module, round_: Round) -> None:
        states[name, str(round_.origin[1]), "finish"] = (own(model, round_), "")
        algorithm.finish(model, round_)

    return replace(algorithm, local_round=local_round, finish=finish)


@pytest.fixture(scope="module")
def interrupted(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Recorded, States]:
    """A run killed in the middle of every strategy's second round, and again and again taken up."""
    out, killed = tmp_path_factory.mktemp("interrupted"), set()
    states: States = {}
    train = Participant.train

    def dying(self: Participant, arm: str, seed: int, number: int, *rest: Tensors) -> Update:
        update = train(self, arm, seed, number, *rest)
        if number == 2 and arm not in killed:  # the first site has done its work, the coordinator never hears of it
            killed.add(arm)
            raise KeyboardInterrupt
        return update

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Participant, "train", dying)
        for name in EVERY:
            patch.setitem(CONTROLS if name in CONTROLS else PERSONALIZERS, name, spied(name, states))
        plan = apart(pair)
        job = job_for(plan, pair, out, arms_for(plan, EVERY))
        run = None
        while run is None:
            before = len(killed)
            try:
                run = go_on(job)
            except KeyboardInterrupt:
                assert len(killed) == before + 1
    assert killed == set(EVERY)
    return run, states


@pytest.mark.parametrize("name", EVERY)
def test_a_run_broken_off_and_taken_up_ends_where_it_would_have(
    name: str, portfolio: Recorded, interrupted: tuple[Recorded, States]
) -> None:
    again, _ = interrupted
    paths = [path.relative_to(portfolio.job.out) for path in portfolio.job.out.rglob("*.safetensors")]
    mine = [path for path in paths if f"{name}-seed{SEED}" in {part.split(".")[0] for part in path.parts}]
    assert len(mine) >= 1 + 2 * 3
    for path in mine:
        whole, resumed = load_file(portfolio.job.out / path), load_file(again.job.out / path)
        assert digest_of(whole) == digest_of(resumed), path
    assert again.result.arms[name] == portfolio.result.arms[name]


@pytest.mark.parametrize("name", EVERY)
def test_what_is_personal_goes_from_round_to_round(name: str, interrupted: tuple[Recorded, States]) -> None:
    run, states = interrupted
    rounds = find_algorithm(name).federated(run.job.plan.rounds)
    assert rounds >= 2
    for site in run.job.sites[:1] if find_algorithm(name).pools else run.job.sites:
        for number in range(2, rounds + 1):
            assert states[name, site, number][0] == states[name, site, number - 1][1]
        assert states[name, site, "finish"][0] == states[name, site, rounds][1]
        moved = states[name, site, rounds][0] != states[name, site, rounds][1]
        assert moved == (name in KEEPING or name in REMEMBERED)


class Odd(nn.Module):
    """Names that mislead."""

    def __init__(self) -> None:
        super().__init__()
        self.bn_like_name = nn.Conv2d(1, 2, 1)
        self.plain = nn.Sequential(nn.BatchNorm2d(2), nn.GroupNorm(1, 2))


def test_batchnorm_is_found_by_type_not_by_name(hospitals: dict[str, Path]) -> None:
    buffers = {f"plain.0.{n}" for n in ("running_mean", "running_var", "num_batches_tracked")}
    assert PERSONALIZERS["silobn"].stays_home(Odd()) == buffers
    assert PERSONALIZERS["fedbn"].stays_home(Odd()) == buffers | {"plain.0.weight", "plain.0.bias"}
    unet = build(plan_for(hospitals))
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in unet.modules())
    assert len(PERSONALIZERS["fedbn"].stays_home(unet)) == 5 * norms > 0
    assert len(PERSONALIZERS["silobn"].stays_home(unet)) == 3 * norms


def test_head_and_early_layers_of_a_unet(hospitals: dict[str, Path]) -> None:
    unet = build(plan_for(hospitals))
    names = PERSONALIZERS["fedper"].stays_home(unet)
    assert names == {name for name in unet.state_dict() if name.startswith("model.2.")}
    (block,) = head_of(unet)
    kinds = {type(module) for module in block.modules()}
    assert {nn.ConvTranspose2d, nn.Conv2d} <= kinds
    with torch.no_grad():
        assert block(torch.zeros(1, 32, 16, 16)).shape == (1, 2, 32, 32)
    early = PERSONALIZERS["lg_fedavg"].stays_home(unet)
    assert early == {name for name in unet.state_dict() if name.startswith("model.0.")}
    assert not early & names


@pytest.mark.parametrize("name", ["fedper", "fedrep", "fedbabu"])
def test_the_head_of_a_classifier_is_its_last_layer(name: str, clinics: dict[str, Path]) -> None:
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_resnet")
    assert PERSONALIZERS[name].stays_home(build(plan)) == {"fc.weight", "fc.bias"}


def test_both_heads_of_a_distilled_classifier() -> None:
    class Distilled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head, self.head_dist = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)

        def get_classifier(self) -> tuple[nn.Module, nn.Module]:
            return self.head, self.head_dist

    assert layers.head(Distilled()) == {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"}


def test_tied_tensors_stay_home_under_all_their_names() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].weight = model[1].weight
    assert layers.head(model) == {"0.weight", "1.weight", "1.bias"}


@pytest.mark.parametrize("name", ["fedbn", "silobn"])
def test_a_model_without_batchnorm_is_refused(name: str, clinics: dict[str, Path]) -> None:
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_vit", image_size=160)
    with pytest.raises(PlanError, match="BatchNorm.* at home, and the model VisionTransformer has none"):
        check_plan(plan, arms_for(plan, ["fedavg", name]))


@pytest.mark.parametrize("name", [name for name in KEEPING if name != "local"])
def test_a_model_without_the_layer_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match="at home, and the model Sequential has none; choose another model"):
        find_algorithm(name).stays_home(nn.Sequential(nn.ReLU(), nn.Flatten(), nn.ReLU()))


def test_clusters_are_refused_where_there_is_one(hospitals: dict[str, Path]) -> None:
    plan = plan_for(hospitals, personalizer="clustered")
    with pytest.raises(PlanError, match="two clusters or more, and the plan puts all sites into one"):
        check_plan(plan, arms_for(plan, ["fedavg", "clustered"]))


@pytest.mark.parametrize("name", [name for name in EVERY if find_algorithm(name).tuning])
def test_tuning_needs_a_round_of_its_own(name: str, hospitals: dict[str, Path]) -> None:
    plan = plan_for(hospitals, rounds=1)
    with pytest.raises(PlanError, match=f"rounds: 1, and {name} spends its last round on tuning"):
        check_plan(plan, arms_for(plan, ["fedavg", name]))


def test_a_new_member_is_a_function_and_a_line(pair: dict[str, Path], tmp_path: Path) -> None:
    def momentum(shared: Tensors, updates: list[Update], server: Server) -> Tensors:
        mean = families.CONTROLS["fedavg"].aggregate(shared, updates, server)
        for key, tensor in mean.items():
            server.memory[key] = 0.5 * server.memory.get(key, np.zeros_like(tensor)) + (tensor - shared[key])
        return {key: (shared[key] + server.memory[key]).astype(shared[key].dtype) for key in mean}

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONTROLS, "fedavgm", Algorithm("server momentum", aggregate=momentum))
        plan = apart(pair, rounds=2)
        run = go_on(job_for(plan, pair, tmp_path, arms_for(plan, ["fedavg", "fedavgm"])))
    state = run.checkpoint("fedavgm")
    assert state.memory.keys() == state.shared.keys()
    assert digest_of(state.shared) != digest_of(run.checkpoint("fedavg").shared)
