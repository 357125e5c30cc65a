"""A slice as a cell of a picture: pixels repeated, or averaged in whole blocks, with the outline of its mask."""

import math

import numpy as np
from PIL import Image as Pillow

__all__ = ["OUTLINE", "magnified", "slice_cell"]

_CELL = 560  # pixels that the longer side of a case takes at most; a larger one is averaged down
OUTLINE = (255, 225, 77)


def _cell_size(pixels: np.ndarray, shape: float) -> tuple[int, int, int]:
    """How a slice is shown: averaged over blocks of the first number, then `height` by `width` pixels."""
    block = max(1, math.ceil(max(pixels.shape[0] * max(shape, 1), pixels.shape[1] / min(shape, 1)) / _CELL))
    rows, columns = -(-pixels.shape[0] // block), -(-pixels.shape[1] // block)
    times = max(1, int(_CELL / max(rows * max(shape, 1), columns / min(shape, 1))))
    return block, round(rows * times * max(shape, 1)), round(columns * times / min(shape, 1))


def magnified(pixels: np.ndarray, shape: float) -> np.ndarray:
    """(y, x[, 3]) -> (height, width[, 3]): repeated, or averaged in whole blocks."""
    block, height, width = _cell_size(pixels, shape)
    values = pixels.astype(np.float32)
    if block > 1:
        spare = [(0, -length % block) for length in values.shape[:2]] + [(0, 0)] * (values.ndim - 2)
        values = np.pad(values, spare, mode="edge")
        tiles = values.reshape(values.shape[0] // block, block, values.shape[1] // block, block, *values.shape[2:])
        values = tiles.mean(axis=(1, 3))
    rows, columns = (
        np.arange(count) * length // count for count, length in zip((height, width), values.shape, strict=False)
    )
    cell: np.ndarray = values[rows[:, None], columns]
    return cell


def slice_cell(pixels: np.ndarray, mask: np.ndarray | None, shape: float) -> Pillow.Image:
    """(y, x[, 3]) in [0, 1] as a picture, with the outline of a mask (y, x) of booleans."""
    grey = magnified(pixels, shape)
    coloured = np.repeat(grey[..., None], 3, axis=-1) if grey.ndim == 2 else grey
    values = np.rint(np.clip(coloured, 0, 1) * 255).astype(np.uint8)
    if mask is not None:
        inside = magnified(mask, shape) >= 0.5
        padded = np.pad(inside, 1)
        whole = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        values[inside & ~whole] = OUTLINE
    return Pillow.fromarray(values)
