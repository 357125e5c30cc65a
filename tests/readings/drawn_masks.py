"""What the masks of tests show: a lesion with its core, and another structure."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow

Y, X = np.mgrid[:60, :80]
DISC = (Y - 25) ** 2 + (X - 30) ** 2 < 225  # one lesion
CORE = (Y - 25) ** 2 + (X - 30) ** 2 < 64  # inside it
BAR = (Y > 48) & (X > 20) & (X < 70)  # another structure
CLASSES = DISC * np.uint8(1) + CORE + np.uint8(3) * BAR  # 0, 1, 2, 3
NOTHING = np.zeros((60, 80), np.uint8)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def png(array: np.ndarray, path: Path, **options: object) -> Path:
    Pillow.fromarray(array).save(path, **options)
    return path
