"""Does a harmonizer take the classes or the lesions away with the scanner? Beside the harmonizers, as it needs labels.

Nothing here is fitted into a map and nothing leaves the site but, at most, the two figures of a `Drop`: how well simple
features tell the classes apart within the site, and how much a lesion stands out, before and after.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.harmonizers.harmonizer import MIN_PATIENTS

__all__ = [
    "MARGIN_CONTRAST",
    "MARGIN_SEPARABILITY",
    "Drop",
    "contrast",
    "contrast_drop",
    "separability",
    "separability_drop",
]

MARGIN_SEPARABILITY = 0.05
"""Fall of the AUROC that counts as lost class signal: see docs/harmonizers.md, "Leakage gate"."""

MARGIN_CONTRAST = 0.10
"""Fall of the lesions' contrast, as a share of what it was, that counts as lost: see the same place."""

_FOLDS, _REPEATS, _REPLICATES = 5, 5, 1000


@dataclass(frozen=True, slots=True)
class Drop:
    """A figure before and after harmonization, and how far it fell, with a 95 % bootstrap interval over patients.

    Attributes:
        cases: how many cases it rests on.
        before, after: the figure; larger is better.
        drop: before minus after; `low` and `high` bound it.
    """

    cases: int
    before: float
    after: float
    drop: float
    low: float
    high: float

    def exceeds(self, margin: float) -> bool:
        """Whether more than `margin` was lost, and chance alone does not explain that anything was."""
        return self.drop > margin and self.low > 0


def separability(
    features: np.ndarray, labels: Sequence[Hashable], *, patients: Sequence[Hashable] | None = None, seed: int = 0
) -> float | None:
    """How well a ridge regression on `features` tells the classes of held-out patients apart.

    Area under the ROC curve of out-of-fold scores (5 folds of whole patients, 5 times), each class against the rest,
    averaged over classes. 0.5 is chance, 1 is perfect.

    Args:
        features: (n, d) float.
        labels: n of them.
        patients: whose case it is, n of them; every case its own by default.
        seed: of the folds.

    Returns:
        None where fewer than two classes have `MIN_PATIENTS` patients; smaller classes do not count.
    """
    judged = _judged(labels, patients)
    if judged is None:
        return None
    kept, member, groups = judged
    return float(_areas(_scores(features[kept], member, groups, seed), member, np.ones((1, len(kept))))[0])


