"""Cases measured by the batch on the device, whatever their order: those that can share a tensor are put together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, harmonized_coordinates, measure_canvases
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.patient_averages import MeasuredCase
from shiftscope.profiles.patients.prepared_cases import PreparedCase

__all__ = ["BATCH", "harmonized_cases", "luminance", "measure_cases"]

BATCH = 32
"""Canvases measured together."""

_Rows = Mapping[str, np.ndarray]


def measure_cases(
    cases: Iterable[PreparedCase], extractor: Extractor, device: str, canonical: Canonical | None = None
) -> list[MeasuredCase]:
    """Everything that is measured on cases, in their order.

    Args:
        cases: taken one by one; no more than a few batches are held.
        extractor: on `device`.
        device: "cpu" or "cuda".
        canonical: the site's map, for the features after each harmonizer; None to leave them out.
    """
    out: dict[int, MeasuredCase] = {}
    for batch in _batches(enumerate(cases)):
        found = _measured([case for _, case in batch], extractor, device, canonical)
        out |= dict(zip((place for place, _ in batch), found, strict=True))
    return [out[place] for place in sorted(out)]


def harmonized_cases(
    canvases: Sequence[np.ndarray], canonical: Canonical, extractor: Extractor, device: str
) -> list[dict[str, np.ndarray]]:
    """The features of cases after each harmonizer: axis -> (k,), mean over slices.

    Args:
        canvases: luminance of each case, (slices, s, s) in 0..1.
        canonical: the site's map.
        extractor: on `device`.
        device: "cpu" or "cuda".
    """
    import torch

    sizes = [len(case) for case in canvases]
    with torch.inference_mode():
        grey = torch.from_numpy(np.concatenate(canvases)).to(device)
        return [*_by_case(harmonized_coordinates(grey, sizes, canonical, extractor), sizes)]


def luminance(case: PreparedCase) -> np.ndarray:
    """What harmonizers work on: (slices, s, s) float32 in 0..1."""
    import torch

    return np.asarray(grey_of(torch.from_numpy(case.canvases)).contiguous().numpy())


def _batches(cases: Iterator[tuple[int, PreparedCase]]) -> Iterator[list[tuple[int, PreparedCase]]]:
    """Cases alike in colour and in having masks, until they hold `BATCH` canvases or more."""
    waiting: dict[tuple[bool, bool], list[tuple[int, PreparedCase]]] = {}
    for place, case in cases:
        alike = waiting.setdefault((case.attributes.colour, case.attributes.mask), [])
        alike.append((place, case))
        if sum(len(each.canvases) for _, each in alike) >= BATCH:
            yield waiting.pop((case.attributes.colour, case.attributes.mask))
    yield from waiting.values()


def _measured(
    cases: Sequence[PreparedCase], extractor: Extractor, device: str, canonical: Canonical | None
) -> list[MeasuredCase]:
    """One transfer to the device, one pass."""
    import torch

    sizes = [len(case.canvases) for case in cases]
    with torch.inference_mode():
        canvases: torch.Tensor = torch.from_numpy(np.concatenate([case.canvases for case in cases])).to(device)
        drawn = [case.masks for case in cases if case.masks is not None]
        masks = torch.from_numpy(np.concatenate(drawn)).to(device) if drawn else None
        coordinates, numbers = measure_canvases(canvases, masks, extractor)
        if canonical is not None:
            coordinates |= harmonized_coordinates(grey_of(canvases), sizes, canonical, extractor)
    return [
        MeasuredCase(case.attributes, {**own, **case.coordinates}, {**figures, **case.numbers})
        for case, own, figures in zip(cases, _by_case(coordinates, sizes), _by_case(numbers, sizes), strict=True)
    ]


def _by_case(rows: _Rows, sizes: Sequence[int]) -> Iterator[dict[str, np.ndarray]]:
    """The mean over each case's own slices: name -> (b, ...) -> for each case name -> (...)."""
    start = 0
    for size in sizes:
        own = slice(start, start + size)
        start += size
        yield {name: _over_slices(values[own]) for name, values in rows.items()}


def _over_slices(rows: np.ndarray) -> np.ndarray:
    """The mean of the slices on which it is defined: (k, ...) -> (...), NaN where there is none."""
    if len(rows) == 1:
        return np.asarray(rows[0])
    finite = rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]
    return np.asarray(finite.mean(axis=0) if len(finite) else np.full(rows.shape[1:], np.nan))
