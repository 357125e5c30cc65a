"""`shiftscope profile`: at a site, images in, one small file of aggregates out."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    JobsOption,
    VerboseOption,
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
from shiftscope.cli.publishing import AnswerStyle, part_for, publish, target_for
from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope import Site
    from shiftscope.api.profiling import Measuring, SiteReading, UnfinishedRun
    from shiftscope.errors import Unreadable

__all__ = ["profile"]

_PART = ".part.json"


def profile(
    context: typer.Context,
    site_dir: Annotated[
        Path | None, typer.Argument(help="Folder of images, or a manifest (CSV or TSV).", show_default=False)
    ] = None,
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
    jobs: JobsOption = None,
    seed: Annotated[
        int, typer.Option(min=0, help="The seed that draws the images on which the canonical map is fitted.")
    ] = 0,
    harmonized_sample: Annotated[
        str,
        typer.Option(
            metavar="N|all", help="On how many patients, drawn by a keyed hash, it is measured what harmonizers leave."
        ),
    ] = "256",
    part: Annotated[
        str | None,
        typer.Option(
            metavar="X.part.json|i/n|array",
            help="Write the raw sums of a part of the site, for `merge`: of this folder, of the i-th of n parts of it,"
            " or as the task of a scheduler's array job. They must never leave.",
        ),
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(metavar="X.part.json", help="The first part of the site, whose canonical map is used."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The secret of the parts of the site, which also draws the patients for harmonizers. Default:"
            " shiftscope.key beside the part.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from where a run that was stopped was; it left X.unfinished.")
    ] = False,
    epsilon: EpsilonOption = None,
    max_failures: Annotated[
        str | None, typer.Option(help="How many unreadable files are allowed, such as 10 or 5%.")
    ] = None,
    failures: Annotated[
        Path | None, typer.Option(help="The file that lists the unreadable files. It stays at the site.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which layout was found, and write nothing.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print to the byte what will leave the site.")] = False,
    federation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="At a coordinator: have each site of this federation profile itself, and collect them."
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="With --federation: how many seconds the slowest site is waited for.")
    ] = 1800.0,
    verbose: VerboseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: measure its images and write one small file of aggregates, the only thing that may leave."""
    if federation is not None:
        _collect(context, federation, output, timeout, form)
        return
    if site_dir is None:
        raise UsageError("SITE_DIR: expected a folder of images, or a manifest; or --federation NAME at a coordinator")
    from shiftscope import read_site
    from shiftscope.api.profiling import Measuring, require_measuring, share_of_task

    if part is not None:
        part = share_of_task(os.environ) if part == "array" else part
        _require_part_alone(part, output, show, epsilon)
    how = Measuring(
        features=features,
        weights=weights,
        device=device,
        jobs=jobs,
        seed=seed,
        epsilon=epsilon,
        fit=fit,
        max_failures=allowed_failures(max_failures),
        harmonized_sample=int(harmonized_sample) if harmonized_sample.isdecimal() else harmonized_sample,
        share="1/1" if part is None or part.endswith(_PART) else part,
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
        _write_profile(found, how, _Destination(target_for(found.name, output), key, resume), failures, shown)
        return
    target = Path(part) if part.endswith(_PART) else part_for(found.name, part)
    _write_part(found, how, _Destination(target, key, resume), failures, shown)


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where it is written, with which secret of the site, and whether to go on with a run that was stopped."""

    target: Path
    key: Path | None
    resume: bool


_WITH_FEDERATION = ("federation", "output", "classes", "seed", "epsilon", "timeout", "form")


def _collect(context: typer.Context, federation: str, output: Path | None, timeout: float, form: Format) -> None:
    """Profiles of a federation's sites, each made where the images are.

    Raises:
        UsageError: an option is given that only a site can answer.
    """
    from click.core import ParameterSource

    from shiftscope.api.federating.collecting import collect_profiles
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    given = [name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if others := [name for name in given if name not in _WITH_FEDERATION]:
        option = others[0].replace("_", "-")
        raise UsageError(
            f"--{option}: each site of a federation knows its own images and says the rest in site.toml beside them;"
            " leave it out"
        )
    values = context.params
    step = collect_profiles(
        federation,
        output=output,
        classes=values["classes"] or (),
        seed=values["seed"],
        epsilon=values["epsilon"],
        timeout_s=timeout,
    )
    answer(form, step.to_dict(), step_sheet(step))


def _write_profile(
    found: "Site", how: "Measuring", destination: _Destination, failures: Path | None, shown: AnswerStyle
) -> None:
    from shiftscope.api.profiling import SiteReading, caution_profile, measure_profile

    reading, state = SiteReading(found), _state_beside(destination)
    with progress_bar() as progress:
        made, left_out = measure_profile(
            found, how, reading=reading, key=destination.key, unfinished=state, progress=progress
        )
    _show_reading(reading, left_out, failures, shown.verbose)
    made.write(destination.target)
    state.end()
    caution_profile(made)
    publish(made, destination.target, shown, found.declared)


def _write_part(
    found: "Site", how: "Measuring", destination: _Destination, failures: Path | None, shown: AnswerStyle
) -> None:
    """Write a part, and say that it must not travel."""
    from shiftscope.api.profiling import KEY_FILE, SiteReading, caution_files, measure_part
    from shiftscope.reports.sheets.part_sheet import part_sheet

    reading, state, target = SiteReading(found), _state_beside(destination), destination.target
    key = destination.key or target.with_name(KEY_FILE)
    with progress_bar() as progress:
        made, left_out = measure_part(found, how, key, reading=reading, unfinished=state, progress=progress)
    _show_reading(reading, left_out, failures, shown.verbose)
    made.write(target)
    state.end()
    warn(f"{target} holds raw sums that show single patients: keep it at the site; share what merge makes of it")
    caution_files(made.origin.patient_source)
    if not made.tally.patients:
        warn("it holds no patient: none of the images could be read")
    answer(shown.form, made.summary(), part_sheet(made, f"written to {target}; next: shiftscope merge PART..."))


def _state_beside(destination: _Destination) -> "UnfinishedRun":
    """The state of the run, and a word where one was left that is not wanted."""
    from shiftscope.api.profiling import unfinished_run

    state = unfinished_run(destination.target, resume=destination.resume)
    if state.path.exists() and not destination.resume:
        warn(f"{state.path} is of a run that was stopped: --resume goes on with it; it is replaced by this one")
    return state


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


def _require_part_alone(part: str, output: Path | None, show: bool, epsilon: float | None) -> None:
    """A part is named as one, and no profile of it leaves beside the merged one: their difference is the other parts.

    Raises:
        UsageError: it is not.
    """
    if not part.endswith(_PART) and re.fullmatch(r"[0-9]+/[0-9]+", part) is None:
        raise UsageError(
            f"--part {part}: expected a name that ends in {_PART}, so that nobody shares it; or i/n, or array"
        )
    if output is not None or show or epsilon is not None:
        given = "-o" if output is not None else "--show" if show else "--epsilon"
        raise UsageError(f"{given} is for a profile, and --part writes none: the parts' profile is made by merge")
