"""Patients one by one, measured in this process: for calibration and benchmarks, which look at each."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from shiftscope.errors import Unreadable
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.patients.case_batches import measure_cases
from shiftscope.profiles.patients.patient_averages import Patient, average_of
from shiftscope.profiles.patients.prepared_cases import PreparedCase
from shiftscope.profiles.profile_options import SAMPLE, Options
from shiftscope.profiles.site_blocks.block_measuring import BlockRun, WaitingPatient, measure_block
from shiftscope.profiles.site_blocks.block_order import CANVASES, SiteBlocks
from shiftscope.profiles.site_blocks.canonical_fits import fit_canonical
from shiftscope.sites import Site, refuse_too_many

__all__ = ["patients_as_they_are", "patients_of"]


def patients_of(
    site: Site,
    extractor: Extractor,
    options: Options,
    failures: list[Unreadable],
    on_patient: Callable[[str], None] = lambda _: None,
) -> Iterator[Patient]:
    """Measure the patients of `site`, all of them after each harmonizer, in the order of their marks.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how; processes and sample are not looked at.
        failures: grows by every file that cannot be used.
        on_patient: called with the identifier of each patient before it comes.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
    """
    blocks = SiteBlocks.of(site, None, SAMPLE)
    none = frozenset[int]()
    waiting: list[WaitingPatient] = []
    for block in blocks:
        if block.marks:
            waiting += measure_block(BlockRun(block, False, None, none, None), extractor, options.device).waiting
    canonical = fit_canonical(waiting, options.seed, options.device)
    for block in blocks:
        measured = measure_block(BlockRun(block, True, canonical, none, None), extractor, options.device)
        failures += measured.failures
        refuse_too_many(failures, options.max_failures)
        for name, patient in measured.patients.items():
            on_patient(name)
            yield patient


def patients_as_they_are(cases: Iterable[PreparedCase], extractor: Extractor, device: str = "cpu") -> Iterator[Patient]:
    """Patients from cases in order of patient, without the features after harmonizers: no map has to be fitted, so
    that every patient is measured independently of the others. For calibration."""
    people = (list(found) for _, found in groupby(cases, key=lambda case: case.attributes.patient))
    for several in _together(people):
        measured = measure_cases(several, extractor, device)
        for _, found in groupby(measured, key=lambda item: item.attributes.patient):
            yield average_of([*found])


def _together(people: Iterable[list[PreparedCase]]) -> Iterator[list[PreparedCase]]:
    """The cases of whole patients, until they hold as many canvases as a block."""
    held: list[PreparedCase] = []
    for cases in people:
        held += cases
        if sum(len(case.canvases) for case in held) >= CANVASES:
            yield held
            held = []
    if held:
        yield held
