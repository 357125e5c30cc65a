"""Effects with intervals, one per axis, between two sites or of one site against all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from shiftscope.measures import AXES, boundary
from shiftscope.measures.basis import load_basis
from shiftscope.shifts.labels import prevalence_difference
from shiftscope.shifts.side import Side
from shiftscope.stats import Difference, Moments, adjusted, against_all, compare, projected, reweighted

__all__ = ["Effect", "Shift", "compare_sides", "site_against_all"]

LABELS = "labels"

_COMPARED = {"boundary": boundary.VECTOR.index("offset_relative")}
"""Coordinates that are compared, where not all: the contour's relative offset depends on the lesion's size, and serves
only to correct areas."""

_FREE_OF_HABIT = 4
"""Leading coordinates of the morphology that an annotator's contour habit leaves alone, once area is corrected."""

_SUSPICION = 0.05  # a difference of labels with a smaller p is held equal before anything else is judged
_CONVICTION = 0.01  # likewise for the contours' habit, whose correction costs structure half its coordinates
_MOST_PATIENTS = 0.8  # share of a side's patients that the classes both sides publish must cover


@dataclass(frozen=True)
class Effect:
    """A difference on one axis.

    Attributes:
        axis: a key of `AXES`, or "labels".
        question: "appearance", "structure", "label", "annotation" or "features".
        difference: the means' difference with its distribution, told in plain within-site variance.
        n: patients on either side.
        held: what was held equal: "prevalence", "lesion area", "contour habit"; "" for nothing.
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
        """Squared distance over within-site variance, its bias taken off, at least 0."""
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
class Shift:
    """All effects of one comparison."""

    effects: tuple[Effect, ...]

    def on(self, axis: str) -> Effect | None:
        """The effect on an axis, None where it could not be compared."""
        return next((effect for effect in self.effects if effect.axis == axis), None)

    def about(self, question: str) -> list[Effect]:
        """The effects that speak of a question."""
        return [effect for effect in self.effects if effect.question == question]


def compare_sides(a: Side, b: Side) -> Shift:
    """Compare on every axis that both have.

    Everything is compared at equal prevalence where labels differ. Structure is compared with the area corrected for
    contours drawn outside or inside the edge, where that differs; all other axes at equal lesion area.
    """
    labels = prevalence_difference(a.labels, b.labels)
    by_prevalence = labels is not None and labels.p < _SUSPICION
    effects = []
    if labels is not None:
        effects.append(Effect(LABELS, "label", labels, (a.labels.total, b.labels.total)))
    habit = _effect("boundary", a, b, by_prevalence) if _both("boundary", a, b) else None
    for axis in AXES:
        if axis == "boundary" and habit is not None:
            effects.append(habit)
        elif _both(axis, a, b):
            effect = _effect(axis, a, b, by_prevalence)
            if effect.question == "structure" and habit is not None and habit.p < _CONVICTION:
                effect = _without_habit(effect, a, b)
            effects.append(effect)
    return Shift(tuple(effects))


def site_against_all(site: str, shifts: Mapping[tuple[str, str], Shift]) -> Shift:
    """One site against all others, each counted alike, from its comparisons with them.

    Args:
        site: the site.
        shifts: (a, b) -> their comparison; pairs without the site are not looked at.
    """
    found: dict[str, list[Effect]] = {}
    for (a, b), shift in shifts.items():
        if site in (a, b):
            for effect in shift.effects:
                found.setdefault(effect.axis, []).append(effect if a == site else _swapped(effect))
    return Shift(tuple(_averaged(effects) for effects in found.values()))


def _averaged(effects: Sequence[Effect]) -> Effect:
    return replace(
        effects[0],
        difference=against_all([effect.difference for effect in effects]),
        n=(effects[0].n[0], sum(effect.n[1] for effect in effects)),
        held=", ".join(sorted({effect.held for effect in effects if effect.held})),
        explained=float(np.mean([effect.explained for effect in effects])),
    )


def _swapped(effect: Effect) -> Effect:
    return replace(effect, difference=effect.difference.swapped(), n=effect.n[::-1])


def _both(axis: str, a: Side, b: Side) -> bool:
    """Whether the axis can be compared: both sides have it, and patients vary."""
    if axis not in a.plain or axis not in b.plain:
        return False
    return float(np.trace(a.plain[axis].cov) + np.trace(b.plain[axis].cov)) > 0


def _effect(axis: str, a: Side, b: Side, by_prevalence: bool) -> Effect:
    most = _COMPARED.get(axis)
    one, other = a.plain[axis].leading(most), b.plain[axis].leading(most)
    effect = Effect(axis, AXES[axis].question, compare(one, other), (one.n, other.n))
    difference, what = None, ""
    if by_prevalence:
        difference, what = _at_equal_prevalence(axis, a, b, most), "prevalence"
    if (
        difference is None
        and effect.question != "structure"
        and a.area == b.area
        and axis in a.joint
        and axis in b.joint
    ):
        difference, what = adjusted(*_same_width(a.joint[axis], b.joint[axis], most), covariates=1), "lesion area"
    if difference is None:
        return effect
    d = len(difference.delta)
    return _holding(effect, compare(one.leading(d), other.leading(d)), difference, what)


def _holding(effect: Effect, same: Difference, difference: Difference, what: str) -> Effect:
    """The effect with something held equal, told in the plain within-site variance of the same coordinates.

    Args:
        effect: as it was.
        same: its difference on the coordinates of `difference`.
        difference: what is left.
        what: was held equal.
    """
    held = replace(
        effect, difference=difference.on_scale_of(same), held=" and ".join(filter(None, (effect.held, what)))
    )
    return replace(held, explained=effect.explained + max(0.0, same.effect - held.value))


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
        if classes and {*classes} >= {*a.labels.low, *b.labels.low}:
            names = sorted(classes)
            sizes = np.array([classes[name].n for name in names], dtype=float)
            target = sizes / sizes.sum() * other.labels.total
            options = [
                projected([classes[name] for name in names], counts / counts.sum(), other.plain[axis].leading(most))
                for counts in other.labels.possible(names, target)
            ]
            smallest = min(options, key=lambda option: float(option.delta @ option.delta))
            return smallest if other is b else smallest.swapped()
    return None


def _without_habit(effect: Effect, a: Side, b: Side) -> Effect:
    """Morphology with the area that the contours would enclose had both been drawn on the edge, and its other
    coordinates that do not depend on how a contour is drawn.

    A contour drawn beyond the edge by a share t of its radius encloses about exp(2 t) of the lesion's area; the
    relative offset is -t.
    """
    basis = load_basis()[0]
    reach = boundary.VECTOR.index("offset_relative")
    cut = effect.difference.leading(_FREE_OF_HABIT)
    factor = 2 * basis["boundary"].spread[reach] / basis[effect.axis].spread[0]
    delta, parts = cut.delta.copy(), []
    for part, side in zip(cut.parts, (a, b), strict=True):
        contours = side.plain["boundary"]
        added = part.copy()
        added[0, 0] += factor**2 * contours.cov[reach, reach] / contours.n
        parts.append(added)
    delta[0] += factor * (a.plain["boundary"].mean[reach] - b.plain["boundary"].mean[reach])
    plain = compare(a.plain[effect.axis].leading(_FREE_OF_HABIT), b.plain[effect.axis].leading(_FREE_OF_HABIT))
    return _holding(
        effect, cut.on_scale_of(plain), replace(cut, delta=delta, parts=(parts[0], parts[1])), "contour habit"
    )


def _same_width(a: Moments, b: Moments, most: int | None) -> tuple[Moments, Moments]:
    """Both with the leading coordinates that both have, `most` at the most, and their covariate last."""
    d = min(len(a.mean), len(b.mean)) - 1
    return _kept(a, d if most is None else min(d, most)), _kept(b, d if most is None else min(d, most))


def _kept(moments: Moments, d: int) -> Moments:
    keep = [*range(d), len(moments.mean) - 1]
    return Moments(moments.n, moments.mean[keep], moments.cov[np.ix_(keep, keep)])
