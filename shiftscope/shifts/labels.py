"""Patients by class where some counts are hidden: what they can be, and how two sites' prevalences differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.profiles.profile import CELL, Count
from shiftscope.stats import Difference, Moments, compare

__all__ = ["LabelCounts", "prevalence_difference"]

_STEPS = 9


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What is known of a site's classes.

    Attributes:
        low: label -> the fewest patients it can have.
        high: label -> the most.
        total: patients with a label.
    """

    low: Mapping[str, int]
    high: Mapping[str, int]
    total: int

    @classmethod
    def of(cls, published: Mapping[str, Count], total: int) -> "LabelCounts":
        """Ranges from published counts: "<10" is 1 to 9, "hidden" is anything the total leaves."""
        rest = total - sum(count for count in published.values() if isinstance(count, int))
        low = {label: count if isinstance(count, int) else 1 for label, count in published.items()}
        high = {
            label: count if isinstance(count, int) else min(CELL - 1, rest) if count == "<10" else rest
            for label, count in published.items()
        }
        return cls(low, high, total)

    def nearest(self, names: Sequence[str], target: np.ndarray) -> np.ndarray:
        """The possible counts nearest to `target`, both in the order of `names`: (k,) -> (k,).

        Least squares on a box with a fixed sum: a common step is added and cut at the box, found by bisection.
        """
        low, high = (np.array([side.get(name, 0) for name in names], dtype=float) for side in (self.low, self.high))
        below, above = float(np.min(low - target)), float(np.max(high - target))
        for _ in range(60):
            step = (below + above) / 2
            below, above = (step, above) if np.clip(target + step, low, high).sum() < self.total else (below, step)
        return np.clip(target + above, low, high)

    def possible(self, names: Sequence[str], target: np.ndarray) -> list[np.ndarray]:
        """Counts that span what is possible: the nearest to `target`, and steps from there to each hidden extreme."""
        first = self.nearest(names, target)
        out = [first]
        for index, name in enumerate(names):
            for end in (self.low, self.high):
                if self.low.get(name, 0) < self.high.get(name, 0):
                    pulled = first.copy()
                    pulled[index] = 1e6 * (1 if end is self.high else -1)
                    extreme = self.nearest(names, pulled)
                    out.extend(first + (extreme - first) * step for step in np.linspace(0, 1, _STEPS)[1:])
        return out


def prevalence_difference(a: LabelCounts, b: LabelCounts) -> Difference | None:
    """The difference of class shares; of the counts that are possible, those nearest to the other side count.

    None where a side has no labels, or there is only one class.
    """
    names = sorted({*a.low, *b.low})
    if len(names) < 2 or not a.total or not b.total:
        return None
    y = b.nearest(names, np.full(len(names), b.total / len(names)))
    for _ in range(20):  # alternating projections on the two sets of possible shares
        x = a.nearest(names, y / b.total * a.total)
        y = b.nearest(names, x / a.total * b.total)
    return compare(_shares(x), _shares(y))


def _shares(counts: np.ndarray) -> Moments:
    """Moments of class indicators: (k,) counts. Half a patient a class keeps a single class from varying not at all
    (Agresti and Coull 1998, doi:10.1080/00031305.1998.10480550, in spirit)."""
    n = float(counts.sum())
    smooth = (counts + 0.5) / (n + 0.5 * len(counts))
    return Moments(round(n), counts / n, np.diag(smooth) - np.outer(smooth, smooth))
