"""Where a brain is grey, white and fluid: folded cortex, fissures, ventricles and deep nuclei, around z = 0."""

from functools import reduce

import numpy as np

from shiftscope.phantoms.fields import bump, smooth_noise, soft_step

__all__ = ["tissues"]


def tissues(
    rng: np.random.Generator, z: np.ndarray, y: np.ndarray, x: np.ndarray, level: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of fluid and of grey matter in each voxel; the rest is white.

    Args:
        rng: source of folds and of the sizes of sulci and ventricles.
        z, y, x: offsets from the middle of the head in fields of view; they broadcast to (z, y, x).
        level: (z, y, x), 0 in the middle and 1 on the surface of the brain.
    """
    abs_x = np.abs(x)  # left and right are alike, but for their folds
    sulci, cortex = _cortex(rng, level)
    fluid = _most(sulci, _ventricles(rng, z, y, abs_x), _fissures(y, abs_x), soft_step(level - 1.0, 0.03))
    return fluid, _most(cortex, _nuclei(y, abs_x))


def _cortex(rng: np.random.Generator, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sulci and the grey ribbon along them: near the zeros of a smooth field, in the outer third of the brain."""
    cells = (2 if len(level) > 1 else 1, 15, 15)
    folds = smooth_noise(rng, level.shape, cells)
    folds = 0.55 * (folds + folds[..., ::-1]) + 0.6 * smooth_noise(rng, level.shape, cells)
    down, across = np.gradient(folds, axis=(1, 2))
    steep = np.sqrt(down * down + across * across) * level.shape[-1] + 3.0
    distance = np.abs(folds) / steep  # to the bottom of the nearest sulcus, in fields of view
    outer = soft_step(level - rng.normal(0.64, 0.02), 0.20)
    sulci = bump(distance, rng.normal(0.0048, 0.0009)) * outer
    return sulci, _most(soft_step(0.017 - distance, 0.010) * outer, soft_step(level - 0.94, 0.04))


def _ventricles(rng: np.random.Generator, z: np.ndarray, y: np.ndarray, abs_x: np.ndarray) -> np.ndarray:
    """Two crescents whose horns part to the front and to the back, and a slit between the thalami."""
    swelling = rng.normal(1.0, 0.18) * np.clip(1.2 - (z / 0.14) ** 2, 0.2, 1)
    thickness = 0.024 * swelling * np.sqrt(np.clip(1 - ((y - 0.01) / 0.155) ** 2, 0, 1))
    horns = 0.026 + np.where(y < 0, 1.0, 2.4) * y * y
    lateral = soft_step(thickness - np.abs(abs_x - horns), 0.012) * soft_step(thickness, 0.01)
    third = soft_step(0.006 * swelling - abs_x, 0.006) * soft_step(0.04 - np.abs(y - 0.05), 0.02)
    return _most(lateral, third)


def _fissures(y: np.ndarray, abs_x: np.ndarray) -> np.ndarray:
    """Between the hemispheres, and above the temporal lobes."""
    middle = bump(abs_x, 0.0045) * soft_step(np.abs(y - 0.02) - 0.16, 0.04)
    sylvian = bump(y + 0.02 - 0.25 * (abs_x - 0.2), 0.007) * soft_step(abs_x - 0.175, 0.03)
    return 0.8 * _most(middle, sylvian)


def _nuclei(y: np.ndarray, abs_x: np.ndarray) -> np.ndarray:
    """Thalamus, caudate, putamen, insula, and the cortex that lines the midline."""

    def nucleus(down: float, out: float, tall: float, wide: float, lean: float) -> np.ndarray:
        across = abs_x - out - lean * (y - down)
        return soft_step(1 - np.sqrt(((y - down) / tall) ** 2 + (across / wide) ** 2), 0.5)

    thalamus = nucleus(0.058, 0.046, 0.055, 0.036, 0.2)
    caudate = nucleus(-0.085, 0.052, 0.036, 0.018, -0.3)
    putamen = nucleus(-0.015, 0.104, 0.066, 0.028, 0.25)
    insula = bump(abs_x - 0.155, 0.008) * soft_step(0.09 - np.abs(y + 0.02), 0.04)
    midline = bump(abs_x, 0.012) * soft_step(np.abs(y - 0.02) - 0.15, 0.04)
    return _most(0.85 * _most(thalamus, caudate, putamen), insula, midline)


def _most(*shares: np.ndarray) -> np.ndarray:
    """The largest share at every voxel; the shapes broadcast."""
    return reduce(np.maximum, shares)
