"""The scores of a site's own cases under every strategy and seed: kept at the site, compared there."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from shiftscope.training.evaluation.gate import gated
from shiftscope.training.evaluation.patient_spreads import PatientSpread, patient_spread
from shiftscope.training.evaluation.scores import PRIMARY, CaseScores, metrics_of
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import UNGATED, Arm, Job

__all__ = ["Judged", "KeptScores"]

Judged = Mapping[tuple[str, int], bool]
"""(arm, seed) -> whether the site keeps the baseline's model, of each evaluation that reached the coordinator."""


class KeptScores:
    """Scores by case, which never leave the site, and the aggregates of them that do."""

    def __init__(self, job: Job, site: str) -> None:
        self.job = job
        self.plan = job.plan
        self.home = job.home(site)

    def keep(self, arm: str, seed: int, *, val: CaseScores, test: CaseScores) -> None:
        """Keep the scores of the validation and test cases under a strategy's own model."""
        save_arrays(self._path(arm, seed, "val"), val)
        save_arrays(self._path(arm, seed, "test"), test)

    def metrics(self, cases: CaseScores) -> dict[str, float | None]:
        """Metrics of a set of cases, each counting once; null where undefined or where there is no case."""
        if not cases:
            return dict.fromkeys(metrics_of(self.plan))
        once = np.ones((1, len(next(iter(cases.values())))))
        values = {name: float(metric(cases, once)[0]) for name, metric in metrics_of(self.plan).items()}
        return {name: value if np.isfinite(value) else None for name, value in values.items()}

    def keeps_baseline(self, arm: Arm, seed: int) -> bool:
        """Whether the site keeps the baseline's model; not where it was absent when that was judged."""
        paths = [self._path(name, seed, "val") for name in (arm.name, self.job.arms[0].name)]
        if not arm.gated or not all(path.exists() for path in paths):
            return False
        metric = PRIMARY[self.plan.task]
        personal, common = (self.metrics(load_arrays(path))[metric] for path in paths)
        return gated(personal, common)

    def used(self, arm: Arm, seed: int, kept_baseline: bool) -> CaseScores:
        """Scores of the test cases under the model the site uses: the arm's, or the baseline's where that was kept."""
        return load_arrays(self._path(self.job.arms[0].name if kept_baseline else arm.name, seed, "test"))

    def compare(self, patients: Mapping[int, Sequence[str]], judged: Judged) -> PatientSpread:
        """How the strategies' differences from the first vary with the site's test patients, no case among it.

        For a gated arm the differences of its own models, used or not, come beside them: "ungated/" + arm. Seeds whose
        final model was never judged here are unknown; the others stand.

        Args:
            patients: seed -> those of its test cases, in their order; the seeds that are compared.
            judged: what the coordinator heard of the site's final models, which need not be judged again.
        """
        first, *others = self.job.arms
        own = {arm.name: [self._tested(arm.name, seed, judged) for seed in patients] for arm in self.job.arms}
        compared = {arm.name: self._used(arm, own, patients, judged) for arm in others}
        compared |= {UNGATED + arm.name: own[arm.name] for arm in others if arm.gated}
        return patient_spread(
            own[first.name],
            compared,
            metrics_of(self.plan)[PRIMARY[self.plan.task]],
            [*patients.values()],
            [self.plan.fold_of(seed) for seed in patients],
        )

    def _tested(self, arm: str, seed: int, judged: Judged) -> CaseScores | None:
        """Scores of the test cases under the strategy's own model; None where a judgement failed."""
        path = self._path(arm, seed, "test")
        return load_arrays(path) if (arm, seed) in judged or path.exists() else None

    def _used(
        self, arm: Arm, own: Mapping[str, Sequence[CaseScores | None]], seeds: Iterable[int], judged: Judged
    ) -> list[CaseScores | None]:
        """Scores of the test cases under the model the site uses, seed by seed."""
        first = self.job.arms[0].name
        return [
            old if (judged[arm.name, seed] if (arm.name, seed) in judged else self.keeps_baseline(arm, seed)) else new
            for seed, old, new in zip(seeds, own[first], own[arm.name], strict=True)
        ]

    def _path(self, arm: str, seed: int, part: str) -> Path:
        return self.home / f"{arm}-seed{seed}.{part}.safetensors"
