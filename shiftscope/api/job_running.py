"""`train`, `trial`, `rehearse`: the job of a plan, many strategies on a part of its budget, or on frozen features."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from shiftscope.api.documents import AnyPath, plan_of
from shiftscope.errors import UsageError
from shiftscope.option_values import as_flag, as_list, as_number, as_path
from shiftscope.plans import Plan, RehearsalResult, RunResult, TrialResult
from shiftscope.printable_text import shown
from shiftscope.progress import Report, silent
from shiftscope.sites import Site
from shiftscope.training.data.splits import FOLDS
from shiftscope.training.launch import train as run_plan
from shiftscope.training.launch import with_own_code
from shiftscope.training.rehearsal_launch import rehearse as run_rehearsal
from shiftscope.training.run_options import TIMEOUT_S, RunOptions
from shiftscope.training.trials.prepared_trials import KEEP, RUNGS, SHARE, prepare_trial
from shiftscope.training.trials.trial_runs import run_trial
from shiftscope.training.trials.winners import write_winner

__all__ = ["rehearse", "train", "trial"]

_LOGGER = logging.getLogger(__name__)

Engine = Literal["flower", "inline"]


def train(
    plan: Plan | AnyPath,
    data: Mapping[str, AnyPath] | None = None,
    *,
    engine: Engine = "flower",
    output: AnyPath | None = None,
    resume: bool = False,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
    allow_code: Sequence[str] = (),
    progress: Report = silent,
) -> RunResult:
    """Run a plan beside its baseline on the same budget, and say whether the advice paid.

    Args:
        plan: as a document or a path.
        data: site -> folder of its images; wins over the plan's own.
        engine: "flower" for Flower's simulation, "inline" for the same apps in this process.
        output: the run's folder; runs/NAME unless given. It receives result.json, checkpoints and the sites' models.
        resume: go on from the last checkpoint in it; the plan must be the same.
        patient_regex: how to find the patient in a case's name, as `profile` takes it.
        timeout_s: how long a round waits for its slowest site, in seconds.
        device: "auto", "cpu" or "cuda". Results repeat to the bit on "cpu".
        allow_code: packages whose code the plan may name as its own model, loss or augmentation, at every site.
        progress: called after every round of every strategy and seed.

    Raises:
        PlanError: the plan cannot be run, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder holds another run, there is no such device, or the extra [train] is not installed.
        EngineError: the job could not give a result; its checkpoints stay.
    """
    wanted = plan_of(plan)
    out = Path("runs") / wanted.name if output is None else as_path("output", output)
    options = _options(out, engine, resume, patient_regex, timeout_s, device, allow_code)
    result = run_plan(wanted, _folders(data), options, progress=progress)
    _LOGGER.info("result written to %s", out / "result.json")
    return result


def trial(
    plan: Plan | AnyPath,
    data: Mapping[str, AnyPath] | None = None,
    *,
    strategies: Sequence[str] = (),
    rungs: int = RUNGS,
    keep: float = KEEP,
    budget: float = SHARE,
    folds: int = FOLDS,
    rehearse: bool = False,
    engine: Engine = "flower",
    output: AnyPath | None = None,
    plan_output: AnyPath | None = None,
    resume: bool = False,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
    allow_code: Sequence[str] = (),
    progress: Report = silent,
) -> TrialResult:
    """Measure which strategy to take: halve a list of them, rung by rung, by their scores on validation cases.

    Args:
        strategies: harmonizers, algorithms, or "harmonizer+algorithm"; a short list that follows from the plan unless
            given. The plan's baseline is always among them.
        rungs: how many at the most.
        keep: share of the strategies that goes on from a rung.
        budget: share of the plan's rounds for the last rung.
        folds: into which each site's patients are cut, so that every one of them is tested; 1 for the plan's own split,
            which is also taken where data bring one.
        rehearse: before the first rung, drop strategies by what they do on features of the frozen encoder, as
            `shiftscope.rehearse` has them.
        output: the trial's folder; runs/NAME-trial unless given.
        plan_output: the winner's plan is written here; winner.toml in the folder unless given.
        plan, data, engine, resume, patient_regex, timeout_s, device, allow_code: as `train` takes them.
        progress: called after every round of every strategy and seed.

    Raises:
        UsageError: a strategy that does not exist, or as `train`.
        PlanError, InputError, EngineError: as `train`.
    """
    wanted = plan_of(plan)
    out = Path("runs") / f"{wanted.name}-trial" if output is None else as_path("output", output)
    options = _options(out, engine, resume, patient_regex, timeout_s, device, allow_code)
    wanted = with_own_code(wanted, _folders(data), options)
    prepared = prepare_trial(
        wanted,
        as_list("strategies", strategies),
        rungs=rungs,
        keep=keep,
        share=budget,
        folds=folds,
        rehearse=as_flag("rehearse", rehearse),
    )
    for line in (*prepared.remarks, prepared.expects()):
        _LOGGER.info("%s", line)
    result = run_trial(prepared, _folders(data), options, progress=progress)
    winner = Path(plan_output) if plan_output is not None else out / "winner.toml"
    write_winner(prepared, result, winner)
    command = shlex.join(["shiftscope", "train", str(winner)])
    _LOGGER.info("result written to %s; on the plan's whole budget: %s --data ...", out / "trial.json", command)
    return result


def rehearse(
    plan: Plan | AnyPath,
    data: Mapping[str, AnyPath] | None = None,
    *,
    engine: Engine = "flower",
    output: AnyPath | None = None,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
    progress: Report = silent,
) -> RehearsalResult:
    """Measure every strategy that differs while the encoder is frozen, in minutes, and say what each site should do.

    No code of the operator's own is run: a plan that names some is rehearsed without it, or refused.

    Args:
        output: the rehearsal's folder; runs/NAME-rehearsal unless given. It receives rehearsal.json.
        plan, data, engine, patient_regex, timeout_s, device: as `train` takes them.
        progress: called as the rehearsal goes on.

    Raises:
        PlanError: the plan cannot be rehearsed, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder is in use already, there is no such device, or the extra [train] is not installed.
        EngineError: the rehearsal could not give a result.
    """
    wanted = plan_of(plan)
    out = Path("runs") / f"{wanted.name}-rehearsal" if output is None else as_path("output", output)
    options = _options(out, engine, False, patient_regex, timeout_s, device, ())
    result = run_rehearsal(wanted, _folders(data), options, progress=progress)
    _LOGGER.info("result written to %s", out / "rehearsal.json")
    return result


def _options(
    out: Path,
    engine: Engine,
    resume: bool,
    patient_regex: str | None,
    timeout_s: float,
    device: str,
    allow_code: Sequence[str],
) -> RunOptions:
    if engine not in get_args(Engine):
        raise UsageError(f"--engine: no {engine!r}; expected {' or '.join(get_args(Engine))}")
    return RunOptions(
        out=out,
        engine=engine,
        resume=as_flag("resume", resume),
        patient_regex=patient_regex,
        timeout_s=as_number("timeout_s", timeout_s, 1),
        device=device,
        allow_code=_packages(allow_code),
    )


def _packages(given: Sequence[str]) -> tuple[str, ...]:
    names = tuple(as_list("allow_code", given))
    if odd := [name for name in names if not (isinstance(name, str) and name.isidentifier())]:
        raise UsageError(
            f"--allow-code: {shown(odd[0])} is no package; expected the name under which Python imports it, for example"
            " hospital_models"
        )
    return names


def _folders(data: Mapping[str, AnyPath] | None) -> dict[str, Path]:
    if not isinstance(data, Mapping | None):
        raise UsageError(f"data: expected site -> folder, got {type(data).__name__}")
    if arrays := [site for site, folder in (data or {}).items() if isinstance(folder, Site)]:
        raise UsageError(f"data: {arrays[0]!r} is a Site; training reads folders, so give the folder's path")
    return {site: as_path(f"data[{site!r}]", folder) for site, folder in (data or {}).items()}
