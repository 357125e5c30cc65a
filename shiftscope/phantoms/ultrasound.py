"""Breast ultrasound: layers, fully developed speckle, and a dark lesion that enhances or shadows what lies below it.

Speckle is the envelope of complex Gaussian scatterers filtered by the point-spread function, log-compressed: the usual
model of fully developed speckle (Wagner et al. 1983, doi:10.1109/T-SU.1983.31404).
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step
from shiftscope.phantoms.outlines import Outline, place, wobble
from shiftscope.phantoms.phantom import Phantom

__all__ = ["LABELS", "ultrasound"]

LABELS = ("benign", "malignant")
_FIELD_MM = 38.0  # width and depth shown


def ultrasound(
    rng: np.random.Generator, *, size: int = 128, label: str | None = None, lesion_scale: float = 1.0
) -> Phantom:
    """A breast with one lesion.

    Args:
        rng: source of everything that differs between patients.
        size: pixels along each side.
        label: "benign" (smooth, wider than tall, bright below) or "malignant" (spiculated, upright, shadow below);
            drawn evenly where None.
        lesion_scale: multiple of the lesion's area.
    """
    label = LABELS[int(rng.random() < 0.5)] if label is None else label
    y, x = grid(size)
    echo, gland = _layers(rng, size)
    lesion = _lesion(rng, label, lesion_scale, gland)
    level = lesion.level(y, x)
    malignant = label == "malignant"
    echo = _with_lesion(rng, echo, level, malignant, size)
    decibels = _speckle(rng, echo, size)
    decibels += _beam(rng, level, lesion, malignant, size)
    dynamic_range = rng.normal(54, 3)
    gain = rng.normal(-2, 1.8)
    pixels = np.clip((decibels + gain + dynamic_range) / dynamic_range, 0, 1).astype(np.float32)
    mask = (level < 1).astype(np.uint8)
    return Phantom(pixels, mask, label, "ultrasound", (_FIELD_MM / size,) * 2)


def _layers(rng: np.random.Generator, size: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Echogenicity in dB, and the depths between which the gland lies."""
    y, _ = grid(size)
    shape = (size, size)

    def border(depth: float, waviness: float) -> np.ndarray:
        return depth + waviness * smooth_noise(rng, (1, size), (1, 4))

    skin = border(rng.uniform(0.035, 0.06), 0.003)
    fat = border(rng.uniform(0.17, 0.28), 0.02)
    gland = border(rng.uniform(0.62, 0.74), 0.018)
    muscle = border(rng.uniform(0.82, 0.93), 0.012)
    in_fat, in_gland, in_muscle, in_chest = (soft_step(y - edge, 0.02) for edge in (skin, fat, gland, muscle))

    lobules = smooth_noise(rng, shape, (10, 5))
    fibres = smooth_noise(rng, shape, (34, 4))
    septa = bump(smooth_noise(rng, shape, (7, 4)), 0.10)
    fat_echo = -27 + 2.0 * lobules + 11 * septa
    gland_echo = -15 + 3.4 * lobules + 2.6 * fibres - 9 * soft_step(smooth_noise(rng, shape, (5, 4)) - 0.9, 0.5)
    muscle_echo = -28 + 6.0 * np.abs(fibres) + 1.0 * lobules
    echo = -9 + in_fat * (fat_echo + 9)
    echo += in_gland * (gland_echo - fat_echo)
    echo += in_muscle * (muscle_echo - gland_echo)
    echo += in_chest * (-40 - muscle_echo)
    for edge, height, width in ((skin, 12, 0.005), (fat, 4, 0.006), (gland, 9, 0.007), (muscle, 17, 0.008)):
        echo += height * bump(y - edge, width)
    return echo, (float(fat.mean()), float(gland.mean()))


def _lesion(rng: np.random.Generator, label: str, scale: float, gland: tuple[float, float]) -> Outline:
    area = scale * np.exp(rng.normal(np.log(0.042), 0.45))
    if label == "malignant":
        aspect, angle = np.exp(rng.normal(0.05, 0.16)), rng.uniform(-0.8, 0.8)
        rim = wobble(rng, 0.11, (2, 5)) * wobble(rng, 0.05, (7, 22), decay=0.2)
        rim = (rim / np.sqrt(np.mean(rim**2))).astype(np.float32)
    else:
        aspect, angle = np.exp(rng.normal(0.5, 0.14)), rng.normal(0, 0.12)
        rim = wobble(rng, 0.04, (2, 4))
    depth = gland[0] + 0.5 * (gland[1] - gland[0])
    return place(rng, min(float(area), 0.3), float(aspect), (depth, 0.5), (0.06, 0.12), angle=float(angle), rim=rim)


def _with_lesion(
    rng: np.random.Generator, echo: np.ndarray, level: np.ndarray, malignant: bool, size: int
) -> np.ndarray:
    inside = soft_step(1 - level, 0.28 if malignant else 0.12)
    texture = smooth_noise(rng, (size, size), (12, 12))
    lesion_echo = rng.normal(-37, 2.5) + (3.0 if malignant else 1.2) * texture
    rim = 7 * bump(level - 1.22, 0.10) if malignant else 6 * bump(level - 1.05, 0.05)
    echo = echo + rim + inside * (lesion_echo - echo)
    if malignant and rng.random() < 0.4:  # microcalcifications
        echo = echo + 26 * inside * soft_step(smooth_noise(rng, (size, size), (40, 40)) - 2.6, 0.4)
    return echo


def _speckle(rng: np.random.Generator, echo: np.ndarray, size: int) -> np.ndarray:
    """Envelope in dB of scatterers of strength `echo`, seen by a beam that is narrowest at its focus."""
    y, _ = grid(size)
    unit = size / 128
    amplitude = np.power(np.float32(10), echo.astype(np.float32) / 20)
    scatter = rng.standard_normal((2, size, size), dtype=np.float32) * amplitude
    axial, narrow, wide = 0.65 * unit, rng.uniform(0.75, 0.95) * unit, rng.uniform(1.9, 2.3) * unit
    axial, narrow = max(axial, 0.5), max(narrow, 0.5)
    scatter = gaussian_filter1d(scatter, axial, axis=1, truncate=3) * np.sqrt(2 * np.sqrt(np.pi) * axial)
    blurred = [
        gaussian_filter1d(scatter, s, axis=2, truncate=3) * np.sqrt(2 * np.sqrt(np.pi) * s) for s in (narrow, wide)
    ]
    off_focus = np.minimum(np.abs(y - rng.uniform(0.35, 0.55)) / 0.55, 1)
    field = blurred[0] * (1 - off_focus) + blurred[1] * off_focus
    return 10 * np.log10(field[0] ** 2 + field[1] ** 2 + np.float32(1e-7))


def _beam(rng: np.random.Generator, level: np.ndarray, lesion: Outline, malignant: bool, size: int) -> np.ndarray:
    """Attenuation left by the time-gain compensation, and enhancement or shadow under the lesion, in dB."""
    y, x = grid(size)
    inside = (level < 1).astype(np.float32)
    path = gaussian_filter1d(np.cumsum(inside, axis=0) / size, 0.012 * size, axis=1)
    below = soft_step(y - lesion.centre[0], 0.12)
    change = rng.uniform(-75, -35) if malignant else rng.uniform(20, 45)
    loss = rng.uniform(3, 9) * y + rng.normal(0, 0.8) * smooth_noise(rng, (1, size), (1, 3))
    contact = 5 * soft_step(np.abs(x - 0.5) - rng.uniform(0.44, 0.55), 0.1)
    return np.clip(change * path * below, -20, 9) - loss - contact
