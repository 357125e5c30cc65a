"""The account of a run as a result: scores per site and seed, what came of each strategy, and the verdict."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from shiftscope.plans import (
    Answer,
    ArmResult,
    Cost,
    Difference,
    InterimResult,
    Outcome,
    RoundEntry,
    RunResult,
    SiteDifference,
    SiteScore,
    SiteScores,
)
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.evaluation.accounts import Account, mean_of_seeds
from shiftscope.training.evaluation.claims import harmed_sites, verdict_on
from shiftscope.training.evaluation.participation import Choices, participation
from shiftscope.training.evaluation.primary_claims import PrimaryClaim
from shiftscope.training.runs.jobs import ALONE, UNGATED, Arm
from shiftscope.training.runs.ledger import ledger_of
from shiftscope.training.runs.states import Checkpoint, ReceivedEvaluation

__all__ = ["summarise"]


def summarise(
    account: Account,
    claims: Sequence[PrimaryClaim],
    engine: str,
    cost: Cost,
    machine: Mapping[str, str],
    notes: Sequence[str] = (),
) -> RunResult:
    """Put together what the coordinator knows.

    Args:
        account: of the whole run.
        claims: what each look at the result came to; the last one is the run's verdict.
    """
    job, runs, claim = account.job, account.runs, claims[-1]
    sites = {site: _site(account, site) for site in job.sites}
    arms = {arm.name: _arm(account, arm, sites) for arm in job.arms}
    entries = [entry for run in runs.values() for entry in run.entries]
    notes = [*notes, *account.withheld.values(), *_unsure(account), *_one_seed(account)]
    notes += [*_absences(entries), *_unscored(account, sites)]
    return RunResult(
        plan=job.plan.model_copy(update={"data": {}}),
        engine=engine,
        metric=account.metric,
        seeds=account.seeds,
        verdict=claim.verdict,
        margin=job.plan.margin,
        difference=claim.difference,
        needed=claim.needed,
        worst_site=_worst_site(account, sites),
        analyses=tuple(
            InterimResult(seeds=each.seeds, difference=each.difference, verdict=each.verdict)
            for each in claims
            if job.plan.seeds == "auto"
        ),
        sites=sites,
        harmed=arms[job.advice].harmed if job.advice else (),
        worst={arm.name: worst for arm in job.arms if (worst := _worst(sites, arm.name))},
        arms=arms,
        rounds=tuple(entries),
        notes=tuple(dict.fromkeys(notes)),
        cost=cost,
        cost_by_arm={arm.name: _cost(runs, arm.name) for arm in job.arms},
        ledger={
            arm.name: ledger_of(job, arm.name, [run for (name, _), run in runs.items() if name == arm.name])
            for arm in job.arms
        },
        machine=dict(machine),
    )


def _arm(account: Account, arm: Arm, sites: Mapping[str, SiteScores]) -> ArmResult:
    used = [scores.scores[arm.name] for scores in sites.values()]
    own = [scores.ungated[arm.name] for scores in sites.values()]
    return ArmResult(
        algorithm=arm.algorithm,
        harmonizer=arm.harmonizer,
        rounds=arm.rounds,
        ungated=_outcome(account, UNGATED + arm.name, own) if arm.gated else None,
        **dict(_outcome(account, arm.name, used)),
    )


def _outcome(account: Account, arm: str, scores: Sequence[Sequence[float | None]]) -> Outcome:
    """Of `arm`, or of its own models, the gate aside.

    Args:
        scores: its series at each site.
    """
    margin = account.job.plan.margin
    difference = account.estimate(arm).interval(account.level)
    means = [mean for series in scores if (mean := mean_of_seeds(series)) is not None]
    apart = {site: account.estimate(arm, [site]) for site in account.comparing(arm)}
    return Outcome(
        mean=sum(means) / len(means) if means else None,
        difference=difference,
        verdict=verdict_on(difference, margin),
        harmed=harmed_sites(apart, margin, 1 - account.level),
    )


def _site(account: Account, site: str) -> SiteScores:
    job, facts = account.job, account.facts.get(site)
    judged = account.evaluations(site)
    names = sorted({name for series in judged.values() for each in series if each for name in each.scores})
    apart = {
        arm.name: account.estimate(arm.name, [site]).interval(account.level)
        for arm in job.arms[1:]
        if site in account.comparing(arm.name)
    }
    return SiteScores(
        cases=_tested_cases(account, site),
        patients=dict(facts.patients) if facts else {},
        answer=_answer(account, site),
        scores=account.scores(site),
        difference=apart.get(job.advice, Difference()),
        differences=apart,
        ungated=account.ungated(site),
        kept_baseline={
            arm.name: tuple(each is not None and each.kept_baseline for each in judged[arm.name])
            for arm in job.arms
            if arm.gated
        },
        also={name: account.series(site, partial(_score, name=name)) for name in names if name != account.metric},
        validation=account.validation(site),
        left_out=dict(facts.left_out) if facts else {},
        changed=facts.changed.get(job.plan.harmonizer or "") if facts else None,
        kept=account.kept_at(site),
    )


def _answer(account: Account, site: str) -> Answer:
    """Whether taking part pays for the site: its own model, the baseline and the advice, side by side."""
    job = account.job
    compared = [arm for arm in job.arms if arm.name in (job.arms[0].name, job.advice) and _federated(arm)]
    choices = Choices(
        local=next((arm.name for arm in job.arms if arm.alone), None),
        shared=tuple(arm.name for arm in compared if not arm.gated),
        own=tuple(arm.name for arm in compared if arm.gated),
    )
    first, *others = (arm.name for arm in job.arms)
    compared_here = [arm for arm in others if site in account.comparing(arm)]
    wanted = (choices.local, *choices.shared, *choices.own)
    if any(arm not in (None, first, *compared_here) for arm in wanted) or not compared_here:
        return "undecided"
    means = {arm: account.gains(arm, site) for arm in compared_here}
    return participation(
        choices, account.spreads[site], means, account.rng, account.layout, job.plan.margin, 1 - account.level
    ).answer


def _federated(arm: Arm) -> bool:
    """Whether a site can take part in it: not in what it does alone, nor in a bound that pools all cases."""
    return arm.algorithm != ALONE and not find_algorithm(arm.algorithm).pools


def _tested_cases(account: Account, site: str) -> int:
    """Test cases of all folds together; 0 where the site keeps their number."""
    by_fold: dict[int, int] = {}
    for series in account.evaluations(site).values():
        for fold, each in zip(account.layout.folds, series, strict=True):
            if each is not None and each.cases is not None:
                by_fold[fold] = max(each.cases, by_fold.get(fold, 0))
    return sum(by_fold.values())


def _score(evaluation: ReceivedEvaluation, name: str) -> float | None:
    return evaluation.scores.get(name)


def _worst(sites: Mapping[str, SiteScores], arm: str) -> SiteScore | None:
    """The site an average hides."""
    means = {site: mean_of_seeds(scores.scores[arm]) for site, scores in sites.items()}
    found = [SiteScore(site=site, score=mean) for site, mean in means.items() if mean is not None]
    return min(found, key=lambda each: each.score, default=None)


def _worst_site(account: Account, sites: Mapping[str, SiteScores]) -> SiteDifference | None:
    """The site that is worst under the first strategy, and what the advice does to it.

    Validation cases choose it: the site that happens to be worst on the test cases would seem to gain by chance alone.
    The baseline's luck in training, and over folds that a patient is validated in one and tested in another, remain:
    among twelve equal sites the chosen one seems to gain in .05 to .12 of runs of five folds where .025 should.
    """
    first = account.job.arms[0].name
    means = {site: mean_of_seeds(scores.validation[first]) for site, scores in sites.items()}
    known = {site: mean for site, mean in means.items() if mean is not None}
    if not known or not account.job.advice:
        return None
    worst = min(known, key=lambda site: known[site])
    return SiteDifference(site=worst, difference=sites[worst].difference)


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


def _one_seed(account: Account) -> list[str]:
    if len(account.seeds) > 1 or len(account.job.arms) < 2:
        return []
    return ["one seed: intervals know of the chance in patients, not of the chance in training; run three or more"]


def _unscored(account: Account, sites: Mapping[str, SiteScores]) -> list[str]:
    return [
        f"site {site}: {account.metric} of '{arm}' is undefined or missing for seed {seed}"
        for site, scores in sites.items()
        if account.metric not in scores.kept
        for arm, series in scores.scores.items()
        for seed, value in zip(account.seeds, series, strict=True)
        if value is None
    ]


def _unsure(account: Account) -> list[str]:
    """One line per site whose few test patients leave the mean over sites without an interval."""
    return [
        f"site {site}: each of its test parts has one patient, or one of a class, so nobody knows how far chance moves"
        " its score, and neither its difference nor the mean over sites has an interval; set fewer folds, add patients,"
        " or leave the site out"
        for site in account.job.sites
        if any(_is_unsure(account, arm.name, site) for arm in account.job.arms[1:])
    ]


def _is_unsure(account: Account, arm: str, site: str) -> bool:
    if site not in account.comparing(arm):
        return False
    gains = np.array([gain is not None for gain in account.gains(arm, site)])
    return bool(gains.any() and np.isnan(account.spreads[site].of(arm).variance(gains)))


def _cost(runs: Mapping[tuple[str, int], Checkpoint], arm: str) -> Cost:
    mine = [run for (name, _), run in runs.items() if name == arm]
    return Cost(
        bytes=sum(entry.bytes for run in mine for entry in run.entries) + sum(run.evaluation_bytes for run in mine),
        seconds=sum(entry.seconds for run in mine for entry in run.entries),
    )
