"""What every party of a run has to know: the plan, where the data lie, where the results go."""

from pathlib import Path
from urllib.parse import quote

from shiftscope.plans import Plan
from shiftscope.records import Document, Record

__all__ = ["Arm", "Job"]


class Arm(Record):
    """One strategy of a run, named "baseline" or "adapted"."""

    name: str
    algorithm: str
    harmonizer: str | None


class Job(Document):
    """A plan on its way. Written once as `job.json`; the engine's processes are told its path and nothing else.

    Attributes:
        data: site -> folder, absolute.
        out: the run's folder, absolute.
        timeout_s: how long a round waits for its slowest site.
        device: "cpu" or "cuda".
        weights: the plan's file of initial weights, absolute.
        restarts: how often the engine was started again for this run.
    """

    plan: Plan
    data: dict[str, str]
    patient_regex: str | None
    out: Path
    timeout_s: float
    device: str
    weights: Path | None = None
    restarts: int = 0

    @property
    def path(self) -> Path:
        """The file this job is read from."""
        return self.out / "job.json"

    @property
    def sites(self) -> list[str]:
        """Names in the order that numbers the simulation's nodes."""
        return sorted(self.data)

    @property
    def arms(self) -> list[Arm]:
        """The baseline, then the advice where there is any."""
        plan = self.plan
        arms = [Arm(name="baseline", algorithm=plan.baseline, harmonizer=None)]
        if plan.harmonizer or plan.personalizer:
            arms.append(Arm(name="adapted", algorithm=plan.personalizer or plan.baseline, harmonizer=plan.harmonizer))
        return arms

    def arm(self, name: str) -> Arm:
        """The strategy of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    def home(self, site: str) -> Path:
        """The folder whose content belongs to one site and is read by nobody else."""
        return self.out / "sites" / quote(site, safe=" ")

    def checkpoint(self, arm: str, seed: int) -> Path:
        """Where the coordinator keeps the newest round of one strategy and seed."""
        return self.out / "checkpoints" / f"{arm}-seed{seed}.safetensors"
