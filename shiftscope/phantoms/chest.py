"""Chest film: attenuation of the thorax added up along the ray, then a film curve and grain."""

import numpy as np
from scipy.ndimage import gaussian_filter

from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step
from shiftscope.phantoms.outlines import Outline, wobble
from shiftscope.phantoms.phantom import Phantom

__all__ = ["LABELS", "chest"]

LABELS = ("normal", "abnormal")
_FIELD_MM = 350.0


def chest(rng: np.random.Generator, *, size: int = 128, label: str | None = None, lesion_scale: float = 1.0) -> Phantom:
    """A frontal chest film.

    Args:
        rng: source of everything that differs between patients.
        size: pixels along each side.
        label: "normal" (empty mask) or "abnormal" (opacities in the lungs: the mask); drawn evenly where None.
        lesion_scale: multiple of the opacities' area.
    """
    label = LABELS[int(rng.random() < 0.5)] if label is None else label
    y, x = grid(size)
    tilt, middle = rng.normal(0, 0.02), rng.normal(0.5, 0.015)
    u = (x - np.float32(middle)) / np.float32(rng.normal(1.0, 0.04)) + np.float32(tilt) * (y - 0.5)
    v = (y - np.float32(rng.normal(0.0, 0.02))) / np.float32(rng.normal(1.0, 0.04))
    lung, right_base, left_base = _lungs(rng, u, v)
    density = _body(rng, u, v, size) - rng.normal(0.60, 0.04) * lung
    density += _bones(rng, u, v, lung)
    density += _mediastinum(rng, u, v)
    density += _belly(rng, u, v, right_base, left_base)
    density += lung * _vessels(rng, u, v, size)
    mask = np.zeros((size, size), np.uint8)
    if label == "abnormal":
        opacity, mask = _opacities(rng, lung, size, lesion_scale)
        density += opacity
    return Phantom(_film(rng, density, size), mask, label, "chest", (_FIELD_MM / size,) * 2)


