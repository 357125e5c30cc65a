"""A federation of two small hospitals in memory, and an algorithm's whole run on it, without Flower and without files.

Rounds are those of a job: `training.federation` has the same steps around messages, folders and failures.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from shiftscope.phantoms import Hospital, draw_hospital
from shiftscope.plans import Plan, PlannedSite
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.local_rounds import Round
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.randomness import seeded, single_threaded
from shiftscope.training.runs.states import (
    Checkpoint,
    PersonalState,
    load_checkpoint,
    load_personal,
    save_checkpoint,
    save_personal,
)

__all__ = ["ROUNDS", "SITES", "MemoryRun", "Work", "initial_model", "run_in_memory", "training_cases"]

SITES = ("a", "b")
ROUNDS = 3
_SIZE = 24
_PATIENTS = {"a": 9, "b": 6}
_PLANTS = {"a": (), "b": (("gamma", -0.7),)}
_SEED = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What one site did in one round; the round after the last federated one stands for `finish`.

    Attributes:
        received, sent: between the coordinator and the site; nothing after the last round.
        home, memory: what the site keeps for itself afterwards.
        loss: mean training loss.
        step_count, pass_count: optimizer steps, and forward-and-backward passes of a batch.
        batches: how many make one pass over the cases.
    """

    received: Tensors
    sent: Tensors
    home: Tensors
    memory: Tensors
    loss: float
    step_count: int
    pass_count: int
    batches: int


@dataclass(slots=True)
class MemoryRun:
    """A run of one algorithm.

    Attributes:
        plan: what it ran.
        shared: what is shared, at first and after each round.
        work: (site, round) -> what the site did.
        finals: site -> the model it ends with.
        server: what the coordinator knows in the end.
    """

    plan: Plan
    shared: list[Tensors]
    server: Server
    work: dict[tuple[str, int], Work] = field(default_factory=dict)
    finals: dict[str, Tensors] = field(default_factory=dict)

    @property
    def parties(self) -> list[str]:
        """Sites that train: one where all cases are pooled."""
        return sorted({site for site, number in self.work if number == 1})


def run_in_memory(
    algorithm: Algorithm,
    *,
    sites: Sequence[str] = SITES,
    through_files: bool = False,
    backwards: bool = False,
) -> MemoryRun:
    """Train on planted sites for three rounds of four steps.

    Args:
        sites: which of them take part.
        through_files: whether everything that is kept between rounds is written and read again each time.
        backwards: whether the coordinator receives the sites' updates in the opposite order.
    """
    plan, model = _plan(sites), initial_model()
    home = algorithm.stays_home(model)
    server = Server(plan, frozenset(dict(model.named_parameters())) - home)
    first = {name: tensor for name, tensor in tensors_of(model).items() if name not in home}
    run = MemoryRun(plan, [algorithm.begin(first, server)], server)
    kept = dict.fromkeys(sites, PersonalState())
    for number in range(1, algorithm.federated(ROUNDS) + 1):
        updates = []
        for site in sites[:1] if algorithm.pools else sites:
            received = _delivered(algorithm.model_for_site(run.shared[-1], server, site))
            work, update = _train(algorithm, run, site, number, received, kept[site])
            kept[site] = PersonalState(work.home, work.memory)
            run.work[site, number] = work
            updates.append(update)
        shared = _delivered(algorithm.aggregate(run.shared[-1], updates[::-1] if backwards else updates, server))
        if through_files:
            kept, shared, memory = _through_files(number, kept, shared, server.memory)
            server = run.server = Server(plan, server.learnable, memory)
        run.shared.append(shared)
    for site in sites:
        received = _delivered(algorithm.model_for_site(run.shared[-1], server, site))
        _finish(algorithm, run, site, received, kept[site])
    return run


def initial_model() -> nn.Module:
    """Two convolutions and a head, BatchNorm in each, the same each time, as all strategies of a seed start.

    Like the larger networks it has early layers, a body and a head, found by what they are.
    """
    with seeded(_SEED):
        early = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        late = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(8), nn.Linear(8, 2))
        return nn.Sequential(nn.Sequential(early, late), head)


