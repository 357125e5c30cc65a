"""How a coloured or partly transparent picture becomes labels."""

from pathlib import Path

import numpy as np

from shiftscope.images.image import Image
from shiftscope.images.masks.grey_labels import labels_of_levels, mostly_areas, pixels_in_areas
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.masks.overlays import refuse_overlay
from shiftscope.images.pictures.pillow_arrays import grey_if_equal

__all__ = ["labels_of_colours"]

_MOST_COLOURS = 64
_WHITE, _BLACK = 0xFFFFFF, 0


def labels_of_colours(
    values: np.ndarray, full: float, path: Path, *, lossy: bool = False, image: Image | None = None
) -> LabelMap:
    """Labels of colours.

    Black is background, or white where nothing is black. One colour beside it is foreground. Several are a label each,
    of 5, 6 and 5 bits of their red, green and blue, so that a colour has the same label in every mask. What is drawn in
    transparency alone, in black, is foreground where it is opaque.

    Args:
        values: (z, y, x, 3), or 4 with opacity last, uint8 or uint16.
        full, path, lossy, image: as for `labels_of_levels`.

    Raises:
        Unreadable: as `labels_of_levels`.
    """
    odd: tuple[str, ...] = ()
    if values.shape[-1] == 4:
        opacity, values = values[..., 3], values[..., :3]
        if opacity.min() < opacity.max():
            shown = (values * (opacity[..., None] / full) + 0.5).astype(values.dtype)
            if not shown.any():
                return labels_of_levels(opacity, full, path, image=image)
            black = (opacity > full / 2) & ~values.any(axis=-1)
            odd, values = ("mask_black_opaque",) if black.any() else (), shown
    grey = grey_if_equal(values)
    if grey.ndim == 3:
        return _with_oddities(labels_of_levels(grey, full, path, lossy=lossy, image=image), odd)
    eight = values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)
    red, green, blue = (eight[..., channel].astype(np.int32) for channel in range(3))
    colours, ranks, counts = np.unique((red << 16) | (green << 8) | blue, return_inverse=True, return_counts=True)
    if not lossy and len(colours) <= _MOST_COLOURS:
        ranks = ranks.reshape(values.shape[:3])
        solid = pixels_in_areas(ranks, len(colours))
        if len(colours) <= 3 or mostly_areas(solid, counts):
            return _with_oddities(_by_colour(colours, ranks), odd)
    refuse_overlay(values, full, image, path)
    if _border_is_white(eight):
        return LabelMap((eight.min(axis=-1) < 128).astype(np.uint8), odd=(*odd, "mask_soft_colours"), numbered=False)
    return LabelMap((eight.max(axis=-1) >= 128).astype(np.uint8), odd=(*odd, "mask_soft_colours"), numbered=False)


def _by_colour(colours: np.ndarray, ranks: np.ndarray) -> LabelMap:
    """Labels of packed colours that occur, by their index in each pixel."""
    ground = colours == (_BLACK if _BLACK in colours else _WHITE)
    odd = () if ground.any() else ("mask_no_ground",)
    if (~ground).sum() == 1:
        return LabelMap((~ground).astype(np.uint8)[ranks], odd=odd, numbered=False)
    codes = ((colours >> 8) & 0xF800) | ((colours >> 5) & 0x07E0) | ((colours & 0xFF) >> 3)
    codes = np.where(ground, 0, np.maximum(codes, 1)).astype(np.uint16)
    return LabelMap(codes[ranks], odd=(*odd, "mask_colours"))


def _border_is_white(eight: np.ndarray) -> bool:
    edges = [eight[:, 0], eight[:, -1], eight[:, :, 0], eight[:, :, -1]]
    return float(np.mean([(edge.min(axis=-1) >= 224).mean() for edge in edges])) > 0.5


def _with_oddities(mask: LabelMap, odd: tuple[str, ...]) -> LabelMap:
    return LabelMap(mask.labels, odd=(*odd, *mask.odd), numbered=mask.numbered)
