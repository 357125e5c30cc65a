"""`shiftscope check`: in CI, a new delivery against a baseline, held to a policy."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.check_formats import CheckFormat, write_result
from shiftscope.cli.console import say
from shiftscope.cli.delivery import DELIVERY, is_site, read_delivery, shown
from shiftscope.cli.options import Device, DeviceOption
from shiftscope.cli.owner import (
    CaseColumnOption,
    ChannelOption,
    LabelColumnOption,
    LabelsOption,
    LayoutOption,
    MaskOption,
    PatientColumnOption,
    RegexOption,
    SiteFileOption,
    owner_says,
)

if TYPE_CHECKING:
    from shiftscope.checks import Policy

__all__ = ["check"]

_CODES = {"passed": 0, "failed": 1, "inconclusive": 3}


def check(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A new profile, or a folder of images to be profiled.")],
    against: Annotated[list[Path], typer.Option(metavar="BASELINE", help="Profile of the same site, or of others.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[BASELINE]...", help="More of --against.")] = None,
    policy: Annotated[Path | None, typer.Option(metavar="policy.toml", help="Limits. Default: docs/check.md.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="What may fail it: appearance, structure, label, annotation, files, any.")
    ] = None,
    warn_only: Annotated[bool, typer.Option("--warn-only", help="Nothing fails, everything warns.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit 0 where it would be 1.")] = False,
    form: Annotated[CheckFormat, typer.Option("--format", help="How the answer is written to stdout.")] = (
        CheckFormat.TABLE
    ),
    output: Annotated[
        list[Path] | None, typer.Option("-o", "--output", help="Write it here too: .xml JUnit, .sarif, .json, .md.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Name of a folder's site. Default: the baseline's.")] = None,
    patient_regex: RegexOption = None,
    layout: LayoutOption = None,
    mask: MaskOption = None,
    channel: ChannelOption = None,
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    case_column: CaseColumnOption = None,
    patient_column: PatientColumnOption = None,
    site_file: SiteFileOption = None,
    weights: Annotated[Path | None, typer.Option(help="Checkpoint of the baseline's timm model.")] = None,
    device: DeviceOption = Device.AUTO,
    workers: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = max(1, (os.cpu_count() or 2) // 2),
    name_files: Annotated[
        bool, typer.Option("--name-files", help="Name a folder's bad files in the answer, which then must stay.")
    ] = False,
    max_failures: Annotated[
        str | None, typer.Option(help="Unreadable files allowed: 10 or 5%; more is exit 2.")
    ] = None,
) -> None:
    """In CI: is a new delivery still what it was? Exit 0 passed, 1 failed, 3 inconclusive."""
    from shiftscope import checks
    from shiftscope.errors import ProfileError
    from shiftscope.profiles import Profile, require_different_sites
    from shiftscope.reports.sheets.check_sheet import headline

    said = owner_says(
        patient_regex=patient_regex,
        layout=layout,
        mask=mask,
        channel=channel,
        labels=labels,
        label_column=label_column,
        case_column=case_column,
        patient_column=patient_column,
    )
    limits = _limits(policy, fail_on, warn_only)
    baselines = [Profile.read(path, ProfileError) for path in (*against, *(more or ()))]
    require_different_sites(baselines)
    profile, failures = read_delivery(
        new,
        baselines,
        site=site,
        given=said,
        site_file=site_file,
        weights=weights,
        device=device,
        workers=workers,
        max_failures=max_failures,
        name_files=name_files,
    )
    source = shown(new) if name_files or not is_site(new) else DELIVERY
    result = checks.check(profile, baselines, limits, source, failures if name_files else ())
    write_result(result, form, output or [])
    say(headline(result))
    code = _CODES[result.outcome]
    raise typer.Exit(0 if exit_zero and code == 1 else code)


def _limits(policy: Path | None, fail_on: str | None, warn_only: bool) -> "Policy":
    """The policy with what the options say instead.

    Raises:
        PolicyError: it cannot be read.
        UsageError: --fail-on names no category.
    """
    from shiftscope.checks import Policy, read_policy
    from shiftscope.errors import UsageError

    values = (Policy() if policy is None else read_policy(policy)).to_dict()
    if fail_on is not None:
        values["fail_on"] = [name.strip() for name in fail_on.split(",")]
    return Policy.from_dict(values | {"warn_only": warn_only or values["warn_only"]}, "--fail-on", UsageError)
