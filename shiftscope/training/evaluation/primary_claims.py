"""The one claim a run is about: the advice against the baseline, mean over sites."""

from dataclasses import dataclass

from shiftscope.plans import Difference, Needed, Verdict
from shiftscope.training.evaluation.accounts import Account
from shiftscope.training.evaluation.claims import decide, needed, verdict_on

__all__ = ["PrimaryClaim", "primary_claim"]


@dataclass(frozen=True, slots=True)
class PrimaryClaim:
    """What one look at a run came to.

    Attributes:
        seeds: trained by then.
        difference: at the level that this look may spend.
        settled: whether further seeds are of no use.
    """

    seeds: int
    difference: Difference
    verdict: Verdict
    needed: Needed
    settled: bool


def primary_claim(account: Account) -> PrimaryClaim:
    """Judge the advice by what has been trained so far; a run without advice has nothing to go on for."""
    plan, advice = account.job.plan, account.job.advice
    found = account.estimate(advice)
    difference = found.interval(account.level)
    later = [analysis for analysis in plan.analyses if analysis.seeds > len(account.seeds)]
    return PrimaryClaim(
        seeds=len(account.seeds),
        difference=difference,
        verdict=verdict_on(difference, plan.margin),
        needed=needed(
            difference,
            found.patients_se,
            found.training_se,
            len(account.seeds),
            account.patients,
            plan.margin,
            plan.folds,
        ),
        settled=decide(difference, found, plan.margin, later) == "stop",
    )
