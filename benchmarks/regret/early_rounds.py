"""After how few rounds strategies are scored beside the whole budget. Nothing is printed.

Each is a schedule of its own, as a rung of `trial` is.
"""

from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.trials.halving import MIN_ROUNDS, budgets
from shiftscope.training.trials.prepared_trials import KEEP, RUNGS, SHARE

__all__ = ["EARLY", "FIRST_LOOK", "HALVING"]

FIRST_LOOK = MIN_ROUNDS
"""Of a trial of two rounds."""

HALVING = budgets(round(SHARE * BUDGET.rounds), 2**RUNGS, KEEP, RUNGS)
"""The rungs that `trial` would have of a plan of the rehearsal's budget."""

EARLY = tuple(sorted({FIRST_LOOK, *HALVING}))
