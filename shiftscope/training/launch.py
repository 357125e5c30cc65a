"""Check a plan against the data, run it, hand back the account."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from shiftscope.devices import find_device
from shiftscope.errors import EngineError, PlanError, UsageError
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.orders import Kind
from shiftscope.plans import Plan, RunResult
from shiftscope.printable_text import shown
from shiftscope.progress import Report, silent
from shiftscope.sites import Case, allowed_code
from shiftscope.training.arms import arms_of
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.own_code.own_names import packages_of
from shiftscope.training.own_code.permissions import admitted
from shiftscope.training.plan_checks import check_data, check_plan, folders_of, require_extra
from shiftscope.training.planned_data import planned_data
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.forecasts import forecast
from shiftscope.training.runs.jobs import Arm, Job, Resumption
from shiftscope.training.runs.ledger import forecast_line
from shiftscope.training.runs.states import load_checkpoint

__all__ = ["train", "with_own_code"]

_LOGGER = logging.getLogger(__name__)


def train(
    plan: Plan,
    data: Mapping[str, Path],
    options: RunOptions,
    *,
    arms: Sequence[Arm] | None = None,
    progress: Report = silent,
) -> RunResult:
    """Run `plan`, and leave `result.json`, `rounds.jsonl`, `checkpoints/` and `sites/` in the options' folder.

    Args:
        data: site -> folder; wins over the plan's own `data`.
        options: where and how to run.
        arms: strategies to compare with the first of them; by default the plan's advice with its baseline.
        progress: called after every round, of all strategies and seeds counted together.

    Raises:
        PlanError: the plan cannot be run, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder holds another run, or there is no such device.
        EngineError: the job could not give a result; the checkpoints stay.
    """
    require_extra(plan)
    device = find_device(options.device)
    chosen = arms_of(plan) if arms is None else tuple(arms)
    plan = with_own_code(plan, data, options)
    check_plan(plan, chosen)
    _LOGGER.info("checking %d sites", len(plan.sites))
    found = planned_data(plan, data, options)
    parts = check_data(plan, found.sites)
    weights = find_weights(plan)
    job = Job(
        plan=plan.model_copy(update={"data": {}, "weights_sha256": weights.sha256 if weights else None}),
        arms=chosen,
        data=found.folders,
        patient_regex=options.patient_regex,
        out=options.out.resolve(),
        timeout_s=options.timeout_s,
        device=device,
        weights=weights.path if weights else None,
        allow_code=options.allow_code,
        keep_models=arms is None,
        run=secrets.token_hex(16),
        nodes=found.nodes,
    )
    job = _claim(job, options.resume, parts)
    for name, expected in job.forecast.items():
        _LOGGER.info("%s", forecast_line(name, expected))
    if plan.seeds == "auto":
        _LOGGER.info("that is for %d seeds; the run stops as soon as its verdict is decided", len(plan.every_seed))
    run = _engine(options, "train" if arms is None else "trial")
    try:
        return run(job, progress)
    except KeyboardInterrupt:
        _LOGGER.info("interrupted; %s keeps every finished round: add --resume to go on", options.out)
        raise


def with_own_code(plan: Plan, data: Mapping[str, Path], options: RunOptions) -> Plan:
    """The plan with marks for the operator's own code that it names, which every site has allowed; without any, as is.

    Raises:
        PlanError: as `admitted`, or a site without a folder.
        InputError: a site file that cannot be read.
    """
    if not packages_of(plan):
        return plan
    if options.federation is not None:  # each site says for itself, in its policy and beside its images
        return admitted(plan, dict.fromkeys(plan.sites, options.allow_code))
    allowed = {site: (*options.allow_code, *allowed_code(path)) for site, path in folders_of(plan, data).items()}
    return admitted(plan, allowed)


def _engine(options: RunOptions, kind: Kind) -> Callable[[Job, Report], RunResult]:
    """Imported only now: Flower takes seconds, and a wrong plan should be refused at once."""
    if options.federation is not None:
        from shiftscope.training.federation.flower.deployed.deployments import run_deployment

        return partial(run_deployment, coordinator=options.federation, kind=kind)
    if options.engine == "inline":
        from shiftscope.training.federation.flower.inline import run_inline

        return run_inline
    if options.engine == "flower":
        from shiftscope.training.federation.flower.simulation import run_simulation

        return run_simulation
    raise UsageError(f"--engine: no {options.engine!r}; expected flower, inline or deploy")


def _claim(job: Job, resume: bool, parts: Mapping[str, Mapping[str, Sequence[Case]]]) -> Job:
    """Make the folder ours, or see that it already is; the job as it is kept there, with its forecast."""
    if job.path.exists() and not resume:
        raise UsageError(f"{job.out} holds a run already; add --resume to go on with it, or choose another folder")
    if resume and not job.path.exists():
        raise UsageError(f"{job.out} holds no run to resume; leave --resume out to start one")
    before = Job.read(job.path, EngineError) if resume else None
    if before is not None:
        _require_same(before, job)
    known, resumed = ({}, ()) if before is None else (before.forecast, (*before.resumptions, _resumption(before)))
    unforeseen = [arm for arm in job.arms if arm.name not in known]
    foreseen = forecast(job.model_copy(update={"arms": unforeseen}), parts) if unforeseen and parts else {}
    run = job.run if before is None else before.run
    job = job.model_copy(update={"forecast": {**known, **foreseen}, "run": run, "resumptions": resumed})
    for leftover in ("rounds.jsonl", "result.json", "failure.json"):
        (job.out / leftover).unlink(missing_ok=True)
    job.write(job.path)
    return job


def _resumption(before: Job) -> Resumption:
    """Of a run as it was left."""
    kept = [
        load_checkpoint(before.checkpoint(arm.name, seed)) for arm in before.arms for seed in before.plan.every_seed
    ]
    return Resumption(at=moment(datetime.now(UTC)), rounds=sum(state.round for state in kept if state is not None))


def _require_same(before: Job, now: Job) -> None:
    """See that the run to resume is the one that was begun.

    Raises:
        UsageError: other options.
        PlanError: another plan.
        EngineError: its forecast is of other sites.
    """
    if before.patient_regex != now.patient_regex:
        raise UsageError(
            f"--patient-regex: {shown(before.patient_regex)} when {now.out} was begun, now"
            f" {shown(now.patient_regex)}; patients would change parts of the split; resume with the first one, or"
            " start anew"
        )
    changed = [key for key in Plan.model_fields if getattr(before.plan, key) != getattr(now.plan, key)]
    if changed:
        raise PlanError(
            f"{changed[0]}: {json.dumps(before.plan.to_dict().get(changed[0]))} when {now.out} was begun, now"
            f" {json.dumps(now.plan.to_dict().get(changed[0]))}; resume with the first plan, or start anew"
        )
    if before.device != now.device:
        raise UsageError(
            f"--device: {before.device} when {now.out} was begun, now {now.device}, which rounds otherwise;"
            " resume on the first one, or start anew"
        )
    if other := [name for name, entry in before.forecast.items() if entry.rounds.keys() != now.plan.sites.keys()]:
        raise EngineError(
            f"{now.path}: key 'forecast': {shown(other[0])} is not of the plan's sites; put the file back as it"
            " was, or start the run anew in another folder"
        )
