"""Identifiers of patients that do not mean what they seem: nobody's, one written in several ways, one a file."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from shiftscope.errors import TableError
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.spellings import is_image_name, stem_of
from shiftscope.sites.site import Case
from shiftscope.sites.tables.cells import EXACT, damage, folded, is_date, is_empty

__all__ = ["nobody_in", "odd_identifiers", "one_for_all", "one_person_each", "require_whole", "without_nobody"]

_NOBODY = frozenset(
    {
        *("anon", "anonym", "anonymous", "anonymized", "anonymised", "anonymize", "anonymisiert", "anonyme", "anonimo"),
        *("deidentified", "de-identified", "pseudonym", "removed", "deleted", "hidden", "masked", "redacted", "blank"),
        *("unknown", "unbekannt", "inconnu", "noname", "no name", "noid", "no id", "not available", "not applicable"),
        *("patient", "patientid", "patient id", "patient^", "test", "dummy", "default"),
    }
)
"""What stands for a patient where an anonymiser or a form has taken the identifier away."""

_ALL_X = {"x", "*", "#", "_", "-", "."}
_FEW_STUDIES = 10
_FEW = 3


def is_nobody(identifier: str, others: Collection[str]) -> bool:
    """Whether an identifier is nobody's: a word that replaces them, one sign again and again, or zeros that are no
    number among others."""
    text = folded(identifier).strip("<>[]() ")
    if is_empty(text) or text in _NOBODY or (len(text) > 1 and set(text) <= _ALL_X):
        return True
    return not text.strip("0") and not any(other.strip("0") and other.isdecimal() for other in others)


def nobody_in(cases: Sequence[Case]) -> dict[str, int]:
    """Identifiers that are nobody's and that several cases share -> in how many cases."""
    counts = Counter(case.patient for case in cases if case.patient)
    return {name: shared for name, shared in counts.items() if shared > 1 and is_nobody(name, counts)}


def without_nobody(cases: Sequence[Case]) -> tuple[list[Case], list[str]]:
    """Take from cases the identifiers that are nobody's.

    Returns:
        The cases, and what was taken, as sentences that stay at the site.
    """
    nobody = nobody_in(cases)
    if not nobody:
        return list(cases), []
    listed = ", ".join(sorted(map(shown, nobody))[:_FEW])
    return [replace(case, patient="") if case.patient in nobody else case for case in cases], [
        f"{sum(nobody.values())} cases name a patient that is nobody ({listed}): they have no identifier"
    ]


def one_person_each(cases: Sequence[Case]) -> tuple[list[Case], list[str]]:
    """Make one of identifiers that differ in case, blanks, Unicode form or the decimals of a number alone.

    Returns:
        The cases, and what was done, with what was left apart although it looks alike.
    """
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for case in cases:
        if case.patient:
            written[folded(case.patient)][case.patient] = None
    notes = []
    several = [list(names) for names in written.values() if len(names) > 1]
    if several:
        notes.append(
            f"{len(several)} patients are written in several ways, for example"
            f" {' and '.join(map(shown, several[0][:2]))}: one patient each"
        )
    padded: dict[str, list[str]] = defaultdict(list)
    for key in written:
        padded[_without_padding(key)].append(key)
    alike = [names for names in padded.values() if len(names) > 1]
    if alike:
        notes.append(
            f"{len(alike)} identifiers of patients differ from another in zeros before a number alone, for example"
            f" {' and '.join(map(shown, sorted(alike[0])[:2]))}: they are counted apart; write them alike where one"
            " person has both"
        )
    names = {name: next(iter(group)) for group in written.values() for name in group}
    return [replace(case, patient=names.get(case.patient, "")) for case in cases], notes


def _without_padding(key: str) -> str:
    """An identifier without the zeros that its numbers begin with."""
    out, before = [], ""
    for at, sign in enumerate(key):
        if sign == "0" and not before.isdecimal() and key[at + 1 : at + 2].isdecimal():
            continue
        out.append(sign)
        before = sign
    return "".join(out)


