"""All sites of a federation against each other, axis by axis, all pairs of an axis at once.

Everything is compared at equal prevalence where labels differ. Structure is compared with the area corrected for
contours drawn outside or inside the edge, where that differs; all other axes at equal lesion area. Every effect of an
axis is told in the axis's one yardstick, whatever was held equal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftscope.measures import AXES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.lesions import contours
from shiftscope.shifts.differences import Differences, MomentTable, adjusted, against_all, plain
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.effects import Effect, Shift
from shiftscope.shifts.label_counts import label_curves, prevalence_differences
from shiftscope.shifts.prevalence import Classes, at_equal_prevalence
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.shifts.standouts import Standing, standings
from shiftscope.shifts.units import believed, yardsticks
from shiftscope.stats import Moments

__all__ = ["Shifts", "compare_all", "compare_one", "compare_pairs", "compare_sides"]

LABELS = "labels"

_FREE_OF_HABIT = 4
"""Leading coordinates of the morphology that an annotator's contour habit leaves alone, once area is corrected."""

_NEGATIVE, _UPRIGHT = "polarity_", "quantile_map_"
"""One site's negatives are compared with the other's upright images: what turning one of two sites would leave."""

_RAW = "features_"

_SUSPICION = 0.05  # a difference of labels with a smaller p is held equal before anything else is judged
_CONVICTION = 0.01  # likewise for the contours' habit, whose correction costs structure half its coordinates


@dataclass(frozen=True, slots=True)
class Shifts:
    """A federation compared.

    Attributes:
        pairs: (a, b) -> their comparison, for all pairs in the order given.
        by_site: site -> its comparison with all others together, each of them counted alike.
        standing: site -> what it does to the effects between others and how far from all of them it lies, axis by
            axis, those of harmonized features too; nothing of a site with fewer than two others.
    """

    pairs: Mapping[tuple[str, str], Shift]
    by_site: Mapping[str, Shift]
    standing: Mapping[str, tuple[Standing, ...]]


def compare_sides(a: SiteStatistics, b: SiteStatistics) -> Shift:
    """Two sites as a federation of their own: the yardstick is theirs alone."""
    return compare_all([a, b]).pairs[a.site, b.site]


