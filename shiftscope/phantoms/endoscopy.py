"""Colonoscopy: a lit tunnel of folds with vessels and wet highlights, and a polyp that stands out of the wall."""

import numpy as np

from shiftscope.phantoms.fields import bump, grid, smooth_noise, soft_step, to_pixels
from shiftscope.phantoms.outlines import Outline, place, wobble
from shiftscope.phantoms.phantom import Phantom

__all__ = ["LABELS", "endoscopy"]

LABELS = ("normal", "abnormal")
_FIELD_MM = 50.0


def endoscopy(
    rng: np.random.Generator, *, size: int = 128, label: str | None = None, lesion_scale: float = 1.0
) -> Phantom:
    """A frame of a colonoscopy.

    Args:
        rng: source of everything that differs between patients.
        size: pixels along each side.
        label: "normal" (empty mask) or "abnormal" (one polyp); drawn evenly where None.
        lesion_scale: multiple of the polyp's area.
    """
    label = LABELS[int(rng.random() < 0.5)] if label is None else label
    y, x = grid(size)
    light, wetness = _tunnel(rng, size)
    blood = _vessels(rng, size)
    mask = np.zeros((size, size), np.uint8)
    if label == "abnormal":
        polyp = _polyp(rng, lesion_scale)
        level = polyp.level(y, x)
        light, blood, wetness = _with_polyp(rng, polyp, level, light, blood, wetness, size)
        mask = (level < 1).astype(np.uint8)
    return Phantom(_photographed(rng, light, blood, wetness, size), mask, label, "endoscopy", (_FIELD_MM / size,) * 2)


