"""`shiftscope check`: in CI, a new delivery against a baseline, held to a policy."""

from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.check_formats import CheckFormat, write_result
from shiftscope.cli.console import list_failures, progress_bar, say
from shiftscope.cli.options import Device, DeviceOption, JobsOption, VerboseOption, allowed_failures
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
    owner_options,
)

__all__ = ["check"]

_CODES = {"passed": 0, "failed": 1, "inconclusive": 3}


def check(
    context: typer.Context,
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A new profile, or a folder of images to be profiled.")],
    against: Annotated[
        list[Path], typer.Option(metavar="BASELINE", help="A profile of the same site, or profiles of others.")
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[BASELINE]...", help="More baselines, as --against takes them.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="policy.toml", help="The limits. Default: those of docs/check.md.")
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(help="What may fail it: appearance, structure, label (class prevalence), annotation, files, any."),
    ] = None,
    warn_only: Annotated[bool, typer.Option("--warn-only", help="Let nothing fail: what would fail warns.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="End with exit code 0 where it would be 1.")] = False,
    verbose: VerboseOption = False,
    form: Annotated[CheckFormat, typer.Option("--format", help="How the answer is written to stdout.")] = (
        CheckFormat.TABLE
    ),
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Write the answer here too: .xml (JUnit), .sarif, .json or .md."),
    ] = None,
    site: Annotated[
        str | None, typer.Option(help="The name of the site of a folder. Default: that of the baseline.")
    ] = None,
    patient_regex: RegexOption = None,
    layout: LayoutOption = None,
    mask: MaskOption = None,
    channel: ChannelOption = None,
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    case_column: CaseColumnOption = None,
    patient_column: PatientColumnOption = None,
    site_file: SiteFileOption = None,
    weights: Annotated[
        Path | None, typer.Option(help="The weights of the timm model that the baseline was measured with.")
    ] = None,
    device: DeviceOption = Device.AUTO,
    jobs: JobsOption = None,
    name_files: Annotated[
        bool,
        typer.Option(
            "--name-files", help="Name the bad files of a folder in the answer, which then must stay at the site."
        ),
    ] = False,
    max_failures: Annotated[
        str | None, typer.Option(help="How many unreadable files are allowed, such as 10 or 5%. More is exit code 2.")
    ] = None,
) -> None:
    """In CI: say whether a new delivery is what it was. Exit codes: 0 passed, 1 failed, 3 inconclusive."""
    import shiftscope
    from shiftscope.errors import Unreadable
    from shiftscope.reports.sheets.check_sheet import headline

    with progress_bar() as progress:
        result = shiftscope.check(
            new,
            [*against, *(more or ())],
            policy=policy,
            fail_on=None if fail_on is None else [name.strip() for name in fail_on.split(",")],
            warn_only=warn_only,
            name_files=name_files,
            name=site,
            weights=weights,
            device=device,
            jobs=jobs,
            max_failures=allowed_failures(max_failures),
            progress=progress,
            **owner_options(context),
        )
    list_failures([Unreadable(item.path, item.reason, item.detail) for item in result.files])
    write_result(result, form, output or [], verbose=verbose)
    say(headline(result))
    code = _CODES[result.outcome]
    raise typer.Exit(0 if exit_zero and code == 1 else code)
