"""One synthetic patient's image, and what is true of it."""

from dataclasses import dataclass, replace

import numpy as np

from shiftscope.phantoms.fields import to_pixels

__all__ = ["Phantom"]


@dataclass(frozen=True, slots=True)
class Phantom:
    """A drawn image whose lesion, label and anatomy are known because they were drawn.

    Attributes:
        pixels: (y, x) grey, (y, x, 3) colour or (z, y, x) volume, float32 in 0..1.
        mask: uint8 0/1, the spatial shape of `pixels`; 1 on the lesion, empty where there is none.
        label: "benign" or "malignant" for ultrasound, "normal" or "abnormal" for the others.
        anatomy: key of `ANATOMIES`.
        spacing_mm: millimetres per step along each spatial axis, (y, x) or (z, y, x).
        patient: identifier; empty until a site numbers its patients.
    """

    pixels: np.ndarray
    mask: np.ndarray
    label: str
    anatomy: str
    spacing_mm: tuple[float, ...]
    patient: str = ""

    def __post_init__(self) -> None:
        spatial = self.pixels.shape[: self.mask.ndim]
        if spatial != self.mask.shape or self.pixels.ndim - self.mask.ndim not in (0, 1):
            raise ValueError(f"mask {self.mask.shape} does not cover pixels {self.pixels.shape}")
        if self.pixels.dtype != np.float32 or self.mask.dtype != np.uint8:
            raise ValueError(f"expected float32 pixels and a uint8 mask, got {self.pixels.dtype} and {self.mask.dtype}")
        if len(self.spacing_mm) != self.mask.ndim:
            raise ValueError(f"{len(self.spacing_mm)} spacings for {self.mask.ndim} axes")

    @property
    def is_colour(self) -> bool:
        """Whether the last axis of `pixels` is red, green, blue."""
        return self.pixels.ndim > self.mask.ndim

    def with_pixels(self, pixels: np.ndarray) -> "Phantom":
        """The same patient seen otherwise: `pixels` clipped to 0..1 as float32, everything else kept."""
        return replace(self, pixels=to_pixels(pixels))

    def with_mask(self, mask: np.ndarray) -> "Phantom":
        """The same image annotated otherwise: `mask` is anything that is true on the lesion."""
        return replace(self, mask=(np.asarray(mask) > 0).astype(np.uint8))
