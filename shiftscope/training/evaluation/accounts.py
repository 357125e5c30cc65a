"""What the coordinator knows of a run when it looks at it: scores that arrived, differences with their chance."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, estimate
from shiftscope.training.evaluation.fairness import not_comparable
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.evaluation.scores import PRIMARY
from shiftscope.training.runs.jobs import UNGATED, Job
from shiftscope.training.runs.states import Checkpoint, ReceivedEvaluation

__all__ = ["Account", "Series", "SiteFacts", "mean_of_seeds"]

Series = Sequence[float | None]
"""One value per seed."""


NOTHING_KEPT: Mapping[str, Collection[str]] = {}
"""Every site says all that it is asked for."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a site said of itself before the first round; empty where it keeps it."""

    patients: Mapping[str, int]
    left_out: Mapping[str, int]
    changed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """A run, or as much of it as has been trained.

    Attributes:
        seeds: that every strategy was trained with, in the order of all series.
        runs: (arm, seed) -> its finished checkpoint.
        facts: site -> what it said of itself; a site missing here never answered.
        spreads: site -> how the arms' differences from the first vary with its patients; `UNGATED` + arm likewise.
        level: confidence of all intervals, of the mean over sites and of each site; 1 minus it is the error rate.
        withheld: arm -> why it is not compared.
        kept: site -> what its policy keeps at the site, beside what rounds and judgements say of themselves.
    """

    job: Job
    seeds: tuple[int, ...]
    runs: Mapping[tuple[str, int], Checkpoint]
    facts: Mapping[str, SiteFacts]
    spreads: Mapping[str, PatientSpread]
    level: float
    withheld: Mapping[str, str]
    kept: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        job: Job,
        runs: Mapping[tuple[str, int], Checkpoint],
        facts: Mapping[str, SiteFacts],
        spreads: Mapping[str, PatientSpread],
        level: float,
        kept: Mapping[str, Collection[str]] = NOTHING_KEPT,
    ) -> "Account":
        """Without the strategies that cannot be compared with the first one."""
        seeds = tuple(dict.fromkeys(seed for _, seed in runs))
        return cls(job, seeds, runs, facts, spreads, level, not_comparable(job, runs), kept)

    @property
    def metric(self) -> str:
        """The metric that the verdict is about."""
        return PRIMARY[self.job.plan.task]

    @property
    def patients(self) -> int:
        """Of all sites that said who they are; of one that keeps its number, those that the plan knows of."""
        planned = {site: known.patients for site, known in self.job.plan.sites.items()}
        return sum(sum(facts.patients.values()) or planned[site] for site, facts in self.facts.items())

    def kept_at(self, site: str) -> tuple[str, ...]:
        """What the site's policy keeps at the site, of all that was asked of it."""
        of_rounds = [entry.kept.get(site, ()) for run in self.runs.values() for entry in run.entries]
        judged = [run.evaluation[site].kept for run in self.runs.values() if site in run.evaluation]
        return tuple(sorted({name for kept in (self.kept.get(site, ()), *of_rounds, *judged) for name in kept}))

    def few_at(self, site: str) -> tuple[str, ...]:
        """What of it rests on fewer patients than the site's policy lets out."""
        judged = [run.evaluation[site].few for run in self.runs.values() if site in run.evaluation]
        return tuple(sorted({name for few in judged for name in few}))

    @property
    def layout(self) -> FoldLayout:
        """Which fold each seed tests on, and how many patients it tests for each it trains on."""
        tested, trained = (sum(facts.patients.get(part, 0) for facts in self.facts.values()) for part in _SIZES)
        folds = tuple(self.job.plan.fold_of(seed) for seed in self.seeds)
        return FoldLayout(folds, tested / trained if trained else 0.0)

    def evaluations(self, site: str) -> dict[str, list[ReceivedEvaluation | None]]:
        """Arm -> how the site judged it, seed by seed."""
        return {
            arm.name: [self.runs[arm.name, seed].evaluation.get(site) for seed in self.seeds] for arm in self.job.arms
        }

    def series(
        self, site: str, value: Callable[[ReceivedEvaluation], float | None]
    ) -> dict[str, tuple[float | None, ...]]:
        """Arm -> one value of its evaluations per seed, null where the site did not judge it."""
        return {
            arm: tuple(value(each) if each else None for each in judged)
            for arm, judged in self.evaluations(site).items()
        }

    def scores(self, site: str) -> dict[str, tuple[float | None, ...]]:
        """Arm -> the metric on test cases, of the model that the site uses."""
        return self.series(site, lambda each: each.scores[self.metric])

    def ungated(self, site: str) -> dict[str, tuple[float | None, ...]]:
        """Arm -> the same of the strategy's own model."""
        return self.series(site, lambda each: each.ungated[self.metric])

    def validation(self, site: str) -> dict[str, tuple[float | None, ...]]:
        """Arm -> the metric on validation cases."""
        return self.series(site, lambda each: each.validation[self.metric])

    def gains(self, arm: str, site: str) -> list[float | None]:
        """Of `arm`, or `UNGATED` + arm: its score minus the first strategy's, per seed; null where one of them is."""
        found = self.ungated(site) if arm.startswith(UNGATED) else self.scores(site)
        pairs = zip(found[arm.removeprefix(UNGATED)], self.scores(site)[self.job.arms[0].name], strict=True)
        return [None if new is None or old is None else new - old for new, old in pairs]

    def comparing(self, arm: str) -> list[str]:
        """Sites that compared `arm` with the first strategy; none where it may not be compared."""
        if arm.removeprefix(UNGATED) in self.withheld:
            return []
        return [site for site, spread in self.spreads.items() if arm in spread.strategies]

    def estimate(self, arm: str, sites: Sequence[str] | None = None) -> Estimate:
        """The difference of `arm` from the first strategy, mean over sites, and how sure it is.

        Args:
            sites: all that compared it, unless given.
        """
        chosen = [site for site in self.comparing(arm) if sites is None or site in sites]
        return estimate(
            {site: self.spreads[site].of(arm) for site in chosen},
            {site: self.gains(arm, site) for site in chosen},
            self.rng(),
            self.layout,
        )

    def rng(self) -> np.random.Generator:
        """One fixed stream for all intervals of a run."""
        return np.random.default_rng([len(self.seeds), *(abs(seed) for seed in self.seeds)])


_SIZES = ("test", "train")


def mean_of_seeds(values: Series) -> float | None:
    """Over what is defined."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
