"""Images of patients, for the eyes of their own hospital: only where they are asked for."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

__all__ = ["Gallery", "Picture", "gallery"]

_LONGER_EDGE = 320  # pixels of the longer side: nine of them stay below half a megabyte
_QUALITY = 85
_OUTLINE = (255, 225, 77)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    Attributes:
        source: a data URI.
        says: what it shows, without a name of a patient or file.
        width, height: in pixels.
    """

    source: str
    says: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures of one site."""

    site: str
    pictures: tuple[Picture, ...]


def gallery(site: str, slices: Sequence[tuple[np.ndarray, np.ndarray | None, float]]) -> Gallery:
    """Encode slices as JPEG.

    Args:
        site: whose they are.
        slices: pixels (y, x) or (y, x, 3) in [0, 1]; mask (y, x) or None; height of a pixel over its width.
    """
    return Gallery(site, tuple(_picture(number, *item) for number, item in enumerate(slices, start=1)))


def _picture(number: int, pixels: np.ndarray, mask: np.ndarray | None, shape: float) -> Picture:
    values = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    height, width = values.shape[0] * max(shape, 1.0), values.shape[1] / min(shape, 1.0)
    scale = min(1.0, _LONGER_EDGE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shown = Image.fromarray(values).convert("RGB").resize(size, Image.Resampling.BOX)
    if mask is not None:
        inside = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)) > 0
        shown = _outlined(np.array(shown), inside)
    written = io.BytesIO()
    shown.save(written, format="JPEG", quality=_QUALITY, subsampling=0)
    source = f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"
    says = f"case {number}{', with the outline of its mask' if mask is not None else ''}"
    return Picture(source, says, *size)


def _outlined(values: np.ndarray, inside: np.ndarray) -> Image.Image:
    """The outermost two pixels of the mask in yellow."""
    padded = np.pad(inside, 2)
    whole = padded[:-4, 2:-2] & padded[4:, 2:-2] & padded[2:-2, :-4] & padded[2:-2, 4:]
    values[inside & ~whole] = _OUTLINE
    return Image.fromarray(values)
