"""What every party of a run has to know: the plan, where the data lie, where the results go."""

from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from shiftscope.federations.enrolment_documents.signed_documents import Moment
from shiftscope.federations.orders import UNGATED, OrderedArm
from shiftscope.plans import Forecast, Plan
from shiftscope.records import Document, Record, Total

__all__ = ["ALONE", "UNGATED", "Arm", "Job", "Resumption"]


ALONE = "local"
"""The strategy in which every site trains by itself, and the algorithm that does so."""


class Arm(OrderedArm):
    """One strategy of a run, as its coordinator and its sites see it."""

    @property
    def alone(self) -> bool:
        """Whether this is a site's own model, of its own images as they are."""
        return self.algorithm == ALONE and self.harmonizer is None


class Resumption(Record):
    """One time that a run was gone on with.

    Attributes:
        at: when, in UTC.
        rounds: of all strategies and seeds, that were kept from before.
    """

    at: Moment
    rounds: Total


class Job(Document):
    """A plan on its way. Written once as `job.json`; the engine's processes get its path and nothing else.

    Attributes:
        arms: the strategies, the one the others are compared with first.
        data: site -> folder, absolute.
        out: the run's folder, absolute.
        timeout_s: how long a round waits for its slowest site.
        device: "cpu" or "cuda".
        weights: the plan's file of initial weights, absolute.
        allow_code: packages of the operator's own that were allowed for every site.
        restarts: how often the engine was started again for this run.
        resumptions: by whoever ran it, the first one first.
        keep_models: whether each site keeps the final model of every strategy and seed.
        questions: of a rehearsal, how many are asked of all sites, one after the other; 0 for a run.
        forecast: strategy -> what it is expected to take; a resumed run keeps the first one's.
        run: what sites of a federation keep what is theirs by, through all its resumptions; empty on one machine.
        nodes: site -> its node in a federation's SuperLink, an unsigned integer of 64 bits in decimal; none on one
            machine, where nodes say who they are.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 64_000_000

    plan: Plan
    arms: tuple[Arm, ...]
    data: dict[str, str]
    patient_regex: str | None
    out: Path
    timeout_s: float
    device: str
    weights: Path | None = None
    allow_code: tuple[str, ...] = ()
    restarts: int = 0
    resumptions: tuple[Resumption, ...] = ()
    keep_models: bool = False
    questions: int = 0
    forecast: dict[str, Forecast] = Field(default_factory=dict)
    run: str = ""
    nodes: dict[str, str] = Field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file this job is read from."""
        return self.out / "job.json"

    @property
    def model_mark(self) -> str:
        """Which frozen network sees the cases of a linear model."""
        return f"{self.plan.encoder}/{self.plan.weights_sha256}"

    @property
    def result_path(self) -> Path:
        """The file that says the job is done."""
        return self.out / ("rehearsal.json" if self.questions else "result.json")

    @property
    def sites(self) -> list[str]:
        """Names in the order that numbers the simulation's nodes."""
        return sorted(self.data)

    @property
    def interruptions(self) -> list[str]:
        """A sentence for whatever broke the run off, so far."""
        resumed = [f"resumed at {each.at}, with {each.rounds} rounds done before" for each in self.resumptions]
        restarted = [f"restarts of the engine after a process of it died: {self.restarts}"] if self.restarts else []
        return resumed + restarted

    @property
    def harmonizers(self) -> list[str]:
        """Each harmonizer some arm uses, once."""
        return sorted({arm.harmonizer for arm in self.arms if arm.harmonizer})

    @property
    def advice(self) -> str:
        """The strategy whose difference from the first one is the run's verdict: the second; empty without any."""
        return next((arm.name for arm in self.arms[1:2] if not arm.alone), "")

    def arm(self, name: str) -> Arm:
        """The strategy of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def declared_passes(self, arm: str) -> dict[str, int]:
        """Site -> gradients of the whole run with one seed; empty where nothing was predicted."""
        foreseen = self.forecast.get(arm)
        rounds = {} if foreseen is None else foreseen.rounds
        return {site: sum(each.passes for each in of_site) for site, of_site in rounds.items()}

    def home(self, site: str) -> Path:
        """The folder whose content belongs to one site and is read by nobody else."""
        return self.out / "sites" / quote(site, safe=" ")

    def checkpoint(self, arm: str, seed: int) -> Path:
        """Where the coordinator keeps the newest round of one strategy and seed."""
        return self.out / "checkpoints" / f"{arm}-seed{seed}.safetensors"
