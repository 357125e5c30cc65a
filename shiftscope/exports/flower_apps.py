"""A plan as a Flower app: a folder of files to read, to change and to run with `flwr run`."""

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

import tomlkit
from jinja2 import Environment, PackageLoader, StrictUndefined

from shiftscope.errors import PlanError, UsageError
from shiftscope.exports.app_jobs import strategy_of
from shiftscope.files import whole_folder, write_text
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import Plan, write_plan
from shiftscope.training.algorithms.algorithm import average
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.algorithms.local_rounds import plain_round
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.own_code.permissions import admitted
from shiftscope.training.plan_checks import check_names, check_plan, require_extra
from shiftscope.training.run_options import TIMEOUT_S
from shiftscope.training.runs.jobs import ALONE, Arm

__all__ = ["PACKAGE", "write_flower_app"]

PACKAGE = "training_app"
"""The app's own Python package."""

PORT = 9095
"""Of the simulation's SuperLink; Flower's own and a federation's are others."""

_LONGEST_NAME = 32  # of a Flower app
_PUBLISHER = "unpublished"

_FILES = {
    "pyproject.toml.jinja": "pyproject.toml",
    "sites.toml.jinja": "sites.toml",
    "README.md.jinja": "README.md",
    "LICENSE.jinja": "LICENSE",
    "gitignore.jinja": ".gitignore",
    "config.toml.jinja": ".flwr/config.toml",
    "__init__.py.jinja": f"{PACKAGE}/__init__.py",
    **{f"{name}.py.jinja": f"{PACKAGE}/{name}.py" for name in ("method", "settings", "questions")},
    **{f"{name}.py.jinja": f"{PACKAGE}/{name}.py" for name in ("client_app", "server_app")},
}
"""Template -> the file it becomes."""

_WINS = "Exported by shiftscope. rounds, local_steps, batch_size and learning_rate are taken from pyproject.toml."


def write_flower_app(plan: Plan, folder: Path, data: Mapping[str, Path], allow_code: Sequence[str] = ()) -> Arm:
    """Write the app into a folder that is not there yet, or empty.

    Args:
        plan: what it carries out: the advice, or the baseline where there is none.
        data: site -> folder of its images on this machine, for Flower's simulation; wins over the plan's own. A site
            without one gets an empty entry, to be filled in.
        allow_code: packages whose code is run here, to see that what the plan names of it works.

    Returns:
        What the app carries out.

    Raises:
        UsageError: the folder holds something, or the extra [train] is not installed.
        PlanError: the plan cannot be run, or not as a federated app; it names code that was not allowed; or it has no
            site of that name in `data`.
        ShiftscopeError: the folder cannot be written.
    """
    _require_room(folder)
    check_names(plan)
    require_extra(plan)
    if unknown := sorted(data.keys() - plan.sites.keys()):
        raise PlanError(f"--data: the plan has no site {unknown[0]!r}; its sites are {', '.join(plan.sites)}")
    strategy = strategy_of(plan)
    _require_federated(strategy)
    plan = admitted(plan, dict.fromkeys(plan.sites, allow_code))
    check_plan(plan, [strategy])
    weights = find_weights(plan)
    known = {site: Path(path) for site, path in plan.data.items() if site in plan.sites} | dict(data)
    folders = {site: str(path.resolve()) for site, path in known.items()}
    plan = plan.model_copy(update={"data": {}, "weights_sha256": weights.sha256 if weights else None})
    texts = _texts(plan, strategy, folder.resolve(), folders)
    with nullcontext(folder) if folder.exists() else whole_folder(folder) as made:
        for name, text in texts.items():
            write_text(made / name, text)
        write_plan(plan, made / "plan.toml", (_WINS,))
    return strategy


def _require_room(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already, and not an empty folder; give another one, or move it away")


def _require_federated(strategy: Arm) -> None:
    algorithm = strategy.algorithm
    if algorithm == ALONE or find_algorithm(algorithm).pools:
        why = "brings all cases to one place" if find_algorithm(algorithm).pools else "trains every site alone"
        raise PlanError(f"baseline: {algorithm} {why}, so there is nothing to federate; expected another, as fedavg is")


def _texts(plan: Plan, strategy: Arm, folder: Path, data: Mapping[str, str]) -> dict[str, str]:
    """Name of each file -> what is in it."""
    algorithm = find_algorithm(strategy.algorithm)
    values: dict[str, Any] = {
        "plan": plan,
        "name": _app_name(plan),
        "package": PACKAGE,
        "publisher": _PUBLISHER,
        "port": PORT,
        "algorithm": strategy.algorithm,
        "summary": algorithm.summary,
        "harmonizer": strategy.harmonizer,
        "exchanges": bool(strategy.harmonizer and HARMONIZERS[strategy.harmonizer].exchanges),
        "plain_round": algorithm.local_round is plain_round,
        "plain_average": algorithm.aggregate is average,
        "flower": metadata.version("flwr"),
        "version": metadata.version("shiftscope-fl"),
        "timeout": TIMEOUT_S,
        "learning_rate": repr(plan.learning_rate),
        "output": tomlkit.item(str(folder / "runs")).as_string(),
        "sites": tomlkit.dumps({site: data.get(site, "") for site in plan.sites}),
    }
    environment = Environment(
        loader=PackageLoader("shiftscope.exports"),
        autoescape=False,  # code and Markdown; no name that a person chose goes into them
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return {file: environment.get_template(template).render(values) for template, file in _FILES.items()}


def _app_name(plan: Plan) -> str:
    """As Flower takes it: letters, digits and hyphens, not too long."""
    plain = re.sub("[^a-z0-9]+", "-", plan.name.lower())
    return f"shiftscope-{plain}"[:_LONGEST_NAME].rstrip("-")
