"""How an annotator draws: where the contour lies on the image's edge, and what its line is like.

Lengths are in pixels of a canvas whose longer side is 256, so that they do not depend on the resolution of the file.
For a volume the slice with the largest area is measured, the first of equals. Stretches of the contour that run along
the edge of the canvas are the field of view's, not the annotator's, and are left out.
"""

import math
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np

from shiftscope.measures.lesions.boundary_measures import MEASURES, SEARCHED, VECTOR
from shiftscope.measures.lesions.components import components_less_holes
from shiftscope.measures.lesions.contours import CANVAS, Contour, polygonality, roughness, trace, trace_component
from shiftscope.measures.lesions.drawn_pixels import Foreground

__all__ = ["MEASURES", "VECTOR", "measure", "measure_foreground"]

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
        pixels = bands.reshape(height * width, *bands.shape[2:])
        first, places, known = self._squares(points, normals, away, (height, width))
        down, right = places if bands.ndim == 2 else places[..., None]

        def across(left: np.ndarray) -> np.ndarray:
            values = pixels.take(left, axis=0).astype(np.float64, copy=False)
            beside = pixels.take(left + (width > 1), axis=0).astype(np.float64, copy=False)
            return _between(values, beside, right)

        upper = first[0] * width + first[1]
        return _between(across(upper), across(upper + width * (height > 1)), down), known

    def _squares(
        self, points: np.ndarray, normals: np.ndarray, away: np.ndarray, shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The square of four pixels in which each place lies: row and column of the first of them, (2, n, k); where in
        it, from 0 to 1, (2, n, k); and whether there is a pixel at the place, (n, k)."""
        starts = np.array([points.imag - self.corner[0], points.real - self.corner[1]]) / self.pixel - 0.5
        places = (np.array([normals.imag, normals.real]) / self.pixel)[..., None] * away
        places += starts[..., None]
        lengths = np.array(shape)[:, None, None]
        ends = places[..., :: max(1, len(away) - 1)]  # what is farthest away is at one of them
        if ends.min() >= 0 and (lengths - ends).min() > 1:
            known = np.ones(places.shape[1:], dtype=bool)
            first = places.astype(np.intp)
        else:
            known = ((places > -1) & (places < lengths)).all(axis=0)
            np.clip(places, 0, lengths - 1, out=places)
            first = np.minimum(places.astype(np.intp), np.maximum(lengths - 2, 0))
        places -= first
        return first, places, known


def _between(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From one to the other, which is written over: large arrays are not made for each step."""
    other -= one
    other *= share
    other += one
    return other


def measure(pixels: np.ndarray, mask: np.ndarray) -> dict[str, float | None]:
    """Measure one annotation against its image.

    Args:
        pixels: (z, y, x) or (z, y, x, 3), float32, 0..1 as a model sees it.
        mask: (z, y, x), integer or boolean; above 0 is foreground.

    Returns:
        The keys of `MEASURES`; None where a measure is undefined.

    Raises:
        ValueError: image and mask differ in size, or the mask has not three axes with no side of 0.
    """
    return measure_foreground(pixels, Foreground.of(mask))


def measure_foreground(pixels: np.ndarray, foreground: Foreground) -> dict[str, float | None]:
    """`measure` of a mask whose foreground is found already."""
    shape = (1, *foreground.drawn.shape)[-3:]
    if pixels.shape[:3] != shape:
        raise ValueError(f"mask: got shape {shape}, expected that of the image, {pixels.shape[:3]}")
    index, plane = foreground.largest_slice()
    if not plane.size:
        return {**dict.fromkeys(MEASURES, None), "empty": 1.0}
    longer = max(plane.drawn.shape)
    factor, pixel = max(1, longer // CANVAS), CANVAS / longer
    patch = _around(pixels[index], plane, factor, pixel)
    height, width = (length * pixel for length in plane.drawn.shape)
    if factor == 1:
        component = plane.largest_component
        contour = trace_component(component, component.region, (0.0, 0.0), (height, width), pixel)
    else:
        contour = trace(patch.cover, patch.corner, (height, width), patch.pixel)
    offset, spread = (None, None) if contour is None else _offset(patch, contour)
    return {
        "offset": offset,
        "offset_relative": None if offset is None or contour is None else offset / contour.radius,
        "offset_spread": spread,
        "roughness": None if contour is None else roughness(contour),
        "polygonality": None if contour is None else polygonality(contour),
        "holes": _holes(plane),
        "empty": 0.0,
    }


def _around(picture: np.ndarray, plane: Foreground, factor: int, pixel: float) -> _Patch:
    """The foreground and its surroundings.

    Args:
        picture: (y, x) or (y, x, 3).
        plane: what is drawn on it.
        factor: pixels a side of the blocks whose means are taken, 1 for none.
        pixel: length of a pixel in canvas pixels.
    """
    margin = math.ceil((RINGS[1] + 2) / pixel)
    starts = [max(0, part.start - margin) // factor * factor for part in plane.box]
    stops = [min(n, part.stop + margin) for part, n in zip(plane.box, plane.drawn.shape, strict=True)]
    rows, columns = (max(1, (stop - start) // factor) for start, stop in zip(starts, stops, strict=True))
    cut = (slice(starts[0], starts[0] + rows * factor), slice(starts[1], starts[1] + columns * factor))
    colours, cover = picture[cut].reshape(rows * factor, columns * factor, -1), plane.drawn[cut]
    if factor > 1:
        colours, cover = (_block_means(part, factor) for part in (colours, cover[..., None].astype(np.float32)))
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
    band = reduce(np.add, (patch.picture[..., c] * weight for c, weight in enumerate(weights)))
    ribbon, known = patch.sample(band, contour.points, normals, away)
    derivative, away = _derivative(len(away))[:, tail:-tail], away[tail:-tail]
    inner, width = contour.inner[:, None], BLUR_ALONG / contour.step
    if known.all():
        slope = _along(ribbon @ derivative, inner, width) * inner
    else:
        known &= inner
        slope = (_along(ribbon, known, width) @ derivative) * known[:, tail:-tail]
    place, strength = _steepest(slope)
    if not len(place):
        return None, None
    place = away[0] + STEP * place
    offset = _weighted_median(place, strength)
    return offset, 1.4826 * _weighted_median(np.abs(place - offset), strength)


def _steepest(slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rows are steepest, in samples from the first, by the parabola through the largest sample and its
    neighbours; and how steep. Only of rows that rise, and not most at an end: that edge lies beyond it.
    """
    best = slope.argmax(axis=1)
    index = np.flatnonzero((best > 0) & (best < slope.shape[1] - 1))
    best = best[index]
    before, peak, after = (slope[index, best + step] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    between = np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0)
    rises = peak > 0
    return (best + between)[rises], peak[rises]


def _covariance(rows: np.ndarray) -> np.ndarray:
    """Of c variables, a row each: (c, n) -> (c, c)."""
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64)
    covariance: np.ndarray = centred @ centred.T / (rows.shape[1] - 1)
    return covariance


def _block_means(bands: np.ndarray, factor: int) -> np.ndarray:
    """(y, x, c) -> (y / factor, x / factor, c); whole rows are added, then columns: a sum over short axes takes up to
    eight times as long, and is faster only where they are not short."""
    rows = reduce(np.add, (bands[first::factor] for first in range(factor)))
    if factor < 8:
        sums = reduce(np.add, (rows[:, first::factor] for first in range(factor)))
    else:
        sums = rows.reshape(len(rows), -1, factor, bands.shape[2]).sum(axis=2)
    means: np.ndarray = sums / np.float32(factor**2)
    return means


def _along(ribbon: np.ndarray, known: np.ndarray, sigma: float) -> np.ndarray:
    """Smoothed along the closed contour by a Gaussian, over what is known: (n, k), (n, k) bool -> (n, k)."""
    count = len(ribbon)
    steps = np.arange(-int(4 * sigma + 0.5), int(4 * sigma + 0.5) + 1)
    weights = np.exp(-0.5 * (steps / sigma) ** 2)
    ring = np.bincount(steps % count, weights=weights / weights.sum(), minlength=count)
    response = np.fft.rfft(ring).real[:, None]  # the ring is even

    def smoothed(values: np.ndarray) -> np.ndarray:
        waves = np.fft.rfft(values, axis=0)
        waves *= response
        return np.fft.irfft(waves, n=count, axis=0)

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
    return float(values[order[total.searchsorted(total[-1] / 2)]])


def _contrast(patch: _Patch, contour: Contour, normals: np.ndarray, half_width: float) -> np.ndarray | None:
    """(c,) weights of the colours with which outside is brighter than inside, most clearly so.

    Fisher's linear discriminant of two rings along the contour; for grey images only a sign. None where nothing
    distinguishes them.
    """
    near, far = RINGS
    inside = -np.arange(min(near, half_width / 2), min(far, half_width), RING_STEP)
    outside = np.arange(near, far, RING_STEP)
    some = np.flatnonzero(contour.inner)[::RING_EVERY]
    colours, known = patch.sample(patch.picture, contour.points[some], normals[some], np.concatenate([inside, outside]))
    colours = colours.astype(patch.picture.dtype)  # the precision of the file: what is even has no difference
    rings = [colours[:, part][known[:, part]].T for part in (slice(len(inside)), slice(len(inside), None))]
    if min(ring.shape[1] for ring in rings) <= len(rings[0]):
        return None
    rings = [np.ascontiguousarray(ring) for ring in rings]
    difference = rings[1].mean(axis=1) - rings[0].mean(axis=1)
    if len(difference) == 1:
        return np.sign(difference, dtype=np.float64) if difference[0] else None
    spread = _covariance(rings[0]) + _covariance(rings[1])
    spread.flat[:: len(spread) + 1] += 1e-3 * spread.trace() / len(spread) + 1e-9  # its diagonal
    weights: np.ndarray = np.linalg.solve(spread, difference)
    length = math.sqrt(weights @ weights)
    return weights / length if length > 0 else None


def _holes(plane: Foreground) -> float:
    """Share of the filled mask that is holes."""
    if components_less_holes(plane.crop) == len(plane.largest_component.sizes):
        return 0.0
    from scipy import ndimage

    crop = np.pad(plane.crop, 1)
    background = ndimage.label(~crop)[0]
    filled = int(np.count_nonzero(background != background[0, 0]))
    return 1.0 - plane.size / filled
