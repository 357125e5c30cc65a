"""From a site's cases to its patients in one streaming pass: decode ahead, measure by the batch, average."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.case_batches import BATCH, Fit, measured_as_they_are, measured_cases
from shiftscope.profiles.patients.patient_averages import Patient, average_of
from shiftscope.profiles.patients.prepared_cases import PreparedCase, prepare
from shiftscope.progress import Progress, Report, silent
from shiftscope.sites import Case, Site, refuse_too_many

__all__ = ["CANVAS", "Options", "patients_as_they_are", "patients_of"]

CANVAS = 128


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


def patients_of(
    site: Site,
    extractor: Extractor,
    options: Options,
    failures: list[Unreadable],
    report: Report = silent,
    fit: Fit | None = None,
    on_case: Callable[[PreparedCase], None] | None = None,
) -> Iterator[Patient]:
    """Measure the patients of `site`, in an order drawn from the seed.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        failures: grows by every file that cannot be used.
        report: called after every case.
        fit: used where it is fitted already, else filled in.
        on_case: called with every case as it comes.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
    """

    def readable() -> Iterator[PreparedCase]:
        refuse_too_many(failures, options.max_failures)
        for done, outcome in enumerate(_decoded(_shuffled(site.cases, options.seed), options.workers), start=1):
            if isinstance(outcome, Unreadable):
                failures.append(outcome)
                refuse_too_many(failures, options.max_failures)
            else:
                if on_case is not None:
                    on_case(outcome)
                yield outcome
            report(Progress(f"profiling {site.name}", done, len(site.cases), "cases"))

    measured = measured_cases(readable(), extractor, options.device, fit if fit is not None else Fit())
    for _, cases in groupby(measured, key=lambda item: item.attributes.patient):
        yield average_of(list(cases))


def patients_as_they_are(cases: Iterable[PreparedCase], extractor: Extractor, device: str = "cpu") -> Iterator[Patient]:
    """Patients from cases in order of patient, without the features after harmonizers: no map has to be fitted, so
    that every patient is measured independently of the others. For calibration."""
    measured = measured_as_they_are(cases, extractor, device)
    for _, found in groupby(measured, key=lambda item: item.attributes.patient):
        yield average_of(list(found))


def _shuffled(cases: Iterable[Case], seed: int) -> list[Case]:
    """Cases grouped by patient, patients in a seeded order: the first of them are the sample of the canonical map."""
    by_patient: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_patient[case.patient].append(case)
    patients = sorted(by_patient)
    order = np.random.default_rng(seed).permutation(len(patients))
    return [case for index in order for case in by_patient[patients[index]]]


def _decoded(cases: list[Case], workers: int) -> Iterator[PreparedCase | Unreadable]:
    """Prepared cases in the order given, decoded ahead by `workers` threads."""

    def attempt(case: Case) -> PreparedCase | Unreadable:
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
