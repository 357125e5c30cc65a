"""One case before and after a harmonizer, at its own size."""

from dataclasses import dataclass

import numpy as np

from shiftscope.copies.site_fits import FittedHarmonizer
from shiftscope.errors import Unreadable
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.harmonizers.resampling import resample_case
from shiftscope.images import Image, as_seen
from shiftscope.images.grids import PixelGrid, grid_of
from shiftscope.sites import Case, load
from shiftscope.training.data.model_inputs import channels

__all__ = ["MappedCase", "map_case"]


@dataclass(frozen=True, slots=True)
class MappedCase:
    """One case before and after.

    Attributes:
        before, after: (z, c, y, x) float32 in [0, 1], at the image's own size; sizes differ where pixels are resampled.
        mask: (z, y, x) labels on the grid of `before`, or None.
        mask_after: on the grid of `after`; the same array where pixels are not resampled.
        before_mm, spacing_mm: (z, y, x) millimetres of `before` and `after`, None where the file is silent.
        grid: of `after`, None for pictures.
        resampled: whether pixels were resampled.
    """

    before: np.ndarray
    after: np.ndarray
    mask: np.ndarray | None
    mask_after: np.ndarray | None
    before_mm: tuple[float, ...] | None
    spacing_mm: tuple[float, ...] | None
    grid: PixelGrid | None
    resampled: bool = False

    @property
    def change(self) -> float | None:
        """Mean absolute change of a pixel; None where pixels were resampled, and have no counterpart."""
        return None if self.resampled else float(np.abs(self.after - self.before).mean())


def map_case(case: Case, fitted: FittedHarmonizer) -> MappedCase:
    """A case before and after, at its own size.

    Raises:
        Unreadable: the image or its mask cannot be used.
    """
    image, drawn = load(case)
    mask = None if drawn is None else drawn.labels
    grid = grid_of(case.images)
    chosen = HARMONIZERS[fitted.harmonizer]
    before = _planes(image, fitted.plan.colour)
    if chosen.on != "geometry":
        after = chosen.apply(before, fitted.own, fitted.reference).astype(np.float32)
        return MappedCase(before, after, mask, mask, image.spacing_mm, image.spacing_mm, grid)
    if image.spacing_mm is None:
        why = f"does not say how large a pixel is, and {fitted.harmonizer} needs that"
        raise Unreadable(case.images[0], "unsupported", why)
    to_mm = tuple(map(float, fitted.reference["spacing_mm"]))
    depth = bool(fitted.plan.patch)
    after, mask_after = resample_case(before, mask, image.spacing_mm, to_mm, fitted.reference["field_mm"], depth=depth)
    spacing = to_mm if depth else (image.spacing_mm[0], *to_mm[1:])
    return MappedCase(
        before,
        after,
        mask,
        mask_after,
        image.spacing_mm,
        spacing,
        None if grid is None else grid.resampled((after.shape[0], *after.shape[2:]), spacing),
        resampled=after.shape != before.shape or not np.array_equal(after, before),
    )


def _planes(image: Image, colour: bool) -> np.ndarray:
    """(z, c, y, x) as a model sees the image, at its own size."""
    pixels = as_seen(image)
    planes = channels(pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, -1, 1), colour)
    return np.ascontiguousarray(planes, dtype=np.float32)
