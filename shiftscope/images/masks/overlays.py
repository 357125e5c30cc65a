"""Pictures given as masks: the image again, with something drawn on it or cut out of it."""

from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.image import Image, as_seen

__all__ = ["refuse_overlay"]

_LIKE = 12 / 255
_DARK, _BRIGHT = 16 / 255, 240 / 255
_MOST_LIKE, _LEAST_GREY = 0.5, 0.02
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def refuse_overlay(values: np.ndarray, full: float, image: Image | None, path: Path) -> None:
    """See that a mask with many levels is not its own image, as overlays and cut-out lesions are.

    Args:
        values: (z, y, x, 1 or 3) of the mask.
        full: its white.
        image: whose mask it is; None where that is not known.
        path: for messages.

    Raises:
        Unreadable: "unsupported": where the mask is neither black nor white, half of it shows what the image shows.
    """
    if image is None or image.pixels.shape[:3] != values.shape[:3]:
        return
    pixels, drawn = as_seen(image), values.astype(np.float32) / np.float32(full)
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    if drawn.shape[-1] == 1 and pixels.shape[-1] == 3:
        pixels = (pixels @ _LUMA)[..., None]
    grey = (drawn > _DARK) & (drawn < _BRIGHT)
    like = np.abs(drawn - pixels) <= _LIKE
    if grey.mean() > _LEAST_GREY and like[grey].mean() > _MOST_LIKE:
        raise Unreadable(
            path,
            "unsupported",
            "the mask is a picture of its image, drawn on or cut out; export what is drawn alone, in white on black",
        )
