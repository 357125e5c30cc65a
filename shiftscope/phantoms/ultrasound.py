"""Breast ultrasound: layers, fully developed speckle, and a dark lesion that enhances or shadows what lies below it.

Speckle is the envelope of complex Gaussian scatterers filtered by the point-spread function, log-compressed: the usual
model of fully developed speckle (Wagner et al. 1983, doi:10.1109/T-SU.1983.31404).
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step, to_pixels
from shiftscope.phantoms.outlines import Outline, even, place, wobble
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
        label: "benign" (smooth, wider than tall, bright below) or "malignant" (irregular, upright, shadow below);
            drawn evenly where None.
        lesion_scale: multiple of the lesion's area.
    """
    label = LABELS[int(rng.random() < 0.5)] if label is None else label
    malignant = label == "malignant"
    y, x = grid(size)
    echo, gland = _layers(rng, size)
    lesion = _lesion(rng, malignant, lesion_scale, gland)
    level = lesion.level(y, x)
    # strong echoes bleed into the dark by the width of the beam: what is seen, and outlined, is less than what is there
    echo = _with_lesion(rng, echo, level - max(0.7 / size, 0.006) / lesion.radii[0], malignant, size)
    decibels = _speckle(rng, echo, size) + _beam(rng, level, lesion, malignant, size)
    dynamic_range, gain = rng.normal(58, 3), rng.normal(-9.5, 2.8)
    pixels = to_pixels((decibels + gain + dynamic_range) / dynamic_range)
    return Phantom(pixels, (level < 1).astype(np.uint8), label, "ultrasound", (_FIELD_MM / size,) * 2)


