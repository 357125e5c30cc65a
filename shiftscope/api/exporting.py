"""`export`: a plan as a program that its operator owns."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from shiftscope.api.documents import AnyPath, plan_of
from shiftscope.api.job_running import as_folders, as_packages
from shiftscope.dataframes import Tabular
from shiftscope.errors import UsageError
from shiftscope.exports.flower_apps import write_flower_app
from shiftscope.option_values import as_path
from shiftscope.plans import Plan
from shiftscope.printable_text import shown

__all__ = ["ExportedApp", "export_app"]

_LOGGER = logging.getLogger(__name__)

Target = Literal["flower"]


@dataclass(frozen=True, slots=True)
class ExportedApp(Tabular):
    """An app that was written.

    Attributes:
        path: of its folder, which is its owner's from now on.
        algorithm: that it trains by.
        harmonizer: of the images, None for none.
        files: in the folder, relative to it.
    """

    path: Path
    algorithm: str
    harmonizer: str | None
    files: tuple[str, ...]

    def headline(self) -> str:
        """What it carries out, and where it lies."""
        how = f"{self.harmonizer} and {self.algorithm}" if self.harmonizer else self.algorithm
        return f"a Flower app that carries out {how}: {self.path}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "path": str(self.path),
            "algorithm": self.algorithm,
            "harmonizer": self.harmonizer,
            "files": list(self.files),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each file."""
        return [{"file": file} for file in self.files]


def export_app(
    plan: Plan | AnyPath,
    folder: AnyPath,
    *,
    to: Target = "flower",
    data: Mapping[str, AnyPath] | None = None,
    allow_code: Sequence[str] = (),
) -> ExportedApp:
    """Write what a plan advises as an app that its operator owns, edits and runs with `flwr run`.

    The app carries out the advice, or the plan's baseline where there is none: no baseline beside it, and no verdict.

    Args:
        plan: as a document or a path.
        folder: where the app is written: one that is not there yet, or empty.
        to: what the app is for. There is "flower" so far.
        data: site -> folder of its images on this machine, for Flower's simulation; wins over the plan's own.
        allow_code: packages whose code the plan may name as its own, and which is run here once to see that it works.

    Raises:
        UsageError: another target, a folder that holds something, or the extra [train] is not installed.
        PlanError: the plan cannot be run, or is nothing that can be federated.
    """
    if to not in get_args(Target):
        raise UsageError(f"--to: no {shown(to)}; expected {' or '.join(get_args(Target))}")
    path = as_path("folder", folder)
    strategy = write_flower_app(plan_of(plan), path, as_folders(data), as_packages(allow_code))
    files = tuple(sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()))
    _LOGGER.info("next: read %s", path / "README.md")
    return ExportedApp(path, strategy.algorithm, strategy.harmonizer, files)
