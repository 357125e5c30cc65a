"""From a site's cases to its patients in one streaming pass: decode ahead, measure by the batch, average."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, harmonized_coordinates, measure_canvases
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.prepared_cases import About, Prepared, prepare
from shiftscope.profiles.profile_document import SEVERAL
from shiftscope.sites import Case, Site, refuse_too_many

if TYPE_CHECKING:
    import torch

__all__ = ["CANVAS", "Fit", "Options", "Patient", "Progress", "patients_as_they_are", "patients_of", "silent"]

CANVAS = 128
FIT_CANVASES = 256
"""Canvases kept in memory for fitting the canonical map."""

BATCH = 32

Progress = Callable[[int, int], None]
Watch = Callable[[Prepared], None]


def silent(done: int, total: int) -> None:
    """The progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to profile.

    Attributes:
        seed: draws the sample on which the canonical map is fitted.
        workers: decoding threads; the result does not depend on it.
        device: "cpu" or "cuda".
        max_failures: unreadable files after which the run stops, None for no limit.
    """

    seed: int = 0
    workers: int = 2
    device: str = "cpu"
    max_failures: int | None = None


@dataclass(slots=True)
class Fit:
    """What is fitted on a site before its cases can be measured: given, or filled in by `patients_of`.

    Attributes:
        canonical: the map to the public look; None until it is fitted, and where no case could be read.
    """

    canonical: Canonical | None = None


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


@dataclass(frozen=True, slots=True)
class _Measured:
    """A case with everything measured on it, averaged over its slices."""

    about: About
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray | float]


def patients_of(
    site: Site,
    extractor: Extractor,
    options: Options,
    failures: list[Unreadable],
    progress: Progress = silent,
    fit: Fit | None = None,
    watch: Watch | None = None,
) -> Iterator[Patient]:
    """Measure the patients of `site`, in an order drawn from the seed.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        failures: grows by every file that cannot be used.
        progress: called with cases done and in all.
        fit: used where it is fitted already, else filled in.
        watch: shown every case as it comes.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
    """

    def readable() -> Iterator[Prepared]:
        refuse_too_many(failures, options.max_failures)
        for done, outcome in enumerate(_decoded(_shuffled(site.cases, options.seed), options.workers), start=1):
            if isinstance(outcome, Unreadable):
                failures.append(outcome)
                refuse_too_many(failures, options.max_failures)
            else:
                if watch is not None:
                    watch(outcome)
                yield outcome
            progress(done, len(site.cases))

    measured = _measured(readable(), extractor, options.device, fit if fit is not None else Fit())
    for _, cases in groupby(measured, key=lambda item: item.about.patient):
        yield _patient(list(cases))


def patients_as_they_are(cases: Iterable[Prepared], extractor: Extractor, device: str = "cpu") -> Iterator[Patient]:
    """Patients from cases in order of patient, without the features after harmonizers: no map has to be fitted, so
    that every patient is measured independently of the others. For calibration."""
    batches = (_Batch.measure(alike, extractor, device) for alike in _batches(iter(cases)))
    measured = (case for batch in batches for case in batch.cases({}))
    for _, found in groupby(measured, key=lambda item: item.about.patient):
        yield _patient(list(found))


def _shuffled(cases: Iterable[Case], seed: int) -> list[Case]:
    """Cases grouped by patient, patients in a seeded order: the first of them are the sample of the canonical map."""
    by_patient: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_patient[case.patient].append(case)
    patients = sorted(by_patient)
    order = np.random.default_rng(seed).permutation(len(patients))
    return [case for index in order for case in by_patient[patients[index]]]


def _decoded(cases: list[Case], workers: int) -> Iterator[Prepared | Unreadable]:
    """Prepared cases in the order given, decoded ahead by `workers` threads."""

    def attempt(case: Case) -> Prepared | Unreadable:
        try:
            return prepare(case, CANVAS)
        except Unreadable as problem:
            return problem

    queue = iter(cases)
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque(pool.submit(attempt, case) for case in islice(queue, 2 * BATCH))
        try:
            while waiting:
                outcome = waiting.popleft().result()
                waiting.extend(pool.submit(attempt, case) for case in islice(queue, 1))
                yield outcome
        finally:
            pool.shutdown(cancel_futures=True)


def _measured(cases: Iterator[Prepared], extractor: Extractor, device: str, fit: Fit) -> Iterator[_Measured]:
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


def _batches(cases: Iterator[Prepared]) -> Iterator[list[Prepared]]:
    """Up to `BATCH` canvases of neighbouring cases that can share a tensor: alike in colour and in having masks."""
    for _, alike in groupby(cases, key=lambda case: (case.about.colour, case.about.mask)):
        while batch := list(_until(alike, BATCH)):
            yield batch


def _until(cases: Iterator[Prepared], canvases: int) -> Iterator[Prepared]:
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
        about: of each case.
        sizes: canvases of each case.
        grey: (b, s, s) on the device.
        coordinates: axis -> (b, k).
        numbers: name -> (b,) or (b, levels).
        of_masks: coordinates and numbers measured on each case's mask.
    """

    about: list[About]
    sizes: list[int]
    grey: "torch.Tensor"
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    of_masks: list[tuple[Mapping[str, np.ndarray], Mapping[str, float]]]

    @classmethod
    def measure(cls, cases: list[Prepared], extractor: Extractor, device: str) -> "_Batch":
        """One transfer to the device, one pass."""
        import torch

        with torch.inference_mode():
            canvases = torch.from_numpy(np.concatenate([case.canvases for case in cases])).to(device)
            drawn = [case.masks for case in cases if case.masks is not None]
            masks = torch.from_numpy(np.concatenate(drawn)).to(device) if drawn else None
            coordinates, numbers = measure_canvases(canvases, masks, extractor)
            return cls(
                about=[case.about for case in cases],
                sizes=[len(case.canvases) for case in cases],
                grey=grey_of(canvases),
                coordinates=coordinates,
                numbers=numbers,
                of_masks=[(case.coordinates, case.numbers) for case in cases],
            )

    def finish(self, canonical: Canonical, extractor: Extractor) -> Iterator[_Measured]:
        """The cases with the features after each harmonizer."""
        import torch

        with torch.inference_mode():
            harmonized = harmonized_coordinates(self.grey, self.sizes, canonical, extractor)
        yield from self.cases(harmonized)

    def cases(self, harmonized: Mapping[str, np.ndarray]) -> Iterator[_Measured]:
        """Each case with the mean over its own slices, the `harmonized` axes (b, k) beside its own."""
        coordinates = {**self.coordinates, **harmonized}
        start = 0
        for about, size, (shape, numbers) in zip(self.about, self.sizes, self.of_masks, strict=True):
            own = slice(start, start + size)
            start += size
            yield _Measured(
                about,
                {**{axis: _over_slices(rows[own]) for axis, rows in coordinates.items()}, **shape},
                {**{name: _over_slices(values[own]) for name, values in self.numbers.items()}, **numbers},
            )


