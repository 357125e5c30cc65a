"""Structure plants: other lesions, or another way to frame them. One map warps pixels and mask."""
# ruff: noqa: ARG001 - every plant has the same signature, with or without chance in it

from dataclasses import replace

import numpy as np
from scipy.ndimage import affine_transform, map_coordinates

from shiftscope.phantoms.phantom import Phantom

__all__ = ["field_of_view", "lesion_eccentricity", "lesion_location", "lesion_scale", "zoom_in"]


def lesion_scale(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A lesion 2.5 ** severity times as large in area (or volume), its surroundings pushed aside.

    The warp is radial around the lesion's centre: a pure magnification up to the new outline's reach, fading to nothing
    further out. For large lesions with their native texture, pass `lesion_scale` to the anatomy.
    """
    if not phantom.mask.any():
        return phantom
    centre, offset, lesion_radius = _around_lesion(phantom)
    factor = 2.5 ** (severity / phantom.mask.ndim)
    return _warp(
        phantom, centre + offset * (1 + (1 / factor - 1) * _fade(offset, lesion_radius * factor, 1 / factor - 1))
    )


def lesion_eccentricity(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A longer and narrower lesion of the same area: length over breadth becomes 2 ** severity times as large.

    In plane, stretched along its own longest axis and squeezed across, its surroundings dragged along.
    """
    if not phantom.mask.any():
        return phantom
    centre, offset, lesion_radius = _around_lesion(phantom)
    stretch = 2 ** (abs(severity) / 2)
    axes = np.linalg.eigh(np.cov(np.argwhere(phantom.mask)[:, -2:].T, ddof=0))[1]  # the longest comes last
    back = axes @ np.diag([stretch, 1 / stretch]) @ axes.T
    pulled = np.tensordot(back, offset[-2:], axes=1)
    moved = offset.copy()
    moved[-2:] += (pulled - offset[-2:]) * _fade(offset, lesion_radius * stretch, stretch - 1)
    return _warp(phantom, centre + moved)


def lesion_location(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """The lesion 8 % of the width x severity to the right and as much down, tissue dragged along."""
    if not phantom.mask.any():
        return phantom
    centre, offset, lesion_radius = _around_lesion(phantom)
    step = np.zeros(phantom.mask.ndim)
    step[-2:] = 0.08 * severity * phantom.mask.shape[-1]
    displacement = step.reshape((-1,) + (1,) * phantom.mask.ndim)
    distance = np.sqrt(((offset - displacement) ** 2).sum(axis=0))
    width = 3 * np.linalg.norm(step) + 1e-6
    pull = np.clip(1 - np.maximum(distance - 1.1 * lesion_radius, 0) / width, 0, 1)
    return _warp(phantom, centre + offset - displacement * pull)


def zoom_in(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another field of view: everything 1.5 ** severity times as large in plane. Negative zooms out, black outside."""
    return _framed(phantom, 1.5**severity, anchor=0.5)


def field_of_view(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another frame: 25 % of height and width cut from below and from the right at severity 1, the rest enlarged.

    Negative puts black there instead, by as much: the picture shrinks towards the upper left corner, as it does beside
    the panel of text that many consoles record.
    """
    return _framed(phantom, 0.75**-severity, anchor=0.0)


def _framed(phantom: Phantom, factor: float, anchor: float) -> Phantom:
    """Everything `factor` times as large in plane, about the point at `anchor` of height and width."""
    rows, columns = phantom.mask.shape[-2:]
    fixed = [anchor * length - 0.5 for length in (rows, columns)]
    scale, shift = [1 / factor] * 2, [at * (1 - 1 / factor) for at in fixed]
    if phantom.mask.ndim == 3:
        scale, shift = [1.0, *scale], [0.0, *shift]
    pixels = [affine_transform(plane, scale, shift, order=3, mode="grid-constant") for plane in _planes(phantom)]
    mask = affine_transform(phantom.mask.astype(np.float32), scale, shift, order=1, mode="grid-constant") > 0.5
    framed = phantom.with_pixels(_joined(phantom, pixels)).with_mask(mask)
    spacing = phantom.spacing_mm
    return replace(framed, spacing_mm=(*spacing[:-2], spacing[-2] / factor, spacing[-1] / factor))


def _around_lesion(phantom: Phantom) -> tuple[np.ndarray, np.ndarray, float]:
    """The lesion's centre, every voxel's offset from it (both (axes, ...)), and the largest offset in the lesion."""
    inside = np.argwhere(phantom.mask)
    centre = inside.mean(axis=0)
    column = centre.reshape((-1,) + (1,) * phantom.mask.ndim)
    lesion_radius = float(np.sqrt(((inside - centre) ** 2).sum(axis=1)).max()) + 0.5
    return column, np.indices(phantom.mask.shape) - column, lesion_radius


def _fade(offset: np.ndarray, lesion_radius: float, pull: float) -> np.ndarray:
    """1 up to `reach` and a tenth, 0 from about twice as far on.

    Where tissue is pulled inward by a share `pull` of its distance, a steep end would smear or even fold it: the fade
    is as wide as keeps every bit of tissue within about 5 times its length.
    """
    inner = 1.1 * lesion_radius
    width = max(1.0, pull / max(0.78 - pull, 0.1))
    return np.asarray(np.clip((1 + width - np.sqrt((offset**2).sum(axis=0)) / inner) / width, 0, 1))


def _warp(phantom: Phantom, where: np.ndarray) -> Phantom:
    """Pixels and mask read at `where`, (axes, ...) in voxels. The frame's last rows and columns go on outside it.

    A black border that comes and goes would be an appearance shift, and a mirror would show lesions twice.
    """
    # cubic: linear interpolation would soften the texture and plant an appearance shift too
    moved = [map_coordinates(plane, where, order=3, mode="nearest") for plane in _planes(phantom)]
    mask = map_coordinates(phantom.mask.astype(np.float32), where, order=1, mode="nearest") > 0.5
    return phantom.with_pixels(_joined(phantom, moved)).with_mask(mask)


def _planes(phantom: Phantom) -> list[np.ndarray]:
    """The channels of a phantom, each of the mask's shape."""
    return list(np.moveaxis(phantom.pixels, -1, 0)) if phantom.is_colour else [phantom.pixels]


def _joined(phantom: Phantom, planes: list[np.ndarray]) -> np.ndarray:
    return np.stack(planes, axis=-1) if phantom.is_colour else planes[0]
