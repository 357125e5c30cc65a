"""One site in a run: what it computes at home and what it sends. No engine in here."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from shiftscope.harmonize import HARMONIZERS, MIN_PATIENTS, Statistics
from shiftscope.sites import read_site
from shiftscope.train.aggregate import Tensors, Update
from shiftscope.train.bootstrap import replicates
from shiftscope.train.jobs import Job
from shiftscope.train.loading import Sample, Samples, load_samples
from shiftscope.train.local import Round, generator, loss_for, run_steps, seeded, single_threaded
from shiftscope.train.models import build
from shiftscope.train.personalize import Algorithm, find_algorithm
from shiftscope.train.scores import METRICS, PRIMARY, Cases, judge
from shiftscope.train.states import Evaluation, Personal, load_arrays, load_personal, save_arrays, save_personal

__all__ = ["Participant", "initial_tensors"]


def initial_tensors(job: Job, algorithm: Algorithm, seed: int) -> Tensors:
    """The shared part of the model every strategy of this seed starts from."""
    with seeded(seed):
        model = build(job.plan, job.weights)
    return _tensors(model, leave_out=algorithm.stays_home(model))


class Participant:
    """One site, with its data read once per process.

    Every method returns aggregates or model tensors that are meant to be shared; patients, cases and personal
    tensors are written to the site's own folder at most.
    """

    def __init__(self, job: Job, site: str) -> None:
        self.job = job
        self.plan = job.plan
        self.site = site
        self.home = job.home(site)
        self._harmonized: tuple[str, Samples] | None = None

    @cached_property
    def samples(self) -> Samples:
        """The site's cases as they are on disk."""
        site = read_site(Path(self.job.data[self.site]), name=self.site, patient_regex=self.job.patient_regex)
        return load_samples(site, self.plan)

    @cached_property
    def own(self) -> Statistics:
        """What the plan's harmonizer needs to know of this site, from its training cases."""
        patients: dict[str, list[np.ndarray]] = {}
        for sample in self.samples.train:
            patients.setdefault(sample.patient, []).append(sample.pixels)
        return HARMONIZERS[self.plan.harmonizer].share(patients.values()) if self.plan.harmonizer else {}

    def describe(self) -> tuple[dict[str, Any], Statistics]:
        """Who this is, how much it has, and its share of the harmonizer's reference.

        A site with fewer than `MIN_PATIENTS` training patients shares no statistics.
        """
        parts = {"train": self.samples.train, "val": self.samples.val, "test": self.samples.test}
        patients = {part: len({sample.patient for sample in samples}) for part, samples in parts.items()}
        facts = {"site": self.site, "patients": patients, "left_out": self.samples.left_out}
        return facts, self.own if patients["train"] >= MIN_PATIENTS else {}

    def harmonize(self, reference: Statistics) -> float:
        """Harmonize all cases; returns the mean absolute change of a training pixel."""
        before, after = self.samples.train, self._seen(self.plan.harmonizer, reference).train
        change = [
            np.abs(b.pixels.astype(np.float32) - a.pixels.astype(np.float32)).mean()
            for a, b in zip(before, after, strict=True)
        ]
        return float(np.mean(change))

    def train(self, arm: str, seed: int, number: int, shared: Tensors, reference: Statistics) -> Update:
        """Round `number`: the local steps, from the shared tensors and the site's own."""
        algorithm, model, round_ = self._ready(arm, seed, number, shared, reference, "train")
        with single_threaded(), seeded(seed, self.site, number):
            loss = run_steps(model, algorithm.local_step, round_)
        at_home = algorithm.stays_home(model)
        everything = _tensors(model)
        mine = Personal({name: everything[name] for name in sorted(at_home)}, round_.memory)
        save_personal(self.home / f"{arm}-seed{seed}", number, mine)
        sent = {name: tensor for name, tensor in everything.items() if name not in at_home}
        return Update(self.site, sent, len(round_.samples), loss)

    def evaluate(self, arm: str, seed: int, shared: Tensors, reference: Statistics) -> Evaluation:
        """The final model on the site's validation and test cases; the cases' own scores stay here."""
        algorithm, model, round_ = self._ready(arm, seed, self.plan.rounds + 1, shared, reference, "finish")
        with single_threaded(), seeded(seed, self.site, "finish"):
            algorithm.finish(model, round_)
            samples = self._seen(self.job.arm(arm).harmonizer, reference)
            val, test = (
                judge(model, part, self.plan.task, self.plan.batch_size, self.job.device)
                for part in (samples.val, samples.test)
            )
        save_arrays(self._cases_path(arm, seed), test)
        return Evaluation(cases=len(samples.test), scores=self._scores(test), validation=self._scores(val))

    def compare(self) -> Tensors:
        """Resampled differences between the two strategies: "differences" (replicates, seeds), no case among them."""
        paths = {arm.name: [self._cases_path(arm.name, seed) for seed in self.plan.seeds] for arm in self.job.arms}
        cases = {arm: [load_arrays(path) for path in series] for arm, series in paths.items()}
        metric = METRICS[self.plan.task][PRIMARY[self.plan.task]]
        patients = [sample.patient for sample in self.samples.test]
        return {"differences": replicates(cases["baseline"], cases["adapted"], metric, patients, self.plan.split.salt)}

    def _seen(self, harmonizer: str | None, reference: Statistics) -> Samples:
        """The cases as the model sees them, in training and evaluation alike; the newest harmonization is kept."""
        if harmonizer is None:
            return self.samples
        key = harmonizer + "".join(f"{name}{array.tobytes().hex()}" for name, array in sorted(reference.items()))
        if self._harmonized is None or self._harmonized[0] != key:
            apply = HARMONIZERS[harmonizer].apply

            def mapped(samples: list[Sample]) -> list[Sample]:
                return [s.with_pixels(apply(s.pixels.astype(np.float32), self.own, reference)) for s in samples]

            raw = self.samples
            self._harmonized = (key, Samples(mapped(raw.train), mapped(raw.val), mapped(raw.test), raw.left_out))
        return self._harmonized[1]

    def _ready(
        self, arm: str, seed: int, number: int, shared: Tensors, reference: Statistics, purpose: str
    ) -> tuple[Algorithm, nn.Module, Round]:
        """The model as this site has it before round `number`, and what its steps will need."""
        chosen = self.job.arm(arm)
        algorithm = find_algorithm(chosen.algorithm)
        with seeded(seed):
            model = build(self.plan, self.job.weights)
        personal = load_personal(self.home / f"{arm}-seed{seed}", before=number) or Personal()
        state = {name: torch.from_numpy(array.copy()) for name, array in {**shared, **personal.home}.items()}
        model.load_state_dict({**model.state_dict(), **state})
        model.to(self.job.device).to(memory_format=torch.channels_last)
        round_ = Round(
            plan=self.plan,
            number=min(number, self.plan.rounds),
            loss=loss_for(self.plan),
            optimizer=torch.optim.AdamW(model.parameters(), lr=self.plan.learning_rate),
            anchor=shared,
            memory=personal.memory,
            samples=self._seen(chosen.harmonizer, reference).train,
            rng=generator(seed, self.site, number, purpose),
            device=self.job.device,
        )
        return algorithm, model, round_

    def _scores(self, cases: Cases) -> dict[str, float | None]:
        """Metrics of a set of cases, each counting once; null where undefined or where there is no case."""
        if not cases:
            return dict.fromkeys(METRICS[self.plan.task])
        once = np.ones((1, len(next(iter(cases.values())))))
        values = {name: float(metric(cases, once)[0]) for name, metric in METRICS[self.plan.task].items()}
        return {name: value if np.isfinite(value) else None for name, value in values.items()}

    def _cases_path(self, arm: str, seed: int) -> Path:
        return self.home / f"{arm}-seed{seed}.cases.safetensors"


def _tensors(model: nn.Module, leave_out: frozenset[str] = frozenset()) -> Tensors:
    state = model.state_dict()
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in state.items() if name not in leave_out}
