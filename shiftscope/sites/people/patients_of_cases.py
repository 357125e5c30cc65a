"""Whose images these are: from DICOM, a manifest, a pattern on names, the owner's statement, or the file alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from shiftscope.errors import InputError, TableError, Unreadable
from shiftscope.printable_text import shown
from shiftscope.sites.declarations import Declarations
from shiftscope.sites.dicom_tree import is_dicom
from shiftscope.sites.listings.file_paths import texts_of
from shiftscope.sites.people.identifiers import one_person_each, without_nobody
from shiftscope.sites.people.patterns import compiled, within_seconds
from shiftscope.sites.site import ONE_FILE, Case

__all__ = ["assign_patients"]


def assign_patients(cases: Sequence[Case], declared: Declarations, listed: bool) -> tuple[list[Case], str, list[str]]:
    """Give every case its patient.

    A pattern wins over what the data say. Otherwise a case keeps the patient that a table or DICOM gave it; DICOM files
    in any other layout are asked for their PatientID. What only stands for an identifier ("ANONYMOUS") is none. Where
    more than half of the cases have none, nobody knows: the source is "file", and a case without one is its own
    patient; elsewhere it is nobody's, "". Where the owner says that each file is another patient's, it is, unless
    identifiers say otherwise; one identifier for all is none.

    Args:
        listed: whether the patients that cases have come from a manifest or the owner's table.

    Returns:
        The cases, the source ("dicom", "manifest", "regex", "one_file_per_patient" or "file"), and what was odd about
        identifiers, as sentences that stay at the site.

    Raises:
        InputError: the pattern does not match some case or takes too long, identifiers contradict the owner or one
            another, or a table's identifiers are mostly nobody's.
    """
    if declared.patient_regex is not None:
        return _by_pattern(cases, declared.patient_regex), "regex", []
    listed = listed and any(case.patient for case in cases)
    known = list(cases) if listed else [case if case.patient else _as_its_header_says(case) for case in cases]
    identified, nobody = without_nobody(known)
    if declared.one_file_per_patient:
        _require_one_patient_an_examination(identified)
        _require_no_contradiction(identified)
        return [replace(case, patient=case.name) for case in known], ONE_FILE, []
    if nobody and 2 * sum(not case.patient for case in identified) <= len(identified):
        known = identified  # else the site's owner is asked, for they may be one person's after all
    elif nobody and listed:
        raise TableError(f"the table's column of patients: {nobody[0]}; leave the column out, or fill it")
    else:
        nobody = []
    known, notes = one_person_each(known)
    _require_one_patient_an_examination(known)
    if listed:
        return known, "manifest", [*nobody, *notes]
    if 2 * sum(not case.patient for case in known) <= len(known):
        return known, "dicom", [*nobody, *notes]
    return [case if case.patient else replace(case, patient=case.name) for case in known], "file", notes


def _require_no_contradiction(cases: Sequence[Case]) -> None:
    counts = Counter(case.patient for case in cases if case.patient)
    most = counts.most_common(1)
    if len(counts) > 1 and most[0][1] > 1:
        raise InputError(
            f"one file per patient is said, but {counts.total()} files name {len(counts)} patients, one of them in"
            f" {most[0][1]} files; leave --one-file-per-patient (in site.toml, one_file_per_patient) out, and the"
            " identifiers are used"
        )


def _by_pattern(cases: Sequence[Case], patient_regex: str) -> list[Case]:
    pattern = compiled(patient_regex)
    found: list[Case] = []
    unmatched: list[str] = []
    with within_seconds(patient_regex):
        matches = [pattern.search(case.name) for case in cases]
    for case, match in zip(cases, matches, strict=True):
        patient = (match[1] if pattern.groups else match[0]) if match else None
        if patient:
            found.append(replace(case, patient=patient))
        else:
            unmatched.append(case.name)
    if unmatched:
        raise InputError(
            f"the pattern for patients, {shown(patient_regex)}, finds no patient in {len(unmatched)} of {len(cases)}"
            f" names, first {shown(unmatched[0])}; correct the pattern (its first group is the patient) or move those"
            " files away"
        )
    return found


def _as_its_header_says(case: Case) -> Case:
    if not is_dicom(texts_of(case.images)[0]):
        return case
    from shiftscope.images.dicom.headers import read_header

    try:
        header = read_header(case.images[0])
    except Unreadable:
        return case
    return replace(case, patient=header.patient or "", study=header.study)


def _require_one_patient_an_examination(cases: Sequence[Case]) -> None:
    patients: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.study and case.patient:
            patients[case.study].add(case.patient)
    several = [found for found in patients.values() if len(found) > 1]
    if several:
        raise InputError(
            f"{len(several)} examinations (StudyInstanceUID) name several patients (PatientID), for example"
            f" {', '.join(sorted(several[0])[:2])}: whoever anonymised the files numbered them. Give them one"
            " identifier a patient again, or say with --patient-regex how names identify patients"
        )
