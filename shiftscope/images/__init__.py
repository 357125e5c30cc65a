"""Pixels of one file, whatever its format: `read(path) -> Image`, `read_mask(path) -> labels`."""

from shiftscope.images.canvases import canvas, mask_canvas
from shiftscope.images.image import Image, as_seen
from shiftscope.images.masks import read_mask
from shiftscope.images.reading import read

__all__ = ["Image", "as_seen", "canvas", "mask_canvas", "read", "read_mask"]
