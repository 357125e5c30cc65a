"""How two sites differ: effects with intervals, one per axis. Numbers only; the verdict is the diagnosis's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from shiftscope.measures import AXES, boundary
from shiftscope.measures.basis import load_basis
from shiftscope.profiles import Profile
from shiftscope.profiles.profile import CELL, Count, Summary
from shiftscope.stats import Difference, Moments, adjusted, compare, projected, reweighted

__all__ = ["Effect", "Shift", "Side", "compare_sides"]

LABELS = "labels"
ANNOTATION_FREE = 4
"""Leading coordinates of the morphology that an annotator's contour habit leaves alone, once area is corrected."""

_COMPARED = {"boundary": boundary.VECTOR.index("offset_relative")}
"""Coordinates that are compared, where not all: the contour's relative offset depends on the lesion's size, and serves
only to correct areas."""

_SUSPICION = 0.05  # a difference of labels with a smaller p is held equal before anything else is judged
_MOST_PATIENTS = 0.8  # share of a side's patients that the classes both sides publish must cover
_CONVICTION = 0.01  # likewise for the contours' habit, whose correction costs structure half its coordinates


@dataclass(frozen=True)
class Effect:
    """A difference on one axis.

    Attributes:
        axis: a key of `AXES`, or "labels".
        question: "appearance", "structure", "label", "annotation" or "features".
        difference: the means' difference with its distribution.
        n: patients on either side.
        held: what was held equal: "", "prevalence", "lesion area" or "contour habit".
        explained: how much of the effect that took away.
    """

    axis: str
    question: str
    difference: Difference
    n: tuple[int, int]
    held: str = ""
    explained: float = 0.0

    @property
    def value(self) -> float:
        """Squared distance over within-site variance, unbiased, at least 0."""
        return self.difference.effect

    @property
    def p(self) -> float:
        """p value of no difference."""
        return self.difference.p

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `value`."""
        low, high = self.difference.interval()
        return min(low, self.value), max(high, self.value)


@dataclass(frozen=True)
class Side:
    """What one profile, or several together, says to a comparison.

    Attributes:
        names: the sites.
        n: patients.
        plain: axis -> moments.
        joint: axis -> moments of the coordinates followed by the log area, the same coordinates as `plain`.
        classes: label -> axis -> moments.
        labels: label -> lowest and highest count of patients it can have.
        measures: summaries, of a single site only.
    """

    names: tuple[str, ...]
    n: int
    plain: Mapping[str, Moments]
    joint: Mapping[str, Moments]
    classes: Mapping[str, Mapping[str, Moments]]
    labels: Mapping[str, tuple[int, int]]
    measures: Mapping[str, Summary]

    @classmethod
    def of(cls, profile: Profile) -> "Side":
        """The side of one profile."""
        sketches = {axis: sketch for axis, sketch in profile.sketches.items() if sketch is not None}
        joint = {axis: sketch.moments_with_area(len(sketch.mean)) for axis, sketch in sketches.items()}
        return cls(
            names=(profile.site,),
            n=profile.patients,
            plain={axis: sketch.moments for axis, sketch in sketches.items()},
            joint={axis: moments for axis, moments in joint.items() if moments is not None},
            classes={
                label: {axis: sketch.moments for axis, sketch in axes.items()}
                for label, axes in profile.by_class.items()
            },
            labels=_ranges(profile.labels, profile.patients),
            measures=profile.measures,
        )

    @classmethod
    def pool(cls, sides: Sequence["Side"]) -> "Side":
        """Several sides as one; what only some of them have is left out."""
        first, *rest = sides
        for side in rest:
            first = cls(
                names=first.names + side.names,
                n=first.n + side.n,
                plain=_merged(first.plain, side.plain),
                joint=_merged(first.joint, side.joint, covariates=1),
                classes={
                    label: _merged(first.classes[label], side.classes[label])
                    for label in first.classes
                    if label in side.classes
                },
                labels={
                    label: tuple(np.add(first.labels.get(label, (0, 0)), side.labels.get(label, (0, 0))))
                    for label in {**first.labels, **side.labels}
                },
                measures={},
            )
        return first


@dataclass(frozen=True)
class Shift:
    """All effects between two sides."""

    a: Side
    b: Side
    effects: tuple[Effect, ...]

    def on(self, axis: str) -> Effect | None:
        """The effect on an axis, None where it could not be compared."""
        return next((effect for effect in self.effects if effect.axis == axis), None)

    def about(self, question: str) -> list[Effect]:
        """The effects that speak of a question."""
        return [effect for effect in self.effects if effect.question == question]

    def removed(self, layer: str) -> float | None:
        """Share of the feature effect that the public look removes, at most 1; None where there is hardly an effect.

        Args:
            layer: "shallow" or "deep".
        """
        raw, left = self.on(f"features_{layer}"), self.on(f"canonical_{layer}")
        if raw is None or left is None or raw.interval[0] <= 0:
            return None
        return 1 - left.value / raw.value


def compare_sides(a: Side, b: Side) -> Shift:
    """Compare on every axis that both have.

    Everything is compared at equal prevalence where labels differ. Else structure is compared with the area corrected
    for contours drawn outside or inside the edge, where that differs, and all other axes at equal lesion area.
    """
    label = _label_effect(a, b)
    by_prevalence = label is not None and label.p < _SUSPICION
    habit = None
    if "boundary" in a.plain and "boundary" in b.plain:
        habit = _effect("boundary", AXES["boundary"].question, a, b, by_prevalence, None)
    effects = [effect for effect in (label, habit) if effect is not None]
    for axis, meta in AXES.items():
        if axis in a.plain and axis in b.plain and meta.question != "annotation":
            effects.append(_effect(axis, meta.question, a, b, by_prevalence, habit))
    return Shift(a, b, tuple(effects))


def _effect(axis: str, question: str, a: Side, b: Side, by_prevalence: bool, habit: Effect | None) -> Effect:
    most = _COMPARED.get(axis)
    one, other = a.plain[axis].leading(most), b.plain[axis].leading(most)
    plain = Effect(axis, question, compare(one, other), (one.n, other.n))
    if by_prevalence:
        held = _at_equal_prevalence(axis, a, b, most)
        if held is not None:
            return _holding(plain, held, "prevalence")
    if question == "structure":
        if habit is not None and habit.p < _CONVICTION:
            return _holding(plain, _without_habit(axis, a, b), "contour habit")
        return plain
    if axis in a.joint and axis in b.joint:
        x, y = _same_width(a.joint[axis], b.joint[axis], covariates=1, most=most)
        return _holding(plain, adjusted(x, y, covariates=1), "lesion area")
    return plain


def _holding(plain: Effect, difference: Difference, what: str) -> Effect:
    """The effect with something held equal."""
    held = replace(plain, difference=difference, held=what)
    return replace(held, explained=max(0.0, plain.value - held.value))


# labels


def _ranges(labels: Mapping[str, Count], total: int) -> dict[str, tuple[int, int]]:
    """The lowest and highest count each class can have, given what is published and the total."""
    known = sum(count for count in labels.values() if isinstance(count, int))
    out = {}
    for label, count in labels.items():
        if isinstance(count, int):
            out[label] = (count, count)
        elif count == "<10":
            out[label] = (1, min(CELL - 1, total - known))
        else:
            small = [(CELL - 1) for other in labels.values() if other == "<10"]
            out[label] = (max(CELL, total - known - sum(small)), total - known)
    return out


def _label_effect(a: Side, b: Side) -> Effect | None:
    """Classes as indicator vectors; of the counts that suppression allows, those nearest to the other side count."""
    names = sorted({*a.labels, *b.labels})
    if len(names) < 2 or not a.labels or not b.labels:
        return None
    best = None
    for x in _possible(a, names):
        for y in _possible(b, names):
            difference = compare(_shares(x), _shares(y))
            if best is None or difference.delta @ difference.delta < best.delta @ best.delta:
                best = difference
    return None if best is None else Effect(LABELS, "label", best, (a.n, b.n))


def _possible(side: Side, names: Sequence[str]) -> Iterator[np.ndarray]:
    """Counts of each class, from the lowest the suppressed ones can be to the highest."""
    low, high = (np.array([side.labels.get(name, (0, 0))[end] for name in names], dtype=float) for end in (0, 1))
    total = sum(side.labels[name][0] for name in side.labels if side.labels[name][0] == side.labels[name][1])
    if np.all(low == high):
        yield low
        return
    open_cells = low < high
    rest = side.n - total
    for step in np.linspace(0, 1, 10):
        counts = low + step * (high - low)
        # the open cells share what the known ones leave
        small = open_cells & (high < CELL)
        large = open_cells & ~small
        left = rest - counts[small].sum()
        if large.any():
            counts[large] = np.clip(left, 0, None) * (high[large] / high[large].sum())
        yield counts


def _shares(counts: np.ndarray) -> Moments:
    """Moments of class indicators: (k,) counts."""
    n = float(counts.sum())
    share = counts / n
    return Moments(round(n), share, (np.diag(share) - np.outer(share, share)) * n / max(n - 1, 1))


def _at_equal_prevalence(axis: str, a: Side, b: Side, most: int | None) -> Difference | None:
    """The difference with prevalence held equal, from the classes of both sides or of the one that has them all."""
    x, y = (
        {label: axes[axis].leading(most) for label, axes in side.classes.items() if axis in axes} for side in (a, b)
    )
    both = sorted({*x} & {*y})
    covered = min(
        sum(classes[label].n for label in both) / max(side.plain[axis].n, 1) for side, classes in ((a, x), (b, y))
    )
    if both and covered > _MOST_PATIENTS:
        return reweighted([(x[label], y[label]) for label in both])
    for classes, other in ((x, b), (y, a)):
        if classes and {*classes} >= {*a.labels, *b.labels}:
            names = sorted(classes)
            whole = other.plain[axis].leading(most)
            options = [
                projected([classes[name] for name in names], counts / counts.sum(), whole)
                for counts in _possible(other, names)
            ]
            return min(options, key=lambda option: float(option.delta @ option.delta))
    return None


# masks


def _without_habit(axis: str, a: Side, b: Side) -> Difference:
    """Morphology with the area that the contours would enclose had both been drawn on the edge, and its other
    coordinates that do not depend on how a contour is drawn.

    A contour drawn beyond the edge by a share t of its radius encloses about exp(2 t) of the lesion's area; the
    relative offset is -t.
    """
    basis = load_basis()[0]
    reach = boundary.VECTOR.index("offset_relative")
    d = min(ANNOTATION_FREE, len(a.plain[axis].mean), len(b.plain[axis].mean))
    plain = compare(a.plain[axis].leading(d), b.plain[axis].leading(d))
    x, y = a.plain["boundary"], b.plain["boundary"]
    factor = 2 * basis["boundary"].spread[reach] / basis[axis].spread[0]
    delta, variance = plain.delta.copy(), plain.variance.copy()
    delta[0] += factor * (x.mean[reach] - y.mean[reach])
    variance[0, 0] += factor**2 * (x.cov[reach, reach] / x.n + y.cov[reach, reach] / y.n)
    return replace(plain, delta=delta, variance=variance)


# moments of unequal width


def _merged(a: Mapping[str, Moments], b: Mapping[str, Moments], covariates: int = 0) -> dict[str, Moments]:
    merged = {}
    for axis in a:
        if axis in b:
            x, y = _same_width(a[axis], b[axis], covariates)
            merged[axis] = x.merge(y)
    return merged


def _same_width(a: Moments, b: Moments, covariates: int = 0, most: int | None = None) -> tuple[Moments, Moments]:
    """Both with the leading coordinates that both have, `most` at the most, and their covariates last."""
    d = min(len(a.mean), len(b.mean)) - covariates
    d = d if most is None else min(d, most)
    return _kept(a, d, covariates), _kept(b, d, covariates)


def _kept(moments: Moments, d: int, covariates: int) -> Moments:
    last = len(moments.mean)
    keep = [*range(d), *range(last - covariates, last)]
    return Moments(moments.n, moments.mean[keep], moments.cov[np.ix_(keep, keep)])
