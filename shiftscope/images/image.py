"""What every reader returns: pixels, and how a model would see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Image", "as_seen"]


@dataclass(frozen=True, slots=True)
class Image:
    """One image or volume.

    Attributes:
        pixels: (z, y, x) grey or (z, y, x, 3) colour, float32, in the file's physical units: Hounsfield units for CT,
            0..1 for files whose range is their bit depth. A plain picture has z = 1. RGB with equal channels is grey.
        display: (low, high) in the unit of `pixels`: what a model sees as 0 and 1. Full range of the bit depth for
            rasters and 8-bit DICOM, a fixed window for CT, percentiles 0.5 and 99.5 of the volume for MR and others.
        spacing_mm: (z, y, x) in millimetres, None where the file does not say.
        modality: DICOM modality code (CT, MR, CR, DX, US, ...), None where unknown.
        acquisition: allowlisted acquisition tags, name -> value as text (manufacturer, model, field_strength_t,
            kvp, bits, spacing_mm, month as YYYY-MM). Never a name, UID, or exact date.
        patient: DICOM PatientID, None where the format has none. Stays at the site.
        affine: (4, 4), index (z, y, x) of `pixels` -> millimetres along DICOM's patient axes (left, back, head); None
            where the file does not place its voxels.
        region: (top, left, bottom, right) of the stored picture that `pixels` are, None for all of it. A mask of the
            whole picture is cut alike.
        whole: (frames, rows, columns) of the file where `pixels` are its region or one of its frames; None where they
            are all of it.
        frame: which of the frames they are.
        span: the lowest and the highest of `pixels`, as `read` found them.
        odd: what is unusual in the file and how it was read, keys of `shiftscope.images.oddities.ODDITIES`.
    """

    pixels: np.ndarray
    display: tuple[float, float]
    spacing_mm: tuple[float, float, float] | None = None
    modality: str | None = None
    acquisition: Mapping[str, str] = field(default_factory=dict)
    patient: str | None = None
    affine: np.ndarray | None = None
    region: tuple[int, int, int, int] | None = None
    whole: tuple[int, int, int] | None = None
    frame: int = 0
    span: tuple[float, float] | None = None
    odd: tuple[str, ...] = ()


def as_seen(image: Image) -> np.ndarray:
    """The image on the display scale: (pixels - low) / (high - low), clipped.

    Returns:
        float32 in [0, 1], the shape of `image.pixels`. A new array.
    """
    low, high = image.display
    scaled = image.pixels.astype(np.float32)  # copies
    if low != 0:
        scaled -= np.float32(low)
    if high - low != 1:
        scaled /= np.float32(high - low)
    return np.clip(scaled, 0, 1, out=scaled)
