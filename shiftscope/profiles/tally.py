"""Sums over a site's patients, and the profile they make."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from shiftscope.measures import AXES, MEASURES, boundary, morphology
from shiftscope.measures.basis import load_basis
from shiftscope.measures.features import Extractor
from shiftscope.profiles import export
from shiftscope.profiles.patients import CANVAS, Patient
from shiftscope.profiles.prepare import SLICES
from shiftscope.profiles.profile import CELL, Profile, Recipe
from shiftscope.profiles.sums import Histogram, Sums
from shiftscope.sites import Site, fingerprint

__all__ = ["Tally"]


_SIZES = ("morphology", "morphology_3d")
_MASK_AXES = frozenset({*_SIZES, "boundary", "intensity_outside"})
_MASK_MEASURES = frozenset({*morphology.MEASURES_2D, *morphology.MEASURES_3D, *boundary.MEASURES, "brightness_outside"})
_UNPUBLISHED = "empty"
"""Its mean is a count of patients."""


def _of_masks(patient: Patient) -> frozenset[str]:
    """Axes and measures of the masks, where one of them is missing: all are published over the same patients or not at
    all, because two means over sets that differ by one patient give that patient away."""
    found = {*patient.coordinates}
    whole = found >= {"boundary", "intensity_outside"} and not found.isdisjoint(_SIZES)
    return frozenset() if whole else _MASK_AXES | _MASK_MEASURES


def _scanner(acquisition: Mapping[str, str]) -> dict[str, str]:
    """Tags with maker and model as one: counted apart, one table would tell what the other hides."""
    tags = dict(acquisition)
    names = [tags.pop(key) for key in ("manufacturer", "model") if key in tags]
    return {**tags, "scanner": " ".join(names)} if names else tags


class Tally:
    """Sums over patients; memory does not depend on their number."""

    def __init__(self) -> None:
        self.patients = 0
        self.cases = 0
        self.masks = 0
        self._plain: dict[str, Sums] = defaultdict(Sums)
        self._joint: dict[str, Sums] = defaultdict(Sums)
        self._by_class: dict[str, dict[str, Sums]] = defaultdict(lambda: defaultdict(Sums))
        self._histograms = {
            name: Histogram(*measure.range) for name, measure in MEASURES.items() if name != _UNPUBLISHED
        }
        self._curves: dict[str, Sums] = {"quantiles": Sums(), "amplitude": Sums()}
        self._labels: Counter[str] = Counter()
        self._acquisition: dict[str, Counter[str]] = defaultdict(Counter)
        self._depths: set[str] = set()
        self._coloured = 0

    def add(self, patient: Patient) -> None:
        """Add one patient."""
        self.patients += 1
        self.cases += patient.cases
        self.masks += patient.masks
        left_out = _of_masks(patient)
        size = next((patient.coordinates[axis] for axis in _SIZES if axis in patient.coordinates), None)
        for axis, row in patient.coordinates.items():
            if axis in left_out:
                continue
            self._plain[axis].add(row)
            if size is not None and not left_out and AXES[axis].question != "structure":
                self._joint[axis].add(np.append(row, size[0]))
            if patient.label is not None:
                self._by_class[patient.label][axis].add(row)
        for name, value in patient.numbers.items():
            if name in self._curves:
                self._curves[name].add(value)
            elif name in self._histograms and name not in left_out:
                self._histograms[name].add(float(value))
        if patient.label is not None:
            self._labels[patient.label] += 1
        for tag, text in _scanner(patient.acquisition).items():
            self._acquisition[tag][text] += 1
        self._depths |= patient.depths
        self._coloured += patient.colour

    def profile(self, site: Site, seed: int, extractor: Extractor, excluded: Mapping[str, int]) -> Profile:
        """Apply the export rules and close the sums into a profile."""
        labels = export.suppressed(self._labels)
        curves = {name: self._mean_curve(sums) for name, sums in self._curves.items()}
        summaries = {
            name: export.summary(name, histogram)
            for name, histogram in self._histograms.items()
            if not self._nested(name, histogram.n)
        }
        return Profile(
            site=site.name,
            version=metadata.version("shiftscope-fl"),
            patients=self.patients,
            cases=self.cases,
            masks=self.masks,
            patient_source=site.patient_source,
            layout=site.layout,
            fingerprint=fingerprint(site),
            seed=seed,
            recipe=Recipe(
                canvas=CANVAS,
                slices=SLICES,
                extractor=extractor.name,
                weights_sha256=extractor.sha256,
                basis_sha256=load_basis()[1],
                axes={name: axis.version for name, axis in AXES.items()},
            ),
            colour=2 * self._coloured > self.patients,
            depth="mixed" if len(self._depths) > 1 else "3-D" if "3-D" in self._depths else "2-D",
            excluded=dict(sorted(excluded.items())),
            labelled=self._labels.total(),
            labels=labels,
            acquisition={tag: export.suppressed(counts) for tag, counts in sorted(self._acquisition.items())},
            sketches={axis: export.sketch(axis, self._plain[axis], self._area_of_all(axis)) for axis in AXES},
            by_class=export.class_sketches(
                self._by_class, self._plain, [label for label, count in labels.items() if isinstance(count, int)]
            ),
            measures={name: item for name, item in summaries.items() if item is not None},
            quantiles=curves["quantiles"],
            spectrum=curves["amplitude"],
        )

    def _nested(self, name: str, n: int) -> bool:
        """Whether a measure of the masks is known for nearly all, but not all, patients whose masks are sketched."""
        return name in _MASK_MEASURES and 0 < self._plain["boundary"].n - n < CELL

    def _area_of_all(self, axis: str) -> Sums | None:
        """The joint sums of an axis, only where every patient of the site is in them: the mean area of some patients
        beside that of one more would give that one's area away."""
        joint = self._joint.get(axis)
        return joint if joint is not None and joint.n == self.patients and len(self._depths) == 1 else None

    @staticmethod
    def _mean_curve(sums: Sums) -> np.ndarray | None:
        return None if sums.total is None or sums.n < CELL else sums.total / sums.n
