"""Patients by class where some counts are hidden: what they can be, and how sites' prevalences differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.profiles.profile_document import CELL, Count
from shiftscope.shifts.differences import Differences
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.squared_distances import UnitUncertainty, distribution_of

__all__ = ["LabelCounts", "LabelTable", "label_distributions"]

_STEPS = 9
_ROUNDS = 20  # of alternating projections


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

    @classmethod
    def pooled(cls, parts: Sequence["LabelCounts"]) -> "LabelCounts":
        """Of all patients of disjoint parts: what hidden counts can be adds up too."""
        names = {label for part in parts for label in part.low}
        low = {label: sum(part.low.get(label, 0) for part in parts) for label in sorted(names)}
        high = {label: sum(part.high.get(label, 0) for part in parts) for label in sorted(names)}
        return cls(low, high, sum(part.total for part in parts))

    def ends(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Fewest and most patients of each of `names`: (k,), (k,)."""
        low, high = (np.array([end.get(name, 0) for name in names], dtype=float) for end in (self.low, self.high))
        return low, high

    def possible(self, names: Sequence[str], target: np.ndarray) -> np.ndarray:
        """Counts (o, k) that span what is possible: the nearest to `target` (k,), and steps from there to each hidden
        extreme."""
        low, high = self.ends(names)
        first = _nearest(low, high, np.array(float(self.total)), target)
        hidden = np.flatnonzero(low < high)
        pulled = np.repeat(first[None], 2 * len(hidden), axis=0)
        pulled[np.arange(len(pulled)), np.repeat(hidden, 2)] = np.tile([-1e6, 1e6], len(hidden))
        extremes = _nearest(low, high, np.array(float(self.total)), pulled)
        steps = np.linspace(0, 1, _STEPS)[1:, None]
        return np.concatenate([first[None], *(first + (extreme - first) * steps for extreme in extremes)])


def _nearest(low: np.ndarray, high: np.ndarray, total: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The possible counts nearest to `target`: (..., k), with `total` (...).

    Least squares on a box with a fixed sum: a common step is added and cut at the box. The sum is piecewise linear in
    the step with its kinks where a count meets its end, so the step lies between two kinks.
    """
    kinks = np.sort(np.concatenate(np.broadcast_arrays(low - target, high - target), axis=-1), axis=-1)
    sums = np.clip(target[..., None, :] + kinks[..., None], low[..., None, :], high[..., None, :]).sum(axis=-1)
    last = kinks.shape[-1] - 1
    after = np.clip(np.sum(sums < total[..., None], axis=-1), 0, last)[..., None]
    before = np.maximum(after - 1, 0)
    (x0, x1), (y0, y1) = ([np.take_along_axis(of, k, -1)[..., 0] for k in (before, after)] for of in (kinks, sums))
    rise = y1 - y0
    part = np.clip((total - y0) / np.where(rise > 0, rise, 1.0), 0.0, 1.0)
    counts: np.ndarray = np.clip(target + (x0 + (x1 - x0) * np.where(rise > 0, part, 1.0))[..., None], low, high)
    return counts


@dataclass(frozen=True, slots=True)
class LabelTable:
    """What is known of the classes of N sites, K classes in all.

    Attributes:
        low, high: (N, K) the fewest and the most patients each can have.
        total: (N,) patients with a label.
        known: (N, K) whether the site has the class.
    """

    low: np.ndarray
    high: np.ndarray
    total: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, labels: Sequence[LabelCounts]) -> "LabelTable":
        """Of all sites."""
        names = sorted({name for counts in labels for name in counts.low})
        ends = [counts.ends(names) for counts in labels]
        low, high = (np.array([end[k] for end in ends]).reshape(len(labels), len(names)) for k in (0, 1))
        known = [[name in counts.low for name in names] for counts in labels]
        return cls(
            low,
            high,
            np.array([counts.total for counts in labels], dtype=float),
            np.array(known, dtype=bool).reshape(len(labels), len(names)),
        )

    def differences(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, Differences]:
        """Differences of class shares; of the counts that are possible, those nearest to the other site's count.

        Args:
            i: first sites (m,).
            j: second sites.

        Returns:
            The pairs (k,) that can be compared, and their differences; pairs where a site has no labels, or there is
            only one class, cannot.
        """
        low, high, total = self.low, self.high, self.total
        either = self.known[i] | self.known[j]
        rows = np.flatnonzero((either.sum(axis=1) >= 2) & (total[i] > 0) & (total[j] > 0))
        if not len(rows):
            nothing = np.zeros((0, low.shape[1]))
            return rows, _of_counts(nothing, nothing, nothing)
        either, i, j = either[rows], i[rows], j[rows]
        classes = either.sum(axis=1)
        y = _nearest(low[j], high[j], total[j], either * (total[j] / classes)[:, None])
        x = _nearest(low[i], high[i], total[i], y * (total[i] / total[j])[:, None])
        open_ = np.flatnonzero(np.any(low[i] < high[i], axis=1) | np.any(low[j] < high[j], axis=1))
        a, b, ratio = i[open_], j[open_], (total[i] / total[j])[open_, None]
        for _ in range(_ROUNDS if len(open_) else 0):  # alternating projections on the two sets of possible shares
            x[open_] = _nearest(low[a], high[a], total[a], y[open_] * ratio)
            y[open_] = _nearest(low[b], high[b], total[b], x[open_] / ratio)
        return rows, _of_counts(x, y, either)


def _of_counts(x: np.ndarray, y: np.ndarray, either: np.ndarray) -> Differences:
    """Differences of shares from counts (m, k), for the classes that either site has.

    Half a patient a class keeps a single class from varying not at all (Agresti and Coull 1998,
    doi:10.1080/00031305.1998.10480550, in spirit).
    """
    n = np.stack([x.sum(axis=1), y.sum(axis=1)])
    shares = np.stack([x, y]) / n[..., None]
    classes = either.sum(axis=1)
    smooth = (np.stack([x, y]) + 0.5 * either) / (n + 0.5 * classes)[..., None]
    cov = smooth[..., :, None] * np.eye(x.shape[1]) - smooth[..., :, None] * smooth[..., None, :]
    return Differences(
        width=np.full(len(x), x.shape[1]),
        delta=shares[0] - shares[1],
        parts=cov / n[..., None, None],
        freedom=n - 1,
    )


def label_distributions(differences: Differences) -> EffectDistribution:
    """Distributions of differences of shares, the unit their mean variance within sites: 1 - sum of squared shares."""
    freedom = np.maximum(differences.freedom, 1.0)
    within = differences.parts * (differences.freedom + 1)[..., None, None]
    scale = np.trace(within, axis1=2, axis2=3).sum(axis=0) / 2
    uncertain = np.sum(2 * np.sum(within**2, axis=(2, 3)) / freedom, axis=0) / 4
    known = 2 * scale**2 / uncertain
    return distribution_of(
        differences.delta / np.sqrt(scale)[:, None],
        differences.parts / scale[:, None, None],
        freedom,
        UnitUncertainty(cost=2.0, freedom=known, within=1.0, variance_along=np.ones(len(scale)), scalar=True),
    )
