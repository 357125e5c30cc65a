"""Check a plan against the data, run it, hand back the account."""

import importlib.util
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch

from shiftscope.errors import EngineError, PlanError, UsageError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import Plan, RunResult
from shiftscope.printable_text import shown
from shiftscope.profiles.profile_document import WITHHELD
from shiftscope.sites import Case, Site, fingerprint
from shiftscope.training.algorithms.algorithm import Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.data.model_inputs import read_planned, usable
from shiftscope.training.data.splits import divide
from shiftscope.training.models.networks import LINEAR, build
from shiftscope.training.runs.forecasts import forecast
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.ledger import line_of

__all__ = [
    "TIMEOUT_S",
    "arm_of",
    "arms_of",
    "at_equal_compute",
    "check_data",
    "check_plan",
    "find_device",
    "folders_of",
    "require_extra",
    "train",
]

HARDLY = 1.05
"""A method that computes up to so many times as much as its baseline counts as computing alike."""

TIMEOUT_S = 1800.0
"""How long a round waits for its slowest site, unless told otherwise; Flower's own default is an hour."""


def train(
    plan: Plan,
    data: Mapping[str, Path],
    *,
    engine: Literal["flower", "inline"] = "flower",
    out: Path,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
    patient_regex: str | None = None,
    timeout_s: float = TIMEOUT_S,
    device: str = "cpu",
    arms: Sequence[Arm] | None = None,
) -> RunResult:
    """Run `plan`, and leave `result.json`, `rounds.jsonl`, `checkpoints/` and `sites/` in `out`.

    Args:
        data: site -> folder; wins over the plan's own `data`.
        engine: Flower's simulation, or the same apps in this process.
        resume: go on from the checkpoints in `out`; the plan must be the same.
        progress: told one line per round.
        patient_regex: how to find the patient in a file name, as for `profile`.
        timeout_s: how long a round waits for its slowest site.
        device: "cpu", "cuda", or "auto". Results repeat bit for bit on "cpu".
        arms: strategies to compare with the first of them; by default the plan's advice with its baseline.

    Raises:
        PlanError: the plan cannot be run, or does not fit the data.
        InputError: a site's data cannot be used.
        UsageError: `out` holds another run, or there is no such device.
        EngineError: the job could not give a result; the checkpoints stay.
    """
    say = progress or (lambda _line: None)
    require_extra()
    device = find_device(device)
    check_plan(plan, arms_of(plan) if arms is None else arms)
    paths = folders_of(plan, data)
    say(f"checking {len(paths)} sites")
    sites = {site: read_planned(plan, site, path, patient_regex) for site, path in paths.items()}
    parts = check_data(plan, sites)
    job = Job(
        plan=plan.model_copy(update={"data": {}}),
        arms=arms_of(plan) if arms is None else tuple(arms),
        data={site: str(path) for site, path in paths.items()},
        patient_regex=patient_regex,
        out=out.resolve(),
        timeout_s=timeout_s,
        device=device,
        weights=_weights(plan),
        keep_models=arms is None,
    )
    job = _claim(job, resume, parts)
    for name, expected in job.forecast.items():
        say(line_of(name, expected))
    run = _engine(engine)
    try:
        return run(job, say)
    except KeyboardInterrupt:
        say(f"interrupted; {out} keeps every finished round: add --resume to go on")
        raise


def arms_of(plan: Plan) -> tuple[Arm, ...]:
    """The baseline, then the advice where there is any; once more at the baseline's compute where it takes more.

    Raises:
        PlanError: the plan names a method that does not exist.
    """
    _check_names(plan)
    arms = [arm_of(plan, "baseline", plan.baseline, None)]
    if plan.harmonizer or plan.personalizer:
        arms.append(arm_of(plan, "adapted", plan.personalizer or plan.baseline, plan.harmonizer))
        if (less := at_equal_compute(plan, arms[1], arms[0])) is not None:
            arms.append(less.model_copy(update={"name": "equal_compute"}))
    return tuple(arms)


def arm_of(plan: Plan, name: str, algorithm: str, harmonizer: str | None) -> Arm:
    """One strategy on the plan's whole budget; what personalizes is gated."""
    return Arm(
        name=name,
        algorithm=algorithm,
        harmonizer=harmonizer,
        rounds=plan.rounds,
        gated=algorithm in PERSONALIZERS,
    )


