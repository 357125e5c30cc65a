"""A site cut into blocks of whole patients: the same blocks in every process, on every machine and after every stop."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.patients.prepared_cases import SLICES
from shiftscope.sites import Case, Site

__all__ = ["Block", "SiteBlocks", "expected_canvases"]

CANVASES = 64
"""Canvases from which on a block is full: two batches."""

_PUBLIC = Key(b"shiftscope: the order of patients")
"""Where a site has no secret, everybody may know who comes first: nothing that leaves says so."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole patients that are measured together.

    Attributes:
        number: from 0 on.
        places: of its cases in the site's list.
        cases: patient by patient.
        marks: patient -> keyed mark, of patients in the sample; {} in other blocks.
    """

    number: int
    places: tuple[int, ...]
    cases: tuple[Case, ...]
    marks: dict[str, str]


@dataclass(frozen=True, slots=True)
class SiteBlocks:
    """A site's patients in the order of their keyed marks, the first of them the sample: some bytes a case.

    Attributes:
        site: whose.
        key: what the marks are made with.
        places: (n,) of the cases in the site's list, patient by patient.
        ranks: (n,) of those cases' patients, from 0 on.
        sample: how many patients come first.
    """

    site: Site
    key: Key
    places: np.ndarray
    ranks: np.ndarray
    sample: int

    @classmethod
    def of(cls, site: Site, key: Key | None, sample: int) -> "SiteBlocks":
        """Put the patients in order, by marks made with `key` or, without one, by public ones."""
        key = key or _PUBLIC
        index: dict[str, int] = {}
        owner = np.array([index.setdefault(case.patient, len(index)) for case in site.cases], dtype=np.int64)
        marks = np.array([int(_mark(key, site, patient)[:16], 16) for patient in index], dtype=np.uint64)
        rank = np.empty(len(index), dtype=np.int64)
        rank[np.argsort(marks, kind="stable")] = np.arange(len(index))
        order = np.argsort(rank[owner], kind="stable") if len(owner) else owner
        return cls(site, key, order, rank[owner][order] if len(owner) else owner, min(sample, len(index)))

    def __iter__(self) -> Iterator[Block]:
        """Cut where a block is full, and where the sample ends."""
        number, start, held, cases = 0, 0, 0, self.site.cases
        for end, place in enumerate(self.places.tolist(), start=1):
            held += expected_canvases(cases[place])
            last = end == len(self.places)
            if not last and self.ranks[end] == self.ranks[end - 1]:
                continue
            if last or held >= CANVASES or self.ranks[end] == self.sample:
                yield self._block(number, self.places[start:end].tolist(), self.ranks[start] < self.sample)
                number, start, held = number + 1, end, 0

    def _block(self, number: int, places: list[int], sampled: bool) -> Block:
        cases = tuple(self.site.cases[place] for place in places)
        patients = dict.fromkeys(case.patient for case in cases) if sampled else {}
        marks = {patient: _mark(self.key, self.site, patient) for patient in patients}
        return Block(number, tuple(places), cases, marks)


def _mark(key: Key, site: Site, patient: str) -> str:
    return key.mark(f"sample\0{site.name}\0{patient}")


def expected_canvases(case: Case) -> int:
    """How many canvases a case is expected to have, from its files' names alone."""
    if case.held is not None:
        return min(len(case.held[0].pixels), SLICES)
    several = len(case.images) > 1 or case.images[0].name.casefold().endswith((".nii", ".nii.gz"))
    return SLICES if several else 1
