"""What a folder holds, before anything is measured."""

from collections import Counter
from typing import Any

from shiftscope.errors import Unreadable
from shiftscope.sites.loading import load
from shiftscope.sites.site import Case, Site

__all__ = ["overview"]


def overview(site: Site, read_first: int) -> dict[str, Any]:
    """Counts of what was found, and what reading the first `read_first` cases gives, as plain values."""
    labels = Counter(case.label for case in site.cases if case.label is not None)
    splits = Counter(case.split for case in site.cases if case.split is not None)
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
        "told": list(site.told),
        "first": {case.name: _found(case) for case in site.cases[:read_first]},
    }


def _found(case: Case) -> str:
    """Size, modality and mask of a case, or why it cannot be used."""
    try:
        image, mask = load(case)
    except Unreadable as problem:
        return f"{problem.reason}: {problem.detail}"
    size = " x ".join(str(side) for side in image.pixels.shape)
    return f"{size}, {image.modality or 'picture'}{'' if mask is None else ', mask'}"
