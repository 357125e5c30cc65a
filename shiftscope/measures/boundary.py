"""How an annotator draws: where the contour lies on the image's edge, and what its line is like.

Lengths are in pixels of a canvas whose longer side is 256, so that they do not depend on the resolution of the file.
For a volume the slice with the largest area is measured, the first of equals. Stretches of the contour that run along
the edge of the canvas are the field of view's, not the annotator's, and are left out.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import find_contours

from shiftscope.measures.measure import Measure
from shiftscope.measures.morphology import MEASURES_2D
from shiftscope.measures.shapes import axis_ratios, bounding_box

__all__ = ["MEASURES", "VECTOR", "measure"]

CANVAS = 256  # length of the longer side in which lengths are told
REACH = 8.0  # how far an edge is looked for on both sides of the contour
STEP = 0.5  # between two samples along the normal
BLUR_ALONG = 3.0  # sigma of the smoothing along the contour: speckle is shorter than an edge
BLUR_ACROSS = 1.5  # sigma of the derivative of a Gaussian across the contour
POINTS = 256  # samples along the contour
NORMAL_BLUR = 2.0  # sigma of the contour's smoothing before its normals are taken
TRACE_BLUR = 0.7  # sigma of the mask's smoothing before it is traced: the staircase of the file's pixels is not a habit
EDGE_OF_CANVAS = 2.0  # a contour nearer to the edge of the canvas is the field of view's
ROUGH_WAVE = 12.0  # wavelength below which a deviation of the contour counts as roughness
STRAIGHT = 0.7  # how far a straight run may leave its chord
LONGER_THAN_ARC = 1.4  # a straight run is this many times longer than the arc of a disk that leaves its chord as far

_UNDEFINED = "the mask is empty, or its contour lies on the edge of the canvas"
_EDGE = "Canny 1986, doi:10.1109/TPAMI.1986.4767851"

MEASURES: dict[str, Measure] = {
    item.name: item
    for item in [
        Measure(
            name="offset",
            unit="px of 256",
            sentence="How far the image's edge lies outside the contour: negative when the mask reaches beyond it.",
            formula="median over the contour, weighted by edge strength, of the place along the outward normal, within"
            f" {REACH:g} px, where the intensity rises (or falls, as the case does as a whole) most steeply",
            range=(-REACH, REACH),
            direction="lower: masks drawn larger than the edge; higher: masks drawn inside it",
            undefined=f"{_UNDEFINED}, or there is no edge within reach",
            reference=_EDGE,
        ),
        Measure(
            name="offset_relative",
            unit="1",
            sentence="The offset over the radius of a disk of the same area.",
            formula="offset / sqrt(area / pi)",
            range=(-1.0, 1.0),
            direction="lower: masks drawn larger than the edge; higher: masks drawn inside it",
            undefined=f"{_UNDEFINED}, or there is no edge within reach",
            reference=_EDGE,
        ),
        Measure(
            name="roughness",
            unit="px of 256",
            sentence="How far the contour strays from its own smooth course.",
            formula=f"root mean square of the contour after a high-pass filter of wavelength {ROUGH_WAVE:g} px",
            range=(0.0, 2.0),
            direction="higher: jagged, shaky or coarsely rastered masks",
            undefined=_UNDEFINED,
            reference="Zahn & Roskies 1972, doi:10.1109/TC.1972.5008949",
        ),
        Measure(
            name="polygonality",
            unit="1",
            sentence="Share of the contour that lies in straight runs: near 1 for masks clicked as polygons.",
            formula=f"share of points in a run that stays within {STRAIGHT:g} px of its chord and is"
            f" {LONGER_THAN_ARC:g} times longer than such an arc of a disk of the same area over the aspect ratio",
            range=(0.0, 1.0),
            direction="higher: clicked corners joined by lines, or boxes",
            undefined=_UNDEFINED,
            reference="Ramer 1972, doi:10.1016/S0146-664X(72)80017-0",
        ),
        Measure(
            name="holes",
            unit="1",
            sentence="Share of the filled mask that is holes.",
            formula="1 - foreground pixels / foreground pixels with holes filled",
            range=(0.0, 1.0),
            direction="higher: thresholded or unfinished masks, or ring-like lesions",
            undefined="the mask is empty",
            reference="Soille 2004, doi:10.1007/978-3-662-05088-0",
        ),
        MEASURES_2D["empty"],
    ]
}
"""The measures of an annotator's hand."""

