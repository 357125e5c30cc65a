"""Options that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

from shiftscope.errors import UsageError

__all__ = [
    "Device",
    "DeviceOption",
    "Engine",
    "EpsilonOption",
    "Format",
    "FormatOption",
    "RegexOption",
    "allowed_failures",
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


class Engine(StrEnum):
    """What carries the federated job."""

    FLOWER = "flower"
    INLINE = "inline"


EpsilonOption = Annotated[
    float | None,
    typer.Option(help="Differential privacy: 1 is strong, 8 weak. Needs hundreds of patients; see docs/privacy.md."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How the answer is written to stdout.")]
DeviceOption = Annotated[Device, typer.Option(help="auto takes the GPU where there is one.")]
RegexOption = Annotated[
    str | None,
    typer.Option(
        "--patient-regex", help="Finds the patient in a case's name: its first group, or the match. E.g. 'bus_(\\d+)'."
    ),
]


def allowed_failures(text: str | None, files: int) -> int | None:
    """The number of unreadable files that "10" or "5%" of `files` allows, None for no limit."""
    if text is None:
        return None
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(number) if percent else int(number)
    except ValueError:
        raise UsageError(f"--max-failures {text}: expected a count such as 10 or a share such as 5%") from None
    if value < 0 or (percent and value > 100):
        raise UsageError(f"--max-failures {text}: expected 0 or more, and 100% at most")
    return int(files * value / 100) if percent else int(value)
