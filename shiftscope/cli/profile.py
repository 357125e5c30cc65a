"""`shiftscope profile`: at a site, images in, one small file of aggregates out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.console import answer, list_failures, progress_bar, say, tell, warn
from shiftscope.cli.options import (
    Device,
    DeviceOption,
    EpsilonOption,
    Format,
    FormatOption,
    VerboseOption,
    WorkersOption,
    allowed_failures,
)
from shiftscope.cli.owner import (
    CaseColumnOption,
    ChannelOption,
    ClassesOption,
    LabelColumnOption,
    LabelsOption,
    LayoutOption,
    MaskOption,
    NoClassesOption,
    OneFileOption,
    PatientColumnOption,
    RegexOption,
    SiteFileOption,
    owner_options,
)
from shiftscope.cli.publishing import AnswerStyle, publish, target_for
from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope import Site
    from shiftscope.api.profiling import Measuring, SiteReading
    from shiftscope.errors import Unreadable

__all__ = ["profile"]


def profile(
    context: typer.Context,
    site_dir: Annotated[Path, typer.Argument(help="Folder of images, or a manifest (CSV or TSV).")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write. Default: SITE.profile.json.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="The name of the site. Default: the name of its folder.")] = None,
    patient_regex: RegexOption = None,
    labels: LabelsOption = None,
    label_column: LabelColumnOption = None,
    case_column: CaseColumnOption = None,
    patient_column: PatientColumnOption = None,
    one_file_per_patient: OneFileOption = False,
    classes: ClassesOption = None,
    no_classes: NoClassesOption = False,
    layout: LayoutOption = None,
    mask: MaskOption = None,
    channel: ChannelOption = None,
    site_file: SiteFileOption = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="The timm model that features are taken from. Default: a fixed network that needs no weights."
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="The weights of that model, as safetensors or plain tensors.")
    ] = None,
    device: DeviceOption = Device.AUTO,
    workers: WorkersOption = None,
    seed: Annotated[
        int, typer.Option(min=0, help="The seed that draws the images on which the canonical map is fitted.")
    ] = 0,
    part: Annotated[
        Path | None,
        typer.Option(
            metavar="X.part.json", help="Write the raw sums of a part of the site, for `merge`. They must never leave."
        ),
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(metavar="X.part.json", help="The first part of the site, whose canonical map is used."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The secret of the parts of the site. Default: shiftscope.key beside the part."
        ),
    ] = None,
    epsilon: EpsilonOption = None,
    max_failures: Annotated[
        str | None, typer.Option(help="How many unreadable files are allowed, such as 10 or 5%.")
    ] = None,
    failures: Annotated[
        Path | None, typer.Option(help="The file that lists the unreadable files. It stays at the site.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which layout was found, and write nothing.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print to the byte what will leave the site.")] = False,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: measure its images and write one small file of aggregates, the only thing that may leave."""
    from shiftscope import read_site
    from shiftscope.api.profiling import KEY_FILE, Measuring, require_measuring

    if part is not None:
        _require_part_alone(part, output, show, epsilon)
    elif key is not None:
        raise UsageError("--key goes with --part: a profile holds no marks of patients")
    how = Measuring(
        features=features,
        weights=weights,
        device=device,
        workers=workers,
        seed=seed,
        epsilon=epsilon,
        fit=fit,
        max_failures=allowed_failures(max_failures),
    )
    found = read_site(site_dir, name=site, **owner_options(context))
    shown = AnswerStyle(form, verbose, show)
    if dry_run:
        _preview(found, shown)
        return
    if site is None:
        say(f"the site is called {found.name!r} after its folder, and the name leaves; --site gives another")
    require_measuring(found, how)
    if part is None:
        _write_profile(found, how, target_for(found.name, output), failures, shown)
    else:
        _write_part(found, how, part, key or part.with_name(KEY_FILE), failures, shown)


def _write_profile(found: "Site", how: "Measuring", target: Path, failures: Path | None, shown: AnswerStyle) -> None:
    from shiftscope.api.profiling import SiteReading, caution_profile, measure_profile

    reading = SiteReading(found)
    with progress_bar() as progress:
        made, left_out = measure_profile(found, how, reading=reading, progress=progress)
    _show_reading(reading, left_out, failures, shown.verbose)
    made.write(target)
    caution_profile(made)
    publish(made, target, shown, found.declared)


def _write_part(
    found: "Site", how: "Measuring", target: Path, key: Path, failures: Path | None, shown: AnswerStyle
) -> None:
    """Write a part, and say that it must not travel."""
    from shiftscope.api.profiling import SiteReading, caution_files, measure_part
    from shiftscope.reports.sheets.part_sheet import part_sheet

    reading = SiteReading(found)
    with progress_bar() as progress:
        made, left_out = measure_part(found, how, key, reading=reading, progress=progress)
    _show_reading(reading, left_out, failures, shown.verbose)
    made.write(target)
    warn(f"{target} holds raw sums that show single patients: keep it at the site; share what merge makes of it")
    caution_files(made.origin.patient_source)
    if not made.tally.patients:
        warn("it holds no patient: none of the images could be read")
    answer(shown.form, made.summary(), part_sheet(made, f"written to {target}; next: shiftscope merge PART..."))


def _show_reading(
    reading: "SiteReading", left_out: "Sequence[Unreadable]", failures: Path | None, verbose: bool
) -> None:
    """What reading the cases gave, for the eyes of the site."""
    from shiftscope.files import write_text
    from shiftscope.printable_text import on_one_line
    from shiftscope.reports.sheets.profile_sheet import reading_sheet

    tell(reading_sheet(reading.to_dict(), verbose=verbose))
    list_failures(left_out)
    if failures is not None:
        write_text(failures, "".join(f"{on_one_line(str(failure))}\n" for failure in left_out), private=True)


def _preview(found: "Site", shown: AnswerStyle) -> None:
    """Show what was found, and warn of what would stop a profile."""
    from shiftscope.api.site_listing import open_question, preview
    from shiftscope.reports.sheets.profile_sheet import site_sheet

    values = preview(found)
    answer(shown.form, values, site_sheet(values, verbose=shown.in_full))
    if (question := open_question(found)) is not None:
        warn(question)


def _require_part_alone(part: Path, output: Path | None, show: bool, epsilon: float | None) -> None:
    """A part is named as one, and no profile of it leaves beside the merged one: their difference is the other parts.

    Raises:
        UsageError: it is not.
    """
    if not part.name.endswith(".part.json"):
        raise UsageError(f"--part {part}: expected a name that ends in .part.json, so that nobody shares it")
    if output is not None or show or epsilon is not None:
        given = "-o" if output is not None else "--show" if show else "--epsilon"
        raise UsageError(f"{given} is for a profile, and --part writes none: the parts' profile is made by merge")
