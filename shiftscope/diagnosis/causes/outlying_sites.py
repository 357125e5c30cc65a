"""Each finding once: of the site that stands out against all others, else of the pair."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

__all__ = ["Differing", "Key", "SiteGroup", "SiteGroups", "outlying_sites"]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class SiteGroup(Generic[Key]):
    """A site, and those it differs from in one respect.

    Attributes:
        site: the one that stands out.
        key: in which respect.
        others: those it differs from, one where the finding is of a pair only.
        weight: sum over `others`.
    """

    site: str
    key: Key
    others: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Differing:
    """In which respects sites differ from others, and how much, e of them; what differs from either site's point of
    view stands under both.

    Attributes:
        site, other: (e,) places of sites by their names.
        key: (e,) numbers of respects; of those of one site and another the first counts where two are equal.
        weight: (e,) how much.
    """

    site: np.ndarray
    other: np.ndarray
    key: np.ndarray
    weight: np.ndarray

    def ordered(self) -> "Differing":
        """By site and other."""
        order = np.lexsort((self.other, self.site))
        return Differing(self.site[order], self.other[order], self.key[order], self.weight[order])


@dataclass(frozen=True)
class SiteGroups:
    """Groups that hold every pair once.

    Attributes:
        standing_out: (site, key, others, weight) of sites that stand out, in the order in which they were found.
        single: the other pairs, the site that the finding is of first.
    """

    standing_out: list[tuple[int, int, tuple[int, ...], float]]
    single: Differing

    @classmethod
    def of(cls, differing: Differing, sites: int) -> "SiteGroups":
        """A site stands out when it differs in the same respect from more than half of all others, two at the least.
        Sites are taken from the heaviest down; a pair that one covers is not in the group of another.

        Args:
            differing: what differs.
            sites: how many were compared.
        """
        found = differing.ordered()
        keys = int(found.key.max(initial=0)) + 1
        _, first, group = np.unique(found.site * keys + found.key, return_index=True, return_inverse=True)
        total, count = np.bincount(group, found.weight, len(first)), np.bincount(group, minlength=len(first))
        large = np.flatnonzero(2 * count > sites - 1)
        by_group, ends = np.argsort(group, kind="stable"), np.cumsum(count)
        size = int(max(found.site.max(initial=0), found.other.max(initial=0))) + 1
        covered = np.zeros((size, size), dtype=bool)
        standing_out = []
        for one in large[np.lexsort((first[large], -total[large]))].tolist():
            rows = by_group[ends[one] - count[one] : ends[one]]
            site, key = int(found.site[rows[0]]), int(found.key[rows[0]])
            rest = rows[~covered[site, found.other[rows]]]
            if len(rest) > 1:
                others = found.other[rest]
                standing_out.append((site, key, tuple(others.tolist()), sum(found.weight[rest].tolist())))
                covered[site, others] = covered[others, site] = True
        return cls(standing_out, _of_pairs(found, covered))

    def heaviest(self, most: int | None = None) -> list[tuple[int, int, tuple[int, ...], float]]:
        """The first so many of all, the heaviest first."""
        one = self.single
        order = np.argsort(-one.weight, kind="stable")[:most]
        fields = zip(*(field[order].tolist() for field in (one.site, one.key, one.other, one.weight)), strict=True)
        single = ((site, key, (other,), weight) for site, key, other, weight in fields)
        return list(islice(sorted([*self.standing_out, *single], key=lambda item: -item[3]), most))

    def keys_of(self, groups: Sequence[tuple[int, tuple[int, ...]]]) -> dict[tuple[int, tuple[int, ...]], int]:
        """(site, others) -> the respect in which they differ, of those of some groups that are among these."""
        known = {(site, others): key for site, key, others, _ in self.standing_out}
        one = self.single
        for site, others in groups:
            rows = np.flatnonzero((one.site == site) & (one.other == others[0])) if len(others) == 1 else ()
            for row in rows:
                known[site, others] = int(one.key[row])
        return known


def _of_pairs(found: Differing, covered: np.ndarray) -> Differing:
    """Of every pair that no group covers what differs most, said of the later site where both say the same, in their
    order."""
    kept = np.flatnonzero(~covered[found.site, found.other])
    low, high = np.minimum(found.site, found.other)[kept], np.maximum(found.site, found.other)[kept]
    size = len(covered)
    pair = low * size + high
    later = found.site[kept] == high
    best = kept[np.lexsort((np.arange(len(kept)), ~later, -found.weight[kept], pair))]
    _, of_pair = np.unique(np.sort(pair), return_index=True)
    _, met = np.unique(pair, return_index=True)  # where each pair comes first
    best = best[of_pair][np.argsort(met, kind="stable")]
    return Differing(found.site[best], found.other[best], found.key[best], found.weight[best])


def outlying_sites(differing: Mapping[tuple[str, str], Mapping[Key, float]], sites: int) -> list[SiteGroup[Key]]:
    """Groups that hold every pair once, the heaviest first, as `SiteGroups` has them.

    Args:
        differing: (site, other) -> in which respects `site` differs from `other`, and how much. What differs from
            either site's point of view stands under both orders.
        sites: how many were compared.
    """
    names = sorted({name for pair in differing for name in pair})
    place = {name: index for index, name in enumerate(names)}
    keys = [*dict.fromkeys(key for found in differing.values() for key in found)]
    number = {key: index for index, key in enumerate(keys)}
    rows = [
        (place[site], place[other], number[key], weight)
        for (site, other), found in differing.items()
        for key, weight in found.items()
    ]
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0, dtype=int)] * 4
    return [
        SiteGroup(names[site], keys[key], tuple(names[other] for other in others), weight)
        for site, key, others, weight in SiteGroups.of(Differing(*columns), sites).heaviest()
    ]
