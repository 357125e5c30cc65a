"""Exported apps, imported and run in this process over the messages that Flower would carry."""

import importlib
import logging
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flwr.app import Context, RecordDict
from recorded_runs import CHANNELS

from shiftscope.exports.flower_apps import PACKAGE
from shiftscope.training.federation.flower.inline import InlineGrid, task_identity
from shiftscope.training.models import networks
from shiftscope.training.runs.jobs import Job

__all__ = ["MODULES", "context_of", "imported", "run_inline_app", "settings_of"]

MODULES = ("method", "settings", "questions", "client_app", "server_app")

RUN = 1


def settings_of(app: Path) -> dict[str, Any]:
    """[tool.flwr.app.config] of the app."""
    settings: dict[str, Any] = tomllib.loads((app / "pyproject.toml").read_text())["tool"]["flwr"]["app"]["config"]
    return settings


@contextmanager
def imported(app: Path) -> Iterator[SimpleNamespace]:
    """The app's modules, as Flower imports them; another app of the same package's name can be imported afterwards."""
    sys.path.insert(0, str(app))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(f"{PACKAGE}.{name}") for name in MODULES})
    finally:
        sys.path.remove(str(app))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        importlib.invalidate_caches()


def context_of(app: Path, node: Mapping[str, str | int], **changes: object) -> Context:
    """What Flower tells one party of the run."""
    settings = {**settings_of(app), **{key.replace("_", "-"): value for key, value in changes.items()}}
    return Context(run_id=RUN, node_id=0, node_config=dict(node), state=RecordDict(), run_config=settings)


def run_inline_app(app: Path, job: Job, *, small: bool = False, **changes: object) -> Path:
    """Run the app at the sites of `job`; returns the folder of the run.

    Args:
        job: names the sites; nothing else of it reaches the app.
        small: with the U-Net of two levels that recorded runs have.
        changes: settings of the run.
    """
    with imported(app) as modules, pytest.MonkeyPatch.context() as patch, task_identity():
        if small:
            patch.setattr(networks, "CHANNELS", CHANNELS)
        patch.setattr(logging.getLogger("flwr"), "level", logging.ERROR)
        grid = InlineGrid(job, modules.client_app.app)
        for node, context in grid.contexts.items():
            grid.contexts[node] = context_of(app, context.node_config, **changes)
        modules.server_app.app(grid, context_of(app, {}, **changes))
    return Path(str(settings_of(app)["output"])) / str(RUN)