def _lungs(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Aeration 0..1, and the heights of the right and left diaphragm as functions of u."""
    width, apex = rng.normal(0.375, 0.018), rng.normal(0.10, 0.02)
    right_dome, left_dome = (base + rng.normal(0, 0.03) for base in (0.76, 0.79))
    steep = rng.uniform(1.0, 1.8)

    def base(side: int, dome: float) -> np.ndarray:
        return np.asarray(dome + steep * (side * u - 0.17) ** 2)

    right_base, left_base = base(-1, right_dome), base(1, left_dome)
    rise = np.clip((v - apex) / 0.62, 0, 1)
    outer = width * np.power(1 - (1 - rise) ** 2.2, 0.55)
    lung = np.zeros(np.broadcast_shapes(u.shape, v.shape), np.float32)
    for side, floor in ((-1, right_base), (1, left_base)):
        out = side * u
        inner = 0.065 + 0.02 * bump(v - 0.42, 0.08) + 0.03 * np.clip(v - 0.5, 0, 1)
        # the smallest distance to a wall decides; a soft ramp over it is the partial volume of a rounded chest
        inside = np.minimum(np.minimum(out - inner, outer - out), floor - v)
        lung += soft_step(inside - 0.008, 0.045)
    return np.clip(lung, 0, 1), right_base, left_base


def _body(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    flank = rng.normal(0.47, 0.02) + 0.10 * bump(v - 0.12, 0.14)
    torso = soft_step(flank - np.abs(u), 0.05) * soft_step(v - 0.02 - 0.45 * np.clip(np.abs(u) - 0.14, 0, 1), 0.05)
    neck = soft_step(0.13 - np.abs(u), 0.05) * soft_step(0.16 - v, 0.1)
    soft = smooth_noise(rng, (size, size), (3, 3))
    return np.maximum(torso, neck) * (0.98 + 0.035 * soft) + 0.10 * bump(np.abs(u) - flank + 0.03, 0.035) * torso


def _bones(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, lung: np.ndarray) -> np.ndarray:
    out = np.abs(u)
    thorax = soft_step(lung - 0.05, 0.3)
    spacing, phase = rng.normal(0.098, 0.006), rng.uniform(0, 1)

    def ribs(height: np.ndarray, half_width: float) -> np.ndarray:
        distance = np.abs(height / spacing + phase - np.round(height / spacing + phase)) * spacing
        body = soft_step(half_width - distance, 0.014)
        return np.asarray(body + 0.7 * bump(distance - half_width, 0.005))  # the cortex shows as two lines

    back = ribs(v + 0.25 * out - 1.5 * out**2 - 0.02, rng.normal(0.019, 0.002))
    front = ribs(v + 0.75 * (0.42 - out) ** 1.0 - 0.3, rng.normal(0.016, 0.002))
    bones = thorax * rng.normal(0.13, 0.02) * (back + 0.45 * front * soft_step(out - 0.14, 0.1))
    slope = rng.normal(0.16, 0.05)
    for side in (-1, 1):
        along = side * u
        height = 0.155 + rng.normal(0, 0.012) - slope * (along - 0.1) + 0.9 * (along - 0.2) ** 2
        inside = soft_step(0.014 - np.abs(v - height), 0.014) + 0.5 * bump(np.abs(v - height) - 0.014, 0.005)
        bones += 0.17 * inside * soft_step(along - 0.04, 0.04) * soft_step(0.40 - along, 0.04)
    blade = soft_step(out - 0.30 - 0.22 * np.clip(v - 0.15, 0, 1), 0.05)
    bones += 0.10 * blade * soft_step(v - 0.14, 0.06) * soft_step(0.44 - v, 0.06)
    vertebra = 0.5 + 0.5 * np.cos(2 * np.pi * v / rng.normal(0.072, 0.004))
    return np.asarray(bones + soft_step(0.045 - out, 0.025) * (0.12 + 0.07 * vertebra))


def _mediastinum(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    heart_width = rng.normal(0.20, 0.02)
    heart = Outline((rng.normal(0.63, 0.02), 0.055), (0.185, heart_width), rng.normal(0.45, 0.08))
    level = heart.level(v, u)
    great_vessels = soft_step(0.075 + 0.02 * bump(v - 0.30, 0.05) - np.abs(u - 0.01), 0.05) * soft_step(v - 0.08, 0.1)
    knob = soft_step(1 - Outline((rng.normal(0.29, 0.015), 0.075), (0.045, 0.042)).level(v, u), 0.5)
    trachea = soft_step(0.022 - np.abs(u + 0.005), 0.016) * soft_step(0.30 - v, 0.08)
    shadow = 0.42 * soft_step(1 - level, 0.22) + 0.16 * great_vessels + 0.16 * knob
    return np.asarray(shadow - 0.14 * trachea)


def _belly(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, right: np.ndarray, left: np.ndarray) -> np.ndarray:
    below = np.where(u < 0, soft_step(v - right, 0.03), soft_step(v - left, 0.03))
    bubble = Outline((rng.normal(0.90, 0.02), rng.normal(0.17, 0.02)), (0.045, 0.075), rng.normal(0, 0.3))
    gas = rng.uniform(0.0, 0.35) * soft_step(1 - bubble.level(v, u), 0.35)
    return np.asarray(below * (rng.normal(0.22, 0.04) - gas))


def _vessels(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Branching markings: thin ridges of noise in polar coordinates around each hilum, thinning outwards."""
    side = np.where(u < 0, -1.0, 1.0).astype(np.float32)
    dv, du = v - 0.45, side * u - 0.09
    radius = np.sqrt(dv * dv + du * du)
    angle = np.arctan2(dv, du)
    lattice = smooth_noise(rng, (96, 192), (7, 26))
    row = np.clip(radius / 0.55 * 95, 0, 95).astype(np.intp)
    column = ((angle + np.pi) / (2 * np.pi) * 95 + 96 * (side > 0)).astype(np.intp)
    ridges = bump(lattice[row, column], 0.33)
    hilum = 0.22 * bump(radius, 0.055)
    fine = smooth_noise(rng, (size, size), (26, 26))
    return np.asarray(0.30 * ridges * np.exp(-radius / 0.13) + hilum + 0.018 * fine)


def _opacities(rng: np.random.Generator, lung: np.ndarray, size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Extra density and its mask: one consolidation, a few patches, or a few nodules, inside the lungs."""
    y, x = grid(size)
    kind = rng.choice(3, p=(0.45, 0.3, 0.25))
    count = (1, int(rng.integers(2, 5)), int(rng.integers(1, 4)))[kind]
    area = scale * np.exp(rng.normal(np.log((0.030, 0.012, 0.004)[kind]), 0.35))
    softness, strength = (0.8, 0.9, 0.35)[kind], rng.uniform(0.28, 0.5)
    inside = np.argwhere(lung > 0.95)
    texture = 1 + 0.25 * smooth_noise(rng, (size, size), (14, 14))
    density = np.zeros((size, size), np.float32)
    mask = np.zeros((size, size), bool)
    for row, column in inside[rng.integers(len(inside), size=count)]:
        radius = float(np.sqrt(area / np.pi))
        aspect = float(np.exp(rng.normal(0, 0.0 if kind == 2 else 0.2)))
        rim = None if kind == 2 else wobble(rng, 0.16, (2, 9))
        centre = ((row + 0.5) / size, (column + 0.5) / size)
        level = Outline(centre, (radius / aspect, radius * aspect), rng.uniform(0, np.pi), rim).level(y, x)
        density = np.maximum(density, soft_step(1 - level + 0.3 * softness, softness))
        mask |= level < 1
    return strength * density * texture * lung, (mask & (lung > 0.5)).astype(np.uint8)


def _film(rng: np.random.Generator, density: np.ndarray, size: int) -> np.ndarray:
    """Exposure, film curve and grain: dense is white."""
    scatter = 0.06 * gaussian_filter(density, 0.05 * size, truncate=2)
    low, high = rng.normal(0.30, 0.03), rng.normal(1.62, 0.05)
    exposed = np.clip((density + scatter - low) / (high - low), 0, 1.15)
    curve = np.power(exposed, rng.normal(1.0, 0.08))
    grain = rng.standard_normal((size, size), dtype=np.float32)
    grain = 0.6 * grain + 0.9 * gaussian_filter(grain, 0.7, truncate=3)
    return np.clip(curve * 0.92 + rng.uniform(0.010, 0.016) * grain, 0, 1).astype(np.float32)
