"""Further lesions: copies of the one there is, set where the tissue looks alike."""

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, label, map_coordinates, uniform_filter

from shiftscope.phantoms.phantom import Phantom

__all__ = ["lesion_count"]

_TRIES = 48
_SMALLEST = 0.35


def lesion_count(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """2 x severity more lesions on average: the largest one copied with its texture into free tissue.

    The fraction is drawn: at 0.3, six patients of ten have one more. Where there is no room the copy is smaller, down
    to a third of the width, or left out.
    """
    if not phantom.mask.any():
        return phantom
    parts, count = label(phantom.mask)
    largest = parts == 1 + np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:])
    changed = phantom
    for _ in range(int(2 * abs(severity) + rng.random())):
        changed = _with_copy(changed, phantom, largest, rng)
    return changed


def _with_copy(phantom: Phantom, origin: Phantom, lesion: np.ndarray, rng: np.random.Generator) -> Phantom:
    """`phantom` with the `lesion` of `origin` once more, moved (and shrunk) in plane."""
    feather = 0.02 * lesion.shape[-1]
    shadow = _in_plane(lesion)
    inside = np.argwhere(shadow)
    centre = np.rint(inside.mean(axis=0))  # a whole number of pixels away, the texture is copied as it is
    lesion_radius = float(np.sqrt(((inside - centre) ** 2).sum(axis=1)).max()) + 1
    room = _room(_in_plane(phantom.mask > 0), feather) / lesion_radius
    scale = min(1.0, 0.9 * float(room.max()))
    if scale < _SMALLEST:
        return phantom
    at = _likeliest(origin, np.argwhere(room >= scale), scale * lesion_radius, rng)

    radius = int(np.ceil(scale * lesion_radius + feather)) + 1
    frame = [slice(max(int(middle) - radius, 0), int(middle) + radius + 1) for middle in at]
    patch = tuple([slice(None)] * (lesion.ndim - 2) + frame)
    where = np.indices(lesion[patch].shape, dtype=np.float32)
    for axis, (box, here, there) in enumerate(zip(frame, at, centre, strict=True), start=lesion.ndim - 2):
        where[axis] = there + (where[axis] + box.start - here) / scale
    share = np.clip(1 + _depth(lesion, where, feather) / feather, 0, 1)

    mask, pixels = phantom.mask.copy(), phantom.pixels.copy()
    mask[patch] |= map_coordinates(lesion.astype(np.float32), where, order=1) > 0.5
    for source, target in zip(_channels(origin, origin.pixels), _channels(phantom, pixels), strict=True):
        copied = map_coordinates(source, where, order=1, mode="nearest")
        target[patch] += share * (copied - target[patch])
    return phantom.with_pixels(pixels).with_mask(mask)


def _depth(lesion: np.ndarray, where: np.ndarray, margin: float) -> np.ndarray:
    """Distance into the lesion (negative out of it) at `where`, right up to `margin` outside."""
    border = int(np.ceil(margin)) + 2
    box = find_objects(lesion.astype(np.uint8))[0]
    near = tuple(slice(max(part.start - border, 0), part.stop + border) for part in box)
    inside = distance_transform_edt(np.pad(lesion[near], 1))
    depth = inside - distance_transform_edt(inside == 0)
    column = (-1,) + (1,) * lesion.ndim
    start = np.reshape([part.start - 1 for part in near], column)
    return np.asarray(map_coordinates(depth, where - start, order=1, mode="nearest"))


def _room(taken: np.ndarray, gap: float) -> np.ndarray:
    """Radius of the largest circle around each pixel that stays in the frame and `gap` away from what is `taken`."""
    y, x = (np.minimum(np.arange(length), np.arange(length)[::-1]) for length in taken.shape)
    return np.asarray(np.minimum(distance_transform_edt(~taken) - gap, np.minimum(y[:, None], x[None])))


def _likeliest(origin: Phantom, places: np.ndarray, lesion_radius: float, rng: np.random.Generator) -> np.ndarray:
    """Of some random `places`, the one whose tissue is most like that around the lesions: no air, no bone, no frame."""
    tissue = origin.pixels.mean(axis=-1) if origin.is_colour else origin.pixels
    tissue = tissue.mean(axis=0) if tissue.ndim == 3 else tissue
    shadow = _in_plane(origin.mask > 0)
    wide = int(max(0.5 * lesion_radius, 2))
    box = tuple(slice(max(part.start - wide, 0), part.stop + wide) for part in find_objects(shadow.astype(np.uint8))[0])
    around = tissue[box][~shadow[box]]
    tried = places[rng.integers(len(places), size=_TRIES)]
    size = round(2 * lesion_radius)
    mean = uniform_filter(tissue, size)
    spread = np.sqrt(np.maximum(uniform_filter(tissue**2, size) - mean**2, 0))
    at = tuple(tried.T)
    unlike = np.abs(mean[at] - around.mean()) + np.maximum(spread[at] - around.std(), 0)
    return np.asarray(tried[np.argmin(unlike)])


def _in_plane(mask: np.ndarray) -> np.ndarray:
    """What a mask covers seen along the slices."""
    return np.asarray(mask.any(axis=0)) if mask.ndim == 3 else mask


def _channels(phantom: Phantom, pixels: np.ndarray) -> np.ndarray:
    """`pixels`, shaped as the phantom's, as a view of (channels, ...)."""
    return np.moveaxis(pixels, -1, 0) if phantom.is_colour else pixels[None]
