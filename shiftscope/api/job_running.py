"""`train`, `trial`, `rehearse`: the job of a plan, many strategies on a part of its budget, or on frozen features."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

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

if TYPE_CHECKING:
    from shiftscope.federations.coordinator_folders import Coordinator

__all__ = ["as_folders", "as_packages", "rehearse", "train", "trial"]

_LOGGER = logging.getLogger(__name__)

Engine = Literal["flower", "inline", "deploy"]


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
    federation: str | None = None,
    progress: Report = silent,
) -> RunResult:
    """Run a plan beside its baseline on the same budget, and say whether the advice paid.

    Args:
        plan: as a document or a path.
        data: site -> folder of its images; wins over the plan's own.
        engine: "flower" for Flower's simulation, "inline" for the same apps in this process, "deploy" for the sites of
            a federation that is coordinated here, each with its own images.
        output: the run's folder; runs/NAME unless given, in the federation's folder where there is one. It receives
            result.json, checkpoints and, on one machine, the sites' models.
        resume: go on from the last checkpoint in it; the plan must be the same.
        patient_regex: how to find the patient in a case's name, as `profile` takes it.
        timeout_s: how long a round waits for its slowest site, in seconds.
        device: "auto", "cpu" or "cuda". Results repeat to the bit on "cpu".
        allow_code: packages whose code the plan may name as its own model, loss or augmentation, at every site.
        federation: with "deploy", which one; the only one that is coordinated here unless given.
        progress: called after every round of every strategy and seed.

    Raises:
        PlanError: the plan cannot be run, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder holds another run, there is no such device, or the extra [train] is not installed.
        EngineError: the job could not give a result; its checkpoints stay.
    """
    wanted = plan_of(plan)
    options = _options(output, wanted.name, engine, resume, patient_regex, timeout_s, device, allow_code, federation)
    result = run_plan(wanted, as_folders(data), options, progress=progress)
    _LOGGER.info("result written to %s", options.out / "result.json")
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
    federation: str | None = None,
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
        plan, data, engine, resume, patient_regex, timeout_s, device, allow_code, federation: as `train` takes them.
        progress: called after every round of every strategy and seed.

    Raises:
        UsageError: a strategy that does not exist, or as `train`.
        PlanError, InputError, EngineError: as `train`.
    """
    wanted = plan_of(plan)
    options = _options(
        output, f"{wanted.name}-trial", engine, resume, patient_regex, timeout_s, device, allow_code, federation
    )
    wanted = with_own_code(wanted, as_folders(data), options)
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
    result = run_trial(prepared, as_folders(data), options, progress=progress)
    winner = Path(plan_output) if plan_output is not None else options.out / "winner.toml"
    write_winner(prepared, result, winner)
    command = shlex.join(["shiftscope", "train", str(winner)])
    _LOGGER.info("result written to %s; on the plan's whole budget: %s --data ...", options.out / "trial.json", command)
    return result


def rehearse(
    plan: Plan | AnyPath,
    data: Mapping[str, AnyPath] | None = None,
    *,
    folds: int = FOLDS,
    engine: Engine = "flower",
    output: AnyPath | None = None,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
    federation: str | None = None,
    progress: Report = silent,
) -> RehearsalResult:
    """Measure every strategy that differs while the encoder is frozen, in minutes, and say what each site should do.

    No code of the operator's own is run: a plan that names some is rehearsed without it, or refused.

    Args:
        folds: into which each site's patients are cut, so that every one of them is tested; 1 for the plan's own split,
            which is also taken where data at hand bring one; those of a federation's sites are not at hand.
        output: the rehearsal's folder; runs/NAME-rehearsal unless given. It receives rehearsal.json.
        plan, data, engine, patient_regex, timeout_s, device, federation: as `train` takes them.
        progress: called as the rehearsal goes on.

    Raises:
        PlanError: the plan cannot be rehearsed, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder is in use already, there is no such device or number of folds, or the extra [train] is
            not installed.
        EngineError: the rehearsal could not give a result.
    """
    wanted = plan_of(plan)
    options = _options(
        output, f"{wanted.name}-rehearsal", engine, False, patient_regex, timeout_s, device, (), federation
    )
    result = run_rehearsal(wanted, as_folders(data), options, folds=folds, progress=progress)
    _LOGGER.info("result written to %s", options.out / "rehearsal.json")
    return result


def _options(
    output: AnyPath | None,
    name: str,
    engine: Engine,
    resume: bool,
    patient_regex: str | None,
    timeout_s: float,
    device: str,
    allow_code: Sequence[str],
    federation: str | None,
) -> RunOptions:
    if engine not in get_args(Engine):
        raise UsageError(f"--engine: no {engine!r}; expected {', '.join(get_args(Engine))}")
    if federation is not None and engine != "deploy":
        raise UsageError(f"--federation {federation}: belongs to --engine deploy, and the engine is {engine}")
    coordinator = _coordinator(federation) if engine == "deploy" else None
    runs = Path("runs") if coordinator is None else coordinator.path / "runs"
    return RunOptions(
        out=runs / name if output is None else as_path("output", output),
        federation=coordinator,
        engine=engine,
        resume=as_flag("resume", resume),
        patient_regex=patient_regex,
        timeout_s=as_number("timeout_s", timeout_s, 1),
        device=device,
        allow_code=as_packages(allow_code),
    )


def _coordinator(name: str | None) -> "Coordinator":
    """Imported only now: keys and certificates come with the extra [train]."""
    if find_spec("cryptography") is None:
        raise UsageError("--engine deploy needs cryptography; run: pip install 'shiftscope-fl[train]'")
    from shiftscope.api.federating.chosen_folders import coordinator_of

    return coordinator_of(name)


def as_packages(given: Sequence[str]) -> tuple[str, ...]:
    """Names of packages whose code may run.

    Raises:
        UsageError: something that is no such name.
    """
    names = tuple(as_list("allow_code", given))
    if odd := [name for name in names if not (isinstance(name, str) and name.isidentifier())]:
        raise UsageError(
            f"--allow-code: {shown(odd[0])} is no package; expected the name under which Python imports it, for example"
            " hospital_models"
        )
    return names


def as_folders(data: Mapping[str, AnyPath] | None) -> dict[str, Path]:
    """Site -> folder of its images.

    Raises:
        UsageError: no mapping, or something else than folders in it.
    """
    if not isinstance(data, Mapping | None):
        raise UsageError(f"data: expected site -> folder, got {type(data).__name__}")
    if arrays := [site for site, folder in (data or {}).items() if isinstance(folder, Site)]:
        raise UsageError(f"data: {arrays[0]!r} is a Site; training reads folders, so give the folder's path")
    return {site: as_path(f"data[{site!r}]", folder) for site, folder in (data or {}).items()}
