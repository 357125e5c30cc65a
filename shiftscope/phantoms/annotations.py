"""Annotation plants: another reader of the same images. Pixels stay as they are."""
# ruff: noqa: ARG001 - every plant has the same signature, with or without chance in it

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt

from shiftscope.phantoms.fields import smooth_noise
from shiftscope.phantoms.phantom import Phantom

__all__ = ["dilated_masks", "jagged_masks"]


def dilated_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A generous annotator: the outline 3 % of the width x severity further out, or in where negative."""
    mask = phantom.mask > 0
    if not mask.any():
        return phantom
    step = 0.03 * severity * mask.shape[-1]
    if step >= 0:
        return phantom.with_mask(distance_transform_edt(~mask) <= step)
    inside = distance_transform_edt(mask)
    return phantom.with_mask(inside > min(-step, inside.max() - 0.5))


def jagged_masks(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A hasty annotator: the outline wanders by 2.5 % of the width x severity (one standard deviation)."""
    mask = phantom.mask > 0
    if not mask.any():
        return phantom
    signed = distance_transform_edt(mask) - distance_transform_edt(~mask)
    wander = smooth_noise(rng, mask.shape, tuple(max(side // 8, 1) for side in mask.shape))
    moved = signed + 0.025 * abs(severity) * mask.shape[-1] * wander > 0
    near = binary_dilation(mask, iterations=max(round(0.06 * mask.shape[-1]), 1))
    moved &= near
    return phantom.with_mask(moved | binary_erosion(mask, iterations=2) if not moved.any() else moved)
