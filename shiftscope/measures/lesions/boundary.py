"""How an annotator draws: where the contour lies on the image's edge, and what its line is like.

Lengths are in pixels of a canvas whose longer side is 256, so that they do not depend on the resolution of the file.
For a volume the slice with the largest area is measured, the first of equals. Stretches of the contour that run along
the edge of the canvas are the field of view's, not the annotator's, and are left out.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from shiftscope.measures.lesions.boundary_measures import MEASURES, SEARCHED, VECTOR
from shiftscope.measures.lesions.contours import CANVAS, Contour, polygonality, roughness, trace
from shiftscope.measures.lesions.shapes import bounding_box

__all__ = ["MEASURES", "VECTOR", "measure"]

STEP = 0.5  # between two samples along a normal
RINGS = (3.0, 12.0)  # distances from the contour between which inside and outside are compared
RING_STEP = 1.0  # between two samples of a ring along a normal
RING_EVERY = 4  # every so many points of the contour are sampled for it
BLUR_ALONG = 5.0  # sigma of the smoothing along the contour: speckle is shorter than an edge
BLUR_ACROSS = 1.0  # sigma of the derivative of a Gaussian across it
NORMAL_BLUR = 2.0  # sigma of the contour's smoothing before its normals are taken


@dataclass(frozen=True, slots=True)
class _Patch:
    """What is needed of a slice: the part around the foreground, in block means where the slice is large.

    Attributes:
        picture: (y, x, c).
        cover: (y, x), share of each pixel that is lesion.
        corner: (y, x) of both on the canvas, in canvas pixels.
        pixel: length of their pixels in canvas pixels.
    """

    picture: np.ndarray
    cover: np.ndarray
    corner: tuple[float, float]
    pixel: float

    def sample(
        self, bands: np.ndarray, points: np.ndarray, normals: np.ndarray, away: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values along normals, linear between pixels, as of the nearest pixel beyond the edge.

        Args:
            bands: (y, x) or (y, x, c).
            points: (n,) x + iy on the canvas.
            normals: (n,) from them, of length 1.
            away: (k,) steps along these.

        Returns:
            (n, k) or (n, k, c); and whether each place is in the picture, (n, k).
        """
        height, width = bands.shape[:2]
        down, known_down = self._places(points.imag - self.corner[0], normals.imag, away, height)
        right, known_right = self._places(points.real - self.corner[1], normals.real, away, width)
        row, column = (
            np.minimum(place.astype(np.intp), max(count - 2, 0)) for place, count in ((down, height), (right, width))
        )
        down -= row
        right -= column
        if bands.ndim == 3:
            down, right = down[..., None], right[..., None]
        pixels = bands.reshape(height * width, *bands.shape[2:])
        next_row, next_column = width * (height > 1), int(width > 1)
        upper = row * width + column
        lower = upper + next_row
        left, right_end = pixels[upper], pixels[upper + next_column]
        above = left + right * (right_end - left)
        left, right_end = pixels[lower], pixels[lower + next_column]
        return above + down * (left + right * (right_end - left) - above), known_down & known_right

    def _places(
        self, start: np.ndarray, direction: np.ndarray, away: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places along one axis in pixels of the patch, and whether there is a pixel."""
        places = (start / self.pixel - 0.5)[:, None] + (direction / self.pixel)[:, None] * away
        if places.min() >= 0 and places.max() <= count - 1:
            return places, np.ones(places.shape, dtype=bool)
        known = (places > -1) & (places < count)
        return np.clip(places, 0, count - 1, out=places), known


def measure(pixels: np.ndarray, mask: np.ndarray) -> dict[str, float | None]:
    """Measure one annotation against its image.

    Args:
        pixels: (z, y, x) or (z, y, x, 3), float32, 0..1 as a model sees it.
        mask: (z, y, x), integer or boolean; above 0 is foreground.

    Returns:
        The keys of `MEASURES`; None where a measure is undefined.

    Raises:
        ValueError: image and mask differ in size.
    """
    if mask.ndim != 3 or pixels.shape[:3] != mask.shape:
        raise ValueError(f"mask: got shape {mask.shape}, expected that of the image, {pixels.shape[:3]}")
    area = np.count_nonzero(mask > 0, axis=(1, 2))
    index = int(area.argmax())
    if not area[index]:
        return {**dict.fromkeys(MEASURES, None), "empty": 1.0}
    lesion = np.asarray(mask[index] > 0)
    patch = _around(pixels[index], lesion)
    height, width = (length * CANVAS / max(lesion.shape) for length in lesion.shape)
    contour = trace(patch.cover, patch.corner, (height, width), patch.pixel)
    offset, spread = (None, None) if contour is None else _offset(patch, contour)
    return {
        "offset": offset,
        "offset_relative": None if offset is None or contour is None else offset / contour.radius,
        "offset_spread": spread,
        "roughness": None if contour is None else roughness(contour),
        "polygonality": None if contour is None else polygonality(contour),
        "holes": _holes(lesion),
        "empty": 0.0,
    }


def _around(picture: np.ndarray, lesion: np.ndarray) -> _Patch:
    """The foreground and its surroundings, in block means where the longer side is 512 pixels or more."""
    factor = max(1, max(lesion.shape) // CANVAS)
    pixel = CANVAS / max(lesion.shape)
    margin = math.ceil((RINGS[1] + 2) / pixel)
    box = bounding_box(lesion)
    starts = [max(0, part.start - margin) // factor * factor for part in box]
    stops = [min(length, part.stop + margin) for part, length in zip(box, lesion.shape, strict=True)]
    rows, columns = (max(1, (stop - start) // factor) for start, stop in zip(starts, stops, strict=True))
    cut = (slice(starts[0], starts[0] + rows * factor), slice(starts[1], starts[1] + columns * factor))
    colours, cover = picture[cut].reshape(rows * factor, columns * factor, -1), lesion[cut].astype(np.float32)
    if factor > 1:
        colours, cover = (_block_means(part, factor) for part in (colours, cover[..., None]))
        cover = cover[..., 0]
    return _Patch(colours, cover, (starts[0] * pixel, starts[1] * pixel), factor * pixel)


def _offset(patch: _Patch, contour: Contour) -> tuple[float, float] | tuple[None, None]:
    """Weighted median and deviation of the place of the steepest edge along the normals; None where there is no
    edge."""
    normals = contour.normals(NORMAL_BLUR)
    half_width = contour.radius * math.sqrt(contour.aspect)
    weights = _contrast(patch, contour, normals, half_width)
    if weights is None:
        return None, None
    tail = round(2 * BLUR_ACROSS / STEP)
    samples = math.floor(min(SEARCHED, max(1.0, half_width)) / STEP)  # the other side of a small lesion is not its edge
    away = np.arange(-samples - tail, samples + tail + 1) * STEP
    band = np.sum([patch.picture[..., c] * weight for c, weight in enumerate(weights)], axis=0)
    ribbon, known = patch.sample(band, contour.points, normals, away)
    known &= contour.inner[:, None]
    smooth = _along(ribbon, known, BLUR_ALONG / contour.step) @ _derivative(len(away))
    slope, away = (smooth * known)[:, tail:-tail], away[tail:-tail]
    best = slope.argmax(axis=1)
    # a slope that is steepest at the end of what is searched belongs to an edge beyond it
    ends = (best == 0) | (best == len(away) - 1)
    strength = np.where(ends, 0.0, np.maximum(slope.max(axis=1), 0.0))
    if not strength.any():
        return None, None
    place = away[best] + STEP * _between(slope, best)
    offset = _weighted_median(place, strength)
    return offset, 1.4826 * _weighted_median(np.abs(place - offset), strength)


def _covariance(rows: np.ndarray) -> np.ndarray:
    """Of c variables, a row each: (c, n) -> (c, c)."""
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64)
    covariance: np.ndarray = centred @ centred.T / (rows.shape[1] - 1)
    return covariance


def _block_means(bands: np.ndarray, factor: int) -> np.ndarray:
    """(y, x, c) -> (y / factor, x / factor, c); rows before columns, which is many times as fast as both at once."""
    height, width, colours = bands.shape
    rows = bands.reshape(height // factor, factor, width * colours).sum(axis=1)
    sums: np.ndarray = rows.reshape(height // factor, width // factor, factor, colours).sum(axis=2)
    return sums / np.float32(factor**2)


def _along(ribbon: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Smoothed along the closed contour by a Gaussian, over what is known: (n, k), (n, k) bool -> (n, k)."""
    count = len(ribbon)
    steps = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    ring = np.bincount(steps % count, weights=weights / weights.sum(), minlength=count)
    response = np.fft.rfft(ring).real[:, None]  # the ring is even

    def smoothed(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.fft.irfft(np.fft.rfft(values, axis=0) * response, n=count, axis=0)
        return found

    if known.all():
        return smoothed(ribbon)
    share = np.maximum(smoothed(known.astype(np.float64)), 1e-3)
    smooth: np.ndarray = smoothed(ribbon * known) / share
    return smooth


@lru_cache(maxsize=64)
def _derivative(count: int) -> np.ndarray:
    """(count, count): samples along a normal times this are their slopes, by the derivative of a Gaussian."""
    from scipy import ndimage

    slopes: np.ndarray = ndimage.gaussian_filter1d(np.eye(count), BLUR_ACROSS / STEP, axis=1, order=1, mode="nearest")
    return slopes


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = values.argsort(kind="stable")
    total = weights[order].cumsum()
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _contrast(patch: _Patch, contour: Contour, normals: np.ndarray, half_width: float) -> np.ndarray | None:
    """(c,) weights of the colours with which outside is brighter than inside, most clearly so.

    Fisher's linear discriminant of two rings along the contour; for grey images only a sign. None where nothing
    distinguishes them.
    """
    near, far = RINGS
    inside = -np.arange(min(near, half_width / 2), min(far, half_width), RING_STEP)
    outside = np.arange(near, far, RING_STEP)
    some = np.flatnonzero(contour.inner)[::RING_EVERY]
    colours, known = patch.sample(
        patch.picture.astype(np.float64), contour.points[some], normals[some], np.concatenate([inside, outside])
    )
    colours = colours.astype(patch.picture.dtype)  # the precision of the file: what is even has no difference
    rings = [
        np.ascontiguousarray(colours[:, part][known[:, part]].T)
        for part in (slice(len(inside)), slice(len(inside), None))
    ]
    if min(ring.shape[1] for ring in rings) <= len(rings[0]):
        return None
    difference = rings[1].mean(axis=1) - rings[0].mean(axis=1)
    spread = _covariance(rings[0]) + _covariance(rings[1])
    spread += np.eye(len(spread)) * (1e-3 * np.trace(spread) / len(spread) + 1e-9)
    weights: np.ndarray = np.linalg.solve(spread, difference)
    length = float(np.linalg.norm(weights))
    return weights / length if length > 0 else None


def _between(rows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Where the parabola through a row's largest sample and its neighbours peaks, -0.5..0.5 samples from it."""
    index = np.arange(len(rows))
    middle = np.clip(best, 1, rows.shape[1] - 2)
    before, peak, after = (rows[index, middle + step] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    return np.where((bend < 0) & (middle == best), 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0)


def _holes(lesion: np.ndarray) -> float:
    """Share of the filled mask that is holes."""
    from scipy import ndimage

    crop = np.pad(lesion[bounding_box(lesion)], 1)
    background = ndimage.label(~crop)[0]
    filled = int(np.count_nonzero(background != background[0, 0]))
    return 1.0 - int(np.count_nonzero(crop)) / filled
