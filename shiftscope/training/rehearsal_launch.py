"""Check a plan against the data, rehearse it, hand back what every strategy gave."""

import logging
import secrets
from collections.abc import Mapping
from pathlib import Path

from shiftscope.devices import find_device
from shiftscope.errors import EngineError, InputError, PlanError, UsageError
from shiftscope.plans import Plan, RehearsalResult
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.progress import Report, silent
from shiftscope.sites import Site
from shiftscope.training.data.model_inputs import usable
from shiftscope.training.data.splits import FOLDS, require_folds
from shiftscope.training.models.decoder_nets import PREFIX
from shiftscope.training.models.networks import LINEAR
from shiftscope.training.models.pretrained_weights import IMAGENET, find_weights
from shiftscope.training.plan_checks import check_data, check_plan, require_extra
from shiftscope.training.planned_data import planned_data
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, harmonizers_of
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Arm, Job

__all__ = ["rehearse"]

_LOGGER = logging.getLogger(__name__)


def rehearse(
    plan: Plan, data: Mapping[str, Path], options: RunOptions, *, folds: int = FOLDS, progress: Report = silent
) -> RehearsalResult:
    """Rehearse every strategy that differs on the plan's frozen encoder; leave `rehearsal.json` in the options' folder.

    Args:
        data: site -> folder; wins over the plan's own `data`.
        options: where and how to run; a rehearsal is not resumed, it takes minutes.
        folds: into which each site's patients are cut, so that every one of them is tested; 1 for the plan's own split,
            which is also taken where data at hand bring one.
        progress: called after every question to the sites.

    Raises:
        PlanError: the plan's encoder has no weights here, or the plan does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: the folder holds a run, a trial or a rehearsal, or there is no such device or number of folds.
        EngineError: no site has enough patients, or none answers.
    """
    require_folds(folds)
    device = find_device(options.device)
    if held := [name for name in ("job.json", "setup.json", "rehearsal.json") if (options.out / name).exists()]:
        raise UsageError(f"{options.out} holds {held[0]} already; choose another folder for the rehearsal")
    found = planned_data(plan, data, options)
    brought = any(case.split for site in found.sites.values() for case in site.cases)
    on_features = _rehearsed_plan(plan, 1 if brought else folds)
    require_extra(on_features)
    arm = Arm(name=REFERENCE, algorithm=REFERENCE, harmonizer=None, rounds=BUDGET.rounds)
    check_plan(on_features, [arm])
    _require_patients(on_features, found.sites)
    check_data(on_features, found.sites)
    weights = find_weights(on_features)
    if weights is None:
        raise PlanError(f"weights: none for {on_features.encoder}, and features of a random network tell nothing")
    from shiftscope.training.federation.flower.rehearsal_questions import count_questions

    job = Job(
        plan=on_features.model_copy(update={"data": {}, "weights_sha256": weights.sha256}),
        arms=(arm,),
        data=found.folders,
        patient_regex=options.patient_regex,
        out=options.out.resolve(),
        timeout_s=options.timeout_s,
        device=device,
        weights=weights.path,
        questions=count_questions(harmonizers_of(on_features)),
        run=secrets.token_hex(16),
        nodes=found.nodes,
    )
    job.write(job.path)
    _carry_out(job, options, progress)
    rehearsed = RehearsalResult.read(job.result_path, EngineError)
    result = rehearsed.model_copy(update={"plan": plan.model_copy(update={"data": {}})})
    result.write(job.result_path)
    return result


def _carry_out(job: Job, options: RunOptions, progress: Report) -> None:
    """Imported only now: Flower takes seconds, and a wrong plan should be refused at once."""
    if options.federation is not None:
        from shiftscope.training.federation.flower.deployed.deployments import deploy

        deploy(job, progress, coordinator=options.federation, kind="rehearse")
    elif options.engine == "inline":
        from shiftscope.training.federation.flower.inline import rehearse_inline

        rehearse_inline(job, progress)
    elif options.engine == "flower":
        from shiftscope.training.federation.flower.simulation import simulate

        simulate(job, progress)
    else:
        raise UsageError(f"--engine: no {options.engine!r}; expected flower, inline or deploy")


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


def _rehearsed_plan(plan: Plan, folds: int) -> Plan:
    """The same task on features: the plan's encoder where it has weights, else the one whose weights pip brings."""
    encoder = plan.encoder or (plan.model if plan.weights else None)
    if encoder is None or plan.weights is None:
        encoder, weights, digest = next(iter(PACKAGED)), IMAGENET, None
        _LOGGER.info("the plan's model has no encoder with trained weights; rehearsing on %s", encoder)
    else:
        weights, digest = plan.weights, plan.weights_sha256
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
