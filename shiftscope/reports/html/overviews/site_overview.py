"""Many sites at a glance: how far all lie apart, in groups and in an order that all drawings and tables keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from shiftscope.diagnosis import PairVerdict
from shiftscope.profiles import Profile
from shiftscope.reports.html.overviews.pair_effects import PairEffects
from shiftscope.reports.html.overviews.sorted_sites import SortedSites, sort_sites
from shiftscope.shifts import SiteStatistics

__all__ = ["Band", "Overview"]


@dataclass(frozen=True, slots=True)
class Band:
    """Neighbours in the order.

    Attributes:
        name: what they are called: "odd", "group 1".
        mark: the same where there is little room: "odd", "1".
        places: of its sites in `Overview.order`.
        odd: whether each of them stands alone.
    """

    name: str
    mark: str
    places: range
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """A federation of many sites.

    Attributes:
        effects: of all pairs.
        ordering: of the sites by how far they lie apart on all questions together.
        patients: of each site that was compared.
    """

    effects: PairEffects
    ordering: SortedSites
    patients: Mapping[str, int]

    @classmethod
    def of(cls, profiles: Sequence[Profile], sites: Sequence[SiteStatistics], pairs: Sequence[PairVerdict]) -> Self:
        """Compare and sort the sites.

        Args:
            profiles: of N sites that were compared.
            sites: the same, ready to compare.
            pairs: verdicts on them; those that are called are enough.
        """
        effects = PairEffects.of(sites, pairs)
        ordering = sort_sites(effects.distance, effects.doubt)
        return cls(effects, ordering, {profile.site: profile.patients for profile in profiles})

    @property
    def order(self) -> list[str]:
        """All sites: the odd ones, then group by group, alike ones beside each other."""
        return self._named(self.ordering.order)

    @property
    def odd(self) -> list[str]:
        """Those that stand alone, the farthest first."""
        return self._named(self.ordering.odd)

    @property
    def typical(self) -> list[str]:
        """Of each group the site in its middle."""
        return self._named(self.ordering.typical)

    def telling(self, most: int) -> list[str]:
        """Sites that stand for all: of each group the typical one, and the odd ones as far as there is room; in the
        order of all."""
        kept = {*self.typical, *self.odd[: max(0, most - len(self.typical))]}
        return [site for site in self.order if site in kept][:most]

    def drawn(self, most: int) -> list[str]:
        """The telling ones, and others at even steps of the order where there is room."""
        order, kept = self.order, self.telling(most)
        rest = [site for site in order if site not in kept]
        steps = np.linspace(0, len(rest) - 1, min(most - len(kept), len(rest))).round().astype(int)
        chosen = {*kept, *(rest[step] for step in steps)}
        return [site for site in order if site in chosen]

    @property
    def bands(self) -> list[Band]:
        """The odd ones, where there are some, and the groups, which have numbers where there are several."""
        odd, groups = len(self.ordering.odd), self.ordering.groups
        out = [Band("odd", "odd", range(odd), odd=True)] if odd else []
        start = odd
        for number, group in enumerate(groups, start=1):
            places = range(start, start + len(group))
            if len(groups) > 1:
                out.append(Band(f"group {number}", str(number), places))
            else:
                out.append(Band("all others", "others", places) if odd else Band("all sites", "all", places))
            start = places.stop
        return out

    def ordered(self, effects: np.ndarray) -> np.ndarray:
        """Effects (N, N) with rows and columns in the order."""
        places = np.array(self.ordering.order)
        out: np.ndarray = effects[np.ix_(places, places)]
        return out

    def _named(self, places: Sequence[int]) -> list[str]:
        return [self.effects.sites[place] for place in places]
