"""Many strategies on a small budget, and the one that is worth the whole of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shiftscope.errors import EngineError, PlanError, UsageError
from shiftscope.plans import Plan, RunResult, TrialCost, TrialEntry, TrialResult, TrialRung, TrialSetup, write_plan
from shiftscope.training.data.model_inputs import read_planned
from shiftscope.training.launch import TIMEOUT_S, check_data, find_device, folders_of, require_extra, train
from shiftscope.training.runs.jobs import Arm
from shiftscope.training.trials.halving import MIN_ROUNDS, Cut, budgets, cut, expected_left
from shiftscope.training.trials.strategies import Strategy, choose_strategies, passes_of, reference_of, winning_plan

__all__ = ["KEEP", "RUNGS", "SHARE", "Run", "Trial", "halve", "prepare_trial", "run_trial", "write_winner"]

KEEP = 0.5
"""Half of the strategies go on from a rung."""

SHARE = 0.5
"""Of the plan's rounds, for the last rung: even where nothing can be dropped, all rungs together then take no more
than every strategy in full would."""

RUNGS = 3
"""At the most."""

Run = Callable[[Plan, Sequence[Arm], int], RunResult]
"""(the plan at the rung's budget, the reference's arm and the others', the rung's number from 1) -> its result."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What will be run.

    Attributes:
        rungs: rounds of each.
        told: what is to be said of the choice of strategies.
    """

    plan: Plan
    strategies: tuple[Strategy, ...]
    rungs: tuple[int, ...]
    keep: float
    told: tuple[str, ...] = ()

    @property
    def full_passes(self) -> int:
        """What every strategy and the reference would take on the whole of the plan's budget."""
        return self._passes(self.plan.rounds, len(self.strategies))

    def expects(self) -> str:
        """The cost in a sentence, before anything has run."""
        left = expected_left(len(self.strategies), self.keep, len(self.rungs))
        about = sum(self._passes(rounds, count) for rounds, count in zip(self.rungs, left, strict=True))
        most = sum(self._passes(rounds, len(self.strategies)) for rounds in self.rungs)
        return (
            f"{len(self.strategies)} strategies beside {self.plan.baseline}, rungs of"
            f" {', '.join(map(str, self.rungs))} rounds: about {about} passes, at most {most} where noise drops"
            f" nothing; all in full: {self.full_passes}"
        )

    def _passes(self, rounds: int, count: int) -> int:
        """Of the reference and as many of the strategies, at the mean of their cost."""
        all_of_them = sum(passes_of(item, self.plan, rounds) for item in self.strategies)
        return passes_of(reference_of(self.plan), self.plan, rounds) + round(all_of_them * count / len(self.strategies))


