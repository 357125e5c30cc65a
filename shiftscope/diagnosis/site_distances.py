"""How far sites lie apart, all questions together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from shiftscope.diagnosis.axis_verdicts import AxisVerdict
from shiftscope.diagnosis.many_pairs import ManyPairs
from shiftscope.measures.question_names import CONCEPT, QUESTIONS

__all__ = ["SiteDistances"]


class _Pair(Protocol):
    """A verdict on two sites."""

    @property
    def a(self) -> str:
        """The first site."""

    @property
    def b(self) -> str:
        """The second site."""

    @property
    def distances(self) -> Sequence[AxisVerdict]:
        """Answers whose effects add up."""


@dataclass(frozen=True, slots=True)
class SiteDistances:
    """Squared distances between sites.

    Attributes:
        sites: s of them.
        squared: (s, s), symmetric, zero on the diagonal: sums of the effects of all questions that were asked of two
            sites, in squared within-site deviations; what labels mean counts where it is called, because other images
            show in its effect.
    """

    sites: tuple[str, ...]
    squared: np.ndarray

    @classmethod
    def of(cls, sites: Sequence[str], pairs: Sequence[_Pair]) -> Self:
        """From the verdicts on all pairs; those with other sites are passed over."""
        place: Mapping[str, int] = {site: index for index, site in enumerate(sites)}
        squared = np.zeros((len(sites), len(sites)))
        for pair in pairs:
            if pair.a in place and pair.b in place:
                total = sum(max(answer.effect or 0.0, 0.0) for answer in pair.distances)
                squared[place[pair.a], place[pair.b]] = squared[place[pair.b], place[pair.a]] = total
        return cls(tuple(sites), squared)

    @classmethod
    def of_many(cls, found: ManyPairs) -> Self:
        """From all pairs as they were judged together."""
        sites = tuple(site.site for site in found.sites)
        total = np.zeros(len(sites) * (len(sites) - 1) // 2)
        for question in QUESTIONS:
            rows = found.called(question) if question == CONCEPT else found.asked(question)
            total[rows] += found.effects(question)
        squared = np.zeros((len(sites), len(sites)))
        squared[found.places(np.arange(len(total)))] = total
        return cls(sites, squared + squared.T)
