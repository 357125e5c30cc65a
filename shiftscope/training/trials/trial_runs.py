"""A trial on real data: every rung a run of its own in the trial's folder."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.devices import find_device
from shiftscope.disclosure.policies.site_policy import FEWEST_SCORED
from shiftscope.errors import EngineError, PlanError, UsageError
from shiftscope.plans import Plan, RehearsalResult, RunResult, TrialResult, TrialSetup
from shiftscope.progress import Progress, Report, silent
from shiftscope.sites import Site
from shiftscope.training.launch import train
from shiftscope.training.plan_checks import check_data
from shiftscope.training.planned_data import planned_data
from shiftscope.training.rehearsal_launch import rehearse
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Arm
from shiftscope.training.runs.round_progress import federated_rounds
from shiftscope.training.trials.halving import expected_left
from shiftscope.training.trials.prepared_trials import Trial, in_one_fold
from shiftscope.training.trials.rehearsed_rungs import cut_rehearsed
from shiftscope.training.trials.rungs import halve

__all__ = ["few_validating", "run_trial"]

_LOGGER = logging.getLogger(__name__)


def run_trial(trial: Trial, data: Mapping[str, Path], options: RunOptions, *, progress: Report = silent) -> TrialResult:
    """Run the rungs; leave `trial.json`, `setup.json` and a run's folder for each rung in the options' folder.

    Args:
        data: site -> folder; wins over the plan's own `data`.
        options: where and how to run.
        progress: called after every round of every rung; of rungs that are still to come, the number of rounds is what
            they take where noise lets nothing go on that should be dropped.

    Raises:
        UsageError: the folder holds another trial, or none to resume; or there is no such device.
        PlanError: the plan cannot be run, does not fit the data, or leaves too few validation cases.
        InputError: a site's data cannot be used.
        EngineError: a rung could not give a result; what is finished stays.
    """
    options = replace(options, device=find_device(options.device))
    sites = planned_data(trial.plan, data, options).sites
    if brought := [name for name, site in sites.items() if any(case.split for case in site.cases)]:
        trial = in_one_fold(trial)
        _LOGGER.info("%s: the data bring a split of their own, so there are no folds", ", ".join(brought))
    _check_validation(trial.plan, sites)
    if options.federation is not None and (few := few_validating(trial.plan)):
        _LOGGER.warning(
            "split.val: a trial selects by validation scores, and at %s fewer than %d patients of each class can"
            " validate, so that a site keeps those scores unless its policy sets a lower min_scored; enlarge split.val"
            " (now %g), and take it off split.train",
            ", ".join(few),
            FEWEST_SCORED,
            trial.plan.split.val,
        )
    _claim(trial, options.out, options.resume)
    if trial.rehearse:
        trial = _rehearsed(trial, data, options, progress)
    before = 0

    def run(plan: Plan, arms: Sequence[Arm], number: int) -> RunResult:
        nonlocal before
        folder = options.out / f"rung-{number}"
        if not (folder / "result.json").exists():
            there = replace(options, out=folder, resume=(folder / "job.json").exists())
            report = _over_all_rungs(trial, arms, number, before, progress)
            train(plan, data, there, arms=arms, progress=report)
        before += federated_rounds(arms, len(plan.every_seed))
        # Always from the file: a resumed trial must see the same digits.
        return RunResult.read(folder / "result.json", EngineError)

    result = halve(trial, run)
    result.write(options.out / "trial.json")
    return result


def _rehearsed(trial: Trial, data: Mapping[str, Path], options: RunOptions, progress: Report) -> Trial:
    """The trial without the strategies that a rehearsal drops; one that was finished before is not repeated."""
    folder = options.out / "rehearsal"
    if (folder / "rehearsal.json").exists():
        result = RehearsalResult.read(folder / "rehearsal.json", EngineError)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        _LOGGER.info("rehearsing on features of the frozen encoder")
        alone = replace(options, out=folder, resume=False)
        result = rehearse(trial.asked, data, alone, folds=trial.plan.folds, progress=progress)
    cut = cut_rehearsed(result, trial.strategies, trial.keep)
    if gone := [name for name, fate in cut.fates.items() if fate == "dropped"]:
        _LOGGER.info("rehearsal: dropped %s", ", ".join(gone))
    return replace(trial, strategies=cut.left, rehearsed=cut.fates)


def _over_all_rungs(trial: Trial, arms: Sequence[Arm], number: int, before: int, progress: Report) -> Report:
    """A report for one rung that counts the rounds of all rungs.

    Args:
        arms: of the rung, the reference first.
        number: the rung's, from 1.
        before: rounds of the rungs before it.
    """
    later = trial.rungs[number:]
    left = expected_left(len(arms) - 1, trial.keep, len(later) + 1)[1:]
    to_come = sum(rounds * (1 + count) for rounds, count in zip(later, left, strict=True)) * len(trial.plan.every_seed)
    total = before + federated_rounds(arms, len(trial.plan.every_seed)) + to_come

    def report(step: Progress) -> None:
        doing = f"rung {number} of {len(trial.rungs)}: {step.doing}"
        progress(replace(step, doing=doing, done=before + step.done, total=total))

    return report


def _check_validation(plan: Plan, sites: Mapping[str, Site]) -> None:
    """Validation cases at half of the sites or more: whatever else is missing shows in the first rung."""
    without = [name for name, parts in check_data(plan, sites).items() if not parts["val"]]
    if 2 * len(without) > len(sites):
        raise PlanError(
            f"split.val: {len(without)} of {len(sites)} sites ({', '.join(without)}) have no validation case, and a"
            f" trial selects by nothing else; enlarge split.val (now {plan.split.val:g}), and take it off split.train"
        )


def few_validating(plan: Plan) -> list[str]:
    """Sites at which no split has as many validation patients, of each class if there are any, as policies ask for."""
    split, classes = plan.split, len(plan.classes) if plan.task == "classification" else 1
    share = split.val if plan.folds == 1 else (1 - 1 / plan.folds) * split.val / (split.train + split.val)
    return [name for name, site in plan.sites.items() if site.patients * share < FEWEST_SCORED * max(1, classes)]


def _claim(trial: Trial, out: Path, resume: bool) -> None:
    """Make the folder ours, or see that it already is."""
    path = out / "setup.json"
    asked = TrialSetup(
        plan=trial.plan.model_copy(update={"data": {}}),
        strategies=tuple(item.name for item in trial.strategies),
        rungs=trial.rungs,
        keep=trial.keep,
        rehearse=trial.rehearse,
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
            values = "" if changed[0] == "plan" else f": {before[changed[0]]} when it was begun, now {now[changed[0]]}"
            raise PlanError(f"{out}: the trial had other {changed[0]}{values}; resume it as it was, or start anew")
