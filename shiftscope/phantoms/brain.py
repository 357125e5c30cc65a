"""Brain MR: skull, folded cortex, white matter, ventricles and a tumour, on a slice or a volume."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from shiftscope.phantoms.brain_tissues import tissues
from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step, to_pixels
from shiftscope.phantoms.outlines import Outline, wobble
from shiftscope.phantoms.phantom import Phantom

__all__ = ["CONTRASTS", "LABELS", "brain"]

LABELS = ("normal", "abnormal")
_FIELD_MM = 220.0
_SLAB_MM = 100.0
_PIAL = 0.835  # where the brain ends, as a share of the way to the skin

_TISSUES = ("fat", "bone", "csf", "grey", "white", "oedema", "core", "rim")

CONTRASTS: dict[str, dict[str, float]] = {
    "t1": dict(zip(_TISSUES, (0.95, 0.05, 0.12, 0.42, 0.66, 0.36, 0.20, 0.98), strict=True)),
    "t2": dict(zip(_TISSUES, (0.55, 0.04, 0.95, 0.52, 0.36, 0.78, 0.85, 0.62), strict=True)),
    "flair": dict(zip(_TISSUES, (0.60, 0.04, 0.08, 0.48, 0.38, 0.88, 0.50, 0.95), strict=True)),
}
"""Signal of each tissue, 0..1, by sequence; T1 is after contrast agent."""


def brain(
    rng: np.random.Generator,
    *,
    size: int = 128,
    label: str | None = None,
    lesion_scale: float = 1.0,
    depth: int = 1,
    contrast: str = "t1",
) -> Phantom:
    """An axial slice through the ventricles, or a slab of `depth` slices around it.

    Args:
        rng: source of everything that differs between patients.
        size: pixels along each side of a slice.
        label: "normal" (empty mask) or "abnormal" (one tumour; oedema is outside the mask); drawn evenly where None.
        lesion_scale: multiple of the tumour's area, in a volume of its volume.
        depth: slices; 1 gives (y, x) arrays, more gives (z, y, x) over 100 mm, feet first.
        contrast: key of `CONTRASTS`.
    """
    label = LABELS[int(rng.random() < 0.5)] if label is None else label
    shape = (depth, size, size)
    z, y, x = _axes(rng, depth, size)
    signal = CONTRASTS[contrast]
    tumour = _tumour(rng, z, y, x, lesion_scale) if label == "abnormal" else None
    head = _head(rng, z, y, x)
    fluid, grey = tissues(rng, z, *((y, x) if tumour is None else _pushed(z, y, x, tumour)), head / _PIAL)
    pixels = signal["white"] + grey * (signal["grey"] - signal["white"])
    if tumour is not None:
        pixels = _with_oedema(rng, pixels, tumour.level, signal["oedema"], (1 - fluid) * (1 - 0.7 * grey))
    pixels = pixels + fluid * (signal["csf"] - pixels)
    if tumour is not None:
        pixels = _with_tumour(rng, pixels, tumour.level, signal)
    pixels = _with_skull(pixels, head, signal)
    mask = np.zeros(shape, np.uint8)
    if tumour is not None:
        mask = ((tumour.level < 1) & (head < _PIAL)).astype(np.uint8)
    pixels = _scanned(rng, pixels)
    spacing = (_FIELD_MM / size,) * 2
    if depth == 1:
        return Phantom(pixels[0], mask[0], label, "brain", spacing)
    return Phantom(pixels, mask, label, "brain", (_SLAB_MM / depth, *spacing))


@dataclass(frozen=True, slots=True)
class _Tumour:
    centre: tuple[float, float, float]
    radius: float
    level: np.ndarray


def _axes(rng: np.random.Generator, depth: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets from the head's centre, (depth, 1, 1), (1, size, size), (1, size, size), in fields of view."""
    tilt, turn = rng.normal(0, 0.03), rng.normal(0, 0.012, 2)
    y, x = grid(size)
    dy, dx = y - np.float32(0.5 + turn[0]), x - np.float32(0.5 + turn[1])
    cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    z = ((np.arange(depth, dtype=np.float32) + 0.5) / depth - 0.5) * np.float32(_SLAB_MM / _FIELD_MM)
    z += np.float32(rng.normal(0, 0.015))
    return z[:, None, None], (dy * cos - dx * sin)[None], (dy * sin + dx * cos)[None]


