"""`shiftscope export`: a plan as an app that its operator owns."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import say
from shiftscope.cli.options import AllowCodeOption, DataOption, PlanArgument, data_folders

__all__ = ["export"]


class Target(StrEnum):
    """What an app is written for."""

    FLOWER = "flower"


def export(
    plan: PlanArgument,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the app is written: a new folder, or an empty one.")
    ],
    to: Annotated[Target, typer.Option("--to", help="What the app is written for.")] = Target.FLOWER,
    data: DataOption = None,
    allow_code: AllowCodeOption = None,
) -> None:
    """Write what a plan advises as an app of your own, to edit and to run with `flwr run`."""
    import shiftscope

    made = shiftscope.export_app(plan, folder, to=to.value, data=data_folders(data or []), allow_code=allow_code or [])
    say(made.headline())
