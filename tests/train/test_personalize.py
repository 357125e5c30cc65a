"""What stays home stays home, and a new algorithm is a function and a line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_hospitals import plan_for
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.train import personalize
from shiftscope.train.aggregate import Tensors, Update, weighted_mean
from shiftscope.train.flower.client import participant
from shiftscope.train.flower.inline import InlineGrid, task_identity
from shiftscope.train.flower.messages import unpack
from shiftscope.train.flower.server import coordinate
from shiftscope.train.jobs import Job
from shiftscope.train.local import Round, plain_step
from shiftscope.train.models import build, head_of
from shiftscope.train.personalize import CONTROLS, PERSONALIZERS, Algorithm
from shiftscope.train.states import load_checkpoint, load_personal

PERSONAL = sorted(PERSONALIZERS)


def run(plan: Plan, data: dict[str, Path], out: Path) -> InlineGrid:
    """The job through Flower's loop, with every message kept."""
    job = Job(
        plan=plan,
        data={site: str(path) for site, path in data.items()},
        patient_regex=None,
        out=out,
        timeout_s=60,
        device="cpu",
    )
    job.write(job.path)
    grid = InlineGrid(job)
    with task_identity():
        coordinate(grid, job, "inline")
    participant.cache_clear()
    return grid


def shared(out: Path, arm: str = "adapted", seed: int = 0) -> Tensors:
    state = load_checkpoint(out / "checkpoints" / f"{arm}-seed{seed}.safetensors")
    assert state is not None
    return state.shared


