"""What must hold before a run: the plan can be run, the machine can run it, the data are those of the plan."""

import importlib.util
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from shiftscope.errors import PlanError, UsageError
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import Plan
from shiftscope.profiles.profile_document import WITHHELD
from shiftscope.sites import Case, Site, fingerprint
from shiftscope.training.algorithms.algorithm import Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.data.model_inputs import usable
from shiftscope.training.data.splits import divide_planned
from shiftscope.training.models.decoder_nets import PREFIX
from shiftscope.training.models.networks import LINEAR, build
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.own_code.own_augmentations import try_augmentation
from shiftscope.training.own_code.own_losses import try_loss
from shiftscope.training.own_code.own_models import require_repeatable
from shiftscope.training.own_code.own_names import is_own
from shiftscope.training.runs.jobs import Arm

__all__ = [
    "check_data",
    "check_names",
    "check_plan",
    "folders_of",
    "require_extra",
]


_LOGGER = logging.getLogger(__name__)


def require_extra(plan: Plan) -> None:
    """See that what training this plan needs is installed.

    Raises:
        UsageError: it is not.
    """
    needed = ["flwr", "monai", "psutil", *(["segmentation_models_pytorch"] if plan.model.startswith(PREFIX) else [])]
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        raise UsageError(f"train needs {' and '.join(missing)}; run: pip install 'shiftscope-fl[train]'")


def check_plan(plan: Plan, arms: Sequence[Arm]) -> None:
    """Every name in the plan exists, the model can be built, and each strategy can work with both.

    Raises:
        PlanError: naming the key, what it holds, and what is possible.
    """
    check_names(plan)
    if plan.task == "classification" and len(plan.classes) < 2:
        raise PlanError(f"classes: {len(plan.classes)} for classification; expected two or more")
    if plan.balance and plan.task == "segmentation":
        raise PlanError(
            "balance: true, and masks hold all classes at once; batches are balanced for classification only"
        )
    found = find_weights(plan)
    model = build(plan, found.path if found else None)
    _check_own_code(plan)
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


def _check_own_code(plan: Plan) -> None:
    """The operator's own model repeats itself; loss and augmentation do what they should on made-up cases."""
    if is_own(plan.model):
        require_repeatable(plan)
    if plan.loss:
        try_loss(plan)
    if plan.augment and plan.model == LINEAR:
        raise PlanError(
            f"augment: {plan.augment} given, and the {LINEAR} model sees features, not images; leave it out"
        )
    if plan.augment:
        try_augmentation(plan)


def check_names(plan: Plan) -> None:
    """Every method that the plan names exists.

    Raises:
        PlanError: naming the key, what it holds, and what is possible.
    """
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


def folders_of(plan: Plan, data: Mapping[str, Path]) -> dict[str, Path]:
    """Site -> absolute folder, one for each of the plan's sites.

    Args:
        data: site -> folder; wins over the plan's own `data`.

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


def check_data(plan: Plan, sites: Mapping[str, Site]) -> dict[str, dict[str, list[Case]]]:
    """Each site's data are the data its profile described, and can be split for the task.

    Of a site whose profile told no fingerprint, because it promises privacy, nobody can say so; that is logged.

    Returns:
        site -> "train", "val", "test" -> its cases, in the fold with most of them to train on.

    Raises:
        PlanError: other data than were profiled, or two sites' folders swapped.
        InputError: no usable case, or none to train or to test on.
    """
    found = {name: fingerprint(site) for name, site in sites.items()}
    for name, mark in found.items():
        if plan.sites[name].fingerprint not in (mark, WITHHELD):
            raise PlanError(_mismatch(plan, name, mark, sites[name].root))
        if plan.sites[name].fingerprint == WITHHELD:
            _LOGGER.warning(
                "site %s: its profile is a private one and told no fingerprint, so nothing says whether %s holds the"
                " images that were profiled; see to it yourself",
                name,
                sites[name].root,
            )
    parts = {}
    for name, site in sites.items():
        cases = usable(site, plan)
        folds = [divide_planned(cases, plan, name, fold) for fold in range(plan.folds)]
        parts[name] = max(folds, key=lambda fold: len(fold["train"]))
    return parts


def _mismatch(plan: Plan, name: str, mark: str, root: Path) -> str:
    other = next((site for site, planned in plan.sites.items() if planned.fingerprint == mark), None)
    if other:
        return (
            f"site {name}: {root} holds the data that were profiled as {other!r}; are the two swapped? correct --data"
        )
    return (
        f"site {name}: {root} is not what was profiled (its fingerprint differs); profile it again and make a new plan"
    )
