"""What every reader of masks returns: labels, and where they lie."""

from dataclasses import dataclass

import numpy as np

__all__ = ["LabelMap"]


@dataclass(frozen=True, slots=True)
class LabelMap:
    """One mask.

    Attributes:
        labels: (z, y, x) uint8, or uint16 where a label exceeds 255; 0 is background.
        affine: as `Image.affine`.
        odd: as `Image.odd`.
        numbered: whether labels are class numbers that the file holds; False where a foreground, 1, was found by
            brightness, colour, transparency or probability.
    """

    labels: np.ndarray
    affine: np.ndarray | None = None
    odd: tuple[str, ...] = ()
    numbered: bool = True
