"""Pixels of one image, whatever its format.

In: paths of DICOM, NIfTI, MGH, PNG, JPEG, TIFF and the like.
Out: `read(paths) -> Image`, in the file's physical units with its display range; `read_mask(paths, image) -> LabelMap`,
on the grid of its image; `canvas`, squares of a fixed size. `oddities` says what is unusual in a file.
"""

from shiftscope.images.canvases import canvas, mask_canvas
from shiftscope.images.image import Image, as_seen
from shiftscope.images.image_files import read
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.masks.mask_files import read_mask

__all__ = ["Image", "LabelMap", "as_seen", "canvas", "mask_canvas", "read", "read_mask"]
