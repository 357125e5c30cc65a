"""Rung by rung: run the strategies that are left, and keep the best on the validation cases."""

import logging
from collections.abc import Callable, Sequence
from typing import Literal

from shiftscope.plans import Plan, RunResult, TrialCost, TrialEntry, TrialResult, TrialRung
from shiftscope.training.runs.jobs import Arm
from shiftscope.training.trials.halving import Cut, cut
from shiftscope.training.trials.prepared_trials import Trial
from shiftscope.training.trials.strategies import reference_of

__all__ = ["Run", "halve"]

_LOGGER = logging.getLogger(__name__)

Run = Callable[[Plan, Sequence[Arm], int], RunResult]
"""(the plan at the rung's budget, the reference's arm and the others', the rung's number from 1) -> its result."""


def halve(trial: Trial, run: Run) -> TrialResult:
    """Rung by rung: run who is left, keep the best on the validation cases.

    Args:
        run: does a rung.
    """
    reference, left = reference_of(trial.plan), trial.strategies
    rungs: list[TrialRung] = []
    results: list[RunResult] = []
    ranking: list[str] = []
    for number, rounds in enumerate(trial.rungs, 1):
        plan = trial.plan.model_copy(update={"rounds": rounds})
        names = ", ".join(item.name for item in left)
        _LOGGER.info("rung %d of %d: %d rounds of %s", number, len(trial.rungs), rounds, names)
        result = run(plan, [reference.arm(plan), *(item.arm(plan) for item in left)], number)
        found = cut(result, trial.keep)
        last = number == len(trial.rungs)
        rungs.append(_rung(rounds, result, found, last))
        results.append(result)
        gone = () if last else found.dropped
        ranking = [*gone, *ranking]
        left = tuple(item for item in left if item.name not in gone)
        if gone:
            _LOGGER.info("rung %d: dropped %s", number, ", ".join(gone))
    finalists = sorted(rungs[-1].strategies, key=lambda name: -rungs[-1].strategies[name].validation)
    leader = next(name for name in finalists if name != reference.name)
    helped = [name for name in finalists if rungs[-1].strategies[name].verdict == "helped"]
    return TrialResult(
        plan=trial.plan.model_copy(update={"data": {}}),
        engine=results[-1].engine,
        metric=results[-1].metric,
        margin=trial.plan.margin,
        reference=reference.name,
        verdict="take" if leader in helped else "unclear" if helped else "pool",
        leader=leader,
        winner=leader if leader in helped else None,
        close=cut(results[-1], 0).tied,
        ranking=(*finalists, *ranking),
        keep=trial.keep,
        seeds=trial.plan.every_seed,
        rungs=tuple(rungs),
        cost=TrialCost(
            passes=sum(entry.passes for rung in rungs for entry in rung.strategies.values()),
            full_passes=trial.full_gradients,
            bytes=sum(result.cost.bytes for result in results),
            seconds=sum(result.cost.seconds for result in results),
        ),
        machine=results[-1].machine,
        rehearsal=dict(trial.rehearsed),
        notes=tuple(f"rung {number}: {note}" for number, result in enumerate(results, 1) for note in result.notes),
    )


def _rung(rounds: int, result: RunResult, found: Cut, last: bool) -> TrialRung:
    fates: dict[str, Literal["kept", "tied", "dropped"]] = {
        **dict.fromkeys(found.kept, "kept"),
        **dict.fromkeys(found.tied, "tied"),
        **dict.fromkeys(found.dropped, "dropped"),
    }
    spent = {name: entry.measured for name, entry in result.ledger.items()}
    return TrialRung(
        rounds=rounds,
        judged=found.judged,
        strategies={
            name: TrialEntry(
                fate="reference" if name not in fates else "finalist" if last else fates[name],
                harmonizer=result.arms[name].harmonizer,
                algorithm=result.arms[name].algorithm,
                validation=score,
                test=result.arms[name].mean,
                difference=result.arms[name].difference,
                verdict=result.arms[name].verdict,
                harmed=result.arms[name].harmed,
                passes=spent[name].passes,
                bytes=spent[name].bytes_up + spent[name].bytes_down,
                seconds=spent[name].seconds,
            )
            for name, score in found.validation.items()
        },
    )
