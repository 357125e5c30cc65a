"""Cases measured by the batch on the device; features after a harmonizer follow when the site's map is fitted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, harmonized_coordinates, measure_canvases
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.patient_averages import MeasuredCase
from shiftscope.profiles.patients.prepared_cases import CaseAttributes, PreparedCase

if TYPE_CHECKING:
    import torch

__all__ = ["BATCH", "Fit", "measured_as_they_are", "measured_cases"]

FIT_CANVASES = 256
"""Canvases kept in memory for fitting the canonical map."""

BATCH = 32


@dataclass(slots=True)
class Fit:
    """What is fitted on a site before its cases can be measured: given, or filled in by `patients_of`.

    Attributes:
        canonical: the map to the public reference; None until it is fitted, and where no case could be read.
    """

    canonical: Canonical | None = None


def measured_cases(
    cases: Iterator[PreparedCase], extractor: Extractor, device: str, fit: Fit
) -> Iterator[MeasuredCase]:
    """Measure by the batch; the first cases wait, measured but for it, until the canonical map is fitted on them."""
    waiting: list[_Batch] = []
    for cases_alike in _batches(cases):
        waiting.append(_Batch.measure(cases_alike, extractor, device))
        if fit.canonical is None and sum(len(batch.grey) for batch in waiting) >= FIT_CANVASES:
            fit.canonical = Canonical.fit([batch.grey for batch in waiting])
        if fit.canonical is not None:
            for batch in waiting:
                yield from batch.finish(fit.canonical, extractor)
            waiting.clear()
    if waiting:
        fit.canonical = Canonical.fit([batch.grey for batch in waiting])
        for batch in waiting:
            yield from batch.finish(fit.canonical, extractor)


def measured_as_they_are(cases: Iterable[PreparedCase], extractor: Extractor, device: str) -> Iterator[MeasuredCase]:
    """Measure by the batch, without the features after harmonizers, for which a map would have to be fitted."""
    for alike in _batches(iter(cases)):
        yield from _Batch.measure(alike, extractor, device).cases({})


def _batches(cases: Iterator[PreparedCase]) -> Iterator[list[PreparedCase]]:
    """Up to `BATCH` canvases of neighbouring cases that can share a tensor: alike in colour and in having masks."""
    for _, alike in groupby(cases, key=lambda case: (case.attributes.colour, case.attributes.mask)):
        while batch := list(_until(alike, BATCH)):
            yield batch


def _until(cases: Iterator[PreparedCase], canvases: int) -> Iterator[PreparedCase]:
    """Cases until they hold `canvases` canvases or more."""
    held = 0
    for case in cases:
        yield case
        held += len(case.canvases)
        if held >= canvases:
            return


@dataclass(frozen=True, slots=True)
class _Batch:
    """Cases measured together in all but what needs the canonical map; only their luminance is kept.

    Attributes:
        attributes: of each case.
        sizes: canvases of each case.
        grey: (b, s, s) on the device.
        coordinates: axis -> (b, k).
        numbers: name -> (b,) or (b, levels).
        of_masks: coordinates and numbers measured on each case's mask.
    """

    attributes: list[CaseAttributes]
    sizes: list[int]
    grey: "torch.Tensor"
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    of_masks: list[tuple[Mapping[str, np.ndarray], Mapping[str, float]]]

    @classmethod
    def measure(cls, cases: list[PreparedCase], extractor: Extractor, device: str) -> "_Batch":
        """One transfer to the device, one pass."""
        import torch

        with torch.inference_mode():
            canvases = torch.from_numpy(np.concatenate([case.canvases for case in cases])).to(device)
            drawn = [case.masks for case in cases if case.masks is not None]
            masks = torch.from_numpy(np.concatenate(drawn)).to(device) if drawn else None
            coordinates, numbers = measure_canvases(canvases, masks, extractor)
            return cls(
                attributes=[case.attributes for case in cases],
                sizes=[len(case.canvases) for case in cases],
                grey=grey_of(canvases),
                coordinates=coordinates,
                numbers=numbers,
                of_masks=[(case.coordinates, case.numbers) for case in cases],
            )

    def finish(self, canonical: Canonical, extractor: Extractor) -> Iterator[MeasuredCase]:
        """The cases with the features after each harmonizer."""
        import torch

        with torch.inference_mode():
            harmonized = harmonized_coordinates(self.grey, self.sizes, canonical, extractor)
        yield from self.cases(harmonized)

    def cases(self, harmonized: Mapping[str, np.ndarray]) -> Iterator[MeasuredCase]:
        """Each case with the mean over its own slices, the `harmonized` axes (b, k) beside its own."""
        coordinates = {**self.coordinates, **harmonized}
        start = 0
        for attributes, size, (shape, numbers) in zip(self.attributes, self.sizes, self.of_masks, strict=True):
            own = slice(start, start + size)
            start += size
            yield MeasuredCase(
                attributes,
                {**{axis: _over_slices(rows[own]) for axis, rows in coordinates.items()}, **shape},
                {**{name: _over_slices(values[own]) for name, values in self.numbers.items()}, **numbers},
            )


def _over_slices(rows: np.ndarray) -> np.ndarray:
    """The mean of the slices on which it is defined: (k, ...) -> (...), NaN where there is none."""
    finite = rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]
    return np.asarray(finite.mean(axis=0) if len(finite) else np.full(rows.shape[1:], np.nan))
