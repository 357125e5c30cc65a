"""Pixels of one file, whatever its format: `read(path) -> Image`, `read_mask(paths, image) -> LabelMap`."""

from shiftscope.images.canvases import canvas, mask_canvas
from shiftscope.images.image import Image, as_seen
from shiftscope.images.image_files import read
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.masks.mask_files import read_mask

__all__ = ["Image", "LabelMap", "as_seen", "canvas", "mask_canvas", "read", "read_mask"]
