"""Harmonized copies of a site's images, as training would see them, at their own size."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from shiftscope.copies.copy_folders import CopyFolder
from shiftscope.copies.mapped_cases import MappedCase, map_case
from shiftscope.copies.site_fits import FittedHarmonizer
from shiftscope.errors import InputError, Unreadable, UsageError
from shiftscope.harmonizers import HARMONIZERS, LEAST_CHANGE
from shiftscope.progress import Progress, Report, silent
from shiftscope.sites import Case, Site, refuse_too_many

__all__ = ["write_copies"]


def write_copies(
    site: Site,
    fitted: FittedHarmonizer,
    out: Path,
    examine: Callable[[Case, MappedCase], None],
    *,
    max_failures: int | None = None,
    progress: Report = silent,
) -> list[Unreadable]:
    """Write every readable case of `site`, harmonized, with its mask and a manifest.

    The folder appears when it is whole.

    Args:
        out: must not exist or be empty, and lie outside the site's own folder.
        examine: called with every case that was written.
        max_failures: how many unreadable files are allowed; None for any number.
        progress: called after every case.

    Returns:
        The files that could not be used, for the site's eyes only.

    Raises:
        UsageError: `out` cannot be used.
        TooManyFailures: more unreadable files than `max_failures`.
        InputError: nothing could be read, or a harmonizer that maps each case by itself changed no pixel.
    """
    part = _claimed(site, out)
    failures = [Unreadable(path, reason) for reason, paths in site.excluded.items() for path in paths]
    writer, most = CopyFolder.of(site, part), 0.0
    try:
        refuse_too_many(failures, max_failures)
        for case, mapped in _mapped(site, fitted, failures, progress):
            if isinstance(mapped, Unreadable):
                refuse_too_many(failures, max_failures)
                continue
            writer.add(case, mapped)
            most = max(most, 1.0 if mapped.change is None else mapped.change)
            examine(case, mapped)
        if not writer.rows:
            raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read; the first: {failures[0]}")
        if most < LEAST_CHANGE and not HARMONIZERS[fitted.harmonizer].exchanges:
            raise InputError(
                f"harmonizer {fitted.harmonizer}: it changed no pixel of {len(writer.rows)} cases, so no copy is kept;"
                " choose another one in the plan"
            )
        writer.close()
        part.replace(out)
    except BaseException:  # half a folder of patients' images must not be left behind, whatever happened
        shutil.rmtree(part, ignore_errors=True)
        raise
    failures.sort(key=lambda failure: str(failure.path))
    return failures


def _mapped(
    site: Site, fitted: FittedHarmonizer, failures: list[Unreadable], progress: Report
) -> Iterator[tuple[Case, MappedCase | Unreadable]]:
    """Every case of the site, harmonized or unreadable; the latter join the failures."""
    for done, case in enumerate(site.cases, start=1):
        outcome: MappedCase | Unreadable
        try:
            outcome = map_case(case, fitted)
        except Unreadable as problem:
            failures.append(problem)
            outcome = problem
        yield case, outcome
        progress(Progress(f"copying {site.name}", done, len(site.cases), "cases"))


def _claimed(site: Site, out: Path) -> Path:
    """The folder that becomes `out` when it is whole."""
    target, source = out.resolve(), site.root.resolve()
    if target.is_relative_to(source):
        raise UsageError(f"-o {out}: lies in {site.root}, where copies would be taken for new cases; choose another")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"-o {out}: is not an empty folder; choose another, or empty it first")
    part = target.with_name(target.name + ".part")
    if part.exists():
        raise UsageError(f"{part}: an interrupted run left it; delete it first")
    part.mkdir(parents=True)
    return part
