"""`shiftscope profile`: at a site, images in, one small file of aggregates out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.console import answer, choose_device, counting, list_failures, say, tell, warn
from shiftscope.cli.options import (
    Device,
    DeviceOption,
    EpsilonOption,
    Format,
    FormatOption,
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
    owner_says,
)
from shiftscope.cli.publishing import caution_files, publish, target_for
from shiftscope.errors import InputError, UsageError

if TYPE_CHECKING:
    from shiftscope.profiles import Part
    from shiftscope.sites import Site

__all__ = ["profile"]

_DRY_RUN_READS, _DRY_RUN_LISTS = 48, 8


def profile(
    site_dir: Annotated[Path, typer.Argument(help="Folder of images, or a manifest (CSV or TSV).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: SITE.profile.json.")] = None,
    site: Annotated[str | None, typer.Option(help="The site's name. Default: the folder's.")] = None,
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
    features: Annotated[str | None, typer.Option(help="A timm model; default: a fixed network, no weights.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights for --features: safetensors or plain tensors.")] = None,
    device: DeviceOption = Device.AUTO,
    workers: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = max(1, (os.cpu_count() or 2) // 2),
    seed: Annotated[int, typer.Option(min=0, help="Draws the sample the canonical map is fitted on.")] = 0,
    part: Annotated[
        Path | None, typer.Option(metavar="X.part.json", help="Write raw sums for `merge`: never to be shared.")
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(metavar="X.part.json", help="Use the canonical map of the site's first part.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Secret of the site's parts. Default: shiftscope.key beside.")
    ] = None,
    epsilon: EpsilonOption = None,
    max_failures: Annotated[str | None, typer.Option(help="Unreadable files allowed: 10 or 5%.")] = None,
    failures: Annotated[Path | None, typer.Option(help="Write the list of unreadable files here.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the layout found, write nothing.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print exactly what will leave the site.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: images in, one small file of aggregates out. It is the only thing that may leave."""
    from shiftscope.files import write_text
    from shiftscope.printable_text import on_one_line
    from shiftscope.profiles import (
        KEY_FILE,
        Key,
        Options,
        Profile,
        calibrated,
        part_of_site,
        profile_site,
        read_fit,
        require_declared,
    )
    from shiftscope.reports.sheets.profile_sheet import reading_sheet, site_sheet
    from shiftscope.sites import SiteReading, overview, read_site

    if part is not None:
        _require_part_alone(part, output, show, epsilon)
    elif key is not None:
        raise UsageError("--key goes with --part: a profile holds no marks of patients")
    if epsilon is not None:
        calibrated(epsilon)
    said = owner_says(
        patient_regex=patient_regex,
        one_file_per_patient=one_file_per_patient,
        classes=classes,
        no_classes=no_classes,
        layout=layout,
        mask=mask,
        channel=channel,
        labels=labels,
        label_column=label_column,
        case_column=case_column,
        patient_column=patient_column,
    )
    found = read_site(site_dir, name=site, given=said, site_file=site_file)
    if dry_run:
        values = overview(found, _DRY_RUN_READS, _DRY_RUN_LISTS)
        answer(form, values, site_sheet(values))
        _say_what_is_open(found)
        return
    if site is None:
        say(f"the site is called {found.name!r} after its folder, and the name leaves; --site gives another")
    if part is None:
        target_for(found.name, output)  # to be told now, not when everything has been read
    if epsilon is not None:
        require_declared(found)
    from shiftscope.measures.features.extractors import DEFAULT, load_extractor

    chosen = choose_device(device, workers)
    extractor = load_extractor(features or DEFAULT, weights, chosen)
    if extractor.licence is None:
        warn(f"{extractor.name} does not say under which licence its weights are")
    options = Options(seed, workers, chosen, allowed_failures(max_failures, len(found.cases)))
    first = read_fit(fit, found.name, extractor) if fit is not None else None
    reading = SiteReading(found)
    with counting(f"profiling {found.name}") as progress:
        made: Profile | Part
        if part is None:
            made, left_out = profile_site(
                found, extractor, options, lambda step: progress(step.done, step.total or 0), first, epsilon, reading
            )
        else:
            secret = Key.at(key or part.with_name(KEY_FILE))
            made, left_out = part_of_site(
                found, extractor, options, lambda step: progress(step.done, step.total or 0), first, secret, reading
            )
    tell(reading_sheet(reading.to_dict()))
    list_failures(left_out)
    if failures is not None:
        write_text(failures, "".join(f"{on_one_line(str(failure))}\n" for failure in left_out), private=True)
    if isinstance(made, Profile):
        publish(made, target_for(found.name, output), form, show, found.declared)
    elif part is not None:
        _keep(made, part, form)


def _say_what_is_open(found: "Site") -> None:
    """Warn of what would stop a profile."""
    from shiftscope.sites import require_shareable

    try:
        require_shareable(found)
    except InputError as problem:
        warn(str(problem))


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


def _keep(made: "Part", target: Path, form: Format) -> None:
    """Write a part, and say that it must not travel."""
    from shiftscope.reports.sheets.part_sheet import part_sheet

    made.write(target)
    warn(f"{target} holds raw sums that show single patients: keep it at the site; share what merge makes of it")
    caution_files(made.origin.patient_source)
    if not made.tally.patients:
        warn("it holds no patient: none of the images could be read")
    answer(form, made.summary(), part_sheet(made, f"written to {target}; next: shiftscope merge PART..."))
