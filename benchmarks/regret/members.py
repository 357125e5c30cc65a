"""Which patients of a source a site has, and what was planted in them. Nothing is printed."""

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sources import SEED, Cohort, canvases_of, cohort_of
from specs import SiteSpec

from shiftscope.images import mask_canvas
from shiftscope.phantoms import Phantom, class_partition
from shiftscope.sites import Site, site_of_arrays

__all__ = ["Members", "image_key", "members_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """One site.

    Attributes:
        cohort: whose some patients are.
        rows: (n,) which.
        labels: (n,) as this site has them.
        changed: its images after what was planted.
    """

    cohort: Cohort
    rows: np.ndarray
    labels: tuple[str, ...]
    changed: tuple[Phantom, ...]

    @property
    def people(self) -> np.ndarray:
        """(n,) whose images they are."""
        return np.array([self.cohort.patients[row] for row in self.rows])

    @property
    def targets(self) -> np.ndarray:
        """(n,) class indices, classes in the order of their names."""
        return np.searchsorted(sorted({self.cohort.positive, self.cohort.negative}), self.labels)

    def canvases(self) -> np.ndarray:
        """(n, c, pixels, pixels) float16, as a model reads them."""
        return canvases_of(self.changed, self.cohort.colour, self.cohort.pixels)

    def outlines(self) -> np.ndarray:
        """(n, pixels, pixels) uint8, 1 inside the lesion as this site outlines it."""
        return np.concatenate([mask_canvas(phantom.mask[None], self.cohort.pixels) for phantom in self.changed])

    def site(self, name: str) -> Site:
        """As it is profiled and divided."""
        images = [phantom.pixels for phantom in self.changed]
        if self.cohort.outlined:
            return site_of_arrays(
                images, name=name, masks=[phantom.mask for phantom in self.changed], patients=self.people.tolist()
            )
        return site_of_arrays(
            images,
            name=name,
            classes=self.labels,
            patients=self.people.tolist(),
            class_names=sorted({self.cohort.positive, self.cohort.negative}),
        )


def image_key(spec: SiteSpec) -> str:
    """The same for sites of the same images, whatever their labels."""
    return replace(spec, swapped=0.0, threshold=0.0).key


def members_of(spec: SiteSpec, data: Path) -> Members:
    """The site's patients, with what was planted."""
    cohort = cohort_of(spec.source, data)
    rows = _rows(spec, cohort)
    rng = np.random.default_rng([SEED, zlib.crc32(image_key(spec).encode())])
    changed = tuple(cohort.planted(int(row), spec.change, rng) for row in rows)
    return Members(cohort, rows, tuple(_labels(spec, cohort, rows)), changed)


def _rows(spec: SiteSpec, cohort: Cohort) -> np.ndarray:
    """Which patients are the site's: no other part of the same draw has them."""
    rng = np.random.default_rng([SEED, spec.draw, zlib.crc32(spec.source.encode())])
    if spec.finding:
        return _by_finding(spec, cohort, rng)
    order = _stratified(cohort.labels, rng)
    most = len(order) // spec.parts
    pool = order[: spec.parts * min(spec.patients or most, most)]
    if spec.parts == 1:
        return np.sort(pool)
    if cohort.outlined:
        return np.sort(pool[spec.part :: spec.parts])
    division = class_partition(
        list(cohort.labels[pool]), spec.tilt, rng, sites=spec.parts, odd=not spec.graded, tilted=cohort.positive
    )
    return np.sort(pool[division == spec.part])


def _stratified(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All places in an order of which every beginning has the classes in their shares."""
    place = np.empty(len(labels))
    for name in np.unique(labels):
        inside = np.flatnonzero(labels == name)
        place[rng.permutation(inside)] = (np.arange(len(inside)) + 0.5) / len(inside)
    return np.argsort(place, kind="stable")


def _by_finding(spec: SiteSpec, cohort: Cohort, rng: np.random.Generator) -> np.ndarray:
    """As many patients without a finding as with: the last part has the other one."""
    first, other = (rng.permutation(np.flatnonzero(cohort.findings == kind)) for kind in (0, 1))
    healthy = rng.permutation(np.flatnonzero(cohort.labels == cohort.negative))
    size = min(len(first) // (spec.parts - 1), len(other), len(healthy) // spec.parts, spec.patients // 2)
    own = other if spec.part == spec.parts - 1 else first[spec.part * size :]
    return np.sort(np.concatenate([own[:size], healthy[spec.part * size :][:size]]))


def _labels(spec: SiteSpec, cohort: Cohort, rows: np.ndarray) -> np.ndarray:
    """As the site has them: by another threshold, and some of each class swapped."""
    found = cohort.labels[rows]
    if cohort.outlined:
        return np.asarray(found)
    if spec.threshold:
        cut = np.quantile(cohort.areas[cohort.areas > 0], spec.threshold)
        found = np.where(cohort.areas[rows] > cut, cohort.positive, cohort.negative)
    rng = np.random.default_rng([SEED, zlib.crc32(spec.key.encode())])
    swapped = found.copy()
    for name, other in ((cohort.positive, cohort.negative), (cohort.negative, cohort.positive)):
        inside = rng.permutation(np.flatnonzero(found == name))
        swapped[inside[: round(spec.swapped * len(inside))]] = other
    return np.asarray(swapped)
