"""What a trial will do: which strategies, on how many rounds in each rung, and what that will cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shiftscope.errors import UsageError
from shiftscope.plans import Plan, RehearsedFate
from shiftscope.training.data.splits import FOLDS, require_folds
from shiftscope.training.plan_checks import require_extra
from shiftscope.training.trials.halving import MIN_ROUNDS, budgets, expected_left
from shiftscope.training.trials.strategies import Strategy, choose_strategies, gradients_of, reference_of

__all__ = ["KEEP", "RUNGS", "SHARE", "Trial", "in_one_fold", "prepare_trial"]

KEEP = 0.5
"""Half of the strategies go on from a rung."""

SHARE = 0.5
"""Of the plan's rounds, for the last rung: even where nothing can be dropped, all rungs together then take no more
than every strategy in full would."""


RUNGS = 3
"""At the most."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What will be run.

    Attributes:
        plan: at the trial's seeds and folds.
        asked: the plan as it was given, which the winner is trained by.
        rungs: rounds of each.
        rehearse: whether a rehearsal drops strategies before the first rung.
        rehearsed: what it did with each; empty before, and without one.
        remarks: sentences on the choice of strategies: what was left out, and why.
    """

    plan: Plan
    asked: Plan
    strategies: tuple[Strategy, ...]
    rungs: tuple[int, ...]
    keep: float
    remarks: tuple[str, ...] = ()
    rehearse: bool = False
    rehearsed: Mapping[str, RehearsedFate] = field(default_factory=dict)

    @property
    def full_gradients(self) -> int:
        """Gradients of a batch that all strategies and the reference would compute on the plan's whole budget."""
        return self._gradients(self.plan.rounds, len(self.strategies))

    def expects(self) -> str:
        """The cost in a sentence, before anything has run."""
        left = expected_left(len(self.strategies), self.keep, len(self.rungs))
        about = sum(self._gradients(rounds, count) for rounds, count in zip(self.rungs, left, strict=True))
        most = sum(self._gradients(rounds, len(self.strategies)) for rounds in self.rungs)
        return (
            f"{len(self.strategies)} strategies beside {self.plan.baseline}, rungs of"
            f" {', '.join(map(str, self.rungs))} rounds: about {about} passes of a batch, at most {most} where"
            f" noise drops nothing; all in full: {self.full_gradients}"
        )

    def _gradients(self, rounds: int, count: int) -> int:
        """Of the reference and as many of the strategies, at the mean of their cost."""
        all_of_them = sum(gradients_of(item, self.plan, rounds) for item in self.strategies)
        return gradients_of(reference_of(self.plan), self.plan, rounds) + round(
            all_of_them * count / len(self.strategies)
        )


def prepare_trial(
    plan: Plan,
    names: Sequence[str] = (),
    *,
    rungs: int = RUNGS,
    keep: float = KEEP,
    share: float = SHARE,
    folds: int = FOLDS,
    rehearse: bool = False,
) -> Trial:
    """Choose the strategies and the budgets.

    Args:
        names: strategies; by default a short list that follows from the plan.
        rungs: how many at the most.
        keep: share of the strategies that goes on from each rung; also a rung's budget in terms of the next one's.
        share: of the plan's rounds, for the last rung.
        folds: into which each site's patients are cut, so that every one is tested, one seed a fold; 1 for the plan's
            own split and seeds.
        rehearse: before the first rung, drop strategies by what they do on features of the frozen encoder.

    Raises:
        UsageError: a strategy that does not exist, or a share that is none.
        PlanError: a strategy or a budget that the plan does not allow.
    """
    if not 0 < keep < 1:
        raise UsageError(f"--keep {keep:g}: expected a share between 0 and 1, such as 1/2")
    if not 0 < share <= 1:
        raise UsageError(f"--budget {share:g}: expected a share above 0, and 1 at the most, such as 1/2")
    if rungs < 1:
        raise UsageError(f"--rungs {rungs}: expected 1 or more")
    require_folds(folds)
    last = max(min(MIN_ROUNDS, plan.rounds), round(plan.rounds * share))
    require_extra(plan)
    strategies, remarks = choose_strategies(plan, names)
    tried = _with_folds(plan, folds)
    return Trial(tried, plan, strategies, budgets(last, len(strategies), keep, rungs), keep, tuple(remarks), rehearse)


def in_one_fold(trial: Trial) -> Trial:
    """The same trial on the split that the data bring."""
    return replace(trial, plan=_with_folds(trial.asked, 1))


def _with_folds(plan: Plan, folds: int) -> Plan:
    """One seed a fold; without folds the plan's own seeds, and of "auto" as many as it starts with."""
    own = plan.every_seed[: plan.analyses[0].seeds]
    return plan.model_copy(update={"folds": folds, "seeds": own if folds == 1 else tuple(range(folds))})
