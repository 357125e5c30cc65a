"""Results of rehearsals, as planted."""

from collections.abc import Sequence
from typing import Any

from small_plans import planned_sites, small_plan

from shiftscope.plans import (
    Answer,
    Cost,
    Difference,
    RehearsalBudget,
    RehearsalEncoder,
    RehearsalResult,
    RehearsalSite,
    RehearsedScore,
    RehearsedStrategy,
)

__all__ = ["METHODS", "rehearsal", "rehearsed"]

METHODS = ("fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage")


def rehearsed(name: str, gain: float | None, sites: Sequence[str], /, **changes: Any) -> RehearsedStrategy:
    """A strategy by its name, with this gain over an FedAvg of 0.8 at every site, give or take 0.015."""
    harmonizer, _, method = name.rpartition("+")
    if method not in METHODS:
        harmonizer, method = method, "fedavg"
    first = name == "fedavg" or gain is None
    difference = Difference() if first else Difference(mean=gain, low=gain - 0.015, high=gain + 0.015)
    score = 0.8 + (gain or 0.0)
    values: dict[str, Any] = {
        "name": name,
        "harmonizer": harmonizer or None,
        "method": method,
        "score": score,
        "gain": difference,
        "expected": None if gain is None else 0.8 * gain,
        "harm": 0.04,
        "sites": {site: RehearsedScore(score=score, gain=difference) for site in sites},
        "cost": Cost(bytes=240_000, seconds=3.2),
    }
    return RehearsedStrategy(**{**values, **changes})


def rehearsal(
    gains: dict[str, float], answers: Sequence[Answer] = ("take_part", "own_model", "undecided"), **changes: Any
) -> RehearsalResult:
    """A rehearsal of strategies by name, FedAvg first, at sites a, b, c, ... to which these answers are given.

    Args:
        gains: strategy -> its gain over FedAvg; the largest is the best where it exceeds the margin of 0.01.
        answers: one a site.
        changes: of the result; those of its plan under "plan".
    """
    sites = tuple("abcdefghijklmnopqrstuvwxyz"[: len(answers)])
    plan = small_plan(**{"task": "classification", "sites": planned_sites(sites, 200), **changes.pop("plan", {})})
    sites = tuple(plan.sites)
    top = max(gains, key=lambda name: gains[name], default="fedavg")
    values: dict[str, Any] = {
        "plan": plan,
        "engine": "inline",
        "metric": "auroc",
        "encoder": RehearsalEncoder(model="tf_efficientnet_lite0", sha256="ab" * 32),
        "budget": RehearsalBudget(folds=5, rounds=30, local_steps=20),
        "strategies": [rehearsed(name, gain, sites) for name, gain in {"fedavg": 0.0, **gains}.items()],
        "sites": {
            site: RehearsalSite(answer=answer, patients={"train": 140, "val": 20, "test": 40})
            for site, answer in zip(sites, answers, strict=True)
        },
        "best": top if gains.get(top, 0.0) > plan.margin else "fedavg",
        "cost": Cost(bytes=2_900_000, seconds=95.0),
    }
    return RehearsalResult(**{**values, **changes})
