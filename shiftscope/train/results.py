"""The account of a run: scores per site and seed, and the verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.plans import Cost, Difference, RoundEntry, RunResult, SiteScore, SiteScores
from shiftscope.train.bootstrap import interval
from shiftscope.train.jobs import Job
from shiftscope.train.scores import PRIMARY
from shiftscope.train.states import Checkpoint, Evaluation

__all__ = ["MARGIN", "SiteFacts", "line_of", "summarise", "verdict_on"]

MARGIN = 0.005
"""A mean difference below half a point helps nobody, however sure it is."""

Verdict = Literal["helped", "no_difference", "harmed"]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a site said of itself before the first round."""

    patients: Mapping[str, int]
    left_out: Mapping[str, int]
    changed: float | None = None


def verdict_on(difference: Difference) -> Verdict:
    """`helped` where the interval lies above 0 and the mean above `MARGIN`; `harmed` likewise; else no difference."""
    mean, low, high = difference.mean, difference.low, difference.high
    if mean is None or low is None or high is None:
        return "no_difference"
    if low > 0 and mean > MARGIN:
        return "helped"
    return "harmed" if high < 0 and mean < -MARGIN else "no_difference"


def summarise(
    job: Job,
    engine: str,
    runs: Mapping[tuple[str, int], Checkpoint],
    facts: Mapping[str, SiteFacts],
    differences: Mapping[str, np.ndarray],
    cost: Cost,
    machine: Mapping[str, str],
    notes: Sequence[str] = (),
) -> RunResult:
    """Put together what the coordinator knows.

    Args:
        runs: (arm, seed) -> its finished checkpoint.
        facts: site -> what it said of itself; a site missing here never answered.
        differences: site -> bootstrap replicates, empty for a plan without advice.
    """
    metric = PRIMARY[job.plan.task]
    sites = {site: _site(job, site, runs, facts.get(site), differences) for site in job.sites}
    overall = interval(differences, {site: _gains(sites[site].scores) for site in differences}, _rng(job))
    entries = [entry for run in runs.values() for entry in run.entries]
    return RunResult(
        plan=job.plan.model_copy(update={"data": {}}),
        engine=engine,
        metric=metric,
        verdict=verdict_on(overall),
        difference=overall,
        sites=sites,
        harmed=tuple(site for site in job.sites if verdict_on(sites[site].difference) == "harmed"),
        worst={arm.name: worst for arm in job.arms if (worst := _worst(sites, arm.name))},
        rounds=tuple(entries),
        notes=(*notes, *_absences(entries), *_unscored(job, sites)),
        cost=cost,
        cost_by_arm={arm.name: _cost(runs, arm.name) for arm in job.arms},
        machine=dict(machine),
    )


def line_of(entry: RoundEntry, rounds: int) -> str:
    """A round in one line."""
    failed = [f"{site} {reply}" for site, reply in entry.replies.items() if reply != "ok"]
    loss = "no loss" if entry.loss is None else f"loss {entry.loss:.3f}"
    counts = f"{len(entry.replies) - len(failed)} of {len(entry.replies)} sites"
    head = f"{entry.arm}, seed {entry.seed}, round {entry.round} of {rounds}: {loss}, {counts}, {entry.seconds:.1f} s"
    return "; ".join([head, *failed])


def _site(
    job: Job,
    site: str,
    runs: Mapping[tuple[str, int], Checkpoint],
    facts: SiteFacts | None,
    differences: Mapping[str, np.ndarray],
) -> SiteScores:
    words = {arm.name: [runs[arm.name, seed].evaluation.get(site) for seed in job.plan.seeds] for arm in job.arms}
    names = sorted({name for series in words.values() for word in series if word for name in word.scores})
    metric = PRIMARY[job.plan.task]
    scores = {arm: tuple(word.scores[metric] if word else None for word in series) for arm, series in words.items()}
    mine = {site: differences[site]} if site in differences else {}
    return SiteScores(
        cases=max((word.cases for series in words.values() for word in series if word), default=0),
        patients=dict(facts.patients) if facts else {},
        scores=scores,
        difference=interval(mine, {site: _gains(scores)}, _rng(job)),
        also={name: _series(words, name) for name in names if name != metric},
        validation={
            arm: tuple(word.validation[metric] if word else None for word in series) for arm, series in words.items()
        },
        left_out=dict(facts.left_out) if facts else {},
        changed=facts.changed if facts else None,
    )


def _series(words: Mapping[str, Sequence[Evaluation | None]], name: str) -> dict[str, tuple[float | None, ...]]:
    return {arm: tuple(word.scores[name] if word else None for word in series) for arm, series in words.items()}


def _gains(scores: Mapping[str, Sequence[float | None]]) -> list[float | None]:
    """Adapted minus baseline per seed, null where one of them is."""
    pairs = zip(scores.get("adapted", ()), scores["baseline"], strict=False)
    return [None if new is None or old is None else new - old for new, old in pairs]


def _worst(sites: Mapping[str, SiteScores], arm: str) -> SiteScore | None:
    """The site an average hides."""
    means = {site: [value for value in word.scores[arm] if value is not None] for site, word in sites.items()}
    found = [SiteScore(site=site, score=float(np.mean(values))) for site, values in means.items() if values]
    return min(found, key=lambda word: word.score, default=None)


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


def _unscored(job: Job, sites: Mapping[str, SiteScores]) -> list[str]:
    return [
        f"site {site}: {PRIMARY[job.plan.task]} of '{arm}' is undefined or missing for seed {seed}"
        for site, word in sites.items()
        for arm, series in word.scores.items()
        for seed, value in zip(job.plan.seeds, series, strict=True)
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
    return np.random.default_rng([len(job.plan.seeds), *(abs(seed) for seed in job.plan.seeds)])
