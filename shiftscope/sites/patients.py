"""Whose images these are: from DICOM, the manifest, a pattern on names, or nothing better than the file."""

import re
from collections.abc import Sequence
from dataclasses import replace

from shiftscope.errors import InputError, Unreadable, UsageError
from shiftscope.sites.dicom_tree import is_dicom
from shiftscope.sites.site import Case

__all__ = ["assign_patients"]


def assign_patients(cases: Sequence[Case], patient_regex: str | None) -> tuple[list[Case], str]:
    """Give every case its patient.

    A pattern wins over what the data say. Otherwise a case keeps the patient that a manifest or DICOM gave it; DICOM
    files in any other layout are asked for their PatientID. A case without one is its own patient, and when more than
    half of the cases are such, the source is "file".

    Returns:
        The cases, and the source: "dicom", "manifest", "regex" or "file". "manifest" is told by the caller.

    Raises:
        UsageError: the pattern is not a regular expression.
        InputError: the pattern does not match some case.
    """
    if patient_regex is not None:
        return _by_pattern(cases, patient_regex), "regex"
    known = [replace(case, patient=case.patient or _dicom_patient(case)) for case in cases]
    missing = sum(not case.patient for case in known)
    whole = [case if case.patient else replace(case, patient=case.name) for case in known]
    return whole, "file" if 2 * missing > len(known) else "dicom"


def _by_pattern(cases: Sequence[Case], patient_regex: str) -> list[Case]:
    try:
        pattern = re.compile(patient_regex)
    except re.error as problem:
        raise UsageError(f"--patient-regex {patient_regex!r} is not a regular expression: {problem}") from None
    found: list[Case] = []
    unmatched: list[str] = []
    for case in cases:
        match = pattern.search(case.name)
        patient = (match[1] if pattern.groups else match[0]) if match else None
        if patient:
            found.append(replace(case, patient=patient))
        else:
            unmatched.append(case.name)
    if unmatched:
        raise InputError(
            f"--patient-regex {patient_regex!r} finds no patient in {len(unmatched)} of {len(cases)} names, first"
            f" {unmatched[0]!r}; mend the pattern (its first group is the patient) or move those files away"
        )
    return found


def _dicom_patient(case: Case) -> str:
    if not is_dicom(case.images[0]):
        return ""
    from shiftscope.images.dicom_headers import read_header

    try:
        return read_header(case.images[0]).patient or ""
    except Unreadable:
        return ""
