"""From a site's cases to its patients in one streaming pass: decode ahead, measure by the batch, average."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from shiftscope.errors import TooManyFailures, Unreadable
from shiftscope.measures.canonical import Canonical
from shiftscope.measures.canvases import canonical_coordinates, grey_of, measure_canvases
from shiftscope.measures.features import Extractor
from shiftscope.profiles.prepare import Prepared, prepare
from shiftscope.sites import Case, Site

__all__ = ["CANVAS", "Options", "Patient", "Progress", "patients_of", "silent"]

CANVAS = 128
FIT_CANVASES = 512
"""Canvases kept in memory for fitting the canonical map."""

BATCH = 32

Progress = Callable[[int, int], None]


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


@dataclass(frozen=True, slots=True)
class Patient:
    """The mean of a patient's cases: the unit of all statistics. Stays at the site.

    Attributes:
        cases: number of cases.
        masks: how many of them have a mask.
        label: class, the first in alphabetical order where cases differ, None where there is none.
        coordinates: axis -> (d,) in the public basis; an axis that could not be measured is absent.
        numbers: scalar measures, "quantiles" (33,) and "amplitude" (24,).
        acquisition: tag -> value, "several" where cases differ.
        depths: "2-D", "3-D" or both.
        colour: whether an image truly has colour.
    """

    cases: int
    masks: int
    label: str | None
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    acquisition: Mapping[str, str]
    depths: frozenset[str]
    colour: bool


@dataclass(frozen=True, slots=True)
class _Measured:
    """A case with everything measured on it, averaged over its slices."""

    case: Prepared
    coordinates: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray | float]


def patients_of(
    site: Site,
    extractor: Extractor,
    options: Options,
    failures: list[Unreadable],
    progress: Progress = silent,
) -> Iterator[Patient]:
    """Measure the patients of `site`, in an order drawn from the seed.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        failures: grows by every file that cannot be used.
        progress: called with cases done and in all.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
    """

    def readable() -> Iterator[Prepared]:
        _check(failures, options.max_failures)
        for done, outcome in enumerate(_decoded(_shuffled(site.cases, options.seed), options.workers), start=1):
            if isinstance(outcome, Unreadable):
                failures.append(outcome)
                _check(failures, options.max_failures)
            else:
                yield outcome
            progress(done, len(site.cases))

    measured = _measured(readable(), extractor, options.device)
    for _, cases in groupby(measured, key=lambda item: item.case.patient):
        yield _patient(list(cases))


def _check(failures: list[Unreadable], limit: int | None) -> None:
    if limit is not None and len(failures) > limit:
        raise TooManyFailures(
            f"{len(failures)} unreadable files, --max-failures allows {limit}; the last: {failures[-1]}"
        )


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


def _measured(cases: Iterator[Prepared], extractor: Extractor, device: str) -> Iterator[_Measured]:
    """Fit the canonical map on the first cases, then measure these and all others by the batch."""
    import torch

    first = list(_until(cases, FIT_CANVASES))
    if not first:
        return
    greys = [grey_of(torch.from_numpy(case.canvases)) for case in first]
    canonical = Canonical.fit(torch.cat(greys).to(device))
    for held in (iter(first), cases):
        for _, alike in groupby(held, key=_kind):
            while batch := list(_until(alike, BATCH)):
                yield from _measure(batch, canonical, extractor, device)


def _until(cases: Iterator[Prepared], canvases: int) -> Iterator[Prepared]:
    """Cases until they hold `canvases` canvases or more."""
    held = 0
    for case in cases:
        yield case
        held += len(case.canvases)
        if held >= canvases:
            return


def _kind(case: Prepared) -> tuple[int, bool]:
    """Only canvases with the same channels and the same knowledge of masks share a batch."""
    return case.canvases.shape[1], case.masks is not None


def _measure(batch: list[Prepared], canonical: Canonical, extractor: Extractor, device: str) -> Iterator[_Measured]:
    """Measure the canvases of a batch together, then give each case the mean of its own slices."""
    import torch

    with torch.inference_mode():
        canvases = torch.from_numpy(np.concatenate([case.canvases for case in batch])).to(device)
        drawn = [case.masks for case in batch if case.masks is not None]
        masks = torch.from_numpy(np.concatenate(drawn)).to(device) if drawn else None
        coordinates, numbers = measure_canvases(canvases, masks, extractor)
        coordinates |= canonical_coordinates(canvases, canonical, extractor)
    start = 0
    for case in batch:
        own = slice(start, start + len(case.canvases))
        start = own.stop
        yield _Measured(
            case,
            {**{axis: rows[own].mean(axis=0) for axis, rows in coordinates.items()}, **case.coordinates},
            {**{name: values[own].mean(axis=0) for name, values in numbers.items()}, **case.numbers},
        )


def _patient(cases: list[_Measured]) -> Patient:
    values: dict[str, set[str]] = defaultdict(set)
    for item in cases:
        for tag, value in item.case.acquisition.items():
            values[tag].add(value)
    return Patient(
        cases=len(cases),
        masks=sum(item.case.masks is not None for item in cases),
        label=min((item.case.label for item in cases if item.case.label is not None), default=None),
        coordinates=_mean_by_key([item.coordinates for item in cases]),
        numbers=_mean_by_key([item.numbers for item in cases]),
        acquisition={tag: min(found) if len(found) == 1 else "several" for tag, found in sorted(values.items())},
        depths=frozenset(item.case.depth for item in cases),
        colour=any(item.case.canvases.shape[1] == 3 for item in cases),
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
