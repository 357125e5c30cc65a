"""What a folder holds, before anything is measured."""

from collections import Counter
from pathlib import Path
from typing import Any

from shiftscope.errors import Unreadable
from shiftscope.printable_text import on_one_line
from shiftscope.sites.case_loading import load
from shiftscope.sites.readings.case_readings import UNSTATED, CaseReading
from shiftscope.sites.readings.site_readings import SiteReading
from shiftscope.sites.site import Case, Site

__all__ = ["overview"]


def overview(site: Site, read: int, listed: int) -> dict[str, Any]:
    """Counts of what was found, and what reading some cases gives, as plain values.

    Args:
        site: what was found.
        read: how many cases to read, spread evenly over all of them by name.
        listed: how many of those are listed one by one, beside all that cannot be read.
    """
    labels = Counter(case.label for case in site.cases if case.label is not None)
    splits = Counter(case.split for case in site.cases if case.split is not None)
    reading = SiteReading(site)
    for reason, paths in site.excluded.items():
        for _ in paths:
            reading.fail(reason)
    found = {}
    for number, case in enumerate(_spread(site, read)):
        text, sound = _read(case, reading)
        if number < listed or not sound:
            found[case.name] = text
    return {
        "site": site.name,
        "layout": site.layout,
        "template": site.template,
        "mask_template": site.mask_template,
        "cases": len(site.cases),
        "patients": len({case.patient for case in site.cases}),
        "patient_source": site.patient_source,
        "masks": sum(bool(case.masks) for case in site.cases),
        "labels": dict(sorted(labels.items())),
        "splits": dict(sorted(splits.items())),
        "excluded": {reason: len(paths) for reason, paths in site.excluded.items() if paths},
        "first_excluded": {reason: _below(site, paths[0]) for reason, paths in site.excluded.items() if paths},
        "told": list(site.notes),
        "first": found,
        "reading": reading.to_dict(),
    }


def _below(site: Site, path: Path) -> str:
    return on_one_line((path.relative_to(site.root) if path.is_relative_to(site.root) else path).as_posix())


def _spread(site: Site, count: int) -> list[Case]:
    """Cases at even distances, the first of them all among them."""
    step = max(1.0, len(site.cases) / count)
    return [site.cases[int(index * step)] for index in range(min(count, len(site.cases)))]


def _read(case: Case, reading: SiteReading) -> tuple[str, bool]:
    """Size, modality and mask of a case, or why it cannot be used; and whether it can."""
    try:
        image, mask = load(case)
    except Unreadable as problem:
        reading.fail(problem.reason)
        return f"{problem.reason}: {problem.detail}", False
    found = CaseReading.of(case, image, mask)
    reading.add(found)
    size = " x ".join(str(length) for length in image.pixels.shape)
    modality = "no modality stated" if found.modality == UNSTATED else found.modality
    return f"{size}, {modality}{'' if mask is None else ', mask'}", True
