"""A few slices of a site's images, to be looked at where they are."""

from dataclasses import dataclass

import numpy as np

from shiftscope.errors import InputError, Unreadable
from shiftscope.images import Image, LabelMap, as_seen
from shiftscope.sites.case_loading import load
from shiftscope.sites.site import Case, Site

__all__ = ["DrawnSample", "draw_samples"]


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """One slice. Nothing of it leaves the site.

    Attributes:
        case: whose it is.
        pixels: (y, x) or (y, x, 3), in [0, 1] as a model would see it.
        mask: (y, x) booleans, None without one.
        shape: height of a pixel over its width.
    """

    case: Case
    pixels: np.ndarray
    mask: np.ndarray | None
    shape: float


def draw_samples(site: Site, count: int, seed: int) -> list[DrawnSample]:
    """Draw cases of different patients; of a volume the slice with most of the mask, else the middle one.

    Cases that cannot be read are passed over.

    Raises:
        InputError: none can be read.
    """
    rng = np.random.default_rng(seed)
    by_patient = {case.patient: case for case in site.cases}
    cases = [by_patient[patient] for patient in sorted(by_patient)]
    out: list[DrawnSample] = []
    for index in rng.permutation(len(cases)).tolist():
        if len(out) == count:
            break
        try:
            out.append(_sample(cases[index], *load(cases[index])))
        except Unreadable:
            continue
    if not out:
        raise InputError(f"{site.root}: none of {len(cases)} patients' images can be read: nothing to show")
    return out


def _sample(case: Case, image: Image, mask: LabelMap | None) -> DrawnSample:
    inside = None if mask is None else mask.labels > 0
    area = None if inside is None else inside.sum(axis=(1, 2))
    z = int(area.argmax()) if area is not None and area.any() else len(image.pixels) // 2
    spacing = image.spacing_mm
    return DrawnSample(
        case=case,
        pixels=as_seen(image)[z],
        mask=None if inside is None else inside[z],
        shape=1.0 if spacing is None else spacing[1] / spacing[2],
    )
