"""Tiles of stained tissue whose stains are known, drawn from the Beer-Lambert law and nothing else."""

import numpy as np

__all__ = ["EOSIN_RICH", "RUIFROK", "tile", "tissue"]

RUIFROK = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
RUIFROK = RUIFROK / np.linalg.norm(RUIFROK, axis=0)
EOSIN_RICH = np.array([[0.56, 0.22], [0.72, 0.80], [0.41, 0.55]])
EOSIN_RICH = EOSIN_RICH / np.linalg.norm(EOSIN_RICH, axis=0)


def tissue(rng: np.random.Generator, size: int = 48) -> np.ndarray:
    """(2, size, size) amounts of both stains: pure nuclei, pure stroma, mixtures, and glass in one corner."""
    share = rng.beta(0.25, 0.25, (size, size))
    amount = rng.uniform(0.3, 0.9, (size, size))
    amount[: size // 4, : size // 4] = 0
    return np.stack([share, 1 - share]) * amount


def tile(amounts: np.ndarray, vectors: np.ndarray, strength: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """(1, 3, y, x) float32: light that passed both stains."""
    density = np.einsum("cs,syx->cyx", vectors, amounts * np.reshape(strength, (2, 1, 1)))
    return np.asarray((10.0**-density)[None], np.float32)