def _over_slices(rows: np.ndarray) -> np.ndarray:
    """The mean of the slices on which it is defined: (k, ...) -> (...), NaN where there is none."""
    finite = rows[np.isfinite(rows.reshape(len(rows), -1)).all(axis=1)]
    return np.asarray(finite.mean(axis=0) if len(finite) else np.full(rows.shape[1:], np.nan))


def _patient(cases: list[_Measured]) -> Patient:
    values: dict[str, set[str]] = defaultdict(set)
    for item in cases:
        for tag, value in item.about.acquisition.items():
            values[tag].add(value)
    labels = {item.about.label for item in cases if item.about.label is not None}
    return Patient(
        cases=len(cases),
        masks=sum(item.about.mask for item in cases),
        label=min(labels) if len(labels) == 1 else None,
        coordinates=_mean_by_key([item.coordinates for item in cases]),
        numbers=_mean_by_key([item.numbers for item in cases]),
        acquisition={tag: min(found) if len(found) == 1 else SEVERAL for tag, found in sorted(values.items())},
        depths=frozenset(item.about.depth for item in cases),
        colour=any(item.about.colour for item in cases),
        several_classes=len(labels) > 1,
    )


def _mean_by_key(
    rows: list[Mapping[str, np.ndarray]] | list[Mapping[str, np.ndarray | float]],
) -> dict[str, np.ndarray]:
    """The mean of each key over the rows that have it whole and finite."""
    out = {}
    for key in sorted({key for row in rows for key in row}):
        found = [np.asarray(row[key], dtype=float) for row in rows if key in row]
        finite = [value for value in found if np.all(np.isfinite(value))]
        if finite:
            out[key] = np.mean(finite, axis=0)
    return out
