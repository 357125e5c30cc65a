"""Whole runs in this process, of a U-Net of two levels, with every message kept."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from small_hospitals import plan_for

from shiftscope.plans import Plan, RunResult
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.arms import arm_of
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.federation.flower.client import participant
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.federation.flower.messages import unpack
from shiftscope.training.federation.flower.server import coordinate
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.models import networks
from shiftscope.training.runs.array_files import load_arrays
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.states import Checkpoint, PersonalState, load_checkpoint, load_personal

__all__ = ["SEED", "Recorded", "apart", "arms_for", "go_on", "job_for", "record"]

SEED = 0
CHANNELS = (4, 8)


@dataclass(frozen=True)
class Recorded:
    """A finished run and what passed between the parties.

    Attributes:
        log: (site, kind, question, answer), where there was an answer.
        spreads: site -> how its differences vary with patients, for those who ask the sites again.
    """

    job: Job
    result: RunResult
    log: list[tuple[str, str, Payload, Payload]]
    spreads: dict[str, PatientSpread] = field(default_factory=dict)

    def messages(self, arm: str, kind: str) -> list[tuple[str, Payload, Payload]]:
        """(site, question, answer) of one strategy, in the order in which they passed; kind "train" or "evaluate"."""
        return [
            (site, question, answer)
            for site, of, question, answer in self.log
            if of == kind and question.facts.get("arm") == arm
        ]

    def checkpoint(self, arm: str) -> Checkpoint:
        """What the coordinator has after the last round."""
        state = load_checkpoint(self.job.checkpoint(arm, SEED))
        assert state is not None
        return state

    def personal(self, arm: str, site: str, after: int) -> PersonalState:
        """What the site has after round `after`."""
        return load_personal(self.job.home(site) / f"{arm}-seed{SEED}", after)

    def final(self, arm: str, site: str) -> Tensors:
        """The model the site ends with."""
        return load_arrays(self.job.home(site) / f"{arm}-seed{SEED}" / "model.safetensors")

    def cases(self, arm: str, site: str) -> Tensors:
        """Its scores on the site's test cases."""
        return load_arrays(self.job.home(site) / f"{arm}-seed{SEED}.test.safetensors")


def apart(data: dict[str, Path], **changes: object) -> Plan:
    """A plan of 16 px in which every site is a cluster of its own."""
    plan = plan_for(data, **{"image_size": 16, "rounds": 3, **changes})
    sites = {name: site.model_copy(update={"cluster": n}) for n, (name, site) in enumerate(plan.sites.items())}
    return plan.model_copy(update={"sites": sites})


def arms_for(plan: Plan, names: Sequence[str], *, gated: bool = False) -> list[Arm]:
    """One strategy per algorithm, called like it; every site uses its model unless `gated`."""
    arms = [arm_of(plan, name, name, None) for name in names]
    return arms if gated else [arm.model_copy(update={"gated": False}) for arm in arms]


def job_for(plan: Plan, data: dict[str, Path], out: Path, arms: Sequence[Arm], device: str = "cpu") -> Job:
    """On its way to `out`, with every final model kept."""
    job = Job(
        plan=plan,
        arms=tuple(arms),
        data={site: str(path) for site, path in data.items()},
        patient_regex=None,
        out=out,
        timeout_s=60,
        device=device,
        keep_models=True,
    )
    job.write(job.path)
    return job


def go_on(job: Job, network: Callable[..., InlineGrid] = InlineGrid) -> Recorded:
    """From where its checkpoints stand to the end, by processes that remember nothing."""
    grid = network(job, log=[])
    with pytest.MonkeyPatch.context() as patch, task_identity():
        patch.setattr(networks, "CHANNELS", CHANNELS)
        patch.setattr(logging.getLogger("flwr"), "level", logging.ERROR)
        try:
            result = coordinate(grid, job, "inline")
        finally:
            participant.cache_clear()
    sites = {node: job.sites[int(context.node_config["partition-id"])] for node, context in grid.contexts.items()}
    assert grid.log is not None
    log = [
        (sites[sent.metadata.dst_node_id], sent.metadata.message_type, unpack(sent.content), unpack(reply.content))
        for sent, reply in grid.log
        if reply.has_content()
    ]
    return Recorded(job, result, log)


def record(plan: Plan, data: dict[str, Path], out: Path, names: Sequence[str]) -> Recorded:
    """Train these algorithms, the first of them the one the others are compared with."""
    return go_on(job_for(plan, data, out, arms_for(plan, names)))