def _layers(rng: np.random.Generator, size: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Echogenicity in dB, and the depths between which the gland lies."""
    y, x = grid(size)
    shape = (size, size)
    lean = rng.normal(0, 0.05) * (x - 0.5)

    def border(depth: float, waviness: float) -> np.ndarray:
        return np.asarray(depth + lean + waviness * smooth_noise(rng, (1, size), (1, 5)))

    skin = border(rng.uniform(0.04, 0.065), 0.003) - 0.7 * lean
    fat = border(rng.uniform(0.15, 0.32), 0.024)
    gland = border(rng.uniform(0.60, 0.74), 0.022)
    muscle = border(rng.uniform(0.80, 0.93), 0.014)
    in_fat, in_gland, in_muscle, in_chest = (
        soft_step(y - edge, width) for edge, width in ((skin, 0.015), (fat, 0.05), (gland, 0.03), (muscle, 0.02))
    )
    lobules = smooth_noise(rng, shape, (10, 6))
    fibres = smooth_noise(rng, shape, (36, 5))
    septa = bump(smooth_noise(rng, shape, (8, 4)), 0.12)
    ducts = soft_step(smooth_noise(rng, shape, (14, 7)) - 0.7, 0.8)
    fat_echo = -27 + 2.5 * lobules + 10 * septa
    gland_echo = -16 + 3.6 * lobules + 3.4 * fibres - rng.uniform(2, 9) * ducts
    muscle_echo = -29 + 8.0 * np.abs(fibres) + 1.5 * lobules
    echo = -13 + in_fat * (fat_echo + 13)
    echo += in_gland * (gland_echo - fat_echo)
    echo += in_muscle * (muscle_echo - gland_echo)
    echo += in_chest * (-42 - muscle_echo)
    bright = np.clip(1 + 0.5 * smooth_noise(rng, (1, size), (1, 6)), 0.2, 1.6)  # a fascia comes and goes
    for edge, height, width in ((skin, 9, 0.006), (fat, 4, 0.008), (gland, 10, 0.008), (muscle, 18, 0.010)):
        echo += height * bright * bump(y - edge, width)
    return echo, (float(fat.mean()), float(gland.mean()))


def _lesion(rng: np.random.Generator, malignant: bool, scale: float, gland: tuple[float, float]) -> Outline:
    area = scale * float(np.exp(rng.normal(np.log(0.042), 0.45)))
    if malignant:
        aspect, angle = float(np.exp(rng.normal(0.08, 0.18))), float(rng.uniform(-0.9, 0.9))
        rim = even(wobble(rng, 0.13, (2, 5), decay=0.5) * wobble(rng, 0.035, (6, 16), decay=0.2))
    else:
        aspect, angle = float(np.exp(rng.normal(0.48, 0.15))), float(rng.normal(0, 0.14))
        rim = wobble(rng, 0.05, (2, 4))
    depth = 0.5 * (gland[0] + gland[1])
    return place(rng, min(area, 0.3), aspect, (depth, 0.5), (0.06, 0.13), angle=angle, rim=rim)


def _with_lesion(
    rng: np.random.Generator, echo: np.ndarray, level: np.ndarray, malignant: bool, size: int
) -> np.ndarray:
    """Echogenicity with the lesion: dark and even in a thin capsule, or uneven in an echogenic halo."""
    texture = smooth_noise(rng, (size, size), (13, 13))
    inside = soft_step(1 - level + (0.05 * texture if malignant else 0), 0.16 if malignant else 0.07)
    lesion_echo = rng.normal(-36, 2.5) + (3.2 if malignant else 1.6) * texture
    rim = 5 * bump(level - 1.25, 0.14) if malignant else 4 * bump(level - 1.06, 0.06)
    echo = echo + rim + inside * (lesion_echo - echo)
    if malignant and rng.random() < 0.4:  # microcalcifications
        echo = echo + 24 * inside * soft_step(smooth_noise(rng, (size, size), (40, 40)) - 2.6, 0.4)
    return echo


def _speckle(rng: np.random.Generator, echo: np.ndarray, size: int) -> np.ndarray:
    """Envelope in dB of scatterers of strength `echo`, seen by a beam that is narrowest at its focus."""
    y, _ = grid(size)
    axial, narrow, wide = (
        max(share * size, 0.5) for share in (0.0052, rng.uniform(0.0065, 0.0080), rng.uniform(0.015, 0.019))
    )
    amplitude = np.power(10.0, echo / 20, dtype=np.float32)
    scatter = rng.standard_normal((2, size, size), dtype=np.float32) * amplitude
    scatter = _unit_power(gaussian_filter1d(scatter, axial, axis=1, truncate=3), axial)
    focused, spread = (
        _unit_power(gaussian_filter1d(scatter, sigma, axis=2, truncate=3), sigma) for sigma in (narrow, wide)
    )
    off_focus = np.minimum(np.abs(y - rng.uniform(0.35, 0.55)) / 0.55, 1)
    field = focused + off_focus * (spread - focused)
    # scanners average a few looks before the logarithm, which fills the blackest gaps between speckles
    power = gaussian_filter1d(gaussian_filter1d(field[0] ** 2 + field[1] ** 2, 0.5, axis=0), 0.6, axis=1)
    return np.asarray(10 * np.log10(power + 1e-6))


def _unit_power(filtered: np.ndarray, sigma: float) -> np.ndarray:
    """White noise that went through a 1-D Gaussian filter, back at the power it had."""
    return np.asarray(filtered * np.sqrt(2 * np.sqrt(np.pi) * sigma), dtype=np.float32)


def _beam(rng: np.random.Generator, level: np.ndarray, lesion: Outline, malignant: bool, size: int) -> np.ndarray:
    """Attenuation left by the time-gain compensation, and enhancement or shadow under the lesion, in dB."""
    y, x = grid(size)
    inside = (level < 1).astype(np.float32)
    path = gaussian_filter1d(np.cumsum(inside, axis=0), 0.014 * size, axis=1) / (2 * lesion.radii[0] * size)
    below = soft_step(y - lesion.centre[0], 0.15)
    change = rng.uniform(-14, -5) if malignant else rng.uniform(2, 7)
    loss = rng.uniform(4, 12) * y + rng.normal(0, 1.0) * smooth_noise(rng, (1, size), (1, 3))
    contact = 6 * soft_step(np.abs(x - 0.5) - rng.uniform(0.42, 0.55), 0.12)
    return np.asarray(change * np.minimum(path, 1.2) * below - loss - contact)
