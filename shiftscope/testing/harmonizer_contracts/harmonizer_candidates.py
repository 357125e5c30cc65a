"""A harmonizer fitted on planted sites, exchange by exchange, as a job fits it: what its contracts look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from shiftscope.harmonizers import NOTHING, Exchange, Harmonizer, Statistics, combine, fit, share
from shiftscope.testing.harmonizer_contracts.planted_sites import Sites, planted

__all__ = ["AnsweredExchange", "HarmonizerCandidate", "Law", "Mapped", "own_of"]

Law = Literal["identity", "idempotent"]
"""What a harmonizer may claim. "identity": it changes nothing where all sites are alike. "idempotent": it changes a
harmonized case no more."""


@dataclass(frozen=True, slots=True)
class AnsweredExchange:
    """One exchange of a job, with what the sites answered.

    Attributes:
        known: what each site knew of itself before.
        reference: what the federation had agreed on before.
        sent: what each site sends, which is what it knows now and did not know before.
    """

    known: dict[str, Statistics]
    reference: Statistics
    sent: dict[str, Statistics]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A case of a site, as it was before and as it is after the harmonizer."""

    site: str
    case: np.ndarray
    before: np.ndarray
    result: np.ndarray


@dataclass(frozen=True)
class HarmonizerCandidate:
    """One harmonizer on one kind of cases, and what its author claims of it.

    Attributes:
        form: a key of the planted sites: "grey", "colour", "volume", "slides", "features" or "geometry".
        law: see `Law`; None: neither holds.
        tolerance: mean absolute change that the law forgives.
        silent: a case from which nothing can be learned; None: one of zeros.
        erases: signals of what a model has to learn that its author knows it takes away.
    """

    harmonizer: Harmonizer
    form: str
    law: Law | None = None
    tolerance: float = 0.003
    silent: np.ndarray | None = None
    erases: frozenset[str] = field(default_factory=frozenset)

    @property
    def queries(self) -> tuple[Exchange, ...]:
        """What is asked of the sites."""
        return self.harmonizer.exchanges

    @property
    def min_patients(self) -> int:
        """Patients without which a site shares nothing."""
        return self.harmonizer.min_patients

    @property
    def on_pixels(self) -> bool:
        """Whether cases are images."""
        return self.harmonizer.on in ("pixels", "colour")

    def is_informative(self, case: np.ndarray) -> bool:
        """Whether the harmonizer says that it can learn from the case."""
        return self.harmonizer.contributes(case)

    @property
    def patients(self) -> int:
        """Patients of a planted site: enough to share."""
        return max(12, self.min_patients)

    @cached_property
    def sites(self) -> Sites:
        """Three planted sites, the third on another scanner."""
        return planted(self.form, self.patients)

    @cached_property
    def fitted(self) -> tuple[dict[str, Statistics], Statistics]:
        """What each site knows of itself after all exchanges, and the reference."""
        return fit(self.harmonizer, self.sites)

    @cached_property
    def exchanges(self) -> list[AnsweredExchange]:
        """Every exchange as a job makes it: only what an exchange adds is sent."""
        known: dict[str, Statistics] = dict.fromkeys(self.sites, NOTHING)
        reference, exchanges = NOTHING, []
        for number in range(len(self.queries)):
            after = {site: share(self.harmonizer, number, self.sites[site], known[site], reference) for site in known}
            sent: dict[str, Statistics] = {
                site: {name: array for name, array in own.items() if array is not known[site].get(name)}
                for site, own in after.items()
            }
            exchanges.append(AnsweredExchange(known, reference, sent))
            known, reference = after, combine(self.harmonizer, number, [sent[site] for site in sorted(sent)], reference)
        return exchanges

    @cached_property
    def mapped(self) -> list[Mapped]:
        """Two cases of each site, mapped once."""
        few = [(site, cases[0]) for site, patients in self.sites.items() for cases in patients[:2]]
        return [Mapped(site, case, case.copy(), self.apply(case, site)) for site, case in few]

    def apply(self, case: np.ndarray, site: str) -> np.ndarray:
        """The case as `site` maps it."""
        owns, reference = self.fitted
        return self.harmonizer.apply(case, owns[site], reference)


def own_of(harmonizer: Harmonizer, patients: Sequence[Sequence[np.ndarray]], reference: Statistics) -> Statistics:
    """What a site that was not there learns of itself, from its own cases and the finished reference."""
    own = NOTHING
    for number in range(len(harmonizer.exchanges)):
        own = share(harmonizer, number, patients, own, reference)
    return own
