"""A flat map of sites from their pairwise distances, and how far it can be trusted."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Layout", "classical", "lay_out", "stress"]

_DRAWS = 400
_SEED = 0  # of the draws: the same profiles give the same page
_TO_END = 1.959964  # standard deviations from the middle of a 95 % interval to its end
_INSIDE = 0.95


@dataclass(frozen=True, slots=True)
class Layout:
    """Sites on a plane.

    Attributes:
        places: (s, 2), distances in within-site standard deviations, centred; the first coordinate spreads most.
        stress: of this map.
        radius: (s,) within which a site lies in 95 % of maps drawn from distances inside their intervals.
    """

    places: np.ndarray
    stress: float
    radius: np.ndarray


def lay_out(squared: np.ndarray, low: np.ndarray, high: np.ndarray) -> Layout:
    """Classical scaling (Torgerson 1952, doi:10.1007/BF02288916), with a radius for each site.

    For the radii, every squared distance is drawn anew between the ends of its interval, pairs independently of each
    other, as a half normal distribution towards either end; each map so drawn is turned onto the first one. Pairs that
    share a site do not vary independently, so the radii say how large the uncertainty is, not its shape.

    Args:
        squared: (s, s) squared distances, symmetric, zero on the diagonal.
        low, high: (s, s) ends of their 95 % intervals.
    """
    places = classical(squared)
    rng = np.random.default_rng(_SEED)
    upper = np.triu_indices(len(squared), k=1)
    away = np.empty((_DRAWS, len(squared)))
    for draw in range(_DRAWS):
        step = rng.standard_normal(len(upper[0])) / _TO_END
        moved = np.where(step < 0, squared[upper] - low[upper], high[upper] - squared[upper]) * step
        drawn = np.zeros_like(squared)
        drawn[upper] = np.maximum(squared[upper] + moved, 0.0)
        away[draw] = np.linalg.norm(_turned(classical(drawn + drawn.T), places) - places, axis=1)
    return Layout(places, stress(places, squared), np.quantile(away, _INSIDE, axis=0))


def stress(places: np.ndarray, squared: np.ndarray) -> float:
    """Kruskal's stress-1: root of the summed squared errors of all distances over the summed squared distances.

    0 is a perfect map; above .2 it misleads (Kruskal 1964, doi:10.1007/BF02289565).

    Args:
        places: (s, 2).
        squared: (s, s) squared distances that are to be shown.
    """
    between = np.linalg.norm(places[:, None] - places[None], axis=-1)
    wanted = np.sqrt(squared)
    total = float((wanted**2).sum())
    return float(np.sqrt(((between - wanted) ** 2).sum() / total)) if total > 0 else 0.0


def classical(squared: np.ndarray) -> np.ndarray:
    """(s, 2): the two leading coordinates, signed so that the last site is never left of or below the middle."""
    centre = np.eye(len(squared)) - 1 / len(squared)
    values, vectors = np.linalg.eigh(-0.5 * centre @ squared @ centre)
    order = np.argsort(values)[::-1][:2]
    places = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    turned: np.ndarray = places * np.where(places[-1] < 0, -1.0, 1.0)
    return turned


def _turned(places: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The map turned and mirrored so that it lies on another as well as it can (Schönemann 1966)."""
    left, _, right = np.linalg.svd(places.T @ onto)
    turned: np.ndarray = places @ (left @ right)
    return turned
