"""A site behind the messages of an exported app."""

from pathlib import Path

from torch import nn

from shiftscope.harmonizers import Statistics
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.data.model_inputs import Samples, read_planned
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.starting_models import BuildNetwork
from shiftscope.training.plan_checks import check_data
from shiftscope.training.runs.jobs import Job

__all__ = ["AppSite"]


class AppSite:
    """One site in one run: it reads its own cases, keeps what is personal in its own folder, and trains.

    Args:
        job: of this run, with this site's folder among its `data`.
        site: its name in the plan.
        seed: of this run.
        method: what is done in a round, and between rounds.
        network: (plan, file of weights) -> the network that all sites start from.

    Attributes:
        plan: of this run.
        home: the folder that belongs to this site, for this run.
        device: "cpu" or "cuda".
        origin: what random numbers here depend on, beside what they are for.
    """

    def __init__(self, job: Job, site: str, seed: int, method: Algorithm, network: BuildNetwork) -> None:
        self.site = site
        self.plan = job.plan
        self.home = job.home(site)
        self.device = job.device
        self.origin = (seed, site)
        self._job = job
        self._seed = seed
        self._fold = job.plan.fold_of(seed)
        self._strategy = job.arms[0]
        self._participant = Participant(job, site, lambda _name: method, network)

    def describe(self) -> dict[str, int]:
        """Patients of "train", "val" and "test".

        Raises:
            PlanError: the folder holds other data than the plan's profiles describe, or the plan names code of the
                operator's own that this site's site.toml does not allow.
            InputError: no usable case, or none to train or to test on.
        """
        folder = Path(self._job.data[self.site])
        check_data(self.plan, {self.site: read_planned(self.plan, self.site, folder, self._job.patient_regex)})
        patients: dict[str, int] = self._participant.describe()["patients"]
        return patients

    def share(self, number: int, reference: Statistics) -> Statistics:
        """What the site adds in one exchange of the harmonizer: aggregates over its training cases; {} for nothing."""
        return self._participant.share(str(self._strategy.harmonizer), self._fold, number, reference)

    def harmonize(self, reference: Statistics) -> float:
        """Map all cases; returns the mean absolute change of a training pixel, in [0, 1]."""
        return self._participant.harmonize(str(self._strategy.harmonizer), self._fold, reference)[0]

    def train(self, number: int, accepted: int, received: Tensors, reference: Statistics) -> Update:
        """Round `number`, by the method's `local_round`.

        Args:
            accepted: the last round whose answer from here is part of `received`, 0 for none: what is the site's own is
                taken from then.
            received: the tensors that sites share.
            reference: the harmonizer's; {} without one.

        Raises:
            EngineError: training diverged, or what the site kept after round `accepted` is gone.
        """
        return self._participant.train(self._strategy.name, self._seed, number, accepted, received, reference)

    def finish(self, accepted: int, received: Tensors, reference: Statistics) -> tuple[nn.Module, Samples]:
        """The site's model after the last round and the method's `finish`, and its cases as the model sees them."""
        model, samples, _ = self._participant.finish(self._strategy.name, self._seed, accepted, received, reference)
        return model, samples
