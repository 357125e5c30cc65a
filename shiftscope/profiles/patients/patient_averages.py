"""A patient as the mean of that patient's cases."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.profiles.patients.prepared_cases import CaseAttributes
from shiftscope.profiles.profile_document import SEVERAL

__all__ = ["MeasuredCase", "Patient", "average_of", "mean_by_key"]


@dataclass(frozen=True, slots=True)
class MeasuredCase:
    """A case with everything measured on it, averaged over its slices."""

    attributes: CaseAttributes
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray | float]


@dataclass(frozen=True, slots=True)
class Patient:
    """The mean of a patient's cases: the unit of all statistics. Stays at the site.

    Attributes:
        cases: number of cases.
        masks: how many of them have a mask.
        label: class, None where there is none and where cases differ.
        coordinates: axis -> (d,) in the public basis; an axis that could not be measured is absent.
        numbers: scalar measures, "quantiles" (33,) and "amplitude" (24,).
        acquisition: tag -> value, "several" where cases differ.
        depths: "2-D", "3-D" or both.
        colour: whether an image truly has colour.
        several_classes: whether cases differ in class.
    """

    cases: int
    masks: int
    label: str | None
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    acquisition: Mapping[str, str]
    depths: frozenset[str]
    colour: bool
    several_classes: bool = False


def average_of(cases: Sequence[MeasuredCase]) -> Patient:
    """The mean of one patient's cases; what differs between them is "several", or no class."""
    values: dict[str, set[str]] = defaultdict(set)
    for item in cases:
        for tag, value in item.attributes.acquisition.items():
            values[tag].add(value)
    labels = {item.attributes.label for item in cases if item.attributes.label is not None}
    return Patient(
        cases=len(cases),
        masks=sum(item.attributes.mask for item in cases),
        label=min(labels) if len(labels) == 1 else None,
        coordinates=mean_by_key([item.coordinates for item in cases]),
        numbers=mean_by_key([item.numbers for item in cases]),
        acquisition={tag: min(found) if len(found) == 1 else SEVERAL for tag, found in sorted(values.items())},
        depths=frozenset(item.attributes.depth for item in cases),
        colour=any(item.attributes.colour for item in cases),
        several_classes=len(labels) > 1,
    )


def mean_by_key(
    rows: Sequence[Mapping[str, np.ndarray]] | Sequence[Mapping[str, np.ndarray | float]],
) -> dict[str, np.ndarray]:
    """The mean of each key over the rows that have it whole and finite; what one row alone has is that row's own."""
    finite: dict[str, list[np.ndarray]] = defaultdict(list)
    for row in rows:
        for key, value in row.items():
            array = np.asarray(value, dtype=float)
            if np.isfinite(array).all():
                finite[key].append(array)
    return {
        key: values[0][()] if len(values) == 1 else np.mean(values, axis=0) for key, values in sorted(finite.items())
    }
