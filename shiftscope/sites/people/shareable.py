"""What has to be certain before sums over a site's patients may leave it; who is a person, and what a class is called.

Whatever is uncertain is shown at the site only, with the commands that would settle it.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shiftscope.errors import InputError, Unsettled
from shiftscope.sites.layouts.folder_names import are_parts
from shiftscope.sites.people.identifiers import one_for_all
from shiftscope.sites.people.shared_patients import patterns_that_part, suspicion
from shiftscope.sites.publishable_names import unknown_classes
from shiftscope.sites.site import Case, Site
from shiftscope.sites.templates.template import Template

__all__ = ["ask_who_is_who", "require_shareable"]

_LISTED = 3
_OF_ARRAYS = (
    "Give site_of_arrays `patients`, an identifier for each image, or one_image_per_patient=True where each is another"
    " patient's; and `class_names`, the names of classes that may leave the site"
)
_SPELLED_OUT = 12  # names in a command that is to be copied


def require_shareable(site: Site) -> None:
    """See that classes and patients are what they seem.

    Raises:
        Unsettled: a class has a name that may be anybody's, or files may share patients and nothing distinguishes them,
            or one identifier stands for all.
    """
    if unknown := _unknown(site):
        raise Unsettled(_ask_what_is_a_class(site, unknown), f"{len(unknown)} names of classes may be anybody's")
    if site.patient_source == "file" and (why := _suspicion(site, site.cases)) is not None:
        raise ask_who_is_who(site, why)
    if site.patient_source == "dicom" and (why := one_for_all(site.cases)) is not None:
        raise ask_who_is_who(site, why)


def ask_who_is_who(site: Site, why: str) -> Unsettled:
    """The question to the owner of a site whose files may share patients, with the answers that settle it.

    Args:
        why: what suggests it, as the end of a sentence.
    """
    answers = [
        (f"--patient-regex {shlex.quote(pattern)}", f"{patients} patients in {len(site.cases)} files")
        for pattern, patients in patterns_that_part(site.cases).items()
        if any(case.label != re.findall(pattern, case.name)[0] for case in site.cases)
        and not are_parts({re.findall(pattern, case.name)[0] for case in site.cases})
    ]
    answers += [
        (options, f"folders are patients: {patients} of them") for options, patients in _with_patients(site, "**/")
    ]
    answers.append(("--one-file-per-patient", f"each file another patient: {len(site.cases)} patients"))
    question = _asked(
        site,
        f"nothing says who the patients are, and {why}. Sums over files could be sums over one person, so nothing is"
        " written. Say who is a patient, with one of these, a manifest that has a patient column, or --labels with"
        " --patient-column:",
        answers,
    )
    return Unsettled(
        question,
        "nothing says who the patients are, and names, folders, headers or pixels suggest that some share files",
    )


def _unknown(site: Site) -> list[str]:
    """Names of classes that may be anybody's. Where nobody knows who is a patient, so may single digits and letters."""
    declared = site.declared.classes or ()
    if site.patient_source == "file" and len(site.classes) > 1 and all(len(name) == 1 for name in site.classes):
        return [name for name in site.classes if name not in declared]
    return unknown_classes(site.classes, declared)


def _ask_what_is_a_class(site: Site, unknown: Sequence[str]) -> str:
    cases, plain = len(site.cases), [replace(case, label=None) for case in site.cases]
    answers = [
        (f"--patient-regex {shlex.quote(pattern)}", f"folders are patients: {patients} of them, no classes")
        for pattern, patients in patterns_that_part(site.cases).items()
        if all(case.label == re.findall(pattern, case.name)[0] for case in site.cases)
    ]
    answers += [
        (options, f"{'the same' if answers else 'folders are patients'}: {patients} patients, no classes")
        for options, patients in _with_patients(site, "{class}/")
    ]
    answers.append((f"--no-classes{_one_file_each(site, plain)}", f"no classes, whatever they are: {cases} cases"))
    if len(site.classes) <= _SPELLED_OUT and not any("," in name for name in site.classes):
        named = f"--classes {shlex.quote(','.join(site.classes))}{_one_file_each(site, site.cases)}"
        answers.append((named, f"{len(site.classes)} classes of {cases} cases; their names leave"))
    listed = ", ".join(map(repr, unknown[:_LISTED])) + (", ..." if len(unknown) > _LISTED else "")
    one = len(unknown) == 1
    return _asked(
        site,
        f"{len(unknown)} {'name' if one else 'names'} of classes ({listed}) {'is' if one else 'are'} not made of class"
        " words (`shiftscope explain classes` lists them), and names of classes leave the site: they could be"
        " patients'. Nothing is written. One of these settles it:",
        answers,
    )


def _with_patients(site: Site, folder: str) -> Iterator[tuple[str, int]]:
    """The options that make patients of the folders that stand for `folder` in the site's template, and how many."""
    if site.template is None or folder not in site.template or "{patient}" in site.template:
        return
    image = site.template.replace(folder, "{patient}/", 1)
    mask = (site.mask_template or "").replace(folder, "{patient}/", 1)
    try:
        template = Template.of(image)
        matches = [template.match(case.images[0].relative_to(site.root).parts) for case in site.cases]
    except (ValueError, InputError):
        return
    patients = {match.fields["patient"] for match in matches if match is not None}
    if None not in matches and 1 < len(patients) < len(site.cases) and not are_parts(patients):
        masks = f" --mask {shlex.quote(mask)}" if mask else ""
        yield f"--layout {shlex.quote(image)}{masks}", len(patients)


def _one_file_each(site: Site, cases: Sequence[Case]) -> str:
    """The option that these cases need in addition, where patients are not distinguished."""
    open_ = site.patient_source == "file" and _suspicion(site, cases) is not None
    return " --one-file-per-patient" if open_ else ""


def _suspicion(site: Site, cases: Sequence[Case]) -> str | None:
    return suspicion(cases, (site.name, site.root.resolve().name))


def _said(site: Site, answer: str) -> str:
    """The options that the owner gave already, where the answer has none of its own in their place."""
    given = {"--layout": site.declared.template, "--mask": site.declared.mask, "--channel": site.declared.channel}
    if "--layout" in answer:
        del given["--layout"], given["--mask"]
    return "".join(f"{option} {shlex.quote(text)} " for option, text in given.items() if text is not None)


def _asked(site: Site, question: str, answers: Sequence[tuple[str, str]]) -> str:
    if any(case.held is not None for case in site.cases):
        return f"{site.name}: {question.partition('. ')[0]}. Nothing is written. {_OF_ARRAYS}"
    where = shlex.quote(str(site.root))
    answers = [(f"{_said(site, answer)}{answer}", finds) for answer, finds in answers]
    width = max(len(answer) for answer, _ in answers)
    lines = [f"  shiftscope profile {where} {answer:<{width}}  # {finds}" for answer, finds in answers]
    once = "Or write it once into site.toml beside the images: classes, one_file_per_patient, patient_regex, layout."
    return "\n".join([f"{site.root}: {question}", *lines, once])
