"""The EXIF and TIFF orientation: how a stored picture is turned to be seen."""

import numpy as np

__all__ = ["ORIENTATION", "upright"]

ORIENTATION = 0x0112
"""The tag, of EXIF and of TIFF."""

_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
"""Orientation -> quarter turns counter-clockwise, then a left-right flip."""


def upright(planes: np.ndarray, orientation: int) -> np.ndarray:
    """(z, y, x[, 3]) as stored -> as seen; as stored where the tag holds no such number."""
    if orientation not in _TURNS:
        return planes
    turns, flip = _TURNS[orientation]
    planes = np.rot90(planes, turns, axes=(1, 2))
    return planes[:, :, ::-1] if flip else planes
