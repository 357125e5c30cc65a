"""Sums over a site's patients, and the profile they make."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.profiles import export
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.patients.patient_averages import Patient
from shiftscope.profiles.privacy import clipped, private_profile
from shiftscope.profiles.profile_document import CELL, MOST_VALUES, Count, Profile
from shiftscope.profiles.sums.accumulator_rules import CURVES, require_consistent_sums
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample, SumsByAxis, sums_of
from shiftscope.profiles.sums.moment_sums import CHECKED, Histogram, MomentSums
from shiftscope.records import MOST, Total

__all__ = ["SiteAccumulator", "size_of"]


_SIZES = ("morphology", "morphology_3d")
_MASK_AXES = frozenset({*_SIZES, "boundary", "intensity_outside", "lesion"})
_MASK_MEASURES = frozenset({*morphology.MEASURES_2D, *morphology.MEASURES_3D, *boundary.MEASURES, "brightness_outside"})
_UNPUBLISHED = "empty"
"""Its mean is a count of patients."""

_PUBLISHED = tuple(name for name in MEASURES if name != _UNPUBLISHED)


def _counts(value: Any) -> Any:
    """Patients by a name: whole numbers, not texts or answers that read as such."""
    if not isinstance(value, dict) or not all(
        isinstance(name, str) and type(count) is int and 1 <= count <= MOST for name, count in value.items()
    ):
        raise ValueError("expected names with counts of 1 or more")
    return Counter(value)


Counts = Annotated[Counter[str], BeforeValidator(_counts)]


def _histogram(name: str) -> Histogram:
    return Histogram(*MEASURES[name].range)


def _merge(mine: dict[str, MomentSums], theirs: Mapping[str, MomentSums]) -> None:
    for key, sums in theirs.items():
        mine.setdefault(key, MomentSums()).merge(sums)


def _of_masks(patient: Patient) -> frozenset[str]:
    """Axes and measures of the masks, where one of them is missing: all are published over the same patients or not at
    all, because two means over sets that differ by one patient give that patient away."""
    found = {*patient.coordinates}
    whole = found >= {"boundary", "intensity_outside", "lesion"} and not found.isdisjoint(_SIZES)
    return frozenset() if whole else _MASK_AXES | _MASK_MEASURES


def size_of(patient: Patient) -> float | None:
    """Log area of a patient's masks, None where they are not published."""
    if _of_masks(patient):
        return None
    return float(next(patient.coordinates[axis][0] for axis in _SIZES if axis in patient.coordinates))


def _scanner(acquisition: Mapping[str, str]) -> dict[str, str]:
    """Tags with maker and model as one: counted apart, one table would reveal what the other hides."""
    tags = dict(acquisition)
    names = [tags.pop(key) for key in ("manufacturer", "model") if key in tags]
    return {**tags, "scanner": " ".join(names)} if names else tags


def _few(counts: dict[str, Count]) -> dict[str, Count]:
    """The values of a tag, where they are no more than a profile holds; nothing of a longer list is published."""
    return counts if len(counts) <= MOST_VALUES else {}


class _Rows:
    """What several patients add to each sum.

    Attributes:
        groups: ("plain", ""), ("joint", ""), ("clipped", "") or ("by_class", label) -> axis -> rows (d,).
        numbers: values of each measure and curve.
    """

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
        self.numbers: dict[str, list[np.ndarray]] = defaultdict(list)

    def take(self, patient: Patient) -> None:
        """Sort in what one patient adds."""
        left_out = _of_masks(patient)
        size = size_of(patient)
        for axis, row in patient.coordinates.items():
            if axis in left_out:
                continue
            self.groups["plain", ""][axis].append(row)
            if size is not None and not AXES[axis].holds_area:
                self.groups["joint", ""][axis].append(np.append(row, size))
            if patient.label is not None:
                self.groups["by_class", patient.label][axis].append(row)
        for axis, row in clipped(patient.coordinates).items():
            self.groups["clipped", ""][axis].append(row)
        for name, value in patient.numbers.items():
            if name not in left_out:
                self.numbers[name].append(value)


