"""Plans on disk: commented TOML."""

from pathlib import Path
from typing import Any

import tomlkit

from shiftscope.errors import PlanError
from shiftscope.files import write_text
from shiftscope.parsing import read_toml
from shiftscope.plans.plan import Plan

__all__ = ["read_plan", "write_plan"]

_COMMENTS = {
    "task": "segmentation or classification",
    "classes": "order of the outputs: the union over the sites; empty for one foreground",
    "model": "docs/models.md lists them; or package.module:function, your own",
    "colour": "three channels or one",
    "image_size": "pixels; images are resized to a square",
    "local_steps": "optimizer steps per site and round, the same for every strategy",
    "seeds": 'one whole training per seed; "auto": 3, 5 or 10, until the verdict is decided',
    "folds": "1: the split below; more: every patient is tested once, seed by seed",
    "margin": "a mean difference of the metric below it counts for nothing",
    "harmonizer": 'what is done to the images; "" for nothing',
    "personalizer": 'what stays at the site; "" for nothing',
    "balance": "whether batches hold the classes equally often",
    "encoder": 'timm model on which a decoder or the linear model stands; "" for none',
    "weights": '"imagenet", or a file that the timm model starts from; "" for random ones',
    "weights_sha256": 'of that file; "" until a run has found it',
    "head": "names of the last layers' modules; [] to find them",
    "stem": "names of the early layers' modules; [] to find them",
    "loss": 'package.module:function, your own; "" for that of the task',
    "augment": 'package.module:function, your own; "" for ours',
    "patch": "z, y, x voxels of the blocks a three-dimensional network sees; [] for slices",
    "baseline": "what the advice is compared with, on the same budget",
    "predicted": "what the advice was expected to gain over FedAvg, 80 % interval; kept beside the result",
    "code": "your own packages, as the first run found them; other code is refused",
    "data": 'where each site\'s data lie here: site = "folder"; --data SITE=DIR does the same',
}


def write_plan(plan: Plan, path: Path, because: tuple[str, ...] = ()) -> None:
    """Write `plan` as commented TOML, headed by the reasons `because`."""
    document = tomlkit.document()
    for line in because:
        document.add(tomlkit.comment(line))
    values: dict[str, Any] = plan.to_dict()
    tables = {key: values.pop(key) for key in ("split", "predicted", "code", "sites", "data")}
    for key in ("predicted", "code"):
        if not tables[key]:
            del tables[key]
    for key, value in values.items():
        item = tomlkit.item("" if value is None else value)
        if key in _COMMENTS:
            item.comment(_COMMENTS[key])
        document.add(key, item)
    if "predicted" in tables:
        tables["predicted"] = _without_nulls(tables["predicted"])
    tables["sites"] = {name: _without_nulls(site) for name, site in tables["sites"].items()}
    for key, table in tables.items():
        if key in _COMMENTS:
            document.add(tomlkit.nl())
            document.add(tomlkit.comment(_COMMENTS[key]))
        document.add(key, tomlkit.item(table))
    write_text(path, tomlkit.dumps(document))


def _without_nulls(table: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null: what is not known is not written."""
    return {key: value for key, value in table.items() if value is not None}


def read_plan(path: Path) -> Plan:
    """Read a plan from TOML.

    Raises:
        PlanError: the file is missing, too large, is not TOML, or a key does not fit.
    """
    values = read_toml(path, Plan.MOST_BYTES, "a plan", PlanError)
    for key in ("harmonizer", "personalizer", "encoder", "weights", "weights_sha256", "loss", "augment", "predicted"):
        if values.setdefault(key, None) == "":
            values[key] = None
    return Plan.from_dict(values, str(path), PlanError)