def same(a: Tensors, b: Tensors) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_fedbn_finds_batchnorm_by_type_not_by_name(hospitals: dict[str, Path]) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bn_like_name = nn.Conv2d(1, 2, 1)
            self.plain = nn.Sequential(nn.BatchNorm2d(2), nn.GroupNorm(1, 2))

    names = PERSONALIZERS["fedbn"].stays_home(Odd())
    assert names == {f"plain.0.{n}" for n in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")}
    unet = build(plan_for(hospitals))
    layers = sum(isinstance(module, nn.BatchNorm2d) for module in unet.modules())
    assert len(PERSONALIZERS["fedbn"].stays_home(unet)) == 5 * layers > 0


def test_fedper_keeps_final_convolution_and_last_up_block(hospitals: dict[str, Path], clinics: dict[str, Path]) -> None:
    unet = build(plan_for(hospitals))
    names = PERSONALIZERS["fedper"].stays_home(unet)
    assert names == {name for name in unet.state_dict() if name.startswith("model.2.")}
    kinds = {type(module) for module in head_of(unet).modules()}
    assert {nn.ConvTranspose2d, nn.Conv2d} <= kinds
    with torch.no_grad():
        assert head_of(unet)(torch.zeros(1, 32, 16, 16)).shape == (1, 2, 32, 32)
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_resnet")
    assert PERSONALIZERS["fedper"].stays_home(build(plan)) == {"fc.weight", "fc.bias"}


def test_fedbn_refuses_a_model_without_batchnorm(clinics: dict[str, Path]) -> None:
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_vit", image_size=160)
    with pytest.raises(PlanError, match="fedbn keeps BatchNorm at home, and the model VisionTransformer has none"):
        PERSONALIZERS["fedbn"].stays_home(build(plan))


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_tensors_never_leave(name: str, hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, personalizer=name)
    home = PERSONALIZERS[name].stays_home(build(plan))
    grid = run(plan, hospitals, tmp_path)
    everything = set(build(plan).state_dict())
    adapted = [
        (unpack(sent.content), unpack(reply.content), sent.metadata.message_type)
        for sent, reply in grid.log
        if unpack(sent.content).facts.get("arm") == "adapted"
    ]
    trained = [(sent, reply) for sent, reply, kind in adapted if kind == "train"]
    assert len(trained) == 3 * plan.rounds
    assert home
    for sent, reply in trained:
        assert sent.tensors.keys() == reply.tensors.keys() == everything - home
    assert all(not reply.tensors for _, reply, kind in adapted if kind == "evaluate")
    assert not home & shared(tmp_path).keys()


@pytest.mark.parametrize("name", PERSONAL)
def test_personal_state_survives_rounds_and_differs_between_sites(
    name: str, hospitals: dict[str, Path], tmp_path: Path
) -> None:
    plan = plan_for(hospitals, personalizer=name, rounds=3)
    home = PERSONALIZERS[name].stays_home(build(plan))
    run(plan, hospitals, tmp_path)
    kept = {
        (site, number): load_personal(tmp_path / "sites" / site / "adapted-seed0", before=number + 1)
        for site in hospitals
        for number in (2, 3)
    }
    for state in kept.values():
        assert state is not None
        assert state.home.keys() == home
    assert not same(kept["a", 3].home, kept["b", 3].home)
    counters = [n for n in home if n.endswith("num_batches_tracked")]
    assert counters
    for site in hospitals:
        assert {int(kept[site, 2].home[n]) for n in counters} == {2 * plan.local_steps}
        assert {int(kept[site, 3].home[n]) for n in counters} == {3 * plan.local_steps}


@pytest.mark.parametrize("name", PERSONAL)
def test_with_nothing_personal_it_is_fedavg_bit_for_bit(
    name: str, hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied = replace(PERSONALIZERS[name], stays_home=lambda _model: frozenset())
    monkeypatch.setitem(personalize.PERSONALIZERS, name, emptied)
    run(plan_for(hospitals, personalizer=name), hospitals, tmp_path)
    assert same(shared(tmp_path, "adapted"), shared(tmp_path, "baseline"))
    names = [f"sites/{site}/{{}}-seed0.cases.safetensors" for site in hospitals]
    assert all(
        (tmp_path / n.format("adapted")).read_bytes() == (tmp_path / n.format("baseline")).read_bytes() for n in names
    )


@pytest.mark.parametrize("name", [*PERSONAL, "fedavg"])
def test_one_site_is_local_training_bit_for_bit(name: str, hospitals: dict[str, Path], tmp_path: Path) -> None:
    alone = {"a": hospitals["a"]}
    plan = plan_for(alone, personalizer=None if name == "fedavg" else name)
    run(plan, alone, tmp_path / "federated")
    arm = "baseline" if name == "fedavg" else "adapted"
    state = load_personal(tmp_path / "federated" / "sites" / "a" / f"{arm}-seed0", before=plan.rounds + 1)
    assert state is not None
    together = {**shared(tmp_path / "federated", arm), **state.home}

    job = Job(
        plan=plan, data={"a": str(alone["a"])}, patient_regex=None, out=tmp_path / "local", timeout_s=1, device="cpu"
    )
    job.write(job.path)
    site = participant(job.path, 0)
    from shiftscope.train.participants import initial_tensors

    weights = initial_tensors(job, CONTROLS["fedavg"], 0)
    for number in range(1, plan.rounds + 1):
        weights = site.train("baseline", 0, number, weights, {}).tensors
    participant.cache_clear()
    assert same(together, weights)


def test_all_strategies_start_from_one_initialisation(hospitals: dict[str, Path], tmp_path: Path) -> None:
    grid = run(plan_for(hospitals, personalizer="fedbn"), hospitals, tmp_path)
    first = {
        parcel.facts["arm"]: parcel.tensors
        for parcel in (unpack(sent.content) for sent, _ in grid.log if sent.metadata.message_type == "train")
        if parcel.facts["round"] == 1
    }
    assert first["adapted"].keys() < first["baseline"].keys()
    assert all(np.array_equal(first["adapted"][name], first["baseline"][name]) for name in first["adapted"])


def test_equal_budget_across_strategies(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[tuple[object, ...]]] = {"fedavg": [], "fedbn": []}

    def counted(name: str) -> Algorithm:
        def step(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round) -> float:
            rate = round_.optimizer.param_groups[0]["lr"]
            seen[name].append((round_.number, rate, tuple(images.shape), float(images.sum()), int(targets.sum())))
            return plain_step(model, images, targets, round_)

        return replace(personalize.find_algorithm(name), local_step=step)

    monkeypatch.setitem(personalize.CONTROLS, "fedavg", counted("fedavg"))
    monkeypatch.setitem(personalize.PERSONALIZERS, "fedbn", counted("fedbn"))
    plan = plan_for(hospitals, personalizer="fedbn")
    run(plan, hospitals, tmp_path)
    assert seen["fedavg"] == seen["fedbn"]
    assert len(seen["fedavg"]) == len(hospitals) * plan.rounds * plan.local_steps


def proximal_step(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round, mu: float = 0.5
) -> float:
    """FedProx, as a later member would be written."""
    plain = round_.loss
    pull = sum(
        ((p - torch.from_numpy(round_.anchor[name])) ** 2).sum()
        for name, p in model.named_parameters()
        if name in round_.anchor
    )
    round_.loss = lambda outputs, wanted: plain(outputs, wanted) + mu / 2 * pull
    try:
        return plain_step(model, images, targets, round_)
    finally:
        round_.loss = plain


def momentum(sent: Tensors, updates: Sequence[Update], memory: Tensors) -> Tensors:
    """Server momentum, as a later member would be written: the mean step is remembered."""
    mean = weighted_mean(sent, updates, memory)
    for name, tensor in mean.items():
        memory[name] = 0.5 * memory.get(name, np.zeros_like(tensor)) + (tensor - sent[name])
    return {name: (sent[name] + memory[name]).astype(sent[name].dtype) for name in mean}


def remembering_step(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, round_: Round) -> float:
    """A site that counts its own steps between rounds."""
    round_.memory["steps"] = round_.memory.get("steps", np.zeros(())) + 1
    return plain_step(model, images, targets, round_)


def test_the_hooks_carry_methods_that_are_still_to_come(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(personalize.CONTROLS, "fedprox", Algorithm("", local_step=proximal_step))
    monkeypatch.setitem(personalize.CONTROLS, "fedavgm", Algorithm("", aggregate=momentum))
    monkeypatch.setitem(personalize.CONTROLS, "counting", Algorithm("", local_step=remembering_step))
    ended = {}
    for name in ("fedavg", "fedprox", "fedavgm", "counting"):
        run(plan_for(hospitals, baseline=name), hospitals, tmp_path / name)
        ended[name] = shared(tmp_path / name, "baseline")
    assert same(ended["counting"], ended["fedavg"])
    assert not same(ended["fedprox"], ended["fedavg"])
    assert not same(ended["fedavgm"], ended["fedavg"])
    kept = load_personal(tmp_path / "counting" / "sites" / "a" / "baseline-seed0", before=3)
    assert kept is not None
    assert kept.memory["steps"] == 4
    assert not kept.home
    server = load_checkpoint(tmp_path / "fedavgm" / "checkpoints" / "baseline-seed0.safetensors")
    assert server is not None
    assert server.memory.keys() == server.shared.keys()