def prepare_trial(
    plan: Plan, names: Sequence[str] = (), *, rungs: int = RUNGS, keep: float = KEEP, share: float = SHARE
) -> Trial:
    """Choose the strategies and the budgets.

    Args:
        names: strategies; by default a short list that follows from the plan.
        rungs: how many at the most.
        keep: share of the strategies that goes on from each rung; also a rung's budget in terms of the next one's.
        share: of the plan's rounds, for the last rung.

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
    last = max(min(MIN_ROUNDS, plan.rounds), round(plan.rounds * share))
    require_extra()
    strategies, told = choose_strategies(plan, names)
    return Trial(plan, strategies, budgets(last, len(strategies), keep, rungs), keep, tuple(told))


def run_trial(
    trial: Trial,
    data: Mapping[str, Path],
    *,
    engine: Literal["flower", "inline"] = "flower",
    out: Path,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
) -> TrialResult:
    """Run the rungs; leave `trial.json`, `setup.json` and a run's folder for each rung in `out`.

    Arguments are those of `train`.

    Raises:
        UsageError: `out` holds another trial, or none to resume; or there is no such device.
        PlanError: the plan cannot be run, does not fit the data, or leaves too few validation cases.
        InputError: a site's data cannot be used.
        EngineError: a rung could not give a result; what is finished stays.
    """
    device = find_device(device)
    _check_validation(trial.plan, folders_of(trial.plan, data), patient_regex)
    _claim(trial, out, resume)

    def run(plan: Plan, arms: Sequence[Arm], number: int) -> RunResult:
        folder = out / f"rung-{number}"
        if not (folder / "result.json").exists():
            train(
                plan,
                data,
                engine=engine,
                out=folder,
                resume=(folder / "job.json").exists(),
                progress=progress,
                patient_regex=patient_regex,
                timeout_s=timeout_s,
                device=device,
                arms=arms,
            )
        # Always from the file: a resumed trial must see the same digits.
        return RunResult.read(folder / "result.json", EngineError)

    result = halve(trial, run, progress)
    result.write(out / "trial.json")
    return result


def halve(trial: Trial, run: Run, progress: Callable[[str], None] | None = None) -> TrialResult:
    """Rung by rung: run who is left, keep the best on the validation cases.

    Args:
        run: does a rung.
        progress: told one line per rung.
    """
    say = progress or (lambda _line: None)
    reference, left = reference_of(trial.plan), trial.strategies
    rungs: list[TrialRung] = []
    results: list[RunResult] = []
    ranking: list[str] = []
    for number, rounds in enumerate(trial.rungs, 1):
        plan = trial.plan.model_copy(update={"rounds": rounds})
        say(f"rung {number} of {len(trial.rungs)}: {rounds} rounds of {', '.join(item.name for item in left)}")
        result = run(plan, [reference.arm(plan), *(item.arm(plan) for item in left)], number)
        found = cut(result, trial.keep)
        last = number == len(trial.rungs)
        rungs.append(_rung(rounds, result, found, last))
        results.append(result)
        gone = () if last else found.dropped
        ranking = [*gone, *ranking]
        left = tuple(item for item in left if item.name not in gone)
        if gone:
            say(f"rung {number}: dropped {', '.join(gone)}")
    finalists = sorted(rungs[-1].strategies, key=lambda name: -rungs[-1].strategies[name].validation)
    leader = next(name for name in finalists if name != reference.name)
    helped = [name for name in finalists if rungs[-1].strategies[name].verdict == "helped"]
    return TrialResult(
        plan=trial.plan.model_copy(update={"data": {}}),
        engine=results[-1].engine,
        metric=results[-1].metric,
        reference=reference.name,
        verdict="take" if leader in helped else "unclear" if helped else "pool",
        leader=leader,
        winner=leader if leader in helped else None,
        close=cut(results[-1], 0).tied,
        ranking=(*finalists, *ranking),
        keep=trial.keep,
        seeds=trial.plan.seeds,
        rungs=tuple(rungs),
        cost=TrialCost(
            passes=sum(entry.passes for rung in rungs for entry in rung.strategies.values()),
            full_passes=trial.full_passes,
            bytes=sum(result.cost.bytes for result in results),
            seconds=sum(result.cost.seconds for result in results),
        ),
        machine=results[-1].machine,
        notes=tuple(f"rung {number}: {note}" for number, result in enumerate(results, 1) for note in result.notes),
    )


def write_winner(trial: Trial, result: TrialResult, path: Path) -> None:
    """What the trial came to, as a plan for `train` on the whole budget: the winner, or the reference alone."""
    winner = next((item for item in trial.strategies if item.name == result.winner), None)
    plan = winning_plan(trial.plan, winner)
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


def _check_validation(plan: Plan, folders: Mapping[str, Path], patient_regex: str | None) -> None:
    """Validation cases at half of the sites or more: what else there is to miss, the first rung will tell."""
    sites = {site: read_planned(plan, site, path, patient_regex) for site, path in folders.items()}
    without = [name for name, parts in check_data(plan, sites).items() if not parts["val"]]
    if 2 * len(without) > len(sites):
        raise PlanError(
            f"split.val: {len(without)} of {len(sites)} sites ({', '.join(without)}) have no validation case, and a"
            f" trial selects by nothing else; enlarge split.val (now {plan.split.val:g}), and take it off split.train"
        )


def _claim(trial: Trial, out: Path, resume: bool) -> None:
    """Make the folder ours, or see that it already is."""
    path = out / "setup.json"
    asked = TrialSetup(
        plan=trial.plan.model_copy(update={"data": {}}),
        strategies=tuple(item.name for item in trial.strategies),
        rungs=trial.rungs,
        keep=trial.keep,
    )
    if not resume:
        if path.exists():
            raise UsageError(f"{out} holds a trial already; add --resume to go on with it, or choose another folder")
        if (out / "job.json").exists():
            raise UsageError(f"{out} holds a run of another kind; choose another folder for the trial")
        asked.write(path)
    elif not path.exists():
        raise UsageError(f"{out} holds no trial to resume; leave --resume out to start one")
    else:
        before, now = TrialSetup.read(path, EngineError).to_dict(), asked.to_dict()
        if changed := [key for key in now if now[key] != before[key]]:
            told = "" if changed[0] == "plan" else f": {before[changed[0]]} when it was begun, now {now[changed[0]]}"
            raise PlanError(f"{out}: the trial had other {changed[0]}{told}; resume it as it was, or start anew")
