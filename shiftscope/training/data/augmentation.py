"""The one augmentation every strategy trains with: geometry only, since grey levels are what is under study."""

import math

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample

__all__ = ["augment"]

ROTATION = math.radians(15)
SCALE = 0.15
SHIFT = 0.05
"""Largest turn, change of size, and displacement as a share of the side; drawn evenly, one draw per image.

On four ultrasound sites (pooled, 64 px, 600 steps) they raised Dice from .63 to .73; with flips alone it overfitted.
"""


def augment(
    images: torch.Tensor, masks: torch.Tensor | None, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn, scale and shift each image with its mask; mirror half of them where there are masks.

    Images without masks are not mirrored: sides carry meaning in classification (the heart on the left).

    Args:
        images: (n, c, y, x) float32, resampled bilinearly; the edge is repeated beyond the border.
        masks: (n, 1, y, x) integers, resampled to the nearest pixel.

    Returns:
        Images in channels-last memory, and the masks (empty without any).
    """
    count = len(images)
    angle = rng.uniform(-ROTATION, ROTATION, count)
    scale = rng.uniform(1 - SCALE, 1 + SCALE, count)
    mirror = rng.choice([-1.0, 1.0], count) if masks is not None else np.ones(count)
    shift = rng.uniform(-2 * SHIFT, 2 * SHIFT, (count, 2))  # the side is 2 long in the sampling grid
    across, down = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack([across * mirror, -down, shift[:, 0], down * mirror, across, shift[:, 1]], axis=1)
    where = affine_grid(
        torch.from_numpy(rows.reshape(count, 2, 3).astype(np.float32)), [*images.shape], align_corners=False
    )
    turned = grid_sample(images, where, padding_mode="border", align_corners=False)
    turned = turned.contiguous(memory_format=torch.channels_last)
    if masks is None:
        return turned, torch.empty(0)
    drawn = grid_sample(masks.float(), where, mode="nearest", padding_mode="border", align_corners=False)
    return turned, drawn.long()