def _tunnel(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Light that reaches the camera from the wall, 0..1, and how far each pixel faces the camera."""
    y, x = grid(size)
    bearing, off = rng.uniform(0, 2 * np.pi), abs(rng.normal(0.28, 0.15))
    bend = rng.uniform(0.03, 0.08) * smooth_noise(rng, (2, size, size), (1, 3, 3))
    dy = y - 0.5 - off * np.sin(bearing) + bend[0]
    dx = x - 0.5 - off * np.cos(bearing) + bend[1]
    squeeze = np.exp(rng.normal(0, 0.2))
    dy, dx = dy * squeeze, dx / squeeze
    angle = np.arctan2(dy, dx)
    # three muscle bands pull the lumen into a triangle
    corners = rng.uniform(0.04, 0.16) * np.cos(3 * angle + rng.uniform(0, 6.3))
    radius = np.sqrt(dy * dy + dx * dx) * (1 + corners) + 1e-3
    phase = rng.uniform(1.3, 2.3) * np.log(radius + 0.10) + 0.5 * corners + rng.uniform(0, 1)
    phase = phase + 0.09 * smooth_noise(rng, (size, size), (4, 4))
    share = phase - np.floor(phase)
    # each lip is lit; the wall behind it falls into shadow up to the next lip
    lit = np.where(share < 0.94, 1 - 0.9 * share**1.5, 0.18 + (share - 0.94) * 13.5)
    fold_depth = np.clip(0.55 + 0.55 * smooth_noise(rng, (size, size), (2, 2)), 0.08, 1)  # folds run out along the wall
    relief = rng.uniform(0.25, 0.75) * fold_depth
    mouth = rng.uniform(0.02, 0.09)
    hollow = soft_step(radius - mouth, 2 * mouth + rng.uniform(0.25, 0.6))
    lumps = 0.06 * smooth_noise(rng, (size, size), (5, 5)) + 0.02 * smooth_noise(rng, (size, size), (18, 18))
    light = (0.06 + 0.94 * hollow) * (1 - relief * (1 - lit)) * (1 + lumps)
    return np.asarray(light), np.asarray(lit * hollow)


def _vessels(rng: np.random.Generator, size: int) -> np.ndarray:
    """How much blood colours the wall: branching lines on a blotchy ground."""
    lines = bump(smooth_noise(rng, (size, size), (7, 7)), 0.05) + 0.6 * bump(
        smooth_noise(rng, (size, size), (13, 13)), 0.06
    )
    patches = soft_step(smooth_noise(rng, (size, size), (3, 3)) - 0.2, 1.5)
    blotches = smooth_noise(rng, (size, size), (5, 5))
    return np.asarray(rng.uniform(0.03, 0.13) * lines * patches + 0.03 * blotches)


def _polyp(rng: np.random.Generator, scale: float) -> Outline:
    area = min(scale * float(np.exp(rng.normal(np.log(0.05), 0.5))), 0.3)
    aspect = float(np.exp(rng.normal(0.05, 0.18)))
    rim = wobble(rng, 0.07, (2, 5))
    return place(rng, area, aspect, (0.5, 0.5), (0.13, 0.13), angle=rng.uniform(0, np.pi), rim=rim, margin=0.06)


def _with_polyp(
    rng: np.random.Generator,
    polyp: Outline,
    level: np.ndarray,
    light: np.ndarray,
    blood: np.ndarray,
    wetness: np.ndarray,
    size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The wall with a dome on it, lit from the camera's lamp beside the optical axis, throwing a soft shadow."""
    y, x = grid(size)
    height = np.sqrt(np.clip(1.06 - level**2, 0, None)) * rng.uniform(0.40, 0.70)
    height = height + 0.02 * smooth_noise(rng, (size, size), (16, 16))
    down, across = np.gradient(height, 1 / size)
    radius = float(np.sqrt(polyp.radii[0] * polyp.radii[1]))
    down, across = down * radius, across * radius
    lamp = np.array([0.42 - polyp.centre[0], 0.5 - polyp.centre[1]]) * 1.6 + rng.normal(0, 0.15, 2)
    facing = (1 - down * lamp[0] - across * lamp[1]) / np.sqrt(1 + down**2 + across**2) / np.sqrt(1 + lamp @ lamp)
    shade = 0.45 + 0.55 * np.clip(facing, 0, 1)
    around = float(np.median(light[level < 1.3]))
    inside = soft_step(1 - level, 0.10)
    lit = shade * min(max(around * 1.35, 0.60), 1.05)
    behind = (y - polyp.centre[0]) * -lamp[0] + (x - polyp.centre[1]) * -lamp[1]
    shadow = 1 - 0.4 * bump(np.maximum(level - 1, 0), 0.12) * soft_step(behind / radius + 0.4, 1.2)
    light = light * shadow
    pits = smooth_noise(rng, (size, size), (22, 22))
    redness = rng.normal(0.08, 0.06) + 0.025 * pits  # most polyps are redder than the wall, some paler
    return (
        light + inside * (lit - light),
        blood + inside * (redness - 0.5 * blood),
        wetness + inside * (np.clip(facing, 0, 1) ** 3 - wetness),
    )


def _photographed(
    rng: np.random.Generator, light: np.ndarray, blood: np.ndarray, wetness: np.ndarray, size: int
) -> np.ndarray:
    """Colour, highlights, lens and sensor."""
    y, x = grid(size)
    dy, dx = y - 0.5, x - 0.5
    falloff = 1 - 0.9 * (dy * dy + dx * dx)
    exposure = rng.normal(0.90, 0.06)
    light = np.clip(light * falloff * exposure, 0, 1.1)[..., None]
    tint = np.array([0.98, 0.62, 0.47]) * np.exp(rng.normal(0, (0.02, 0.08, 0.12)))
    depth = np.array([0.72, 1.15, 1.35])  # what little light comes back from the deep is red
    absorbed = np.exp(-blood[..., None] * np.array([0.6, 2.6, 2.4]))
    colour = tint * np.power(light, depth) * absorbed
    drops = soft_step(smooth_noise(rng, (size, size), (34, 34)) + 1.3 * wetness - rng.uniform(3.1, 3.7), 0.4)
    colour = colour + drops[..., None] * (np.array([1.0, 0.98, 0.94]) - colour)
    rough = rng.uniform(0.006, 0.014) * rng.standard_normal(colour.shape, dtype=np.float32)
    corner = np.maximum(np.maximum(np.abs(dy), np.abs(dx)), (np.abs(dy) + np.abs(dx)) / 1.5)
    window = soft_step(rng.normal(0.485, 0.006) - corner, 0.012)[..., None]
    return to_pixels((colour + rough) * window + 0.012)
