"""What a trial came to, as a plan for the whole budget."""

from pathlib import Path

from shiftscope.plans import Plan, TrialResult, write_plan
from shiftscope.training.algorithms.families import PERSONALIZERS
from shiftscope.training.trials.prepared_trials import Trial
from shiftscope.training.trials.strategies import Strategy

__all__ = ["winning_plan", "write_winner"]


def write_winner(trial: Trial, result: TrialResult, path: Path) -> None:
    """What the trial came to, as a plan for `train` on the whole budget: the winner, or the reference alone."""
    winner = next((item for item in trial.strategies if item.name == result.winner), None)
    plan = winning_plan(trial.asked, winner)
    entry = result.last(result.leader)
    shown = [end for end in (entry.difference.low, entry.difference.high) if end is not None]
    ends = f" [{', '.join(f'{end:+.3f}' for end in shown)}]" if shown else ""
    gain = "undefined" if entry.difference.mean is None else f"{entry.difference.mean:+.3f}, 95 %{ends}"
    because = (
        f"after a trial of {len(trial.strategies)} strategies, {result.rungs[-1].rounds} rounds in its last rung:",
        f"{result.leader} against {result.reference}, {result.metric} on test cases: {gain}",
        f"so: {result.winner or f'{result.reference} alone, for nothing is shown to beat it'}",
    )
    write_plan(plan.model_copy(update={"name": f"{plan.name}-winner"}), path, because)


def winning_plan(plan: Plan, winner: Strategy | None) -> Plan:
    """The plan that trains `winner` beside its baseline; for None, the baseline alone.

    Where the winner's algorithm gives one model to all, it takes the baseline's place.
    """
    if winner is None:
        return plan.model_copy(update={"harmonizer": None, "personalizer": None})
    own = winner.algorithm in PERSONALIZERS
    return plan.model_copy(
        update={
            "harmonizer": winner.harmonizer,
            "personalizer": winner.algorithm if own else None,
            "baseline": plan.baseline if own else winner.algorithm,
        }
    )
