"""Options that several commands share."""

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.errors import UsageError

__all__ = [
    "AllowCodeOption",
    "DataOption",
    "Device",
    "DeviceOption",
    "Engine",
    "EngineOption",
    "EpsilonOption",
    "FederationOption",
    "FoldsOption",
    "Format",
    "FormatOption",
    "JobsOption",
    "LocalEngine",
    "PlanArgument",
    "VerboseOption",
    "WaitOption",
    "allowed_failures",
    "data_folders",
    "in_full",
    "share_of",
]


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


class Device(StrEnum):
    """Where tensors are computed."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class LocalEngine(StrEnum):
    """What carries a federated job on one machine."""

    FLOWER = "flower"
    INLINE = "inline"


class Engine(StrEnum):
    """What carries the federated job."""

    FLOWER = "flower"
    INLINE = "inline"
    DEPLOY = "deploy"


EpsilonOption = Annotated[
    float | None,
    typer.Option(
        help="Make it differentially private: 1 is strong, 8 weak. It needs hundreds of patients; see docs/privacy.md."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How the answer is written to stdout.")]
VerboseOption = Annotated[bool, typer.Option("-v", "--verbose", help="Show the evidence behind the answer too.")]
JobsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many processes measure. The result does not depend on it.",
        show_default="as many as cores, memory and the number of images allow",
    ),
]
PlanArgument = Annotated[Path, typer.Argument(help="The plan that `recommend -o` wrote.")]
DataOption = Annotated[
    list[str] | None,
    typer.Option(help="Where the images of a site lie: SITE=DIR, once for each site. It wins over the plan."),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        help="What carries the job: Flower's simulation, inline for the same apps in this process, or deploy for the"
        " sites of a federation."
    ),
]
FederationOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="With --engine deploy: which federation. Default: the only one that is coordinated here."
    ),
]
FoldsOption = Annotated[
    int, typer.Option(min=1, help="How many parts each site's patients are cut into; 1: the plan's split.")
]
WaitOption = Annotated[
    float, typer.Option("--timeout", min=1, help="How many seconds a round waits for its slowest site.")
]
AllowCodeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PACKAGE",
        help="A package of yours that the plan may run at every site, once you have looked at it. Once for each.",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute; auto takes the GPU where there is one.")]


def allowed_failures(text: str | None) -> int | float | None:
    """How many unreadable files "10" or "5%" allows: a count, or a share as a float; None for no limit."""
    if text is None:
        return None
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(number) if percent else int(number)
    except ValueError:
        raise UsageError(f"--max-failures {text}: expected a count such as 10 or a share such as 5%") from None
    if not value >= 0 or (percent and value > 100):
        raise UsageError(f"--max-failures {text}: expected 0 or more, and 100% at most")
    return value / 100 if percent else value


def in_full(verbose: bool, form: Format) -> bool:
    """Whether an answer holds its evidence too: where a person asks for it, and in every other form than a screen."""
    return verbose or form is not Format.TABLE


def share_of(text: str, option: str) -> float:
    """The number that "1/2" or "0.5" stands for."""
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{option} {text}: expected a share such as 1/2 or 0.5") from None


def data_folders(pairs: list[str]) -> dict[str, Path]:
    """SITE=DIR as site -> folder.

    Raises:
        UsageError: a pair has no "=", or a site is named twice.
    """
    folders: dict[str, Path] = {}
    for pair in pairs:
        site, found, folder = pair.partition("=")
        if not found or not site or not folder:
            raise UsageError(f"--data {pair}: expected SITE=DIR, for example --data ashford=hospitals/ashford")
        if site in folders:
            raise UsageError(f"--data {pair}: site '{site}' is given twice")
        folders[site] = Path(folder)
    return folders