VECTOR = ("offset", "roughness", "polygonality", "offset_relative")
"""What makes the axis, the most telling first."""


@dataclass(frozen=True, slots=True)
class _Contour:
    """The outer contour of the largest component of one slice.

    Attributes:
        points: (n,) x + iy, evenly spaced along the contour, on the grid of `picture`.
        inner: (n,) whether a point is away from the edge of the canvas.
        pixel: length of a pixel of `picture` in pixels of the canvas.
        step: distance of two points in pixels of the canvas.
        radius: of a disk of the same area, in pixels of the canvas.
        aspect: shorter over longer axis, 0..1.
    """

    points: np.ndarray
    inner: np.ndarray
    pixel: float
    step: float
    radius: float
    aspect: float


def measure(seen: np.ndarray, mask: np.ndarray) -> dict[str, float | None]:
    """Measure one annotation against its image.

    Args:
        seen: (z, y, x) or (z, y, x, 3), float32, 0..1 as a model sees it.
        mask: (z, y, x), integer or boolean; above 0 is foreground.

    Returns:
        The keys of `MEASURES`; None where a measure is undefined.

    Raises:
        ValueError: image and mask differ in size.
    """
    if mask.ndim != 3 or seen.shape[:3] != mask.shape:
        raise ValueError(f"mask: got shape {mask.shape}, expected that of the image, {seen.shape[:3]}")
    area = np.count_nonzero(mask > 0, axis=(1, 2))
    index = int(area.argmax())
    if not area[index]:
        return {**dict.fromkeys(MEASURES, None), "empty": 1.0}
    lesion = np.asarray(mask[index] > 0)
    picture, cover = _reduce(seen[index], lesion)
    contour = _trace(cover, CANVAS / max(cover.shape))
    offset = None if contour is None else _offset(picture, contour)
    return {
        "offset": offset,
        "offset_relative": None if offset is None or contour is None else offset / contour.radius,
        "roughness": None if contour is None else _roughness(contour),
        "polygonality": None if contour is None else _polygonality(contour),
        "holes": _holes(lesion),
        "empty": 0.0,
    }


