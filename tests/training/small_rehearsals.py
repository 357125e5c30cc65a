"""Rehearsals of seconds, on discs of two sizes and a random encoder, over a grid that keeps, loses, forges replies."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import timm
from flwr.app import Message, RecordDict
from PIL import Image
from safetensors.torch import save_file
from small_hospitals import plan_for

from shiftscope.errors import EngineError
from shiftscope.plans import Plan, RehearsalResult
from shiftscope.training.data.randomness import seeded
from shiftscope.training.data.splits import FOLDS
from shiftscope.training.federation import rehearsing_sites
from shiftscope.training.federation.flower import inline, rehearsal_questions
from shiftscope.training.federation.flower.inline import InlineGrid
from shiftscope.training.federation.flower.messages import pack, refuse, unpack
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.rehearsal_launch import rehearse
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job

__all__ = ["Clinic", "Grid", "Rehearsed", "clinics_of", "plan_of", "rehearsed_on", "weights_at"]

Forge = Callable[[Payload, Payload], Payload | RecordDict | None]
"""Question, honest answer -> what is sent instead; None for an answer that fails."""


@dataclass(frozen=True)
class Clinic:
    """How to draw a site.

    Attributes:
        large, small: patients with a disc of that size.
        gamma: of its grey levels.
        swapped: whether its labels mean the other finding.
        cases: of each patient.
        inverted: whether dark is bright.
        noise: of its pictures.
    """

    large: int = 14
    small: int = 14
    gamma: float = 1.0
    swapped: bool = False
    cases: int = 1
    inverted: bool = False
    noise: float = 0.25


def clinics_of(root: Path, clinics: Mapping[str, Clinic]) -> dict[str, Path]:
    """One folder per site, one in it for each class."""
    for number, (site, clinic) in enumerate(clinics.items()):
        rng = np.random.default_rng([5, number])
        for label, count in (("large", clinic.large), ("small", clinic.small)):
            named = {"large": "small", "small": "large"}[label] if clinic.swapped else label
            (root / site / named).mkdir(parents=True, exist_ok=True)
            for patient in range(count):
                for case in range(clinic.cases):
                    beside = f"_{case}" if clinic.cases > 1 else ""
                    _save(root / site / named / f"{label}{patient:02d}{beside}.png", _picture(rng, label, clinic))
    return {site: root / site for site in clinics}


def _picture(rng: np.random.Generator, label: str, clinic: Clinic) -> np.ndarray:
    y, x = np.mgrid[:32, :32] / 32
    distance = np.hypot(y - rng.uniform(0.4, 0.6), x - rng.uniform(0.4, 0.6))
    shape = distance < {"large": 0.32, "small": 0.18}[label]
    values = np.clip(0.3 + 0.35 * shape + rng.normal(0, clinic.noise, (32, 32)), 0.02, 1)
    bent = np.asarray(values**clinic.gamma)
    return 1 - bent if clinic.inverted else bent


def _save(path: Path, values: np.ndarray) -> None:
    Image.fromarray((values * 255).round().astype(np.uint8)).save(path)


def weights_at(folder: Path) -> Path:
    """A file of weights of timm's smallest test network."""
    with seeded(4):
        save_file(timm.create_model("test_resnet").state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


def plan_of(data: dict[str, Path], weights: Path, **changes: object) -> Plan:
    """Of large and small discs on that encoder."""
    values = {"task": "classification", "classes": ("large", "small"), "model": "test_resnet", "weights": str(weights)}
    return plan_for(data, **(values | changes))


@dataclass
class Rehearsed:
    """What a rehearsal gave, and everything that passed between the parties.

    Attributes:
        log: (site, question, what was asked, what was answered; None of a failure).
    """

    job: Job
    result: RehearsalResult
    log: list[tuple[str, str, Payload, Payload | None]] = field(default_factory=list)

    def sent(self, site: str) -> Iterator[tuple[str, Payload]]:
        """Every answer of a site."""
        return ((question, answer) for name, question, _, answer in self.log if name == site and answer is not None)


class Grid(InlineGrid):
    """Delivers every message; what a site answers may be forged, lost or refused on its way back.

    Attributes:
        forge: (site, question) -> what becomes of its answers.
        lost: (site, question) whose answers never arrive.
        passed: as in `Rehearsed`.
    """

    def __init__(
        self,
        job: Job,
        forge: Mapping[tuple[str, str], Forge],
        lost: Callable[[str, str, Payload], bool],
        passed: list[tuple[str, str, Payload, Payload | None]],
    ) -> None:
        super().__init__(job)
        self.job, self.forge, self.lost, self.passed = job, forge, lost, passed

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        replies = []
        for message in messages:
            site = self.job.sites[int(self.contexts[message.metadata.dst_node_id].node_config["partition-id"])]
            kind, asked = message.metadata.message_type, unpack(message.content)
            if self.lost(site, kind, asked):
                continue
            (reply,) = super().send_and_receive([message], timeout=timeout)
            answer = None if reply.has_error() else unpack(reply.content)
            if answer is not None and (site, kind) in self.forge:
                sent = self.forge[site, kind](asked, answer)
                answer = sent if isinstance(sent, Payload) else None
                content = pack(sent) if isinstance(sent, Payload) else sent
                reply = refuse(message, "MemoryError") if content is None else Message(content, reply_to=message)
            self.passed.append((site, kind, asked, answer))
            replies.append(reply)
        return replies


def _never(_site: str, _kind: str, _asked: Payload) -> bool:
    return False


@contextmanager
def _cheap(harmonizers: Sequence[str] | None, only: pytest.MonkeyPatch) -> Iterator[None]:
    """With these harmonizers and no others."""
    with only.context() as patch:
        if harmonizers is not None:
            for module in (rehearsal_questions, rehearsing_sites):
                patch.setattr(module, "harmonizers_of", lambda _plan: tuple(harmonizers))
        yield


def rehearsed_on(
    plan: Plan,
    data: dict[str, Path],
    out: Path,
    harmonizers: Sequence[str] | None = (),
    forge: Mapping[tuple[str, str], Forge] | None = None,
    lost: Callable[[str, str, Payload], bool] = _never,
    folds: int = FOLDS,
) -> Rehearsed:
    """A whole rehearsal in this process.

    Args:
        harmonizers: the only ones there are; None for all.
    """
    passed: list[tuple[str, str, Payload, Payload | None]] = []
    monkeypatch = pytest.MonkeyPatch()
    with _cheap(harmonizers, monkeypatch), monkeypatch.context() as patch:
        patch.setattr(inline, "InlineGrid", lambda job: Grid(job, forge or {}, lost, passed))
        result = rehearse(plan, data, RunOptions(engine="inline", out=out), folds=folds)
    return Rehearsed(Job.read(out / "job.json", EngineError), result, passed)
