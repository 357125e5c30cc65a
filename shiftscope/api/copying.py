"""`harmonize`: at a site, harmonized copies of its images, and a picture to look at."""

import logging
from pathlib import Path
from typing import Unpack

from shiftscope.api.documents import AnyPath, plan_of
from shiftscope.api.measuring import allowed
from shiftscope.api.site_listing import OwnerOptions, declarations
from shiftscope.copies.copy_pictures import draw_sheet
from shiftscope.copies.harmonized_sites import write_copies
from shiftscope.copies.image_changes import Changes
from shiftscope.copies.site_fits import as_planned, check_copies, fit_site
from shiftscope.errors import Unreadable, UsageError
from shiftscope.harmonizers import HARMONIZERS, NOTHING
from shiftscope.option_values import as_path, as_whole_number
from shiftscope.plans import CopiesResult, Plan
from shiftscope.progress import Report, silent
from shiftscope.sites import NOTHING_SAID, Site
from shiftscope.sites import read_site as list_site
from shiftscope.training.runs.kept_references import kept_reference, read_reference

__all__ = ["harmonize", "write_harmonized"]

_LOGGER = logging.getLogger(__name__)
_PICTURE = "before-after.png"


def harmonize(
    source: AnyPath | Site,
    *,
    plan: Plan | AnyPath,
    output: AnyPath,
    name: str | None = None,
    run: AnyPath | None = None,
    reference: AnyPath | None = None,
    picture: bool = True,
    picture_cases: int = 6,
    seed: int = 0,
    max_failures: int | float | None = None,
    progress: Report = silent,
    **owner: Unpack[OwnerOptions],
) -> CopiesResult:
    """Write a site's images as the federation's models see them, with masks, labels and patients beside them.

    Args:
        source: a folder of images, a manifest, or a `Site` that was read already.
        plan: names the harmonizer.
        output: a new folder for the copies, which `read_site` reads as the site they were made of.
        name: the site's name in the plan; whose data these are unless given.
        run: folder of the `train` run that holds the reference; runs/NAME unless given.
        reference: the reference's file itself.
        picture: whether some cases are drawn before and after. The picture shows patients and must not leave the site.
        picture_cases: how many, 1 to 24.
        seed: draws these cases.
        max_failures: unreadable files that are allowed, as `profile` takes it.
        progress: called after every case.
        owner: as `read_site` takes it.

    Raises:
        PlanError: the plan names no harmonizer of which a picture can be made.
        InputError: the site or the reference cannot be used.
        TooManyFailures: more unreadable files than allowed.
    """
    return write_harmonized(
        source,
        plan_of(plan),
        as_path("output", output),
        name=name,
        run=None if run is None else Path(run),
        reference=None if reference is None else Path(reference),
        picture_cases=as_whole_number("picture_cases", picture_cases, 1, 24) if picture else 0,
        seed=as_whole_number("seed", seed, 0),
        max_failures=max_failures,
        progress=progress,
        owner=owner,
    )[0]


def write_harmonized(
    source: AnyPath | Site,
    plan: Plan,
    output: Path,
    *,
    name: str | None,
    run: Path | None,
    reference: Path | None,
    picture_cases: int,
    seed: int,
    max_failures: int | float | None,
    progress: Report,
    owner: OwnerOptions,
) -> tuple[CopiesResult, list[Unreadable]]:
    """The same, with the files that could not be used, which are for the eyes of the site."""
    harmonizer = check_copies(plan)
    if isinstance(source, Site) and any(case.held is not None for case in source.cases):
        raise UsageError(f"{source.name}: arrays lie in no folder, and copies are made of files; write them to one")
    kept = reference or kept_reference(run or Path("runs") / plan.name, harmonizer)
    known = read_reference(kept, harmonizer) if HARMONIZERS[harmonizer].shares else NOTHING
    site = as_planned(
        source if isinstance(source, Site) else _listed(as_path("a site", source), plan, name, owner), plan
    )
    changes = Changes(fit_site(site, plan, known, str(kept), progress))
    limit = allowed(max_failures, len(site.cases))
    failures = write_copies(site, changes.fitted, output, changes.add, max_failures=limit, progress=progress)
    result = changes.result(site, failures)
    if picture_cases:
        path = output / _PICTURE
        shown = draw_sheet(path, changes, result, count=picture_cases, seed=seed)
        _LOGGER.warning("%s shows patients' images: it must not leave the hospital", path)
        _LOGGER.info("it shows %s", ", ".join(f"{number} {case.name}" for number, case in enumerate(shown, start=1)))
        result = result.model_copy(update={"sheet": str(path)})
    return result, failures


def _listed(path: Path, plan: Plan, name: str | None, owner: OwnerOptions) -> Site:
    planned = plan.sites.get(name or path.resolve().name)
    file = owner.get("site_file")
    return list_site(
        path,
        name=name,
        given=declarations(owner),
        known=planned.known if planned else NOTHING_SAID,
        site_file=None if file is None else Path(file),
    )