@dataclass(slots=True)
class SiteAccumulator:
    """Sums over patients; memory does not depend on their number. Unsuppressed: stays at the site.

    Attributes:
        patients, cases, masks: how many were added.
        plain: axis -> sums of the coordinates.
        joint: axis -> sums of the coordinates followed by the log area.
        by_class: label -> axis -> sums of the coordinates.
        histograms: by measure.
        curves: sums of "quantiles" and "amplitude".
        labels: patients by class.
        acquisition: tag -> patients by value.
        depths: patients by the depth of their images, "2-D", "3-D" or both.
        coloured: patients with colour.
        clipped: axis -> sums of the coordinates clipped as `privacy` wants them.
        several_classes: patients of more than one class, who are counted in none.
        sample: patients on whom harmonizers were measured, where they were not on all.
    """

    __pydantic_config__ = CHECKED

    patients: Total = 0
    cases: Total = 0
    masks: Total = 0
    plain: dict[str, MomentSums] = field(default_factory=dict)
    joint: dict[str, MomentSums] = field(default_factory=dict)
    by_class: dict[str, dict[str, MomentSums]] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=lambda: {name: _histogram(name) for name in _PUBLISHED})
    curves: dict[str, MomentSums] = field(default_factory=lambda: {name: MomentSums() for name in CURVES})
    labels: Counts = field(default_factory=Counter)
    acquisition: dict[str, Counts] = field(default_factory=dict)
    depths: Counts = field(default_factory=Counter)
    coloured: Total = 0
    clipped: dict[str, MomentSums] = field(default_factory=dict)
    several_classes: Total = 0
    sample: HarmonizedSample = field(default_factory=HarmonizedSample)

    def __post_init__(self) -> None:
        """Sums that belong together are over the same coordinates, and over some of the patients."""
        require_consistent_sums(self)

    def add(self, patient: Patient) -> None:
        """Add one patient."""
        self.add_all([patient])

    def add_all(self, patients: Sequence[Patient]) -> None:
        """Add patients: together is faster, and the same."""
        rows = _Rows()
        for patient in patients:
            self._count(patient)
            rows.take(patient)
        for (group, label), axes in rows.groups.items():
            sums = self.by_class.setdefault(label, {}) if group == "by_class" else getattr(self, group)
            for axis, found in axes.items():
                sums.setdefault(axis, MomentSums()).add(np.stack(found))
        for name, values in rows.numbers.items():
            if name in self.curves:
                self.curves[name].add(np.stack(values))
            elif name in self.histograms:
                self.histograms[name].add(np.array(values))

    def _count(self, patient: Patient) -> None:
        self.patients += 1
        self.cases += patient.cases
        self.masks += patient.masks
        if patient.label is not None:
            self.labels[patient.label] += 1
        for tag, text in _scanner(patient.acquisition).items():
            self.acquisition.setdefault(tag, Counter())[text] += 1
        self.depths.update(patient.depths)
        self.coloured += patient.colour
        self.several_classes += patient.several_classes

    def merge(self, other: "SiteAccumulator") -> None:
        """Add the sums over other patients.

        Raises:
            ValueError: an axis has another number of coordinates, or harmonizers were measured on another sample.
        """
        self.sample.merge(other.sample)
        self.patients += other.patients
        self.cases += other.cases
        self.masks += other.masks
        for label, sums in other.by_class.items():
            _merge(self.by_class.setdefault(label, {}), sums)
        _merge(self.plain, other.plain)
        _merge(self.joint, other.joint)
        _merge(self.curves, other.curves)
        for name, histogram in other.histograms.items():
            self.histograms[name].merge(histogram)
        self.labels += other.labels
        for tag, counts in other.acquisition.items():
            self.acquisition[tag] = self.acquisition.get(tag, Counter()) + counts
        self.depths += other.depths
        self.coloured += other.coloured
        self.several_classes += other.several_classes
        _merge(self.clipped, other.clipped)

    def export(self, origin: Origin, epsilon: float | None = None) -> Profile:
        """Apply the export rules and close the sums into a profile; with `epsilon`, see `private_profile`."""
        if epsilon is not None:
            return private_profile(self.clipped, self.labels, origin, epsilon)
        counted = self.labels if self.labels.total() >= CELL else Counter[str]()  # of fewer the total reveals each
        labels = export.suppressed(counted)
        plain, joint, by_class = self._with_sample()
        curves = {name: self._mean_curve(sums) for name, sums in self.curves.items()}
        summaries = {
            name: export.summary(name, histogram)
            for name, histogram in self.histograms.items()
            if not self._nested(name, histogram.n)
        }
        return Profile(
            site=origin.site,
            version=metadata.version("shiftscope-fl"),
            patients=self.patients,
            cases=self.cases,
            masks=self.masks,
            patient_source=origin.patient_source,
            layout=origin.layout,
            fingerprint=origin.fingerprint,
            seed=origin.seed,
            recipe=origin.recipe,
            colour=2 * self.coloured > self.patients,
            depth=self._depth(),
            excluded=origin.excluded,
            labelled=counted.total(),
            labels=labels,
            several_classes=export.suppressed_count(self.several_classes),
            acquisition={
                tag: _few(export.acquisition(tag, counts)) for tag, counts in sorted(self.acquisition.items())
            },
            sketches={
                axis: export.sketch(axis, plain.get(axis, MomentSums()), self._area(plain, joint, axis))
                for axis in AXES
            },
            by_class={}
            if origin.patient_source == "file"
            else export.class_sketches(by_class, plain, _published(labels)),
            measures={name: item for name, item in summaries.items() if item is not None},
            quantiles=curves["quantiles"],
            spectrum=curves["amplitude"],
        )

    def _with_sample(self) -> tuple[SumsByAxis, SumsByAxis, dict[str, SumsByAxis]]:
        """Sums of the coordinates, of the same with the log area, and of each class, with those over the sample."""
        plain, joint, by_class = sums_of(self.sample.counted(self.patients))
        classes = {label: {**axes, **by_class.get(label, {})} for label, axes in self.by_class.items()}
        return {**self.plain, **plain}, {**self.joint, **joint}, classes

    def _depth(self) -> Literal["2-D", "3-D", "mixed"]:
        return "mixed" if len(self.depths) > 1 else "3-D" if "3-D" in self.depths else "2-D"

    def _nested(self, name: str, n: int) -> bool:
        """Whether a measure of the masks is known for nearly all, but not all, patients whose masks are sketched."""
        return name in _MASK_MEASURES and 0 < self.plain.get("boundary", MomentSums()).n - n < CELL

    def _area(self, plain: SumsByAxis, joint: SumsByAxis, axis: str) -> MomentSums | None:
        """The joint sums of an axis, only where every patient has an area and those of the axis are all, or ten fewer:
        the mean area of some patients beside that of one more would give that one's area away."""
        found = joint.get(axis)
        if found is None or len(self.depths) != 1 or found.n != plain[axis].n:
            return None
        whole = any(sums.n == self.patients for sums in self.joint.values())
        return found if found.n == self.patients or (whole and self.patients - found.n >= CELL) else None

    @staticmethod
    def _mean_curve(sums: MomentSums) -> np.ndarray | None:
        return None if sums.n < CELL else sums.sums / sums.n


def _published(labels: Mapping[str, Count]) -> list[str]:
    return [label for label, count in labels.items() if isinstance(count, int)]
