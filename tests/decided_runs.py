"""Results of runs with each site's own model beside the others, as planted."""

from collections.abc import Sequence
from typing import Any

from small_plans import planned_sites, small_plan

from shiftscope.plans import (
    Answer,
    ArmResult,
    Cost,
    Difference,
    InterimResult,
    RunResult,
    SiteDifference,
    SiteScore,
    SiteScores,
    Verdict,
)

__all__ = ["DIFFERENCES", "decided_run"]

DIFFERENCES: dict[Verdict, Difference] = {
    "helped": Difference(mean=0.11, low=0.05, high=0.17, level=0.99),
    "harmed": Difference(mean=-0.11, low=-0.17, high=-0.05, level=0.985),
    "no_difference": Difference(mean=0.001, low=-0.008, high=0.009),
    "undecided": Difference(mean=0.02, low=-0.03, high=0.08, level=0.975),
}
"""One that bears out each verdict."""


def decided_run(
    answers: Sequence[Answer], verdict: Verdict = "helped", *, advised: bool = True, analyses: int = 0, **changes: Any
) -> RunResult:
    """A run of sites a, b, c, ... to which these answers are given.

    Args:
        answers: one a site.
        verdict: on the advice.
        advised: whether the plan has any; without it, the baseline is beside each site's own model alone.
        analyses: how often the difference was looked at.
        changes: of the result; those of its plan under "plan".
    """
    sites = tuple("abcdefghij"[: len(answers)])
    methods = {"harmonizer": "zscore", "personalizer": "fedper"} if advised else {}
    plan = small_plan(**{"sites": planned_sites(sites, 40), **methods, **changes.pop("plan", {})})
    difference = DIFFERENCES[verdict] if advised else Difference()
    alone = Difference(mean=-0.05, low=-0.1, high=0.0)
    scores = {"baseline": (0.6,), **({"adapted": (0.7,)} if advised else {}), "local": (0.55,)}
    algorithms = {"baseline": "fedavg", "adapted": "fedper", "local": "local"}
    values: dict[str, Any] = {
        "plan": plan,
        "engine": "inline",
        "metric": "dice",
        "seeds": plan.every_seed,
        "verdict": verdict if advised else "undecided",
        "margin": plan.margin,
        "difference": difference,
        "worst_site": SiteDifference(site="a", difference=difference),
        "analyses": (InterimResult(seeds=3, difference=difference, verdict=verdict),) * analyses,
        "sites": {
            site: SiteScores(
                cases=12, answer=answer, scores=scores, difference=difference, differences={"local": alone}
            )
            for site, answer in zip(sites, answers, strict=True)
        },
        "worst": {name: SiteScore(site="a", score=0.5) for name in scores},
        "arms": {
            name: ArmResult(
                algorithm=algorithms[name],
                harmonizer="zscore" if name == "adapted" else None,
                rounds=10,
                mean=values[0],
                difference={"baseline": Difference(), "adapted": difference, "local": alone}[name],
            )
            for name, values in scores.items()
        },
        "rounds": (),
        "cost": Cost(bytes=5_000_000, seconds=200.0),
    }
    return RunResult(**{**values, **changes})
