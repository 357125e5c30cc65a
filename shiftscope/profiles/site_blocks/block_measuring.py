"""A block of patients measured: wherever it runs, the same numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.case_batches import harmonized_cases, luminance, measure_cases
from shiftscope.profiles.patients.near_duplicates import PictureMark
from shiftscope.profiles.patients.patient_averages import Patient, average_of, mean_by_key
from shiftscope.profiles.patients.prepared_cases import SLICES, PreparedCase, prepare
from shiftscope.profiles.site_blocks.block_order import Block
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample, SampledPatient
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator, size_of
from shiftscope.sites import CaseReading, case_digest

__all__ = ["BlockRun", "MeasuredBlock", "WaitingPatient", "harmonize", "measure_block"]


@dataclass(frozen=True, slots=True)
class WaitingPatient:
    """A patient of the sample who waits for the site's map.

    Attributes:
        mark: keyed.
        canvases: luminance of the first cases, each (slices, s, s), up to about `SLICES` in all; () of a patient of
            whom nothing could be read.
        area: log area of the masks, None without.
        label: class, None without.
        counted: whether the patient is of this run, and not of another part's.
    """

    mark: str
    canvases: tuple[np.ndarray, ...] = ()
    area: float | None = None
    label: str | None = None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class BlockRun:
    """What to do with a block.

    Attributes:
        block: the patients.
        own: whether they are of this run; else only the canvases of its sample are wanted.
        canonical: for the features after harmonizers of all patients; None to leave them out.
        compared: places whose pictures are compared by thumbnails.
        limit: most patients on whom harmonizers are measured; None for all.
    """

    block: Block
    own: bool
    canonical: Canonical | None
    compared: frozenset[int]
    limit: int | None


@dataclass(slots=True)
class MeasuredBlock:
    """What a block gave.

    Attributes:
        number: of the block.
        places: of its cases in the site's list.
        own: whether it was measured.
        sums: over its patients.
        patients: those patients themselves, by identifier.
        waiting: those of the sample.
        failures: files that could not be used.
        readings: what reading each case gave.
        pictures: what each picture is compared by, with its place in the site's list.
        digests: SHA-256 of each case, in the order of the block.
    """

    number: int
    places: tuple[int, ...]
    own: bool
    sums: SiteAccumulator
    patients: dict[str, Patient] = field(default_factory=dict)
    waiting: list[WaitingPatient] = field(default_factory=list)
    failures: list[Unreadable] = field(default_factory=list)
    readings: list[CaseReading] = field(default_factory=list)
    pictures: list[tuple[int, PictureMark]] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)


def measure_block(
    run: BlockRun, extractor: Extractor, device: str, on_case: Callable[[], None] = lambda: None
) -> MeasuredBlock:
    """Decode and measure the cases of a block, once.

    Args:
        run: what to do.
        extractor: on `device`.
        device: "cpu" or "cuda".
        on_case: called after every case.
    """
    block = run.block
    out = MeasuredBlock(block.number, block.places, run.own, SiteAccumulator(sample=HarmonizedSample(run.limit)))
    canvases: dict[str, list[np.ndarray]] = {}

    def readable() -> Iterator[PreparedCase]:
        for place, case in zip(block.places, block.cases, strict=True):
            try:
                prepared = prepare(case)
            except Unreadable as problem:
                out.failures.append(problem)
            else:
                kept = canvases.setdefault(case.patient, [])
                if block.marks and sum(map(len, kept)) < SLICES:
                    kept.append(luminance(prepared))
                out.pictures.append((place, PictureMark.of(prepared.canvases, thumbnail=place in run.compared)))
                if prepared.reading is not None:
                    out.readings.append(prepared.reading)
                yield prepared
            out.digests.append(case_digest(case))
            if run.own:
                on_case()

    if run.own:
        measured = measure_cases(readable(), extractor, device, run.canonical)
        people = groupby(measured, key=lambda item: item.attributes.patient)
        out.patients = {patient: average_of([*cases]) for patient, cases in people}
        out.sums.add_all([*out.patients.values()])
    else:
        for _ in readable():
            pass
    for patient, mark in block.marks.items():
        known = out.patients.get(patient)
        area, label = (None, None) if known is None else (size_of(known), known.label)
        out.waiting.append(WaitingPatient(mark, tuple(canvases.get(patient, ())), area, label, run.own))
    return out


def harmonize(
    waiting: Sequence[WaitingPatient], canonical: Canonical | None, extractor: Extractor, device: str
) -> list[SampledPatient]:
    """What harmonizers leave of the features of these patients, each the mean of the cases. Where nothing could be
    read, of a patient or for a map, the mark stands alone."""
    cases = [case for patient in waiting for case in patient.canvases]
    if canonical is None or not cases:
        return [SampledPatient(patient.mark) for patient in waiting]
    rows = iter(harmonized_cases(cases, canonical, extractor, device))
    out = []
    for patient in waiting:
        own = [next(rows) for _ in patient.canvases]
        out.append(SampledPatient(patient.mark, mean_by_key(own), patient.area, patient.label))
    return out
