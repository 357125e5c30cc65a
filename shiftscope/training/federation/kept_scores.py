"""The scores of a site's own cases under every strategy and seed: kept at the site, compared there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from shiftscope.disclosure.policies.site_policy import rests_on_few
from shiftscope.plans import SiteRound
from shiftscope.training.data.model_inputs import Samples
from shiftscope.training.evaluation.patient_spreads import PatientSpread, patient_spread
from shiftscope.training.evaluation.scored_patients import patients_deciding, patients_scored
from shiftscope.training.evaluation.scores import PRIMARY, CaseScores, metrics_of
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import UNGATED, Arm, Job
from shiftscope.training.runs.states import Evaluation

__all__ = ["Judged", "KeptScores", "gated"]

Judged = Mapping[tuple[str, int], bool]
"""(arm, seed) -> whether the site keeps the baseline's model, of each evaluation that reached the coordinator."""


class KeptScores:
    """Scores by case, which never leave the site, and the aggregates of them that do.

    Attributes:
        min_scored: of the site's policy: fewer validation patients choose no model, for the choice would tell of them,
            and where fewer are tested in a fold, nothing is said of how differences vary in it.
    """

    def __init__(self, job: Job, site: str) -> None:
        self.job = job
        self.plan = job.plan
        self.home = job.home(site)
        self.min_scored = 1

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

    def judgement(self, arm: Arm, seed: int, samples: Samples, spent: SiteRound) -> tuple[Evaluation, dict[str, int]]:
        """What the kept scores of a strategy come to.

        Args:
            samples: the cases that were judged.
            spent: on the work after the last round.

        Returns:
            The judgement, and "scores.METRIC", "kept_baseline" and so on -> patients that it rests on. Scores of a
            model that validation patients chose rest on these, too.
        """
        val, test = (load_arrays(self._path(arm.name, seed, part)) for part in ("val", "test"))
        validated = patients_scored(samples.val, val, self.plan)
        deciding = validated[PRIMARY[self.plan.task]]
        kept_baseline = self.keeps_baseline(arm, seed, deciding)
        used = self.used(arm, seed, kept_baseline)
        evaluation = Evaluation(
            cases=len(samples.test),
            scores=self.metrics(used),
            ungated=self.metrics(test),
            validation=self.metrics(val),
            kept_baseline=kept_baseline,
            spent=spent,
        )
        behind = {
            "scores": patients_scored(samples.test, used, self.plan),
            "ungated": patients_scored(samples.test, test, self.plan),
            "validation": validated,
        }
        if self._chooses(arm, deciding):
            behind["scores"] = {name: min(count, deciding) for name, count in behind["scores"].items()}
        patients = {f"{kind}.{name}": count for kind, counts in behind.items() for name, count in counts.items()}
        return evaluation, {**patients, "kept_baseline": deciding}

    def keeps_baseline(self, arm: Arm, seed: int, validated: int) -> bool:
        """Whether the site keeps the baseline's model; not where it was absent when that was judged.

        Args:
            validated: patients that the metric rests on, among the validation cases.
        """
        paths = [self._path(name, seed, "val") for name in (arm.name, self.job.arms[0].name)]
        if not self._chooses(arm, validated) or not all(path.exists() for path in paths):
            return False
        metric = PRIMARY[self.plan.task]
        personal, common = (self.metrics(load_arrays(path))[metric] for path in paths)
        return gated(personal, common)

    def used(self, arm: Arm, seed: int, kept_baseline: bool) -> CaseScores:
        """Scores of the test cases under the model the site uses: the arm's, or the baseline's where that was kept."""
        return load_arrays(self._path(self.job.arms[0].name if kept_baseline else arm.name, seed, "test"))

    def compare(self, samples: Mapping[int, Samples], judged: Judged) -> tuple[PatientSpread, int]:
        """How the strategies' differences from the first vary with the site's test patients, no case among it.

        For a gated arm the differences of its own models, used or not, come beside them: "ungated/" + arm. Seeds whose
        final model was never judged here are unknown, and so are those in whose fold too few patients are tested for
        the site's policy; the others stand.

        Args:
            samples: seed -> the cases of its fold, in the order in which they were judged; the seeds that are compared.
            judged: what the coordinator heard of the site's final models, which need not be judged again.

        Returns:
            The spread, and patients that it rests on, in the fold with fewest of those that are known: those tested,
            and where validation patients chose a model, these. None where no fold is known.
        """
        first, *others = self.job.arms
        every = {seed: patients_deciding(each.test, self.plan) for seed, each in samples.items()}
        tested = {seed: count for seed, count in every.items() if not rests_on_few(count, self.min_scored)}
        validated = {seed: patients_deciding(each.val, self.plan) for seed, each in samples.items()}
        own = {
            arm.name: [self._tested(arm.name, seed, judged) if seed in tested else None for seed in samples]
            for arm in self.job.arms
        }
        compared = {arm.name: self._used(arm, own, validated, judged) for arm in others}
        compared |= {UNGATED + arm.name: own[arm.name] for arm in others if arm.gated}
        spread = patient_spread(
            own[first.name],
            compared,
            metrics_of(self.plan)[PRIMARY[self.plan.task]],
            [[sample.patient for sample in each.test] for each in samples.values()],
            [self.plan.fold_of(seed) for seed in samples],
        )
        choosing = [few for few in validated.values() if any(self._chooses(arm, few) for arm in others)]
        return spread, min((*tested.values(), *choosing)) if tested else 0

    def _chooses(self, arm: Arm, validated: int) -> bool:
        """Whether validation patients, so many, choose between the arm's model and the baseline's."""
        return arm.gated and not rests_on_few(validated, self.min_scored)

    def _tested(self, arm: str, seed: int, judged: Judged) -> CaseScores | None:
        """Scores of the test cases under the strategy's own model; None where a judgement failed."""
        path = self._path(arm, seed, "test")
        return load_arrays(path) if (arm, seed) in judged or path.exists() else None

    def _used(
        self, arm: Arm, own: Mapping[str, Sequence[CaseScores | None]], validated: Mapping[int, int], judged: Judged
    ) -> list[CaseScores | None]:
        """Scores of the test cases under the model the site uses, seed by seed."""
        kept = [
            judged[arm.name, seed] if (arm.name, seed) in judged else self.keeps_baseline(arm, seed, few)
            for seed, few in validated.items()
        ]
        models = zip(kept, own[self.job.arms[0].name], own[arm.name], strict=True)
        return [old if keeps else new for keeps, old, new in models]

    def _path(self, arm: str, seed: int, part: str) -> Path:
        return self.home / f"{arm}-seed{seed}.{part}.safetensors"


def gated(personal: float | None, common: float | None) -> bool:
    """True where the site keeps the model it has in common with the others.

    That is where the personal one is worse on the site's own validation cases. A tie, or a score that is undefined
    because validation cases are missing or of one class, decides nothing, and the personal model is used.

    Args:
        personal, common: the metric on the validation cases, more is better.
    """
    return personal is not None and common is not None and personal < common
