"""What harmonizers leave of the features, measured on a sample of a site's patients: a mean needs no more.

The sample are the patients whose keyed marks come first, so parts of a site agree on it without knowing one another:
each keeps the first of its own, and the first of those that they kept together are the first of all (bottom-k sampling,
Cohen and Kaplan 2007, doi:10.1145/1281100.1281133).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field

from shiftscope.measures import HARMONIZED
from shiftscope.profiles.profile_document import CELL, Hash
from shiftscope.profiles.sums.moment_sums import CHECKED, Exact, MomentSums, Number
from shiftscope.records import MOST, Misfit, Name

__all__ = ["HarmonizedSample", "SampledPatient", "SumsByAxis", "sums_of"]

SumsByAxis = dict[str, MomentSums]


@dataclass(frozen=True, slots=True)
class SampledPatient:
    """One patient of the sample. Stays at the site.

    Attributes:
        mark: keyed, by which patients are drawn.
        coordinates: harmonized axis -> (d,); {} where no image could be read.
        area: log area of the masks, None without.
        label: class, None where there is none.
    """

    __pydantic_config__ = CHECKED

    mark: Hash
    coordinates: dict[Name, Exact] = field(default_factory=dict)
    area: Number | None = None
    label: Name | None = None

    def __post_init__(self) -> None:
        for axis, row in self.coordinates.items():
            if axis not in HARMONIZED:
                raise Misfit(f"coordinates.{axis}", axis, "axes of features after a harmonizer")
            if row.ndim != 1 or not len(row):
                raise Misfit(f"coordinates.{axis}", row.shape, "a list of numbers")


@dataclass(slots=True)
class HarmonizedSample:
    """The patients on whom harmonizers were measured.

    Attributes:
        limit: most patients; None where all are harmonized, and their sums are among the others.
        patients: by mark.
    """

    __pydantic_config__ = CHECKED

    limit: Annotated[int, Field(strict=True, ge=1, le=MOST)] | None = None
    patients: list[SampledPatient] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.patients) > (self.limit or 0):
            raise Misfit("patients", f"{len(self.patients)} patients", f"{self.limit or 'none'} at the most")
        _require_one_width(self.patients)

    def merge(self, other: "HarmonizedSample") -> None:
        """Take in the sample of other patients, and keep the first of all.

        Raises:
            ValueError: another number of patients was drawn there, or an axis has another number of coordinates.
        """
        if self.limit != other.limit:
            mine, theirs = (limit or "all" for limit in (self.limit, other.limit))
            raise ValueError(f"harmonizers were measured on {mine} patients here and on {theirs} there")
        if other.patients:
            together = [*self.patients, *other.patients]
            _require_one_width(together)
            self.patients = sorted(together, key=_place)[: self.limit]

    def counted(self, everyone: int) -> Sequence[SampledPatient]:
        """Those whose sums may be published beside sums over all `everyone` patients who were measured: so many that
        the others are nobody, or ten or more, for both hold the mean area of the masks."""
        known = [patient for patient in self.patients if patient.coordinates]
        return known[: max(0, everyone - CELL)] if 0 < everyone - len(known) < CELL else known


def _require_one_width(patients: Sequence[SampledPatient]) -> None:
    widths: dict[str, int] = {}
    for patient in patients:
        for axis, row in patient.coordinates.items():
            if len(row) != widths.setdefault(axis, len(row)):
                raise Misfit("patients", f"{len(row)} numbers for {axis}", f"{widths[axis]}, as others have for {axis}")


def _place(patient: SampledPatient) -> tuple[str, bytes]:
    """By mark; files of one name in two folders have one mark, and are told apart by what was measured."""
    return patient.mark, b"".join(row.tobytes() for _, row in sorted(patient.coordinates.items()))


def sums_of(patients: Sequence[SampledPatient]) -> tuple[SumsByAxis, SumsByAxis, dict[str, SumsByAxis]]:
    """Sums of the coordinates, of the coordinates followed by the log area, and of those of each class, by axis."""
    plain: SumsByAxis = {}
    joint: SumsByAxis = {}
    by_class: dict[str, SumsByAxis] = {}
    for axis in sorted(HARMONIZED):
        known = [patient for patient in patients if axis in patient.coordinates]
        if not known:
            continue
        rows = np.stack([patient.coordinates[axis] for patient in known])
        plain.setdefault(axis, MomentSums()).add(rows)
        areas = np.array([np.nan if patient.area is None else patient.area for patient in known])
        joint.setdefault(axis, MomentSums()).add(np.column_stack([rows, areas]))
        labels = np.array([patient.label or "" for patient in known])
        for label in sorted({*labels.tolist()} - {""}):
            by_class.setdefault(label, {}).setdefault(axis, MomentSums()).add(rows[labels == label])
    return plain, joint, by_class
