"""The account of a run: scores per site and seed, and the verdict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from shiftscope.plans import (
    ArmResult,
    Cost,
    Difference,
    Kept,
    Outcome,
    RoundEntry,
    RunResult,
    SiteScore,
    SiteScores,
)
from shiftscope.training.evaluation.bootstrap import FoldLayout, interval
from shiftscope.training.evaluation.claims import verdict_on
from shiftscope.training.evaluation.fairness import not_comparable
from shiftscope.training.evaluation.scores import PRIMARY
from shiftscope.training.runs.jobs import UNGATED, Arm, Job
from shiftscope.training.runs.ledger import ledger_of
from shiftscope.training.runs.states import Checkpoint, Evaluation

__all__ = ["SiteFacts", "leak_notes", "summarise"]

Series = Sequence[float | None]
"""One value per seed."""


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a site said of itself before the first round."""

    patients: Mapping[str, int]
    left_out: Mapping[str, int]
    changed: Mapping[str, float] = field(default_factory=dict)


def summarise(
    job: Job,
    engine: str,
    runs: Mapping[tuple[str, int], Checkpoint],
    facts: Mapping[str, SiteFacts],
    differences: Mapping[str, Mapping[str, np.ndarray]],
    cost: Cost,
    machine: Mapping[str, str],
    notes: Sequence[str] = (),
) -> RunResult:
    """Put together what the coordinator knows.

    Args:
        runs: (arm, seed) -> its finished checkpoint.
        facts: site -> what it said of itself; a site missing here never answered.
        differences: arm -> site -> bootstrap replicates, for every arm but the first; `UNGATED` + arm likewise.
    """
    metric = PRIMARY[job.plan.task]
    withheld = not_comparable(job, runs)
    differences = {arm: drawn for arm, drawn in differences.items() if arm.removeprefix(UNGATED) not in withheld}
    sites = {site: _site(job, site, runs, facts.get(site), differences) for site in job.sites}
    arms = {arm.name: _arm(job, arm, sites, differences) for arm in job.arms}
    advice = arms[job.arms[1].name] if len(job.arms) > 1 else arms[job.arms[0].name]
    entries = [entry for run in runs.values() for entry in run.entries]
    return RunResult(
        plan=job.plan.model_copy(update={"data": {}}),
        engine=engine,
        metric=metric,
        seeds=job.plan.every_seed,
        margin=job.plan.margin,
        verdict=advice.verdict,
        difference=advice.difference,
        sites=sites,
        harmed=advice.harmed,
        worst={arm.name: worst for arm in job.arms if (worst := _worst(sites, arm.name))},
        arms=arms,
        rounds=tuple(entries),
        notes=(*notes, *withheld.values(), *_one_seed(job), *_absences(entries), *_unscored(job, sites)),
        cost=cost,
        cost_by_arm={arm.name: _cost(runs, arm.name) for arm in job.arms},
        ledger={
            arm.name: ledger_of(job, arm.name, [run for (name, _), run in runs.items() if name == arm.name])
            for arm in job.arms
        },
        machine=dict(machine),
    )


def leak_notes(job: Job, harmonizer: str, signals: Mapping[str, Kept]) -> list[str]:
    """One line per site at which a harmonizer takes more than its margin of what the model has to learn."""
    what = "the contrast of lesions" if job.plan.task == "segmentation" else "what tells the classes apart (AUROC)"
    return [
        f"site {site}: {harmonizer} lowers {what} from {kept.before:.2f} to {kept.after:.2f} on {kept.cases} training"
        " cases, more than chance; look at `shiftscope harmonize`, or take another harmonizer"
        for site, kept in signals.items()
        if kept.lost
    ]


def _arm(
    job: Job, arm: Arm, sites: Mapping[str, SiteScores], drawn: Mapping[str, Mapping[str, np.ndarray]]
) -> ArmResult:
    used = {site: scores.scores for site, scores in sites.items()}
    own = {site: {**scores.scores, **scores.ungated} for site, scores in sites.items()}
    return ArmResult(
        algorithm=arm.algorithm,
        harmonizer=arm.harmonizer,
        rounds=arm.rounds,
        ungated=_outcome(job, arm, own, drawn.get(UNGATED + arm.name, {})) if arm.gated else None,
        **dict(_outcome(job, arm, used, drawn.get(arm.name, {}))),
    )


def _outcome(
    job: Job, arm: Arm, scores: Mapping[str, Mapping[str, Series]], drawn: Mapping[str, np.ndarray]
) -> Outcome:
    gains = {site: _gains(job, scores[site], arm.name) for site in drawn}
    overall = interval(drawn, gains, _rng(job), _layout(job))
    means = [mean for series in scores.values() if (mean := _mean(series[arm.name])) is not None]
    apart = {site: interval({site: drawn[site]}, gains, _rng(job), _layout(job)) for site in drawn}
    return Outcome(
        mean=float(np.mean(means)) if means else None,
        difference=overall,
        verdict=verdict_on(overall, job.plan.margin),
        harmed=tuple(
            site for site in job.sites if site in apart and verdict_on(apart[site], job.plan.margin) == "harmed"
        ),
    )


