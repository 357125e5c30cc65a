"""Sites whose classes are compared, of pairs and of each site against all others: all axes, every two classes.

What all comparisons share, the classes of all sites in one unit, is made once for each axis, every two classes and each
number of coordinates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from shiftscope.shifts.contrasts.class_contrasts import COMPARED, SHARE, contrast_differences
from shiftscope.shifts.contrasts.class_tables import ClassTable
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.effects import ClassContrast, Effect
from shiftscope.shifts.site_statistics import SiteStatistics
from shiftscope.stats import Moments

__all__ = [
    "ComparedClasses",
    "ContrastEffects",
    "contrasts_between",
    "contrasts_of_pairs",
    "contrasts_of_sites",
]


@dataclass(frozen=True, slots=True)
class ContrastEffects:
    """How two classes lie apart on one axis, in those of m comparisons in which both parties know both.

    Attributes:
        axis: one of `COMPARED`.
        classes: the two.
        rows: (k,) which of the comparisons, rising.
        distributions: of the effects, fields (k,).
        margin: (k,) the largest effects that shifts of appearance may have.
        common: (k,) squared lengths of half the contrasts that both parties have in common.
        n: (k, 2) patients of both classes.
        width: coordinates compared.
    """

    axis: str
    classes: tuple[str, str]
    rows: np.ndarray
    distributions: EffectDistribution
    margin: np.ndarray
    common: np.ndarray
    n: np.ndarray
    width: int

    def contrasts(self) -> Iterator[tuple[int, ClassContrast]]:
        """Each by itself, with its row."""
        fields = zip(*(np.asarray(field).tolist() for field in self.distributions), strict=True)
        numbers = zip(self.rows.tolist(), self.margin.tolist(), self.common.tolist(), self.n.tolist(), strict=True)
        for (row, margin, common, (a, b)), distribution in zip(
            numbers, map(EffectDistribution._make, fields), strict=True
        ):
            effect = Effect(self.axis, "concept", distribution, (a, b), self.width)
            yield row, ClassContrast(self.classes, effect, margin, common)


@dataclass(frozen=True)
class ComparedClasses:
    """Sites whose classes are to be compared, whichever of them are: what all comparisons share is made once.

    Attributes:
        sites: N, of different names; patients of unknown class are in no contrast.
        within: with no patient in common: those whose spread within classes is the unit, each counted in full; None for
            the sites themselves, none counted for more than a multiple of the median.
    """

    sites: Sequence[SiteStatistics]
    within: Sequence[SiteStatistics] | None = None

    def effects(self, first: np.ndarray, second: np.ndarray) -> Iterator[ContrastEffects]:
        """The contrasts of m comparisons, by axis and classes.

        Args:
            first, second: (m, N) which sites are compared with which, each counted alike; or places of single sites,
                (m,) and (m,).
        """
        for contrast in self._two_classes:
            yield from contrast.effects(first, second)

    def contrasts(self, first: np.ndarray, second: np.ndarray) -> list[tuple[ClassContrast, ...]]:
        """The same, comparison by comparison."""
        found = [list[ClassContrast]() for _ in first]
        for effects in self.effects(first, second):
            for row, contrast in effects.contrasts():
                found[row].append(contrast)
        return [tuple(contrasts) for contrasts in found]

    @cached_property
    def _two_classes(self) -> list["_TwoClasses"]:
        labels = sorted({label for site in self.sites for label in site.classes})
        return [
            _TwoClasses(axis, classes, self.sites, self.within)
            for axis in COMPARED
            for classes in combinations(labels, 2)
        ]


@dataclass(frozen=True)
class _TwoClasses:
    """Two classes at all sites, on one axis."""

    axis: str
    classes: tuple[str, str]
    sites: Sequence[SiteStatistics]
    within: Sequence[SiteStatistics] | None

    @cached_property
    def _moments(self) -> list[tuple[Moments, ...]]:
        return [_moments(self.axis, self.classes, site) for site in self.sites]

    @cached_property
    def _widths(self) -> np.ndarray:
        """(N,) coordinates that all three have, 0 where one of them is missing."""
        return np.array([min((len(item.mean) for item in found), default=0) for found in self._moments])

    @cached_property
    def _patients(self) -> np.ndarray:
        return np.array([sum(item.n for item in found[:2]) for found in self._moments])

    @cached_property
    def _tables(self) -> dict[int, tuple[np.ndarray, ClassTable]]:
        """Filled by width."""
        return {}

    def _table(self, d: int) -> tuple[np.ndarray, ClassTable]:
        """Places of the sites that have `d` coordinates, and their classes."""
        if d not in self._tables:
            having = np.flatnonzero(self._widths >= d)
            cut = [[item.leading(d) for item in self._moments[place]] for place in having]
            spread = None if self.within is None else _cells(self.axis, self.classes, self.within, d)
            table = ClassTable.of([(one, other) for one, other, _ in cut], [whole for _, _, whole in cut], spread)
            self._tables[d] = having, table
        return self._tables[d]

    def effects(self, first: np.ndarray, second: np.ndarray) -> Iterator[ContrastEffects]:
        """Of every comparison of which both parties know both classes, in the coordinates that all sites in it have."""
        widths = self._widths
        single = first.ndim == 1
        if single:
            shared = np.minimum(widths[first], widths[second])
            compared = shared > 0
        else:
            first, second = first & (widths > 0), second & (widths > 0)
            shared = np.where(first | second, widths, widths.max()).min(axis=1)
            compared = first.any(axis=1) & second.any(axis=1)
        for d in np.unique(shared[compared]).tolist():
            rows = np.flatnonzero(compared & (shared == d))
            having, table = self._table(d)
            if single:
                parties = [np.searchsorted(having, places[rows]) for places in (first, second)]
                n = np.stack([self._patients[first[rows]], self._patients[second[rows]]], axis=1)
            else:
                chosen = [party[rows] for party in (first, second)]
                parties = [party[:, having] / party.sum(axis=1, keepdims=True) for party in chosen]
                n = np.stack([party @ self._patients for party in chosen], axis=1)
            distributions, together, common = contrast_differences(table, *parties)
            yield ContrastEffects(self.axis, self.classes, rows, distributions, SHARE * together, common, n, d)


def contrasts_of_pairs(sites: Sequence[SiteStatistics]) -> Mapping[tuple[str, str], tuple[ClassContrast, ...]]:
    """Every pair of sites that know two classes, (a, b) in the order given -> all axes and pairs of classes.

    Args:
        sites: of different names; patients of unknown class are in no contrast.
    """
    i, j = np.triu_indices(len(sites), k=1)
    names = [(sites[a].site, sites[b].site) for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    found = ComparedClasses(sites).contrasts(i, j)
    return {names[row]: contrasts for row, contrasts in enumerate(found) if contrasts}


def contrasts_of_sites(sites: Sequence[SiteStatistics]) -> Mapping[str, tuple[ClassContrast, ...]]:
    """Every site that knows two classes which others know too -> its contrasts against all those others', each of
    them counted alike."""
    own = np.eye(len(sites)) > 0
    found = ComparedClasses(sites).contrasts(own, ~own)
    return {site.site: contrasts for site, contrasts in zip(sites, found, strict=True) if contrasts}


def contrasts_between(
    sites: Sequence[SiteStatistics], pairs: tuple[np.ndarray, np.ndarray], within: Sequence[SiteStatistics]
) -> list[tuple[ClassContrast, ...]]:
    """Some pairs of sites, in the unit of other sites: the contrasts of each pair, in the order given.

    Args:
        sites: may share patients, as long as no two of a pair do.
        pairs: places of the first and of the second site of each pair, (m,) and (m,).
        within: with no patient in common: those whose spread within classes is the unit, each counted in full.
    """
    return ComparedClasses(sites, within).contrasts(*pairs)


def _cells(axis: str, classes: tuple[str, str], sites: Sequence[SiteStatistics], d: int) -> list[Moments]:
    """Of both classes at every site that knows them in `d` coordinates or more, cut to as many."""
    found = [cell for site in sites for cell in _moments(axis, classes, site)[:2]]
    return [cell.leading(d) for cell in found if len(cell.mean) >= d]


def _moments(axis: str, classes: tuple[str, str], site: SiteStatistics) -> tuple[Moments, ...]:
    """Of the first class, of the second and of all patients; nothing where one of them is missing."""
    found = *(site.classes.get(label, {}).get(axis) for label in classes), site.plain.get(axis)
    known = tuple(item for item in found if item is not None)
    return known if len(known) == len(found) else ()