def separability_drop(
    before: np.ndarray,
    after: np.ndarray,
    labels: Sequence[Hashable],
    *,
    patients: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Drop | None:
    """How far the `separability` fell from `before` to `after`, on the same folds.

    Args:
        before, after: (n, d) and (n, e) features of the same cases.
        labels, patients, seed: as in `separability`.

    Returns:
        None where `separability` is undefined.
    """
    judged = _judged(labels, patients)
    if judged is None:
        return None
    kept, member, groups = judged
    weights = _replicates(groups, seed)
    old, new = (_areas(_scores(features[kept], member, groups, seed), member, weights) for features in (before, after))
    return _drop(len(kept), old, new)


def contrast(pixels: np.ndarray, target: np.ndarray) -> float | None:
    """How much a lesion stands out: |mean inside - mean outside| / pooled standard deviation, mean over channels.

    Args:
        pixels: (z, c, y, x) float; exact-zero pixels are padding and do not count.
        target: (z, y, x); above 0 is lesion.

    Returns:
        None where fewer than four pixels lie inside or outside, or nothing varies.
    """
    foreground = (pixels != 0).any(axis=1)
    regions = [np.moveaxis(pixels, 1, 0)[:, foreground & part].astype(np.float64) for part in (target > 0, target <= 0)]
    counts = np.array([region.shape[1] for region in regions])
    if counts.min() < 4:
        return None
    pooled = np.sqrt(np.average([region.var(axis=1) for region in regions], axis=0, weights=counts))
    varies = pooled > 1e-6
    if not varies.any():
        return None
    inside, outside = (region.mean(axis=1) for region in regions)
    gap = np.abs(inside - outside)
    return float((gap[varies] / pooled[varies]).mean())


def contrast_drop(
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    patients: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Drop | None:
    """How far the lesions' mean `contrast` fell. `drop`, `low` and `high` are shares of what it was.

    Args:
        before, after: the contrast of the same cases. A case that had one and has none any more counts as 0.
        patients, seed: as in `separability`.

    Returns:
        None with fewer than `MIN_PATIENTS` patients whose cases had a contrast, or where it was 0.
    """
    kept = [index for index, value in enumerate(before) if value is not None]
    old, new = (np.array([values[index] or 0.0 for index in kept]) for values in (before, after))
    people = [index if patients is None else patients[index] for index in kept]
    if len(set(people)) < MIN_PATIENTS or old.mean() <= 0:
        return None
    weights = _replicates(_numbered(people), seed)
    means = [weights @ values / weights.sum(axis=1) for values in (old, new)]
    return _drop(len(kept), *means, share=True)


def _judged(
    labels: Sequence[Hashable], patients: Sequence[Hashable] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Cases of classes large enough, (n, classes) membership as booleans, and each case's patient as a number."""
    codes, owners = _numbered(labels), _numbered(range(len(labels)) if patients is None else patients)
    large = [code for code in range(len(set(labels))) if len(np.unique(owners[codes == code])) >= MIN_PATIENTS]
    if len(large) < 2:
        return None
    kept = np.flatnonzero(np.isin(codes, large))
    return kept, codes[kept][:, None] == np.array(large), np.unique(owners[kept], return_inverse=True)[1]


def _scores(features: np.ndarray, member: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """(n, classes): what models trained without a case's patient say of it, averaged over repeats."""
    rng = np.random.default_rng([seed, 1])
    scores = np.zeros(member.shape)
    for _ in range(_REPEATS):
        folds = _folds(member, groups, rng)
        for fold in range(_FOLDS):
            held = folds == fold
            if not held.any():
                continue
            train = features[~held]
            centre, spread = train.mean(axis=0), train.std(axis=0)
            usable = spread > 1e-9 * (1 + np.abs(centre))
            known, held_out = ((part[:, usable] - centre[usable]) / spread[usable] for part in (train, features[held]))
            aim = member[~held] - member[~held].mean(axis=0)
            penalty = max(known.shape[1], 1) * np.eye(known.shape[1])
            scores[held] += held_out @ np.linalg.solve(known.T @ known + penalty, known.T @ aim) / _REPEATS
    return scores


def _folds(member: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) fold of each case: whole patients, each class (a patient's first case's) spread evenly."""
    _, first = np.unique(groups, return_index=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(member[first].argmax(axis=1)[order], kind="stable")]
    fold_of = np.empty(len(first), int)
    fold_of[order] = np.arange(len(first)) % _FOLDS
    folds: np.ndarray = fold_of[groups]
    return folds


def _areas(scores: np.ndarray, member: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(replicates,): area under the ROC curve with case weights (replicates, n), mean over classes; NaN: undefined."""
    areas = np.full((member.shape[1], len(weights)), np.nan)
    for area, score, inside in zip(areas, scores.T, member.T, strict=True):
        higher = score[inside][:, None] - score[~inside]
        wins = (higher > 0) + 0.5 * (higher == 0)
        ours, others = weights[:, inside], weights[:, ~inside]
        pairs = ours.sum(axis=1) * others.sum(axis=1)
        np.divide(np.einsum("rn,rn->r", ours @ wins, others), pairs, out=area, where=pairs > 0)
    mean: np.ndarray = areas.mean(axis=0)
    return mean


def _replicates(groups: np.ndarray, seed: int) -> np.ndarray:
    """(1 + replicates, n) weights of cases: all once, then patients drawn with replacement."""
    count = int(groups.max()) + 1
    drawn = np.random.default_rng([seed, 2]).multinomial(count, np.full(count, 1 / count), size=_REPLICATES)
    return np.concatenate([np.ones((1, len(groups))), drawn[:, groups].astype(np.float64)])


def _drop(cases: int, old: np.ndarray, new: np.ndarray, *, share: bool = False) -> Drop:
    """Row 0 is the figure itself, the others its bootstrap replicates."""
    fell: np.ndarray = (old - new) / old if share else old - new
    low, high = np.nanquantile(fell[1:], (0.025, 0.975))
    return Drop(cases, float(old[0]), float(new[0]), float(fell[0]), float(low), float(high))


def _numbered(names: Sequence[Hashable]) -> np.ndarray:
    """0, 1, ... in order of appearance."""
    codes = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([codes[name] for name in names], dtype=int)
