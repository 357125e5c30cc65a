"""One site, measured: the stage behind `shiftscope profile`."""

from collections import Counter
from dataclasses import replace

from shiftscope.errors import InputError, Unreadable
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.parts.part_files import Part
from shiftscope.profiles.patients.case_batches import Fit
from shiftscope.profiles.patients.near_duplicates import ExactCopies, NearDuplicates
from shiftscope.profiles.patients.patient_stream import Options, patients_of
from shiftscope.profiles.patients.prepared_cases import PreparedCase
from shiftscope.profiles.profile_document import Profile
from shiftscope.profiles.site_accumulator import SiteAccumulator
from shiftscope.progress import Report, silent
from shiftscope.records import MOST_CLASSES
from shiftscope.sites import Site, SiteReading, ask_who_is_who, require_shareable

__all__ = ["part_of_site", "profile_site"]


def profile_site(
    site: Site,
    extractor: Extractor,
    options: Options,
    report: Report = silent,
    first: Part | None = None,
    epsilon: float | None = None,
    reading: SiteReading | None = None,
) -> tuple[Profile, list[Unreadable]]:
    """Measure every case of `site`.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        report: called after every case.
        first: a part of the same site whose canonical map is used; None to fit one here.
        epsilon: for a profile under differential privacy, see `privacy`.
        reading: filled with what reading the cases gave, which stays at the site.

    Returns:
        The profile, and the files that could not be used, which stays at the site.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
        InputError: not one case could be read, or it is not certain who is a patient or what is a class.
    """
    part, failures = part_of_site(site, extractor, options, report, first, reading=reading)
    if not part.tally.cases:
        why = f"; the first: {failures[0]}" if failures else ""
        raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read{why}")
    return part.profile(epsilon), failures


def part_of_site(
    site: Site,
    extractor: Extractor,
    options: Options,
    report: Report = silent,
    first: Part | None = None,
    key: Key | None = None,
    reading: SiteReading | None = None,
) -> tuple[Part, list[Unreadable]]:
    """As `profile_site`, up to the export rules; a part of which no case can be read is empty.

    Args:
        key: marks the patients, for a part that is kept to be merged.
    """
    require_shareable(site)
    if len(site.classes) > MOST_CLASSES:
        raise InputError(
            f"{site.root}: holds {len(site.classes)} classes, and a profile holds {MOST_CLASSES} at the most; join"
            " those that are one to a radiologist, or say --no-classes"
        )
    failures = [Unreadable(path, reason) for reason, paths in site.excluded.items() for path in paths]
    if first is not None:
        options = replace(options, seed=first.origin.seed)
    fit = Fit(None if first is None else first.canonical)
    accumulator = SiteAccumulator()
    alike = NearDuplicates() if site.patient_source == "file" else ExactCopies()
    reading = reading if reading is not None else SiteReading(site)

    def gather(case: PreparedCase) -> None:
        alike.add(case.attributes.name, case.attributes.patient, case.canvases)
        if case.reading is not None:
            reading.add(case.reading)

    for patient in patients_of(site, extractor, options, failures, report, fit, gather):
        accumulator.add(patient)
    for failure in failures:
        reading.fail(failure.reason)
    if (why := alike.suspicion()) is not None:
        raise ask_who_is_who(site, why) if site.patient_source == "file" else InputError(_copies(site, why))
    if isinstance(alike, ExactCopies) and (copies := alike.copies_text()) is not None:
        reading.add_note(copies)
    failures.sort(key=lambda failure: str(failure.path))
    excluded = Counter(failure.reason for failure in failures)
    return Part.of(Origin.of(site, options.seed, extractor, excluded, key), fit.canonical, accumulator), failures


def _copies(site: Site, why: str) -> str:
    return (
        f"{site.root}: {why}: one person under several identifiers, or copies. Leave one of each, or correct how"
        " patients are identified (--patient-regex, the manifest's patient column, PatientID)"
    )
