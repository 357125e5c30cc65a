"""Sums over a site's patients, and the profile they make."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.features import Extractor
from shiftscope.profiles import export
from shiftscope.profiles.patients import CANVAS, Patient
from shiftscope.profiles.prepare import SLICES
from shiftscope.profiles.profile import CELL, Profile, Recipe
from shiftscope.profiles.sums import Histogram, Sums
from shiftscope.sites import Site, fingerprint

__all__ = ["Tally"]


class Tally:
    """Sums over patients; memory does not depend on their number."""

    def __init__(self) -> None:
        self.patients = 0
        self.cases = 0
        self.masks = 0
        self._plain: dict[str, Sums] = defaultdict(Sums)
        self._joint: dict[str, Sums] = defaultdict(Sums)
        self._by_class: dict[str, dict[str, Sums]] = defaultdict(lambda: defaultdict(Sums))
        self._histograms = {name: Histogram(*measure.range) for name, measure in MEASURES.items()}
        self._curves: dict[str, Sums] = {"quantiles": Sums(), "amplitude": Sums()}
        self._labels: Counter[str] = Counter()
        self._acquisition: dict[str, Counter[str]] = defaultdict(Counter)
        self._depths: set[str] = set()
        self._colour = False

    def add(self, patient: Patient) -> None:
        """Add one patient."""
        self.patients += 1
        self.cases += patient.cases
        self.masks += patient.masks
        size = patient.coordinates.get("morphology", patient.coordinates.get("morphology_3d"))
        for axis, row in patient.coordinates.items():
            self._plain[axis].add(row)
            if size is not None and AXES[axis].question != "structure":
                self._joint[axis].add(np.append(row, size[0]))
            if patient.label is not None:
                self._by_class[patient.label][axis].add(row)
        for name, value in patient.numbers.items():
            if name in self._curves:
                self._curves[name].add(value)
            elif name in self._histograms:
                self._histograms[name].add(float(value))
        if patient.label is not None:
            self._labels[patient.label] += 1
        for tag, text in patient.acquisition.items():
            self._acquisition[tag][text] += 1
        self._depths |= patient.depths
        self._colour |= patient.colour

    def profile(self, site: Site, seed: int, extractor: Extractor, excluded: Mapping[str, int]) -> Profile:
        """Apply the export rules and close the sums into a profile."""
        curves = {name: self._mean_curve(sums) for name, sums in self._curves.items()}
        summaries = {name: export.summary(name, histogram) for name, histogram in self._histograms.items()}
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
            colour=self._colour,
            depth="mixed" if len(self._depths) > 1 else "3-D" if "3-D" in self._depths else "2-D",
            excluded=dict(sorted(excluded.items())),
            labels=export.suppressed(self._labels),
            acquisition={tag: export.suppressed(counts) for tag, counts in sorted(self._acquisition.items())},
            sketches={axis: export.sketch(axis, self._plain[axis], self._joint.get(axis)) for axis in AXES},
            by_class=export.class_sketches(self._by_class, self.patients),
            measures={name: item for name, item in summaries.items() if item is not None},
            quantiles=curves["quantiles"],
            spectrum=curves["amplitude"],
        )

    @staticmethod
    def _mean_curve(sums: Sums) -> np.ndarray | None:
        return None if sums.total is None or sums.n < CELL else sums.total / sums.n
