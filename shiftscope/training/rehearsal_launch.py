"""Check a plan against the data, rehearse it, hand back what every strategy gave."""

import logging
from collections.abc import Mapping
from pathlib import Path

from shiftscope.devices import find_device
from shiftscope.errors import EngineError, InputError, PlanError, UsageError
from shiftscope.plans import Plan, RehearsalResult
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.progress import Report, silent
from shiftscope.sites import Site
from shiftscope.training.data.model_inputs import read_planned, usable
from shiftscope.training.data.splits import FOLDS
from shiftscope.training.models.decoder_nets import PREFIX
from shiftscope.training.models.networks import LINEAR
from shiftscope.training.models.pretrained_weights import IMAGENET, find_weights
from shiftscope.training.plan_checks import check_data, check_plan, folders_of, require_extra
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, harmonizers_of
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Arm, Job

__all__ = ["rehearse"]

_LOGGER = logging.getLogger(__name__)


def rehearse(
    plan: Plan, data: Mapping[str, Path], options: RunOptions, *, progress: Report = silent
) -> RehearsalResult:
    """Rehearse every strategy that differs on the plan's frozen encoder; leave `rehearsal.json` in the options' folder.

    Args:
        data: site -> folder; wins over the plan's own `data`.
        options: where and how to run; a rehearsal is not resumed, it takes minutes.
        progress: called after every question to the sites.

    Raises:
        PlanError: the plan's encoder has no weights here, or the plan does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder holds a run, a trial or a rehearsal, or there is no such device.
        EngineError: no site has enough patients, or none answers.
    """
    device = find_device(options.device)
    if held := [name for name in ("job.json", "setup.json", "rehearsal.json") if (options.out / name).exists()]:
        raise UsageError(f"{options.out} holds {held[0]} already; choose another folder for the rehearsal")
    paths = folders_of(plan, data)
    sites = {site: read_planned(plan, site, path, options.patient_regex) for site, path in paths.items()}
    on_features = _rehearsed_plan(plan, sites)
    require_extra(on_features)
    arm = Arm(name=REFERENCE, algorithm=REFERENCE, harmonizer=None, rounds=BUDGET.rounds)
    check_plan(on_features, [arm])
    _require_patients(on_features, sites)
    check_data(on_features, sites)
    weights = find_weights(on_features)
    if weights is None:
        raise PlanError(f"weights: none for {on_features.encoder}, and features of a random network tell nothing")
    from shiftscope.training.federation.flower.rehearsal_questions import count_questions

    job = Job(
        plan=on_features.model_copy(update={"data": {}, "weights_sha256": weights.sha256}),
        arms=(arm,),
        data={site: str(path) for site, path in paths.items()},
        patient_regex=options.patient_regex,
        out=options.out.resolve(),
        timeout_s=options.timeout_s,
        device=device,
        weights=weights.path,
        questions=count_questions(harmonizers_of(on_features)),
    )
    job.write(job.path)
    _engine_of(options.engine, job, progress)
    rehearsed = RehearsalResult.read(job.result_path, EngineError)
    result = rehearsed.model_copy(update={"plan": plan.model_copy(update={"data": {}})})
    result.write(job.result_path)
    return result


def _engine_of(name: str, job: Job, progress: Report) -> None:
    """Imported only now: Flower takes seconds, and a wrong plan should be refused at once."""
    if name == "inline":
        from shiftscope.training.federation.flower.inline import rehearse_inline

        rehearse_inline(job, progress)
    elif name == "flower":
        from shiftscope.training.federation.flower.simulation import simulate

        simulate(job, progress)
    else:
        raise UsageError(f"--engine: no {name!r}; expected flower or inline")


def _require_patients(plan: Plan, sites: Mapping[str, Site]) -> None:
    """See that each site can be cut into folds.

    Raises:
        InputError: one cannot.
    """
    for name, site in sites.items():
        patients = len({case.patient for case in usable(site, plan)})
        if patients < plan.folds:
            raise InputError(
                f"site {name}: {patients} usable patients, and a rehearsal tests on each in one of {plan.folds} folds;"
                " add cases, or make a plan without the site"
            )


def _rehearsed_plan(plan: Plan, sites: Mapping[str, Site]) -> Plan:
    """The same task on features: the plan's encoder where it has weights, else the one whose weights pip brings."""
    encoder = plan.encoder or (plan.model if plan.weights else None)
    if encoder is None or plan.weights is None:
        encoder, weights, digest = next(iter(PACKAGED)), IMAGENET, None
        _LOGGER.info("the plan's model has no encoder with trained weights; rehearsing on %s", encoder)
    else:
        weights, digest = plan.weights, plan.weights_sha256
    brought = any(case.split for site in sites.values() for case in site.cases)
    folds = 1 if brought else FOLDS
    return plan.model_copy(
        update={
            "model": LINEAR if plan.task == "classification" else f"{PREFIX}Unet",  # whose encoder alone is used
            "encoder": encoder,
            "weights": weights,
            "weights_sha256": digest,
            "folds": folds,
            "seeds": tuple(range(folds)),
            "harmonizer": None,
            "personalizer": None,
            "baseline": REFERENCE,
            "balance": False,
            "head": (),
            "stem": (),
            "loss": None,
            "augment": None,
            "code": {},
            "patch": (),
        }
    )
