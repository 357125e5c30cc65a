"""What reading one case gave, without its pixels."""

from dataclasses import dataclass

import numpy as np

from shiftscope.images import Image, LabelMap, mask_canvas
from shiftscope.sites.site import Case

__all__ = ["PICTURE", "THUMBNAIL", "UNSTATED", "CaseReading", "MaskReading"]

PICTURE, UNSTATED = "picture", "none stated"
"""Modality of a file that says none: of one whose values are shares of white, and of one with values of its own."""

THUMBNAIL = 32
"""Sides of the thumbnail of a mask."""

_STEP = 8  # pixels between those from which brightness is computed


@dataclass(frozen=True, slots=True)
class MaskReading:
    """A mask without its pixels.

    Attributes:
        share: of the image that it covers.
        top_label: the highest label.
        numbered: as `LabelMap.numbered`.
        thumbnail: (32, 32) booleans, what is drawn in the middle slice.
    """

    share: float
    top_label: int
    numbered: bool
    thumbnail: np.ndarray

    @classmethod
    def of(cls, mask: LabelMap) -> "MaskReading":
        """Describe a mask."""
        labels = mask.labels
        return cls(
            share=np.count_nonzero(labels) / max(labels.size, 1),
            top_label=int(labels.max(initial=0)),
            numbered=mask.numbered,
            thumbnail=mask_canvas(labels[len(labels) // 2][None], THUMBNAIL)[0] != 0,
        )


@dataclass(frozen=True, slots=True)
class CaseReading:
    """What reading one case gave; stays at the site.

    Attributes:
        name: the case's.
        modality: as the file says, `PICTURE` or `UNSTATED` where it says none.
        shape: (z, y, x).
        colour: whether it has colour.
        spacing_mm: (z, y, x), None where the file does not say.
        values: lowest and highest, in the file's physical units; pictures from 0 to 1.
        brightness: mean of what a model sees, from 0 to 1.
        odd: keys of `ODDITIES`, of the image and its mask.
        mask: its mask, None without one.
    """

    name: str
    modality: str
    shape: tuple[int, int, int]
    colour: bool
    spacing_mm: tuple[float, float, float] | None
    values: tuple[float, float]
    brightness: float
    odd: tuple[str, ...]
    mask: MaskReading | None = None

    @classmethod
    def of(cls, case: Case, image: Image, mask: LabelMap | None) -> "CaseReading":
        """Describe what was read."""
        z, y, x = image.pixels.shape[:3]
        low, high = image.display
        sparse = (image.pixels[:, ::_STEP, ::_STEP] - low) / ((high - low) or 1.0)
        return cls(
            name=case.name,
            modality=image.modality or (PICTURE if image.display == (0.0, 1.0) else UNSTATED),
            shape=(z, y, x),
            colour=image.pixels.ndim == 4,
            spacing_mm=image.spacing_mm,
            values=image.span or (float(image.pixels.min()), float(image.pixels.max())),
            brightness=float(np.clip(sparse, 0, 1).mean()),
            odd=tuple(dict.fromkeys((*image.odd, *(() if mask is None else mask.odd)))),
            mask=None if mask is None else MaskReading.of(mask),
        )
