"""The outline of a lesion as a closed curve, and what its line is like.

Lengths are in pixels of a canvas whose longer side is `CANVAS`, so that they do not depend on the resolution of the
file.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shiftscope.measures.lesions.components import Component
from shiftscope.measures.lesions.drawn_pixels import Foreground
from shiftscope.measures.lesions.level_lines import longest_line
from shiftscope.measures.lesions.shapes import axis_ratios

__all__ = [
    "CANVAS",
    "LONGER_THAN_ARC",
    "ROUGH_WAVE",
    "STRAIGHT",
    "Contour",
    "polygonality",
    "roughness",
    "trace",
    "trace_component",
]

CANVAS = 256
POINTS = 256  # samples along a contour
SOFTEN = 0.7  # sigma of the mask's smoothing before it is traced: the staircase of the file's pixels is no habit
CANVAS_EDGE = 2.0  # a contour nearer than this to the edge of the canvas is the field of view's
ROUGH_WAVE = 10.0  # wavelength below which a deviation counts as roughness: longer ones are the lesion's own lobes
STRAIGHT = 0.7  # how far a straight run may leave its chord
LONGER_THAN_ARC = 1.5  # a straight run is this many times longer than the arc of a disk that leaves its chord as far


@dataclass(frozen=True)
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

    @cached_property
    def waves(self) -> np.ndarray:
        """(n,) waves per pixel of the contour's Fourier series."""
        return np.fft.fftfreq(len(self.points), self.step)

    @cached_property
    def spectrum(self) -> np.ndarray:
        """(n,) how much of each wave there is."""
        return np.fft.fft(self.points)

    def normals(self, blur: float) -> np.ndarray:
        """(n,) unit vectors that point outwards from the contour smoothed by a Gaussian of that sigma."""
        smooth = np.exp(-2 * (math.pi * self.waves * blur) ** 2)
        tangents = np.fft.ifft(self.spectrum * smooth * 2j * math.pi * self.waves)
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
    drawn = Foreground(cover >= 0.5)
    if not drawn.size:
        return None
    component = drawn.largest_component
    return trace_component(component, cover[component.box] * component.region, corner, canvas_size, pixel)


def trace_component(
    component: Component,
    cover: np.ndarray,
    corner: tuple[float, float],
    canvas_size: tuple[float, float],
    pixel: float,
) -> Contour | None:
    """`trace` of a component that is found already.

    Args:
        component: in the plane.
        cover: share of each pixel of its box that belongs to it.
        corner: (y, x) of the mask's first pixel edge on the canvas, in canvas pixels.
        canvas_size, pixel: as for `trace`.
    """
    from scipy import ndimage

    margin = math.ceil(4 * SOFTEN / pixel) + 1
    padded = np.zeros([length + 2 * margin for length in cover.shape], dtype=np.float32)
    padded[margin:-margin, margin:-margin] = cover
    soft = ndimage.gaussian_filter(padded, SOFTEN / pixel)
    path = longest_line(soft, min(0.5, float(soft.max()) / 2))  # its left is lower, which turns it as points are
    y, x = ((path + [first - margin + 0.5 for first in component.start]) * pixel + corner).T
    ring = x + 1j * y
    along = np.zeros(len(ring))
    np.abs(ring[1:] - ring[:-1]).cumsum(out=along[1:])
    points = np.interp(np.arange(POINTS) * (along[-1] / POINTS), along, ring)
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
        radius=math.sqrt(component.size / math.pi) * pixel,
        aspect=math.sqrt(axis_ratios(component.covariance, (1.0, 1.0))[0]),
    )


def roughness(contour: Contour) -> float:
    """Root mean square of what a high-pass filter of wavelength `ROUGH_WAVE` leaves of the contour.

    The filter, 1 - exp(-(f / f0)^4), passes so little of the long waves that a small round lesion is not rough.
    """
    rough = np.fft.ifft(contour.spectrum * -np.expm1(-(((contour.waves * ROUGH_WAVE) ** 2) ** 2)))
    return math.sqrt((np.abs(rough[contour.inner]) ** 2).mean())


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
    x, y = np.lib.stride_tricks.sliding_window_view(np.array([ring.real, ring.imag]), count, axis=1)
    away = y * ahead.real  # of what lies so many steps, a row each, after each point
    away -= x * ahead.imag
    straight = away.max(axis=0) - away.min(axis=0) <= STRAIGHT
    begun = np.concatenate([[False], straight[-steps:], straight]).cumsum()
    covered = begun[steps + 1 :] > begun[: -steps - 1]  # a straight run began at most `steps` points before
    return int(np.count_nonzero(covered & contour.inner)) / int(np.count_nonzero(contour.inner))