def compare_all(sides: Sequence[SiteStatistics]) -> Shifts:
    """Compare all pairs on every axis that both have.

    The unit of an axis is how patients vary within sites, pooled over all sites given, so the effect between two of
    them depends on who else is there, and much where one varies far more; in exchange all effects of an axis are on
    one scale, and the more sites the better that scale is known. From three sites on none counts for more than a
    multiple of the median number of patients (`units.believed`).

    Args:
        sides: two sites or more, of different names.
    """
    i, j = np.triu_indices(len(sides), k=1)
    within = believed(sides)
    axes = _axes(sides, (i, j), within)
    sites = [list[Effect]() for _ in sides]
    standing = [list[Standing]() for _ in sides]
    for name, axis in axes.items():
        if name.startswith(_NEGATIVE):  # whom to turn is a question of two
            continue
        for site, effect in axis.against_all(range(len(sides)), i, j):
            sites[site].append(effect)
        if name != LABELS:  # which have no common unit
            for site, found in standings(name, axis.differences, i[axis.rows], j[axis.rows], sides):
                harmonized = axis.question == "features" and not name.startswith(_RAW)  # their unit is the raw ones'
                standing[site].append(replace(found, pull=None) if harmonized else found)
    names = [(sides[a].site, sides[b].site) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    return Shifts(
        pairs=dict(zip(names, _of_pairs(axes, i, j), strict=True)),
        by_site={side.site: Shift(tuple(effects)) for side, effects in zip(sides, sites, strict=True)},
        standing={side.site: tuple(found) for side, found in zip(sides, standing, strict=True)},
    )


def compare_one(sides: Sequence[SiteStatistics], site: int) -> Shift:
    """One site with all others together, as in `Shifts.by_site`, without comparing the others with each other.

    Args:
        sides: two sites or more, of different names.
        site: its place.
    """
    others = np.array([place for place in range(len(sides)) if place != site])
    i, j = np.minimum(others, site), np.maximum(others, site)
    axes = _axes(sides, (i, j), believed(sides))
    effects = [
        effect
        for name, axis in axes.items()
        if not name.startswith(_NEGATIVE)
        for _, effect in axis.against_all([site], i, j)
    ]
    return Shift(tuple(effects))


def compare_pairs(
    sides: Sequence[SiteStatistics], pairs: tuple[np.ndarray, np.ndarray], within: Sequence[SiteStatistics]
) -> tuple[Shift, ...]:
    """Compare some pairs, in the yardstick of other sides.

    Args:
        sides: may share patients, as long as no two of a pair do.
        pairs: places of the first and of the second side of each pair, (m,) and (m,).
        within: of different names, with no patient in common: those whose spread is the unit.

    Returns:
        The comparison of each pair, in the order given.
    """
    return _of_pairs(_axes(sides, pairs, within), *pairs)


def _axes(
    sides: Sequence[SiteStatistics], pairs: tuple[np.ndarray, np.ndarray], within: Sequence[SiteStatistics]
) -> dict[str, "_Axis"]:
    """All axes, the labels first, with those held equal that must be."""
    found = _Axis.of_labels(sides, *pairs)
    axes = {LABELS: found}
    suspected = np.zeros(len(pairs[0]), dtype=bool)
    suspected[found.rows[found.curves.p < _SUSPICION]] = True
    for axis in sorted(AXES, key=lambda axis: axis != "boundary"):
        if axis.startswith(_NEGATIVE):
            axes[axis] = _Axis.of_turned(axis, sides, pairs, suspected, within)
        else:
            axes[axis] = _Axis.of(axis, sides, pairs, suspected, axes.get("boundary"), within)
    return {axis: axes[axis] for axis in (LABELS, *AXES)}


def _of_pairs(axes: Mapping[str, "_Axis"], i: np.ndarray, j: np.ndarray) -> tuple[Shift, ...]:
    pairs = [list[Effect]() for _ in i]
    for axis in axes.values():
        for row, effect in axis.effects(i, j):
            pairs[row].append(effect)
    return tuple(Shift(tuple(effects)) for effects in pairs)


@dataclass(slots=True)
class _Axis:
    """One axis of all pairs that have it.

    Attributes:
        name: a key of `AXES`, or "labels".
        question: what it speaks of.
        n: (N,) patients of each site.
        rows: (k,) the pairs.
        differences: theirs, after holding equal.
        tell: differences -> curves in the axis's yardstick.
        held: (k,) what was held equal.
        explained: (k,) how much of the effect that took away.
        curves: of `differences`.
    """

    name: str
    question: str
    n: np.ndarray
    rows: np.ndarray
    differences: Differences
    tell: Callable[[Differences], EffectDistribution]
    held: np.ndarray
    explained: np.ndarray
    curves: EffectDistribution

    @classmethod
    def of_labels(cls, sides: Sequence[SiteStatistics], i: np.ndarray, j: np.ndarray) -> "_Axis":
        """Prevalence."""
        rows, differences = prevalence_differences([side.labels for side in sides], i, j)
        n = np.array([side.labels.total for side in sides])
        return cls._plain(LABELS, "label", n, rows, differences, label_curves)

    @classmethod
    def _plain(
        cls,
        name: str,
        question: str,
        n: np.ndarray,
        rows: np.ndarray,
        differences: Differences,
        tell: Callable[[Differences], EffectDistribution],
    ) -> "_Axis":
        held, explained = np.full(len(rows), "", dtype=object), np.zeros(len(rows))
        return cls(name, question, n, rows, differences, tell, held, explained, tell(differences))

    @classmethod
    def of(
        cls,
        name: str,
        sides: Sequence[SiteStatistics],
        pairs: tuple[np.ndarray, np.ndarray],
        suspected: np.ndarray,
        habit: "_Axis | None",
        within: Sequence[SiteStatistics],
    ) -> "_Axis":
        """An axis with prevalence, lesion area and the annotators' habit held equal where they need be."""
        table = MomentTable.of([side.plain.get(name) for side in sides])
        varies = np.trace(table.cov, axis1=1, axis2=2)
        i, j = pairs
        rows = np.flatnonzero((table.width[i] > 0) & (table.width[j] > 0) & (varies[i] + varies[j] > 0))
        i, j = i[rows], j[rows]
        unit = yardsticks(name, within)
        axis = cls._plain(
            name, AXES[name].question, table.n, rows, plain(table, i, j), lambda items: items.curves(unit)
        )
        if not len(rows):
            return axis
        open_ = np.ones(len(rows), dtype=bool)
        asked = np.flatnonzero(suspected[rows])
        if len(asked):
            classes = Classes.of(
                [{label: axes[name] for label, axes in side.classes.items() if name in axes} for side in sides]
            )
            done, differences = at_equal_prevalence(
                table, classes, [side.labels for side in sides], (i[asked], j[asked]), unit
            )
            axis.hold(asked[done], differences, "prevalence")
            open_[asked[done]] = False
        if axis.question != "structure":
            joint, covariate, links, areas = _with_area(name, sides, table)
            asked = np.flatnonzero(open_ & (areas[i] == areas[j]) & (areas[i] > 0))
            if len(asked):
                axis.hold(asked, adjusted(joint, covariate, links, i[asked], j[asked]), "lesion area")
        elif habit is not None and len(habit.rows):
            drawn = habit.rows[habit.curves.p < _CONVICTION]
            asked = np.flatnonzero(np.isin(rows, drawn))
            if len(asked):
                cut = axis.differences.at(asked).leading(np.full(len(asked), _FREE_OF_HABIT))
                axis.hold(asked, _without_habit(name, cut, sides, i[asked], j[asked]), "contour habit")
        return axis

    @classmethod
    def of_turned(
        cls,
        name: str,
        sides: Sequence[SiteStatistics],
        pairs: tuple[np.ndarray, np.ndarray],
        suspected: np.ndarray,
        within: Sequence[SiteStatistics],
    ) -> "_Axis":
        """Negatives after their quantile map against upright images after theirs. Either site may be the inverted one:
        of the two ways to turn them the one that leaves less counts."""
        (i, j), count, asked = pairs, len(sides), len(pairs[0])
        upright = _UPRIGHT + name.removeprefix(_NEGATIVE)
        both, units = ([*given, *(_as(upright, name, side) for side in given)] for given in (sides, within))
        ways = (np.concatenate([i, i + count]), np.concatenate([j + count, j]))
        axis = cls.of(upright, both, ways, np.tile(suspected, 2), None, units)
        of_pair = axis.rows % max(asked, 1)
        order = np.lexsort((np.asarray(axis.curves.value), of_pair))
        rows, first = np.unique(of_pair[order], return_index=True)
        best = order[first]
        return cls(
            name=name,
            question=axis.question,
            n=axis.n[:count],
            rows=rows,
            differences=axis.differences.at(best),
            tell=axis.tell,
            held=axis.held[best],
            explained=axis.explained[best],
            curves=EffectDistribution(*(np.asarray(field)[best] for field in axis.curves)),
        )

    def hold(self, rows: np.ndarray, differences: Differences, what: str) -> None:
        """Replace some differences by what is left with something held equal, on the same coordinates."""
        narrower = bool(np.any(differences.width < self.differences.width[rows]))
        same = (
            self.tell(self.differences.at(rows).leading(differences.width)) if narrower else self.curves.at_rows(rows)
        )
        left = self.tell(differences)
        self.explained[rows] += np.maximum(same.value - left.value, 0.0)
        self.differences = self.differences.put(rows, differences)
        self.curves = self.curves.put(rows, left)
        self.held[rows] = [" and ".join(filter(None, (held, what))) for held in self.held[rows]]

    def effects(self, i: np.ndarray, j: np.ndarray) -> list[tuple[int, Effect]]:
        """The effect of every pair that has one, with the pair's place."""
        n = np.stack([self.n[i[self.rows]], self.n[j[self.rows]]], axis=1).tolist()
        rest = zip(n, self.differences.width.tolist(), self.held, self.explained.tolist(), strict=True)
        curves = map(EffectDistribution._make, zip(*(np.asarray(field).tolist() for field in self.curves), strict=True))
        return [
            (row, Effect(self.name, self.question, curve, (a, b), width, held, explained))
            for row, curve, ((a, b), width, held, explained) in zip(self.rows.tolist(), curves, rest, strict=True)
        ]

    def against_all(self, sites: Iterable[int], i: np.ndarray, j: np.ndarray) -> list[tuple[int, Effect]]:
        """The effect of some sites against all others, with the site's place."""
        first, second = i[self.rows], j[self.rows]
        of, found = [], []
        for site in sites:
            mine = np.flatnonzero((first == site) | (second == site))
            if len(mine):
                of.append((site, mine))
                found.append(against_all(self.differences.at(mine).swapped(second[mine] == site)))
        if not found:
            return []
        joined = Differences(
            *(
                np.concatenate([getattr(item, field) for item in found], axis=axis)
                for field, axis in (("width", 0), ("delta", 0), ("parts", 1), ("freedom", 1))
            )
        )
        curves = map(
            EffectDistribution._make, zip(*(np.asarray(field).tolist() for field in self.tell(joined)), strict=True)
        )
        out = []
        for (site, mine), width, curve in zip(of, joined.width.tolist(), curves, strict=True):
            others = int(np.sum(self.n[first[mine]] + self.n[second[mine]] - self.n[site]))
            held = ", ".join(sorted({str(item) for item in self.held[mine] if item}))
            explained = float(np.mean(self.explained[mine]))
            effect = Effect(self.name, self.question, curve, (int(self.n[site]), others), width, held, explained)
            out.append((site, effect))
        return out


def _as(name: str, axis: str, side: SiteStatistics) -> SiteStatistics:
    """A side that has nothing but one axis, under another name."""
    return replace(
        side,
        plain={name: side.plain[axis]} if axis in side.plain else {},
        joint={name: side.joint[axis]} if axis in side.joint else {},
        classes={label: {name: axes[axis]} for label, axes in side.classes.items() if axis in axes},
    )


def _with_area(
    name: str, sides: Sequence[SiteStatistics], table: MomentTable
) -> tuple[MomentTable, MomentTable, np.ndarray, np.ndarray]:
    """An axis over the patients whose area is known: the axis, the area, their covariances (N, D), and which axis the
    area is of at each site (N,), 0 for none."""
    joint = [side.joint.get(name) if side.plain.get(name) is not None else None for side in sides]
    kinds = sorted({side.area for side in sides if side.area is not None})
    cut = [None if m is None else Moments(m.n, m.mean[:-1], m.cov[:-1, :-1]) for m in joint]
    areas = [None if m is None else Moments(m.n, m.mean[-1:], m.cov[-1:, -1:]) for m in joint]
    inner = MomentTable.of(cut).leading(table.mean.shape[1])
    links = np.zeros((len(sides), inner.mean.shape[1]))
    for index, moments in enumerate(joint):
        if moments is not None:
            d = min(len(moments.mean) - 1, links.shape[1])
            links[index, :d] = moments.cov[-1, :d]
    of = [
        0 if m is None or side.area is None else 1 + kinds.index(side.area)
        for m, side in zip(joint, sides, strict=True)
    ]
    return inner, MomentTable.of(areas), links, np.array(of)


def _without_habit(
    axis: str, cut: Differences, sides: Sequence[SiteStatistics], i: np.ndarray, j: np.ndarray
) -> Differences:
    """Morphology with the area that the contours would enclose had both been drawn on the edge, and its other
    coordinates that do not depend on how a contour is drawn.

    A contour drawn beyond the edge by a share t of its radius encloses about exp(2 t) of the lesion's area, exp(3 t) of
    its volume; the offset is -t radii. The radius is that of a disk, or ball, of the site's mean log area.
    """
    basis = load_basis()[0]
    contour, size = basis["boundary"], basis[axis]
    dimensions = 3 if axis.endswith("3d") else 2
    ball = np.pi if dimensions == 2 else 4 / 3 * np.pi
    mean, variance = np.zeros(len(sides)), np.zeros(len(sides))
    for index in {*i.tolist(), *j.tolist()}:
        drawn, lesions = sides[index].plain["boundary"], sides[index].plain[axis]
        share = np.exp(size.centre[0] + size.spread[0] * lesions.mean[0])
        radius = contours.CANVAS * (share / ball) ** (1 / dimensions)
        factor = dimensions / (radius * size.spread[0])
        mean[index] = factor * (contour.centre[0] + contour.spread[0] * drawn.mean[0])
        variance[index] = (factor * contour.spread[0]) ** 2 * (drawn.cov[0, 0] / drawn.n + drawn.noise)
    delta, parts = cut.delta.copy(), cut.parts.copy()
    delta[:, 0] += mean[i] - mean[j]
    parts[:, :, 0, 0] += np.stack([variance[i], variance[j]])
    return Differences(cut.width, delta, parts, cut.freedom)
