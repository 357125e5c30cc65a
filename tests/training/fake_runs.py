"""Results of runs that never ran: validation and test scores as planted."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shiftscope.plans import ArmResult, Cost, Difference, Ledger, Plan, PlannedSite, RunResult, SiteScores, Spending
from shiftscope.training.evaluation.claims import verdict_on
from shiftscope.training.runs.jobs import Arm

__all__ = ["SITES", "faked", "plan_of"]

SITES = ("a", "b", "c", "d")


def plan_of(**changes: object) -> Plan:
    """Four sites, never read."""
    values: dict[str, object] = {
        "name": "fake",
        "task": "segmentation",
        "classes": (),
        "model": "unet",
        "colour": False,
        "image_size": 32,
        "rounds": 16,
        "local_steps": 10,
        "batch_size": 4,
        "learning_rate": 0.01,
        "seeds": (0, 1),
        "harmonizer": None,
        "personalizer": None,
        "sites": {site: PlannedSite(fingerprint="", patients=40, cases=40) for site in SITES},
        "data": {"a": "/secret"},
    }
    return Plan.model_validate({**values, **changes})


def faked(
    validation: Mapping[str, float],
    test: Mapping[str, float],
    *,
    spread: float = 0.0,
    silent: Sequence[str] = (),
    calls: list[tuple[Plan, tuple[Arm, ...]]] | None = None,
) -> Callable[[Plan, Sequence[Arm], int], RunResult]:
    """A rung's run that gives every strategy the same planted scores on every budget.

    Args:
        validation, test: strategy -> score; the interval of a difference on test cases is .01 to each side.
        spread: deviation of the validation score between sites and seeds, different for each strategy.
        silent: sites without validation scores.
        calls: the plan and the arms of every run are added here.
    """

    def run(plan: Plan, arms: Sequence[Arm], number: int) -> RunResult:
        if calls is not None:
            calls.append((plan, tuple(arms)))
        rng = np.random.default_rng(number)
        base, *others = (arm.name for arm in arms)
        gains = {name: test[name] - test[base] for name in others}
        differences = {name: Difference(mean=gain, low=gain - 0.01, high=gain + 0.01) for name, gain in gains.items()}
        noise = {(arm.name, site): rng.normal(0, spread, len(plan.every_seed)) for arm in arms for site in plan.sites}
        cost = Cost(bytes=1000, seconds=2.0)
        return RunResult(
            plan=plan,
            engine="none",
            metric="dice",
            seeds=plan.every_seed,
            verdict="undecided",
            margin=plan.margin,
            difference=Difference(),
            sites={
                site: SiteScores(
                    cases=9,
                    scores={arm.name: (test[arm.name],) * len(plan.every_seed) for arm in arms},
                    validation={
                        arm.name: tuple(
                            None if site in silent else float(validation[arm.name] + value)
                            for value in noise[arm.name, site]
                        )
                        for arm in arms
                    },
                )
                for site in plan.sites
            },
            arms={
                arm.name: ArmResult(
                    algorithm=arm.algorithm,
                    harmonizer=arm.harmonizer,
                    rounds=arm.rounds,
                    mean=test[arm.name],
                    difference=differences.get(arm.name, Difference()),
                    verdict=verdict_on(differences.get(arm.name, Difference()), plan.margin),
                )
                for arm in arms
            },
            rounds=(),
            notes=("site a missed a round",) if number == 1 else (),
            cost=cost,
            ledger={
                arm.name: Ledger(measured=Spending(passes=100 * number, bytes_up=30, bytes_down=70, seconds=1.5))
                for arm in arms
            },
            machine={"cores": "2"},
        )

    return run