def _reduce(picture: np.ndarray, lesion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grey picture and share of lesion, block means whose longer side is 256 to 511 where it was more."""
    factor = max(1, max(lesion.shape) // CANVAS)
    height, width = (side // factor for side in lesion.shape)
    grey = picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32) if picture.ndim == 3 else picture
    if factor == 1:
        return grey, lesion.astype(np.float32)
    blocks = (height, factor, width, factor)
    cut = (slice(height * factor), slice(width * factor))
    return grey[cut].reshape(blocks).mean((1, 3)), lesion[cut].reshape(blocks).mean((1, 3), dtype=np.float32)


def _trace(cover: np.ndarray, pixel: float) -> _Contour | None:
    """The outer contour of the largest component at half cover; None where too little of it is off the canvas edge."""
    labels, found = ndimage.label(cover >= 0.5, structure=np.ones((3, 3)))
    if not found:
        return None
    largest = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    box = bounding_box(largest)
    margin = math.ceil(4 * TRACE_BLUR / pixel) + 1
    inside = np.argwhere(largest[box])
    soft = np.pad(cover[box] * largest[box], margin)
    ndimage.gaussian_filter(soft, TRACE_BLUR / pixel, output=soft)
    lines = find_contours(soft, min(0.5, float(soft.max()) / 2))
    path = max(lines, key=lambda line: float(np.ptp(line[:, 0]) * np.ptp(line[:, 1]))) - margin
    ring = path[:, 1] + box[1].start + 1j * (path[:, 0] + box[0].start)
    along = np.concatenate([[0.0], np.abs(np.diff(ring)).cumsum()])
    points = np.interp(np.arange(POINTS) * (along[-1] / POINTS), along, ring)
    signed = np.sum(points.real * np.roll(points.imag, -1) - points.imag * np.roll(points.real, -1))
    height, width = cover.shape
    room = np.minimum(
        np.minimum(points.real, width - 1 - points.real), np.minimum(points.imag, height - 1 - points.imag)
    )
    inner = room * pixel > EDGE_OF_CANVAS
    if np.count_nonzero(inner) < POINTS // 8:
        return None
    return _Contour(
        points=points if signed > 0 else points[::-1],
        inner=inner if signed > 0 else inner[::-1],
        pixel=pixel,
        step=float(along[-1]) * pixel / POINTS,
        radius=math.sqrt(len(inside) / math.pi) * pixel,
        aspect=math.sqrt(axis_ratios(inside, (1.0, 1.0))[0]),
    )


def _offset(picture: np.ndarray, contour: _Contour) -> float | None:
    """Weighted median of the place of the steepest edge along the normals; None where there is no edge."""
    waves = np.fft.fftfreq(POINTS, contour.step)
    tangent = np.fft.ifft(
        np.fft.fft(contour.points) * np.exp(-2 * (np.pi * waves * NORMAL_BLUR) ** 2) * 2j * np.pi * waves
    )
    normal = -1j * tangent / np.maximum(np.abs(tangent), 1e-9)
    reach = np.arange(-REACH - 2, REACH + 2 + STEP / 2, STEP)
    sites = contour.points[:, None] + normal[:, None] * (reach / contour.pixel)
    height, width = picture.shape
    seen = (sites.real >= 0) & (sites.real <= width - 1) & (sites.imag >= 0) & (sites.imag <= height - 1)
    seen &= contour.inner[:, None]
    ribbon = ndimage.map_coordinates(picture, [sites.imag, sites.real], order=1, mode="nearest")
    sigma = BLUR_ALONG / contour.step
    share = ndimage.gaussian_filter1d(seen.astype(np.float32), sigma, axis=0, mode="wrap")
    smooth = ndimage.gaussian_filter1d(ribbon * seen, sigma, axis=0, mode="wrap") / np.maximum(share, 1e-3)
    slope = ndimage.gaussian_filter1d(smooth, BLUR_ACROSS / STEP, axis=1, order=1, mode="nearest")
    inside, outside = (reach < -1) & (reach > -REACH), (reach > 1) & (reach < REACH)
    rising = smooth[:, outside][contour.inner].mean() >= smooth[:, inside][contour.inner].mean()
    within = np.abs(reach) <= REACH
    slope = np.where(seen, slope if rising else -slope, 0.0)[:, within]
    best = slope.argmax(axis=1)
    strength = np.maximum(slope.max(axis=1), 0.0)
    if not strength.any():
        return None
    place = reach[within][best] + STEP * _between(slope, best)
    order = place.argsort(kind="stable")
    total = strength[order].cumsum()
    return float(place[order][np.searchsorted(total, total[-1] / 2)])


def _between(rows: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Where the parabola through a row's largest sample and its neighbours peaks, -0.5..0.5 samples from it."""
    index = np.arange(len(rows))
    middle = np.clip(best, 1, rows.shape[1] - 2)
    before, peak, after = (rows[index, middle + side] for side in (-1, 0, 1))
    bend = before - 2 * peak + after
    return np.where((bend < 0) & (middle == best), 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0)


def _roughness(contour: _Contour) -> float:
    """Root mean square of what a Gaussian high-pass filter of fourth order leaves of the contour, in canvas pixels."""
    waves = np.fft.fftfreq(POINTS, contour.step)
    rough = np.fft.ifft(np.fft.fft(contour.points) * -np.expm1(-((waves * ROUGH_WAVE) ** 4)))
    return float(np.sqrt(np.mean(np.abs(rough[contour.inner]) ** 2))) * contour.pixel


def _polygonality(contour: _Contour) -> float:
    """Share of the contour's points that lie in a straight run.

    An arc of radius r leaves its chord by s = l^2 / 8 r. A long ellipse is flat on its long sides, so the disk to
    compare with is larger by the ratio of its axes.
    """
    disk = contour.radius / max(contour.aspect, 0.1)
    steps = min(POINTS // 2, max(4, round(LONGER_THAN_ARC * math.sqrt(8 * disk * STRAIGHT) / contour.step)))
    run = (np.arange(POINTS)[:, None] + np.arange(steps + 1)) % POINTS
    line = contour.points[run] * contour.pixel
    chord = line[:, -1] - line[:, 0]
    away = ((line - line[:, :1]) * (chord.conj() / np.maximum(np.abs(chord), 1e-9))[:, None]).imag
    covered = np.zeros(POINTS, dtype=bool)
    covered[run[np.ptp(away, axis=1) <= STRAIGHT]] = True
    return float(np.mean(covered[contour.inner]))


def _holes(lesion: np.ndarray) -> float:
    """Share of the filled mask that is holes."""
    crop = lesion[bounding_box(lesion)]
    return 1.0 - int(np.count_nonzero(crop)) / int(np.count_nonzero(ndimage.binary_fill_holes(crop)))
