"""What a run will take, item by item, said before its first round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.harmonizers import HARMONIZERS, NOTHING, Statistics, combine, share
from shiftscope.plans import Forecast, Plan, SiteRound, Spending
from shiftscope.sites import Case
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.models.networks import LINEAR, build
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.ledger import of_seeds, spending
from shiftscope.training.runs.memory import resident_bytes
from shiftscope.training.runs.pace import Pace, random_sample, time_steps
from shiftscope.training.runs.payload import bytes_of

__all__ = ["forecast"]

TRAINED = 4
"""A weight that is trained takes itself, its gradient and two moments of AdamW."""

COPIES = 3
"""Copies of the model a round makes on its way: as it came, as it is kept at home, as it is sent."""


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """What is known of a site before it reads an image: cases in train, val and test, and patients to train on."""

    train: int
    test: int
    every: int
    patients: int


def forecast(job: Job, parts: Mapping[str, Mapping[str, Sequence[Case]]]) -> dict[str, Forecast]:
    """Arm -> what it is expected to take. Takes about two seconds, most of them in timing a few real steps.

    Exact, where every file can be read and every site answers: bytes and gradients. Seconds are gradients times the
    time of one on this machine, undisturbed. Memory is what this process holds now, the images of all
    sites, a model trained with its gradients and moments, and the activations of a batch; slices of volumes beyond
    the first are not known yet and not counted, nor what only the engine's own processes hold.

    Args:
        parts: site -> "train", "val", "test" -> its cases.
    """
    plan, sites = job.plan, {site: _site(parts[site]) for site in job.sites}
    resident = resident_bytes(job.device)
    model = build(plan, job.weights)
    tensors = tensors_of(model)
    homes = {arm.algorithm: find_algorithm(arm.algorithm).stays_home(model) for arm in job.arms}
    learnable = frozenset(dict(model.named_parameters(remove_duplicate=False)))
    pace = time_steps(plan, model, job.device)
    references = {name: bytes_of(rehearsed_reference(job, name, sites, tensors)) for name in job.harmonizers}
    made = {}
    for arm in job.arms:
        algorithm, home = find_algorithm(arm.algorithm), homes[arm.algorithm]
        server = Server(plan, learnable - home)
        shared = algorithm.begin({name: array for name, array in tensors.items() if name not in home}, server)
        sent = {site: bytes_of(algorithm.model_for_site(shared, server, site)) for site in job.sites}
        peak = None if resident is None else resident + _memory(job, arm, algorithm, sites, pace)
        cost = _StrategyCost(
            job, arm, algorithm, sites, sent, references.get(arm.harmonizer or "", 0), pace.seconds, peak
        )
        made[arm.name] = cost.forecast()
    return made


@dataclass(frozen=True, slots=True)
class _StrategyCost:
    """One strategy, item by item.

    Attributes:
        sent: site -> bytes of the tensors it receives, and as many it sends back.
        reference: bytes of the harmonizer's, in every message to a site.
        seconds: of one gradient of a batch.
        peak: bytes, None where the system does not say.
    """

    job: Job
    arm: Arm
    algorithm: Algorithm
    sites: Mapping[str, CaseCounts]
    sent: Mapping[str, int]
    reference: int
    seconds: float
    peak: int | None

    def forecast(self) -> Forecast:
        """Every item, and the sum over all seeds."""
        one = Forecast(total=Spending(), rounds={site: tuple(self._rounds(site)) for site in self.sites})
        return one.model_copy(update={"total": spending(of_seeds(one, len(self.job.plan.every_seed)))})

    def _rounds(self, site: str) -> Iterator[SiteRound]:
        """A site's rounds, and what comes after the last."""
        together, steps = self.algorithm.federated(self.arm.rounds), self.job.plan.local_steps
        if not self.algorithm.pools or site == next(iter(self.sites)):
            for number in range(1, together + 1):
                yield self._train(site, number, steps)
        yield self._finish(site, together, steps * (self.arm.rounds - together))

    def _train(self, site: str, number: int, steps: int) -> SiteRound:
        together = self.algorithm.federated(self.arm.rounds)
        extra = self.algorithm.extra_compute(number, together, self._batches(site))
        gradients = self.algorithm.gradients_in_round(number, self.arm.rounds, steps, self._batches(site))
        spent = self._spent(steps + extra[0], gradients)
        return spent.model_copy(update={"up": self.sent[site], "down": self.sent[site] + self.reference})

    def _finish(self, site: str, together: int, steps: int) -> SiteRound:
        batches, planned = self._batches(site), self.job.plan.local_steps
        extra = self.algorithm.extra_compute(together + 1, together, batches)
        gradients = self.algorithm.gradients_in_round(together + 1, self.arm.rounds, planned, batches)
        spent = self._spent(steps + extra[0], gradients)
        return spent.model_copy(update={"down": self.sent[site] + self.reference, "peak_bytes": None})

    def _spent(self, steps: int, gradients: int) -> SiteRound:
        larger = len(self.sites) if self.algorithm.pools else 1
        seconds = larger * gradients * self.seconds
        return SiteRound(steps=steps, passes=gradients, seconds=seconds, peak_bytes=self.peak)

    def _cases(self, site: str) -> int:
        return sum(known.train for known in self.sites.values()) if self.algorithm.pools else self.sites[site].train

    def _batches(self, site: str) -> int:
        return -(-self._cases(site) // self.job.plan.batch_size)


def _site(parts: Mapping[str, Sequence[Case]]) -> CaseCounts:
    every = sum(len(cases) for cases in parts.values())
    return CaseCounts(len(parts["train"]), len(parts["test"]), every, len({case.patient for case in parts["train"]}))


def _memory(job: Job, arm: Arm, algorithm: Algorithm, sites: Mapping[str, CaseCounts], pace: Pace) -> int:
    """Bytes beyond what the process holds before the run."""
    batches = len(sites) if algorithm.pools else 1  # in one: a batch of all cases is as large as all sites' together
    trained = (TRAINED * algorithm.models + COPIES) * pace.weight_bytes + batches * pace.activation_bytes
    return trained if job.device == "cuda" else trained + _images(job.plan, sites) * (2 if arm.harmonizer else 1)


def _images(plan: Plan, sites: Mapping[str, CaseCounts]) -> int:
    """Bytes of all sites' cases as the model sees them, one slice each: one worker may come to serve every site."""
    masks = plan.image_size**2 if plan.task == "segmentation" else 0
    return sum(site.every for site in sites.values()) * (2 * (3 if plan.colour else 1) * plan.image_size**2 + masks)


def rehearsed_reference(job: Job, name: str, sites: Mapping[str, CaseCounts], model: Tensors) -> Statistics:
    """What the sites will receive, in size: its exchanges are rehearsed on a random case."""
    chosen = HARMONIZERS[name]
    case: np.ndarray = random_sample(job.plan, 0).pixels.astype(np.float32)
    if chosen.on == "geometry":
        case = np.ones((2, 3))
    elif chosen.on == "features" and job.plan.model == LINEAR:
        case = np.random.default_rng(0).normal(size=next(iter(model.values())).size)
    sharing = sum(site.patients >= chosen.min_patients for site in sites.values())
    own, reference = NOTHING, NOTHING
    for number in range(len(chosen.exchanges)):
        own = share(chosen, number, [[case]] * 2, own, reference)
        reference = combine(chosen, number, [own] * sharing, reference)
    return reference
