"""Closed outlines: ellipses, and ellipses whose radius wobbles with the angle."""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Outline", "even", "place", "wobble"]

_ANGLES = 512


@dataclass(frozen=True, slots=True)
class Outline:
    """An ellipse with a wobbling rim.

    Attributes:
        centre: (y, x) in shares of the canvas.
        radii: (y, x) half axes before rotation, in shares of the canvas.
        angle: rotation in radians.
        rim: radius at 512 angles over 2 pi as a multiple of the ellipse's; mean square 1, so the area is the ellipse's.
    """

    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0
    rim: np.ndarray | None = None

    @property
    def outer_radius(self) -> float:
        """Largest distance from the centre to the rim."""
        return max(self.radii) * (1.0 if self.rim is None else float(self.rim.max()))

    def level(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Distance from the centre over the outline's radius in that direction: 0 at the centre, 1 on the rim."""
        dy, dx = y - self.centre[0], x - self.centre[1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        v, u = (dy * cos - dx * sin) / self.radii[0], (dy * sin + dx * cos) / self.radii[1]
        radius: np.ndarray = np.sqrt(v * v + u * u)
        if self.rim is None:
            return radius
        index = (np.arctan2(v, u) * (_ANGLES / (2 * math.pi))).astype(np.int16) % _ANGLES
        return np.asarray(radius / self.rim[index])


def wobble(
    rng: np.random.Generator, amplitude: float, orders: tuple[int, int] = (2, 6), decay: float = 1.0
) -> np.ndarray:
    """A random rim for `Outline`.

    Args:
        rng: source of amplitudes and phases.
        amplitude: relative deviation of the radius at the lowest order.
        orders: first and last angular frequency; high ones make a spiculated rim.
        decay: amplitude falls as order ** -decay.
    """
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    order = np.arange(orders[0], orders[1] + 1)
    size = amplitude * rng.normal(size=order.size) * (order / orders[0]) ** -decay
    phase = rng.uniform(0, 2 * np.pi, order.size)
    radius = np.exp(size @ np.cos(order[:, None] * angle + phase[:, None]))
    return even(radius)


def even(rim: np.ndarray) -> np.ndarray:
    """`rim` scaled to a mean square of 1, so that it keeps the area of the ellipse."""
    return np.asarray(rim / np.sqrt(np.mean(rim**2)), dtype=np.float32)


def place(
    rng: np.random.Generator,
    area: float,
    aspect: float,
    around: tuple[float, float],
    spread: tuple[float, float],
    *,
    angle: float = 0.0,
    rim: np.ndarray | None = None,
    margin: float = 0.02,
) -> Outline:
    """An outline of a given area, moved inward where it would leave the canvas.

    Args:
        rng: source of the position.
        area: share of the canvas.
        aspect: width over height.
        around: mean (y, x) of the centre.
        spread: standard deviation of the centre.
        angle: rotation in radians.
        rim: as `Outline.rim`.
        margin: free border in shares of the canvas.
    """
    height = math.sqrt(area / (math.pi * aspect))
    trial = Outline((0.5, 0.5), (height, height * aspect), angle, rim)
    free = min(trial.outer_radius + margin, 0.5)
    y, x = (float(np.clip(rng.normal(m, s), free, 1 - free)) for m, s in zip(around, spread, strict=True))
    return Outline((y, x), trial.radii, angle, rim)
