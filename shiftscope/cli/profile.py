"""`shiftscope profile`: at a site, images in, one small file of aggregates out."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shiftscope.cli.console import answer, choose_device, counting, list_failures, warn
from shiftscope.cli.options import Device, DeviceOption, Format, FormatOption, RegexOption, allowed_failures

if TYPE_CHECKING:
    from shiftscope.profiles import Profile

__all__ = ["profile"]

_DRY_RUN_CASES = 8


def profile(
    site_dir: Annotated[Path, typer.Argument(help="Folder of images, or a manifest (CSV or TSV).")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: SITE.profile.json.")] = None,
    site: Annotated[str | None, typer.Option(help="The site's name. Default: the folder's.")] = None,
    patient_regex: RegexOption = None,
    features: Annotated[str | None, typer.Option(help="A timm model; default: a fixed network, no weights.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Checkpoint for --features.")] = None,
    device: DeviceOption = Device.AUTO,
    workers: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = max(1, (os.cpu_count() or 2) // 2),
    seed: Annotated[int, typer.Option(help="Draws the sample the canonical map is fitted on.")] = 0,
    max_failures: Annotated[str | None, typer.Option(help="Unreadable files allowed: 10 or 5%.")] = None,
    failures: Annotated[Path | None, typer.Option(help="Write the list of unreadable files here.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the layout found, write nothing.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Print exactly what will leave the site.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: images in, one small file of aggregates out. It is the only thing that may leave."""
    from shiftscope.profiles import Options, profile_site
    from shiftscope.reports.profile_sheet import profile_sheet, site_sheet
    from shiftscope.sites import overview, read_site

    found = read_site(site_dir, name=site, patient_regex=patient_regex)
    if dry_run:
        values = overview(found, _DRY_RUN_CASES)
        answer(form, values, site_sheet(values))
        return
    from shiftscope.measures.features import DEFAULT, load_extractor

    chosen = choose_device(device, workers)
    extractor = load_extractor(features or DEFAULT, weights, chosen)
    if extractor.licence is None:
        warn(f"{extractor.name} does not say under which licence its weights are")
    limit = allowed_failures(max_failures, len(found.cases))
    with counting(f"profiling {found.name}") as progress:
        made, left_out = profile_site(found, extractor, Options(seed, workers, chosen, limit), progress)
    list_failures(left_out)
    if failures is not None:
        failures.write_text("".join(f"{failure}\n" for failure in left_out), encoding="utf-8")
    target = output or Path(f"{found.name}.profile.json")
    made.write(target)
    _caution(made)
    if show:
        sys.stdout.write(made.to_json() + "\n")
    else:
        answer(form, made.to_dict(), profile_sheet(made, f"written to {target}, {_kilobytes(target)} KB"))


def _caution(made: "Profile") -> None:
    """Say what lowers the worth of this profile."""
    if made.patient_source == "file":
        warn(
            "each file counts as a patient; if one person has several images the intervals come out too narrow:"
            " give --patient-regex or a manifest with a patient column"
        )
    if made.patients < 10:
        warn(f"fewer than 10 patients ({made.patients}): only counts are exported, and the site is not diagnosed")
    elif made.patients < 20:
        warn(f"fewer than 20 patients ({made.patients}): the site will not be diagnosed")


def _kilobytes(path: Path) -> str:
    return f"{path.stat().st_size / 1024:.1f}"
