"""What reading one case gave, without its pixels."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.images import Image
from shiftscope.sites.site import Case

__all__ = ["PICTURE", "CaseReading"]

PICTURE = "picture"
"""Modality of a file that says none."""

_STEP = 8  # pixels between those that brightness is told from


@dataclass(frozen=True, slots=True)
class CaseReading:
    """What reading one case gave; stays at the site.

    Attributes:
        name: the case's.
        modality: as the file says, "picture" where it says none.
        shape: (z, y, x).
        colour: whether it has colour.
        spacing_mm: (z, y, x), None where the file does not say.
        values: lowest and highest, in the file's physical units; pictures from 0 to 1.
        brightness: mean of what a model sees, from 0 to 1.
        odd: keys of `ODDITIES`, of the image and its mask.
        mask_share: of the image, None without a mask.
        top_label: highest label of the mask, 0 without one.
        mask_mark: equal for equal masks, 0 without one.
    """

    name: str
    modality: str
    shape: tuple[int, int, int]
    colour: bool
    spacing_mm: tuple[float, float, float] | None
    values: tuple[float, float]
    brightness: float
    odd: tuple[str, ...]
    mask_share: float | None = None
    top_label: int = 0
    mask_mark: int = 0

    @classmethod
    def of(cls, case: Case, image: Image, labels: np.ndarray | None, odd: Sequence[str] = ()) -> "CaseReading":
        """Describe what was read.

        Args:
            case: whose image it is.
            image: what its files gave.
            labels: (z, y, x) of its mask, None without one.
            odd: what is unusual in its mask.
        """
        z, y, x = image.pixels.shape[:3]
        low, high = image.display
        sparse = (image.pixels[:, ::_STEP, ::_STEP] - low) / ((high - low) or 1.0)
        area = None if labels is None else np.count_nonzero(labels)
        return cls(
            name=case.name,
            modality=image.modality or PICTURE,
            shape=(z, y, x),
            colour=image.pixels.ndim == 4,
            spacing_mm=image.spacing_mm,
            values=image.span or (float(image.pixels.min()), float(image.pixels.max())),
            brightness=float(np.clip(sparse, 0, 1).mean()),
            odd=tuple(dict.fromkeys((*image.odd, *odd))),
            mask_share=None if area is None or labels is None else area / labels.size,
            top_label=0 if labels is None else int(labels.max(initial=0)),
            mask_mark=0 if labels is None or not area else zlib.crc32(np.packbits(labels != 0).tobytes()),
        )
