"""Chest film: attenuation of the thorax added up along the ray, then a film curve and grain."""

import numpy as np
from scipy.ndimage import gaussian_filter

from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step, to_pixels
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
    u, v = _framing(rng, y, x)
    lung, floor = _lungs(rng, u, v)
    shadow = _mediastinum(rng, u, v)
    air = lung * (1 - np.clip(1.6 * shadow, 0, 0.85))
    density = _body(rng, u, v, size) + rng.normal(0.16, 0.04) * shadow - rng.normal(0.60, 0.04) * air
    density += _bones(rng, u, v, lung) * (1 - 0.45 * np.clip(shadow, 0, 1)) + _belly(rng, u, v, floor)
    density += air * _vessels(rng, u, v, size)
    mask = np.zeros((size, size), np.uint8)
    if label == "abnormal":
        opacity, mask = _opacities(rng, air, size, lesion_scale)
        density += opacity
    return Phantom(_film(rng, density, size), mask, label, "chest", (_FIELD_MM / size,) * 2)


def _framing(rng: np.random.Generator, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body coordinates: u from the midline, positive to the patient's left, and v downwards, in shares of the film."""
    zoom, tilt = rng.normal(0.90, 0.04), rng.normal(0, 0.025)
    across, down = (x - rng.normal(0.5, 0.015)) * zoom, (y - 0.5) * zoom
    build = rng.normal(1.0, 0.04)  # slight or stout
    return np.asarray((across + tilt * down) * build), np.asarray(0.5 + rng.normal(0, 0.02) + down - tilt * across)


def _lungs(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aeration 0..1, and the height of the diaphragm at every u."""
    width, apex, steep = rng.normal(0.375, 0.016), rng.normal(0.105, 0.015), rng.uniform(1.0, 1.9)
    right, left = rng.normal(0.76, 0.03) + steep * (u + 0.17) ** 2, rng.normal(0.79, 0.03) + steep * (u - 0.18) ** 2
    floor = right + soft_step(u, 0.12) * (left - right)
    rise = np.clip((v - apex) / 0.60, 0, 1)
    outer = width * np.power(1 - (1 - rise) ** 2.6, 0.50) * (1 + 0.03 * np.clip(v - 0.6, 0, 1))
    inner = 0.06 + 0.015 * bump(v - 0.30, 0.05)
    abs_u = np.abs(u)
    # the smallest distance to a wall decides; a soft ramp over it is the partial volume of a rounded chest
    inside = np.minimum(np.minimum(abs_u - inner, outer - abs_u), floor - v)
    return np.asarray(0.75 * soft_step(inside - 0.006, 0.035) + 0.25 * soft_step(inside - 0.05, 0.12)), floor


def _body(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Soft tissue: trunk with its flanks, shoulders and neck."""
    abs_u = np.abs(u)
    flank = rng.normal(0.455, 0.015) + 0.12 * bump(v - 0.14, 0.13)
    trunk = soft_step(flank - abs_u, 0.05) * soft_step(v - 0.03 - 0.4 * np.clip(abs_u - 0.15, 0, 1), 0.05)
    neck = soft_step(0.13 - abs_u, 0.05) * soft_step(0.16 - v, 0.1)
    soft = smooth_noise(rng, (size, size), (3, 3))
    return np.asarray(np.maximum(trunk, neck) * (0.98 + 0.035 * soft) - 0.12 * soft_step(0.14 - v, 0.2))


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
    for sign in (-1, 1):
        along = sign * u
        height = 0.155 + rng.normal(0, 0.012) - slope * (along - 0.1) + 0.9 * (along - 0.2) ** 2
        inside = soft_step(0.014 - np.abs(v - height), 0.014) + 0.5 * bump(np.abs(v - height) - 0.014, 0.005)
        bones += 0.17 * inside * soft_step(along - 0.04, 0.04) * soft_step(0.40 - along, 0.04)
    blade = soft_step(out - 0.30 - 0.22 * np.clip(v - 0.15, 0, 1), 0.05)
    bones += 0.10 * blade * soft_step(v - 0.14, 0.06) * soft_step(0.44 - v, 0.06)
    disc = 0.5 + 0.5 * np.cos(2 * np.pi * v / rng.normal(0.072, 0.004))
    return np.asarray(bones + soft_step(0.042 - out, 0.03) * (0.10 + 0.06 * disc))


def _mediastinum(rng: np.random.Generator, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Heart, great vessels, aortic knob and the air of the trachea; 1 where the heart is thickest."""
    heart = Outline(
        (rng.normal(0.64, 0.015), 0.05),
        (0.148, rng.normal(0.20, 0.02)),
        rng.normal(0.62, 0.09),
        wobble(rng, 0.03, (2, 3)),
    )
    level = heart.level(v, u)
    thickness = np.sqrt(np.clip(1.02 - level**2, 0, 1)) * soft_step(1 - level, 0.10)
    vessels = 0.6 * soft_step(0.07 + 0.015 * bump(v - 0.30, 0.05) - np.abs(u - 0.008), 0.045) * soft_step(v - 0.1, 0.1)
    knob = 0.6 * soft_step(1 - Outline((rng.normal(0.30, 0.015), 0.065), (0.045, 0.040)).level(v, u), 0.4)
    trachea = soft_step(0.020 - np.abs(u + 0.004), 0.016) * soft_step(0.32 - v, 0.08)
    return np.asarray(np.maximum.reduce([thickness, vessels, knob]) - 0.8 * trachea)


def _belly(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, floor: np.ndarray) -> np.ndarray:
    below = soft_step(v - floor, 0.02)
    bubble = Outline((rng.normal(0.91, 0.02), rng.normal(0.18, 0.02)), (0.04, 0.07), rng.normal(0, 0.3))
    gas = rng.uniform(0.0, 0.30) * soft_step(1 - bubble.level(v, u), 0.5)
    return np.asarray(below * (rng.normal(0.16, 0.03) - gas))


def _vessels(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, size: int) -> np.ndarray:
    """Branching markings: crooked ridges that leave each hilum and thin out."""
    bend = 0.035 * smooth_noise(rng, (2, size, size), (1, 7, 7))
    dv, du = v - 0.47 + bend[0], np.abs(u) - 0.075 + bend[1]
    radius = np.sqrt(dv * dv + du * du)
    lattice = smooth_noise(rng, (96, 193), (8, 22))
    row = np.clip(radius / 0.5 * 95, 0, 95).astype(np.intp)
    column = ((np.arctan2(dv, du) + np.pi) / (2 * np.pi) * 95).astype(np.intp) + np.where(u < 0, 0, 97)
    ridges = bump(lattice[row, column], 0.35) * np.exp(-radius / 0.13)
    fine = smooth_noise(rng, (size, size), (24, 24))
    return np.asarray(0.34 * ridges + 0.24 * bump(radius, 0.05) + 0.02 * fine)


def _opacities(rng: np.random.Generator, lung: np.ndarray, size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Extra density and its mask: one consolidation, a few patches, or a few nodules, inside the lungs."""
    y, x = grid(size)
    kind = rng.choice(3, p=(0.45, 0.3, 0.25))
    count = (1, int(rng.integers(2, 5)), int(rng.integers(1, 4)))[kind]
    area = scale * np.exp(rng.normal(np.log((0.030, 0.012, 0.004)[kind]), 0.35))
    softness, strength = (0.8, 0.9, 0.35)[kind], rng.uniform(0.20, 0.38)
    inside = np.argwhere(lung > 0.95)
    texture = 1 + 0.25 * smooth_noise(rng, (size, size), (14, 14))
    density = np.zeros((size, size), np.float32)
    mask = np.zeros((size, size), bool)
    for row, column in inside[rng.integers(len(inside), size=count)]:
        radius = float(np.sqrt(area / np.pi))
        aspect = float(np.exp(rng.normal(0, 0.0 if kind == 2 else 0.2)))
        rim = None if kind == 2 else wobble(rng, 0.11, (2, 9), decay=0.8)
        centre = ((row + 0.5) / size, (column + 0.5) / size)
        level = Outline(centre, (radius / aspect, radius * aspect), rng.uniform(0, np.pi), rim).level(y, x)
        density = np.maximum(density, soft_step(1 - level + 0.3 * softness, softness))
        mask |= level < 1
    return strength * density * texture * lung, (mask & (lung > 0.5)).astype(np.uint8)


def _film(rng: np.random.Generator, density: np.ndarray, size: int) -> np.ndarray:
    """Exposure, film curve and grain: dense is white."""
    scatter = 0.06 * gaussian_filter(density, 0.05 * size, truncate=2)
    low, high = rng.normal(0.29, 0.04), rng.normal(1.58, 0.08)
    exposed = np.clip((density + scatter - low) / (high - low), 0, 1.15)
    curve = np.power(exposed, rng.normal(1.0, 0.12))
    grain = rng.standard_normal((size, size), dtype=np.float32)
    grain = 0.6 * grain + 0.9 * gaussian_filter(grain, 0.7, truncate=3)
    return to_pixels(curve * 0.92 + rng.uniform(0.010, 0.016) * grain)
