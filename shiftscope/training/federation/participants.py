"""One site in a run: what it computes at home and what it sends. No engine in here."""

import copy
import hmac
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from shiftscope.errors import EngineError
from shiftscope.files import write_bytes
from shiftscope.harmonizers import Statistics
from shiftscope.plans import Kept, Plan, SiteRound
from shiftscope.sites import allowed_code
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.algorithms.local_rounds import Round, loss_for
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.data.randomness import seeded, single_threaded
from shiftscope.training.data.splits import PARTS
from shiftscope.training.evaluation.fairness import digest_of
from shiftscope.training.evaluation.leaks import kept_signal
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.evaluation.scores import judge
from shiftscope.training.federation.kept_scores import Judged, KeptScores
from shiftscope.training.federation.rehearsing_sites import RehearsingSite
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.federation.starting_models import BuildNetwork, starting_model
from shiftscope.training.models.networks import build, memory_format
from shiftscope.training.own_code.own_names import packages_of
from shiftscope.training.own_code.permissions import require_admitted
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.memory import measure_from_here, peak_bytes
from shiftscope.training.runs.states import Evaluation, PersonalState, load_personal, save_personal

__all__ = ["Participant"]


class Participant:
    """One site, with its data read once per process.

    Every method returns aggregates or model tensors that are meant to be shared; patients, cases and personal
    tensors are written to the site's own folder at most.

    Args:
        algorithms: name of a strategy's algorithm -> what it does.
        network: (plan, file of weights) -> the network of the plan.
    """

    def __init__(
        self,
        job: Job,
        site: str,
        algorithms: Callable[[str], Algorithm] = find_algorithm,
        network: BuildNetwork = build,
    ) -> None:
        self.algorithms = algorithms
        self.network = network
        self.job = job
        self.plan = job.plan
        self.site = site
        self.home = job.home(site)
        self.site_data = SiteData(job, site)
        self.scores = KeptScores(job, site)
        self._started: tuple[int, nn.Module] | None = None

    @cached_property
    def rehearsal(self) -> RehearsingSite:
        """The same site in a rehearsal."""
        return RehearsingSite(self.job, self.site, self.site_data)

    @cached_property
    def others(self) -> list["Participant"]:
        """Every site of the job: what only a strategy that pools all cases asks for."""
        parts = self.algorithms, self.network
        return [self if site == self.site else Participant(self.job, site, *parts) for site in self.job.sites]

    def describe(self) -> dict[str, Any]:
        """Who this is, how much it has, and a mark of how it was split."""
        self._admit_code()
        folds = [self.site_data.in_fold(fold).loaded for fold in range(self.plan.folds)]
        parts = [{part: {sample.patient for sample in getattr(samples, part)} for part in PARTS} for samples in folds]
        patients = {part: round(sum(len(fold[part]) for fold in parts) / len(parts)) for part in PARTS}
        divided = [sorted((patient, part) for part in PARTS for patient in fold[part]) for fold in parts]
        mark = hmac.new(self._key(), repr(divided).encode(), "sha256").hexdigest()[:16]
        return {"site": self.site, "patients": patients, "left_out": folds[0].left_out, "split": mark}

    def _key(self) -> bytes:
        """A secret of this site and run: nobody else can tell from a mark which patients it stands for."""
        path = self.home / "split.key"
        if not path.exists():
            write_bytes(path, secrets.token_bytes(32), private=True)
        return path.read_bytes()

    def share(self, harmonizer: str, fold: int, number: int, reference: Statistics) -> Statistics:
        """The site's share in one exchange of a harmonizer: aggregates over the fold's training cases."""
        return self.site_data.in_fold(fold).share(harmonizer, number, reference)

    def harmonize(self, harmonizer: str, fold: int, reference: Statistics) -> tuple[float, Kept | None]:
        """Harmonize all cases, as the fold's training cases ask for.

        Returns:
            The mean absolute change of a training pixel (1 where slices were resampled and no pixel has a counterpart),
            and what is left of what the model has to learn.
        """
        data = self.site_data.in_fold(fold)
        before, after = data.plain.train, data.harmonized(harmonizer, reference).train
        mix = data.mix(harmonizer, reference)
        rng = np.random.default_rng(0)
        change = []
        for one, other in zip(before, after, strict=True):
            old, new = one.pixels.astype(np.float32), other.pixels.astype(np.float32)
            if mix is not None:
                new = mix(new, rng)
            change.append(np.abs(new - old).mean() if new.shape == old.shape else 1.0)
        return float(np.mean(change)), kept_signal(before, after)

    def train(
        self, arm: str, seed: int, number: int, accepted: int, received: Tensors, reference: Statistics
    ) -> Update:
        """Round `number`: the local steps, from the shared tensors and the site's own.

        Args:
            accepted: the last round whose update the coordinator has of this site: what is the site's own is from then.
        """
        algorithm, model, round_ = self._ready(arm, seed, number, accepted, received, reference)
        start = digest_of(tensors_of(model)) if number == 1 else ""
        measured = measure_from_here(self.job.device)
        since = time.perf_counter()
        with single_threaded(), seeded(*round_.origin, number):
            loss = algorithm.local_round(model, round_)
        everything, home = tensors_of(model), algorithm.stays_home(model)
        self._require_finite(everything | round_.memory, arm, seed, number)
        own = PersonalState({name: everything[name] for name in sorted(home)}, round_.memory)
        save_personal(self.home / f"{arm}-seed{seed}", number, own, accepted)
        sent = {name: tensor for name, tensor in everything.items() if name not in home}
        spent = SiteRound(
            steps=round_.steps,
            passes=round_.gradients,
            seconds=time.perf_counter() - since,
            peak_bytes=peak_bytes(self.job.device) if measured else None,
            start=start,
        )
        return Update(self.site, sent | round_.extra, len(round_.samples), loss, spent)

    def evaluate(
        self, arm: str, seed: int, accepted: int, received: Tensors, reference: Statistics
    ) -> tuple[Evaluation, dict[str, int]]:
        """The final model on the site's validation and test cases; the cases' own scores stay here.

        Asked again, the site answers the same.

        Returns:
            The judgement, and how many patients each of its fields rests on, as `KeptScores.judgement` has it.
        """
        chosen = self.job.arm(arm)
        model, samples, spent = self.finish(arm, seed, accepted, received, reference)
        with single_threaded(), seeded(seed, self.site, "finish"):
            val, test = (judge(model, part, self.plan, self.job.device) for part in (samples.val, samples.test))
        self.scores.keep(arm, seed, val=val, test=test)
        evaluation, patients = self.scores.judgement(chosen, seed, samples, spent)
        if self.job.keep_models:
            first, kept = self.job.arms[0].name, evaluation.kept_baseline
            save_arrays(
                self._model_path(arm, seed), load_arrays(self._model_path(first, seed)) if kept else tensors_of(model)
            )
        return evaluation, patients

    def finish(
        self, arm: str, seed: int, accepted: int, received: Tensors, reference: Statistics
    ) -> tuple[nn.Module, Samples, SiteRound]:
        """What the algorithm does at the site after the last round.

        Returns:
            The site's final model, the cases as it sees them, and what the work took.
        """
        chosen = self.job.arm(arm)
        rounds = self.algorithms(chosen.algorithm).federated(chosen.rounds)
        algorithm, model, round_ = self._ready(arm, seed, rounds + 1, accepted, received, reference)
        since = time.perf_counter()
        with single_threaded(), seeded(*round_.origin, "finish"):
            algorithm.finish(model, round_)
        spent = SiteRound(steps=round_.steps, passes=round_.gradients, seconds=time.perf_counter() - since)
        return model, self._data(seed).harmonized(chosen.harmonizer, reference), spent

    def compare(self, seeds: Sequence[int], judged: Judged) -> tuple[PatientSpread, int]:
        """How differences from the first strategy vary with patients, as `KeptScores.compare` has it.

        Returns:
            The spread, and how many patients it rests on.
        """
        if not self.job.keep_models:
            self._forget_models(judged)
        return self.scores.compare({seed: self._data(seed).loaded for seed in seeds}, judged)

    def _data(self, seed: int) -> SiteData:
        """The site, divided as in the seed's fold."""
        return self.site_data.in_fold(self.plan.fold_of(seed))

    def _forget_models(self, judged: Judged) -> None:
        """What a strategy kept at the site while it was trained, unless it may have to be judged again."""
        for arm, seed in judged:
            shutil.rmtree(self.home / f"{arm}-seed{seed}", ignore_errors=True)

    def _ready(
        self, arm: str, seed: int, number: int, accepted: int, received: Tensors, reference: Statistics
    ) -> tuple[Algorithm, nn.Module, Round]:
        """The model as this site has it before round `number`, and what its steps will need.

        Raises:
            EngineError: what was the site's own after round `accepted` is gone.
        """
        self._admit_code()
        chosen = self.job.arm(arm)
        algorithm = self.algorithms(chosen.algorithm)
        model = self._start(seed)
        personal = load_personal(self.home / f"{arm}-seed{seed}", accepted)
        tensors = {**model.state_dict(), **_torch({**received, **personal.home})}
        model.load_state_dict({name: tensors[name] for name in model.state_dict()})
        model.to(self.job.device).to(memory_format=memory_format(self.plan))
        round_ = Round(
            plan=self._budget(algorithm),
            number=number,
            rounds=chosen.rounds,
            federated=algorithm.federated(chosen.rounds),
            loss=loss_for(self.plan),
            received=received,
            memory=personal.memory,
            samples=self._learns_from(algorithm, chosen, seed, number, reference),
            origin=(seed, self.site),
            took_part=accepted > 0,
            device=self.job.device,
            mix=self._data(seed).mix(chosen.harmonizer, reference),
        )
        return algorithm, model, round_

    def _admit_code(self) -> None:
        """The site allows the plan's own code, and has it, before anything is imported.

        Raises:
            PlanError: it does not.
        """
        if packages_of(self.plan):
            allowed = (*self.job.allow_code, *allowed_code(Path(self.job.data[self.site])))
            require_admitted(self.plan, allowed, self.site)

    def _start(self, seed: int) -> nn.Module:
        """Built once for many rounds: a file of weights takes longer to read than a few steps take to train."""
        if self._started is None or self._started[0] != seed:
            self._started = (seed, starting_model(self.job, seed, self.network))
        return copy.deepcopy(self._started[1])

    def _require_finite(self, tensors: Tensors, arm: str, seed: int, number: int) -> None:
        """Nothing that diverged is kept: the next round starts from what was sound.

        Raises:
            EngineError: naming the tensor.
        """
        for name, tensor in tensors.items():
            if not np.isfinite(tensor).all():
                raise EngineError(
                    f"site {self.site}: {name} is not finite after round {number} of {arm}, seed {seed}: training"
                    " diverged; lower the plan's learning_rate"
                )

    def _budget(self, algorithm: Algorithm) -> Plan:
        """The plan; where all cases are pooled, batches hold as many of them as all sites' batches together."""
        if not algorithm.pools:
            return self.plan
        return self.plan.model_copy(update={"batch_size": self.plan.batch_size * len(self.job.sites)})

    def _learns_from(
        self, algorithm: Algorithm, arm: Arm, seed: int, number: int, reference: Statistics
    ) -> list[Sample]:
        """The site's training cases; for the bound that pools them all sites', while it trains."""
        if algorithm.pools and number > algorithm.federated(arm.rounds):
            return []
        sites = self.others if algorithm.pools else [self]
        return [sample for site in sites for sample in site._data(seed).harmonized(arm.harmonizer, reference).train]

    def _model_path(self, arm: str, seed: int) -> Path:
        return self.home / f"{arm}-seed{seed}" / "model.safetensors"


def _torch(arrays: Tensors) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
