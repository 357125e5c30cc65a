"""The outline of a lesion as a closed curve, and what its line is like.

Lengths are in pixels of a canvas whose longer side is `CANVAS`, so that they do not depend on the resolution of the
file.
"""

import math
from dataclasses import dataclass

import numpy as np

from shiftscope.measures.lesions.level_lines import longest_line
from shiftscope.measures.lesions.shapes import axis_ratios, bounding_box, moments

__all__ = ["CANVAS", "LONGER_THAN_ARC", "ROUGH_WAVE", "STRAIGHT", "Contour", "polygonality", "roughness", "trace"]

CANVAS = 256
POINTS = 256  # samples along a contour
SOFTEN = 0.7  # sigma of the mask's smoothing before it is traced: the staircase of the file's pixels is no habit
CANVAS_EDGE = 2.0  # a contour nearer than this to the edge of the canvas is the field of view's
ROUGH_WAVE = 10.0  # wavelength below which a deviation counts as roughness: longer ones are the lesion's own lobes
STRAIGHT = 0.7  # how far a straight run may leave its chord
LONGER_THAN_ARC = 1.5  # a straight run is this many times longer than the arc of a disk that leaves its chord as far


@dataclass(frozen=True, slots=True)
class Contour:
    """The outer contour of the largest component of a mask.

    Attributes:
        points: (n,) x + iy, evenly spaced, so turned that -i times the tangent points outwards.
        inner: (n,) whether a point is away from the edge of the canvas.
        step: distance of two points along the contour.
        radius: of a disk of the same area.
        aspect: shorter over longer axis, 0..1.
    """

    points: np.ndarray
    inner: np.ndarray
    step: float
    radius: float
    aspect: float

    def normals(self, blur: float) -> np.ndarray:
        """(n,) unit vectors that point outwards from the contour smoothed by a Gaussian of that sigma."""
        waves = np.fft.fftfreq(len(self.points), self.step)
        smooth = np.exp(-2 * (math.pi * waves * blur) ** 2)
        tangents = np.fft.ifft(np.fft.fft(self.points) * smooth * 2j * math.pi * waves)
        return -1j * tangents / np.maximum(np.abs(tangents), 1e-9)


def trace(
    cover: np.ndarray, corner: tuple[float, float], canvas_size: tuple[float, float], pixel: float
) -> Contour | None:
    """Trace the largest component of a mask at half cover.

    Args:
        cover: (y, x) float, 0..1, share of each pixel that is lesion; a crop of the canvas.
        corner: (y, x) of the crop's first pixel edge on the canvas, in canvas pixels.
        canvas_size: (y, x) of the whole canvas, in canvas pixels.
        pixel: length of a pixel of `cover` in canvas pixels.

    Returns:
        The contour, its points on the canvas; None where under an eighth of it is away from the canvas edge.
    """
    from scipy import ndimage

    labels, found = ndimage.label(cover >= 0.5, structure=np.ones((3, 3)))
    if not found:
        return None
    largest = labels == (1 if found == 1 else int(np.bincount(labels.ravel())[1:].argmax()) + 1)
    box = bounding_box(largest)
    margin = math.ceil(4 * SOFTEN / pixel) + 1
    padded = np.zeros([part.stop - part.start + 2 * margin for part in box], dtype=np.float32)
    padded[margin:-margin, margin:-margin] = cover[box] * largest[box]
    soft = ndimage.gaussian_filter(padded, SOFTEN / pixel)
    path = longest_line(soft, min(0.5, float(soft.max()) / 2))
    y, x = ((path - margin + [part.start for part in box] + 0.5) * pixel + corner).T
    ring = x + 1j * y
    along = np.concatenate([[0.0], np.abs(np.diff(ring)).cumsum()])
    points = np.interp(np.arange(POINTS) * (along[-1] / POINTS), along, ring)
    if _signed_area(points) < 0:
        points = points[::-1]
    room = [
        np.minimum(place, length - place) for place, length in zip((points.imag, points.real), canvas_size, strict=True)
    ]
    inner = np.minimum(*room) > CANVAS_EDGE
    if np.count_nonzero(inner) < POINTS // 8:
        return None
    return Contour(
        points=points,
        inner=inner,
        step=float(along[-1]) / POINTS,
        radius=math.sqrt(int(np.count_nonzero(largest)) / math.pi) * pixel,
        aspect=math.sqrt(axis_ratios(moments(largest[box])[1], (1.0, 1.0))[0]),
    )


def roughness(contour: Contour) -> float:
    """Root mean square of what a high-pass filter of wavelength `ROUGH_WAVE` leaves of the contour.

    The filter, 1 - exp(-(f / f0)^4), passes so little of the long waves that a small round lesion is not rough.
    """
    waves = np.fft.fftfreq(len(contour.points), contour.step)
    rough = np.fft.ifft(np.fft.fft(contour.points) * -np.expm1(-((waves * ROUGH_WAVE) ** 4)))
    return float(np.sqrt(np.mean(np.abs(rough[contour.inner]) ** 2)))


def polygonality(contour: Contour) -> float:
    """Share of the contour's points that lie in a straight run.

    An arc of radius r and length l leaves its chord by l^2 / 8 r. A long ellipse is flat on its long sides, so the disk
    to compare with is larger by the ratio of its axes.
    """
    count = len(contour.points)
    disk = contour.radius / max(contour.aspect, 0.1)
    steps = min(count // 2, max(4, round(LONGER_THAN_ARC * math.sqrt(8 * disk * STRAIGHT) / contour.step)))
    ring = np.concatenate([contour.points, contour.points[:steps]])
    chord = ring[steps:] - contour.points
    ahead = chord / np.maximum(np.abs(chord), 1e-9)
    x, y = (np.lib.stride_tricks.sliding_window_view(part.copy(), steps + 1) for part in (ring.real, ring.imag))
    away = y * ahead.real[:, None] - x * ahead.imag[:, None]
    straight = away.max(axis=1) - away.min(axis=1) <= STRAIGHT
    begun = np.concatenate([[0], straight[-steps:], straight]).cumsum()
    covered = begun[steps + 1 :] > begun[: -steps - 1]  # a straight run began at most `steps` points before
    return float(np.mean(covered[contour.inner]))


def _signed_area(points: np.ndarray) -> float:
    ahead = np.roll(points, -1)
    return float(np.sum(points.real * ahead.imag - points.imag * ahead.real)) / 2