def at_equal_compute(plan: Plan, arm: Arm, reference: Arm) -> Arm | None:
    """The strategy in as many fewer rounds as it computes more in each; None where it computes hardly more."""
    more = passes_of_arm(plan, arm) / passes_of_arm(plan, reference)
    return arm.model_copy(update={"rounds": max(1, int(arm.rounds / more))}) if more > HARDLY else None


def passes_of_arm(plan: Plan, arm: Arm) -> int:
    """Forward-and-backward passes of all sites with one seed, by the numbers of cases in the plan."""
    batches = (-(-round(plan.split.train * site.cases) // plan.batch_size) for site in plan.sites.values())
    algorithm = find_algorithm(arm.algorithm)
    return sum(algorithm.passes_of(arm.rounds, plan.local_steps, count) for count in batches)


def check_plan(plan: Plan, arms: Sequence[Arm]) -> None:
    """Every name in the plan exists, the model can be built, and each strategy can work with both.

    Raises:
        PlanError: naming the key, what it holds, and what is possible.
    """
    _check_names(plan)
    if plan.task == "classification" and len(plan.classes) < 2:
        raise PlanError(f"classes: {len(plan.classes)} for classification; expected two or more")
    model = build(plan, _weights(plan))
    for arm in arms:
        algorithm = find_algorithm(arm.algorithm)
        algorithm.stays_home(model)
        algorithm.begin({}, Server(plan, frozenset()))
        if algorithm.tuning and arm.rounds < 2:
            raise PlanError(
                f"rounds: {arm.rounds}, and {arm.algorithm} spends its last round on tuning; expected 2 or more"
            )
        if plan.local_steps < algorithm.least_steps:
            raise PlanError(
                f"local_steps: {plan.local_steps}, and {arm.algorithm} needs {algorithm.least_steps} in a round;"
                " set more of them, or choose another method"
            )
        if arm.harmonizer:
            _check_harmonizer(arm.harmonizer, plan)


def _check_names(plan: Plan) -> None:
    for key, family in (("harmonizer", HARMONIZERS), ("personalizer", PERSONALIZERS), ("baseline", CONTROLS)):
        name = getattr(plan, key)
        if name is not None and name not in family:
            raise PlanError(
                f"{key}: no {name!r}; expected {', '.join(family)}" + ("" if key == "baseline" else ' or ""')
            )


def _check_harmonizer(name: str, plan: Plan) -> None:
    on = HARMONIZERS[name].on
    if on == "colour" and not plan.colour:
        raise PlanError(f"harmonizer: {name} works on colour, and the plan's images are grey; choose another one")
    if on == "geometry" and plan.model == LINEAR:
        raise PlanError(
            f"harmonizer: {name} works where images are read, and the {LINEAR} model sees features; choose another one"
        )
    if HARMONIZERS[name].mix is not None and plan.model == LINEAR:
        raise PlanError(
            f"harmonizer: {name} changes images while training, and the {LINEAR} model sees features;"
            " choose another one"
        )
    if on == "features" and plan.model != LINEAR:
        raise PlanError(
            f"harmonizer: {name} works on features, never on pixels; set model = {LINEAR!r}, or choose another one"
        )


def check_data(plan: Plan, sites: Mapping[str, Site]) -> dict[str, dict[str, list[Case]]]:
    """Each site's data are the data its profile described, and can be split for the task.

    Returns:
        site -> "train", "val", "test" -> its cases.

    Raises:
        PlanError: other data than were profiled, or two sites' folders swapped.
        InputError: no usable case, or none to train or to test on.
    """
    found = {name: fingerprint(site) for name, site in sites.items()}
    for name, mark in found.items():
        if plan.sites[name].fingerprint not in (mark, WITHHELD):
            raise PlanError(_mismatch(plan, name, mark, sites[name].root))
    return {name: divide(usable(site, plan), plan.split, name) for name, site in sites.items()}


def _weights(plan: Plan) -> Path | None:
    return Path(plan.weights).resolve() if plan.weights else None


def _engine(name: str) -> Callable[[Job, Callable[[str], None]], RunResult]:
    """Imported only now: Flower takes seconds, and a wrong plan should be told at once."""
    if name == "inline":
        from shiftscope.training.federation.flower.inline import run_inline

        return run_inline
    if name == "flower":
        from shiftscope.training.federation.flower.simulation import run_simulation

        return run_simulation
    raise UsageError(f"--engine: no {name!r}; expected flower or inline")


def require_extra() -> None:
    """See that what training needs is installed.

    Raises:
        UsageError: it is not.
    """
    missing = [name for name in ("flwr", "monai") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"train needs {' and '.join(missing)}; run: pip install 'shiftscope-fl[train]'")


def find_device(wanted: str) -> str:
    """The device itself for "auto".

    Raises:
        UsageError: "cuda" is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UsageError("--device cuda: no GPU that torch can use; try --device cpu")
    return ("cuda" if available else "cpu") if wanted == "auto" else wanted


def folders_of(plan: Plan, data: Mapping[str, Path]) -> dict[str, Path]:
    """Site -> absolute folder, one for each of the plan's sites.

    Raises:
        PlanError: a site without a folder, or a folder without a site.
    """
    paths = {site: Path(path) for site, path in plan.data.items()} | dict(data)
    if unknown := sorted(paths.keys() - plan.sites.keys()):
        raise PlanError(f"--data: the plan has no site {unknown[0]!r}; its sites are {', '.join(plan.sites)}")
    if absent := [site for site in plan.sites if site not in paths]:
        raise PlanError(
            f"--data: nothing given for site {absent[0]!r}; say where its images lie: --data"
            f" {shlex.quote(absent[0] + '=DIR')}"
        )
    if odd := [site for site in plan.sites if site in ("", ".", "..")]:
        raise PlanError(f"sites: {odd[0]!r} is no name for a site; rename it in the plan")
    return {site: paths[site].resolve() for site in plan.sites}


def _mismatch(plan: Plan, name: str, mark: str, root: Path) -> str:
    other = next((site for site, planned in plan.sites.items() if planned.fingerprint == mark), None)
    if other:
        return (
            f"site {name}: {root} holds the data that were profiled as {other!r}; are the two swapped? correct --data"
        )
    return (
        f"site {name}: {root} is not what was profiled (its fingerprint differs); profile it again and make a new plan"
    )


def _claim(job: Job, resume: bool, parts: Mapping[str, Mapping[str, Sequence[Case]]]) -> Job:
    """Make the folder ours, or see that it already is; the job as it is kept there, with its forecast."""
    if job.path.exists() and not resume:
        raise UsageError(f"{job.out} holds a run already; add --resume to go on with it, or choose another folder")
    if resume:
        if not job.path.exists():
            raise UsageError(f"{job.out} holds no run to resume; leave --resume out to start one")
        before = Job.read(job.path, EngineError)
        if before.patient_regex != job.patient_regex:
            raise UsageError(
                f"--patient-regex: {shown(before.patient_regex)} when {job.out} was begun, now"
                f" {shown(job.patient_regex)}; patients would change sides; resume with the first one, or start anew"
            )
        changed = [key for key in Plan.model_fields if getattr(before.plan, key) != getattr(job.plan, key)]
        if changed:
            raise PlanError(
                f"{changed[0]}: {json.dumps(before.plan.to_dict().get(changed[0]))} when {job.out} was begun, now"
                f" {json.dumps(job.plan.to_dict().get(changed[0]))}; resume with the first plan, or start anew"
            )
        if before.device != job.device:
            raise UsageError(
                f"--device: {before.device} when {job.out} was begun, now {job.device}, which rounds otherwise;"
                " resume on the first one, or start anew"
            )
        known = before.forecast
        if other := [name for name, told in known.items() if told.rounds.keys() != job.plan.sites.keys()]:
            raise EngineError(
                f"{job.path}: key 'forecast': {shown(other[0])} is not of the plan's sites; put the file back as it"
                " was, or start the run anew in another folder"
            )
    else:
        known = {}
    unforeseen = [arm for arm in job.arms if arm.name not in known]
    foreseen = forecast(job.model_copy(update={"arms": unforeseen}), parts) if unforeseen else {}
    job = job.model_copy(update={"forecast": {**known, **foreseen}})
    for leftover in ("rounds.jsonl", "result.json", "failure.json"):
        (job.out / leftover).unlink(missing_ok=True)
    job.write(job.path)
    return job