def require_whole(identifiers: Mapping[str, int], where: str) -> None:
    """See that no spreadsheet has made several identifiers one.

    Args:
        identifiers: each with the line that names it first.
        where: the table and its column, for the message.

    Raises:
        TableError: one looks damaged, or all long ones end in zeros after the fifteenth digit.
    """
    remedy = "export the table anew with that column as text"
    dates = [name for name in identifiers if is_date(name)]
    for name, line in identifiers.items():
        if why := damage(name):
            raise TableError(f"{where}, line {line}: {shown(name)} {why}; {remedy}")
    if dates and 2 * len(dates) <= len(identifiers):  # where most look so, they are codes
        raise TableError(
            f"{where}, line {identifiers[dates[0]]}: {shown(dates[0])} is a date that a spreadsheet may have made of an"
            f" identifier such as 1-2; {remedy}"
        )
    long = [name for name in map(_digits, identifiers) if len(name) > EXACT]
    if len(long) >= _FEW and not any(name[EXACT:].strip("0") for name in long):
        raise TableError(
            f"{where}: {len(long)} numbers of more than {EXACT} digits all end in zeros, for example {long[0]}: a"
            f" spreadsheet keeps {EXACT} digits, and several may have become one; {remedy}"
        )


def _digits(name: str) -> str:
    whole = name.split(".", 1)[0]
    return whole if whole.isdecimal() else ""


def odd_identifiers(cases: Sequence[Case], patterns: Mapping[str, int], why: str | None) -> list[str]:
    """What is doubtful about who is a patient, most suspicious first, as sentences that stay at the site.

    Args:
        cases: with their patients.
        patterns: those for `--patient-regex` that part the files, with how many patients each finds.
        why: what suggests that files share patients, as the end of a sentence.
    """
    people = {case.patient for case in cases}
    shown_patterns = _shown(patterns)
    notes = []
    if len(cases) >= _FEW and len(people) == 1:
        studies = {case.study for case in cases if case.study}
        several = f" of {len(studies)} examinations" if len(studies) > 1 else ""
        notes.append(f"all {len(cases)} cases{several} name one patient{shown_patterns}")
    elif len(cases) >= _FEW and len(people) == len(cases):
        as_files = sum(_is_its_file(case) for case in cases)
        uids = sum(_is_uid(case.patient) for case in cases)
        if why is not None:
            notes.append(f"each case has an identifier of its own, and yet {why}{shown_patterns}")
        if 2 * as_files > len(cases):
            notes.append(f"in {as_files} of {len(cases)} cases the patient is the number or name of the file")
        elif 2 * uids > len(cases):
            notes.append(f"in {uids} of {len(cases)} cases the patient is a UID, as an anonymiser makes one a file")
    return notes


def one_for_all(cases: Sequence[Case]) -> str | None:
    """Why identifiers must be an anonymiser's, as the end of a sentence; None where they may be patients'."""
    if 2 * sum(nobody_in(cases).values()) > len(cases):
        return "most files name a patient that is nobody, as after an anonymiser"
    examinations = {case.study for case in cases if case.study}
    if len({case.patient for case in cases}) == 1 and len(examinations) >= _FEW_STUDIES:
        return f"all {len(examinations)} examinations name one patient, as after an anonymiser"
    return None


def _shown(patterns: Mapping[str, int]) -> str:
    if not patterns:
        return ""
    pattern, patients = next(iter(patterns.items()))
    return f"; --patient-regex '{pattern}' finds {patients} patients in their names"


def _is_its_file(case: Case) -> bool:
    """Whether a patient is a file's number, or its name with suffix; files called after patients are ordinary."""
    if is_image_name(case.patient):
        return folded(stem_of(PurePosixPath(case.patient).name)) == folded(PurePosixPath(case.name).name)
    numbers = _numbers(PurePosixPath(case.name).name)
    return case.patient.isdecimal() and bool(numbers) and int(case.patient) == int(numbers[-1])


def _numbers(text: str) -> list[str]:
    return "".join(sign if sign.isdecimal() else " " for sign in text).split()


def _is_uid(patient: str) -> bool:
    return len(patient) > 20 and patient.count(".") >= 4 and all(part.isdecimal() for part in patient.split("."))