def _head(rng: np.random.Generator, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """0 at the centre, 1 on the skin: an egg, narrower at the front."""
    height, width, tall = rng.normal(0.435, 0.015), rng.normal(0.345, 0.012), 0.40
    egg = 1 + rng.normal(0.22, 0.06) * y
    v, u, w = y / np.float32(height), x / (np.float32(width) * egg), z / np.float32(tall)
    return np.asarray(np.sqrt(v * v + u * u + w * w), dtype=np.float32)


def _tumour(rng: np.random.Generator, z: np.ndarray, y: np.ndarray, x: np.ndarray, scale: float) -> _Tumour:
    flat = len(z) == 1
    area = np.exp(rng.normal(np.log(0.015), 0.45))
    radius = float(np.sqrt(area / np.pi) * scale ** (1 / 2 if flat else 1 / 3))
    radius = min(radius, 0.17)
    hemisphere = -1.0 if rng.random() < 0.5 else 1.0
    limits = np.array([0.29, 0.225]) - 0.8 * radius
    at = np.clip((rng.normal(0.0, 0.13), rng.normal(0.14, 0.03)), (-limits[0], 0.02 + 0.8 * radius), limits)
    aspect = np.exp(rng.normal(0, 0.12))
    rim = wobble(rng, 0.10, (2, 7))
    outline = Outline(
        (float(at[0]), float(hemisphere * at[1])), (radius / aspect, radius * aspect), rng.uniform(0, 3), rim
    )
    level = outline.level(y, x)
    free = 0.19 - 1.2 * radius  # stay within the slab
    height = 0.0 if flat else float(np.clip(rng.normal(0, 0.03), -free, free))
    if not flat:
        level = np.sqrt(level**2 + ((z - np.float32(height)) / np.float32(radius)) ** 2)
    return _Tumour((height, float(at[0]), float(hemisphere * at[1])), radius, level)


def _pushed(z: np.ndarray, y: np.ndarray, x: np.ndarray, tumour: _Tumour) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of what the tumour has pushed aside: the mass effect on ventricles and midline."""
    dz, dy, dx = (axis - at for axis, at in zip((z, y, x), tumour.centre, strict=True))
    squared = (dz * dz + dy * dy + dx * dx) / (2.2 * tumour.radius) ** 2
    pull = 0.22 * np.exp(-squared)
    return y - dy * pull, x - dx * pull


def _with_oedema(
    rng: np.random.Generator, pixels: np.ndarray, level: np.ndarray, signal: float, where: np.ndarray
) -> np.ndarray:
    fingers = 0.35 * smooth_noise(rng, pixels.shape, (1, 9, 9))
    share = soft_step(rng.uniform(1.25, 1.9) - level + fingers, 0.5) * where
    return np.asarray(pixels + share * (signal - pixels))


def _with_tumour(
    rng: np.random.Generator, pixels: np.ndarray, level: np.ndarray, signal: dict[str, float]
) -> np.ndarray:
    """A ring around a dead core, or a solid blob."""
    texture = smooth_noise(rng, pixels.shape, (1, 16, 16))
    inside = soft_step(1.0 - level, 0.10)
    rim = signal["rim"] * rng.uniform(0.85, 1.0) + 0.05 * texture
    core = signal["core"] + 0.05 * texture
    if rng.random() < 0.4:
        core = rim - 0.10 + 0.04 * texture
    tissue = rim + soft_step(rng.uniform(0.66, 0.8) + 0.06 * texture - level, 0.16) * (core - rim)
    return np.asarray(pixels + inside * (tissue - pixels))


def _with_skull(pixels: np.ndarray, head: np.ndarray, signal: dict[str, float]) -> np.ndarray:
    """Fluid, bone with its marrow, fat and skin outside the brain, air outside the head."""
    for edge, value in ((_PIAL, signal["csf"]), (0.865, signal["bone"]), (0.93, signal["fat"]), (0.985, 0.45)):
        pixels = pixels + soft_step(head - edge, 0.014) * (value - pixels)
    marrow = 0.45 * signal["fat"] * bump(head - 0.897, 0.009)
    return np.asarray((pixels + marrow) * soft_step(1 - head, 0.014))


def _scanned(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Point-spread function, coil sensitivity, receiver gain and Rician noise."""
    size = pixels.shape[-1]
    blur = max(0.0045 * size, 0.3)
    pixels = gaussian_filter(pixels.astype(np.float32), (0, blur, blur), truncate=2.5)
    coil = np.exp(0.05 * smooth_noise(rng, (1, size, size), (1, 1, 1)))
    pixels = rng.normal(0.86, 0.05) * np.power(np.clip(pixels, 0, None), rng.normal(1.0, 0.06)) * coil
    sigma = np.float32(rng.uniform(0.018, 0.032))
    real, imaginary = sigma * rng.standard_normal((2, *pixels.shape), dtype=np.float32)
    return to_pixels(np.sqrt((pixels + real) ** 2 + imaginary**2))