def _train(
    algorithm: Algorithm, run: MemoryRun, site: str, number: int, received: Tensors, kept: PersonalState
) -> tuple[Work, Update]:
    model, round_ = _ready(algorithm, run.plan, site, number, received, kept)
    with single_threaded(), seeded(*round_.origin, number):
        loss = algorithm.local_round(model, round_)
    everything, home = tensors_of(model), algorithm.stays_home(model)
    sent = {name: tensor for name, tensor in everything.items() if name not in home} | round_.extra
    mine = {name: everything[name] for name in sorted(home)}
    work = Work(received, sent, mine, round_.memory, loss, round_.steps, round_.gradients, _batches(round_))
    return work, Update(site, sent, len(round_.samples), loss)


def _finish(algorithm: Algorithm, run: MemoryRun, site: str, received: Tensors, kept: PersonalState) -> None:
    number = algorithm.federated(ROUNDS) + 1
    model, round_ = _ready(algorithm, run.plan, site, number, received, kept)
    with single_threaded(), seeded(*round_.origin, "finish"):
        algorithm.finish(model, round_)
    run.work[site, number] = Work(
        received, {}, kept.home, round_.memory, 0.0, round_.steps, round_.gradients, _batches(round_)
    )
    run.finals[site] = tensors_of(model)


def _ready(
    algorithm: Algorithm, plan: Plan, site: str, number: int, received: Tensors, kept: PersonalState
) -> tuple[nn.Module, Round]:
    """The model as the site has it before the round, and what its steps need."""
    model, together = initial_model(), algorithm.federated(ROUNDS)
    tensors = {**model.state_dict(), **{name: torch.from_numpy(a.copy()) for name, a in (received | kept.home).items()}}
    model.load_state_dict({name: tensors[name] for name in model.state_dict()})
    model.to(memory_format=torch.channels_last)
    everyone = list(plan.sites)
    if algorithm.pools:
        plan = plan.model_copy(update={"batch_size": plan.batch_size * len(everyone)})
    learns_from = ([] if number > together else everyone) if algorithm.pools else [site]
    round_ = Round(
        plan=plan,
        number=number,
        rounds=ROUNDS,
        federated=together,
        loss=nn.CrossEntropyLoss(),
        received=received,
        memory=dict(kept.memory),
        samples=[sample for name in learns_from for sample in training_cases(name)],
        origin=(_SEED, site),
    )
    return model, round_


def _delivered(tensors: Tensors) -> Tensors:
    """Arrays of their own, as a message brings them."""
    return {name: np.array(tensor) for name, tensor in tensors.items()}


def _batches(round_: Round) -> int:
    return -(-len(round_.samples) // round_.plan.batch_size)


def _through_files(
    number: int, kept: dict[str, PersonalState], shared: Tensors, memory: Tensors
) -> tuple[dict[str, PersonalState], Tensors, Tensors]:
    """What a run reads after it was broken off."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for site, personal in kept.items():
            save_personal(root / site, number, personal, 0)
        save_checkpoint(root / "checkpoint.safetensors", Checkpoint(number, shared, memory))
        state = load_checkpoint(root / "checkpoint.safetensors")
        assert state is not None  # it was written a line above
        return {site: load_personal(root / site, number) for site in kept}, state.shared, state.memory


@cache
def training_cases(site: str) -> tuple[Sample, ...]:
    """The site's training cases, which nobody can write to."""
    hospital = Hospital(_PATIENTS[site], plants=_PLANTS[site], labels={"benign": 0.5, "malignant": 0.5})
    drawn = draw_hospital("ultrasound", hospital, np.random.default_rng([_SEED, *site.encode()]), size=_SIZE)
    samples = []
    for phantom in drawn:
        pixels = phantom.pixels[None, None].astype(np.float16)
        pixels.flags.writeable = False
        samples.append(Sample(phantom.patient, pixels, int(phantom.label == "malignant")))
    return tuple(samples)


def _plan(sites: Sequence[str]) -> Plan:
    """Every site is a cluster of its own."""
    planned = {
        site: PlannedSite(fingerprint="", patients=_PATIENTS[site], cases=_PATIENTS[site], cluster=number)
        for number, site in enumerate(sites)
    }
    return Plan(
        name="rehearsal",
        task="classification",
        classes=("benign", "malignant"),
        model="small",
        colour=False,
        image_size=_SIZE,
        rounds=ROUNDS,
        local_steps=4,
        batch_size=4,
        learning_rate=0.01,
        seeds=(_SEED,),
        harmonizer=None,
        personalizer=None,
        sites=planned,
    )