def _site(
    job: Job,
    site: str,
    runs: Mapping[tuple[str, int], Checkpoint],
    facts: SiteFacts | None,
    differences: Mapping[str, Mapping[str, np.ndarray]],
) -> SiteScores:
    evaluations = {
        arm.name: [runs[arm.name, seed].evaluation.get(site) for seed in job.plan.every_seed] for arm in job.arms
    }
    arrived = [each for series in evaluations.values() for each in series if each]
    names = sorted({name for each in arrived for name in each.scores})
    metric = PRIMARY[job.plan.task]
    scores = _series(evaluations, lambda each: each.scores[metric])
    apart = {
        arm: interval({site: drawn[site]}, {site: _gains(job, scores, arm)}, _rng(job), _layout(job))
        for arm, drawn in differences.items()
        if site in drawn and arm in scores
    }
    advice = job.arms[1].name if len(job.arms) > 1 else ""
    changed = facts.changed.get(job.plan.harmonizer or "") if facts else None
    return SiteScores(
        cases=max((each.cases for each in arrived), default=0),
        patients=dict(facts.patients) if facts else {},
        scores=scores,
        difference=apart.get(advice, Difference()),
        differences=apart,
        ungated=_series(evaluations, lambda each: each.ungated[metric]),
        kept_baseline={
            arm.name: tuple(each is not None and each.kept_baseline for each in evaluations[arm.name])
            for arm in job.arms
            if arm.gated
        },
        also={name: _series(evaluations, partial(_score, name=name)) for name in names if name != metric},
        validation=_series(evaluations, lambda each: each.validation[metric]),
        left_out=dict(facts.left_out) if facts else {},
        changed=changed,
    )


def _series(
    evaluations: Mapping[str, Sequence[Evaluation | None]], value: Callable[[Evaluation], float | None]
) -> dict[str, tuple[float | None, ...]]:
    return {arm: tuple(value(each) if each else None for each in series) for arm, series in evaluations.items()}


def _score(evaluation: Evaluation, name: str) -> float | None:
    return evaluation.scores[name]


def _gains(job: Job, scores: Mapping[str, Sequence[float | None]], arm: str) -> list[float | None]:
    """A strategy minus the first one per seed, null where one of them is."""
    pairs = zip(scores[arm], scores[job.arms[0].name], strict=True)
    return [None if new is None or old is None else new - old for new, old in pairs]


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _worst(sites: Mapping[str, SiteScores], arm: str) -> SiteScore | None:
    """The site an average hides."""
    means = {site: _mean(scores.scores[arm]) for site, scores in sites.items()}
    found = [SiteScore(site=site, score=mean) for site, mean in means.items() if mean is not None]
    return min(found, key=lambda each: each.score, default=None)


def _absences(entries: Sequence[RoundEntry]) -> list[str]:
    """One line per site that missed a round."""
    missed: dict[str, list[str]] = {}
    for entry in entries:
        for site, reply in entry.replies.items():
            if reply != "ok":
                missed.setdefault(site, []).append(f"{entry.arm} seed {entry.seed} round {entry.round}: {reply}")
    return [
        f"site {site} missed {len(what)} of {len(entries)} rounds; the others went on without it (first: {what[0]})"
        for site, what in sorted(missed.items())
    ]


def _one_seed(job: Job) -> list[str]:
    if len(job.plan.every_seed) > 1 or len(job.arms) < 2:
        return []
    return ["one seed: intervals know of the chance in patients, not of the chance in training; run three or more"]


def _unscored(job: Job, sites: Mapping[str, SiteScores]) -> list[str]:
    return [
        f"site {site}: {PRIMARY[job.plan.task]} of '{arm}' is undefined or missing for seed {seed}"
        for site, scores in sites.items()
        for arm, series in scores.scores.items()
        for seed, value in zip(job.plan.every_seed, series, strict=True)
        if value is None
    ]


def _cost(runs: Mapping[tuple[str, int], Checkpoint], arm: str) -> Cost:
    mine = [run for (name, _), run in runs.items() if name == arm]
    return Cost(
        bytes=sum(entry.bytes for run in mine for entry in run.entries) + sum(run.evaluation_bytes for run in mine),
        seconds=sum(entry.seconds for run in mine for entry in run.entries),
    )


def _rng(job: Job) -> np.random.Generator:
    """One fixed stream for all intervals of a run."""
    return np.random.default_rng([len(job.plan.every_seed), *(abs(seed) for seed in job.plan.every_seed)])


def _layout(job: Job) -> FoldLayout:
    return FoldLayout((0,) * len(job.plan.every_seed))
