"""`read_site`: a folder or a manifest as a site."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.errors import InputError, Unsettled
from shiftscope.printable_text import on_one_line, shown
from shiftscope.records import check_name
from shiftscope.sites.declarations import NOTHING_SAID, SITE_FILE, Declarations, read_declarations
from shiftscope.sites.layouts.channels import choose_channel
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.known_layouts import find_cases
from shiftscope.sites.layouts.nearest import checked_templates, note_masks_among_images, note_what_is_left
from shiftscope.sites.layouts.nothing_found import all_left_out, nearest, nothing_found
from shiftscope.sites.listings.file_paths import below, opening_of
from shiftscope.sites.listings.folder_listings import listed_once, missing_in, walk
from shiftscope.sites.missing_files import MissingFile, leave_out_missing
from shiftscope.sites.people.identifiers import odd_identifiers
from shiftscope.sites.people.patients_of_cases import assign_patients
from shiftscope.sites.people.shared_patients import patterns_that_part, suspicion
from shiftscope.sites.site import Case, Site
from shiftscope.sites.tables.class_spellings import as_one_class
from shiftscope.sites.tables.manifests import read_manifest
from shiftscope.sites.tables.owners_table import join_table
from shiftscope.sites.tables.tables_beside import manifest_in, unread_tables
from shiftscope.sites.templates.mask_pairing import shared_fields
from shiftscope.sites.templates.template import Template
from shiftscope.sites.templates.template_cases import cases_of

__all__ = ["read_site"]


def read_site(
    path: Path,
    *,
    name: str | None = None,
    given: Declarations = NOTHING_SAID,
    known: Declarations = NOTHING_SAID,
    site_file: Path | None = None,
) -> Site:
    """List the cases of a site without decoding a pixel.

    What the owner says comes from three places, the first of which wins: `given`, the site file, `known`.

    Args:
        path: a folder in one of the known layouts, a folder that holds manifest.csv or manifest.tsv, or a manifest.
        name: what the federation calls the site; default: the folder's name (the manifest's folder's name).
        given: what was said with options.
        known: what a plan or a baseline says of the site.
        site_file: read instead of the `site.toml` beside the images.

    Raises:
        InputError: no case is found, the manifest or the site file cannot be used, the pattern for patients misses a
            case, or identifiers contradict the owner.
    """
    if not path.exists():
        raise InputError(f"{path}: no such folder or manifest")
    try:
        with listed_once():
            return _listed(path, name, given, known, site_file)
    except OSError as problem:
        raise InputError(f"{problem.filename or path}: cannot be listed: {problem.strerror}") from None


def _listed(path: Path, name: str | None, given: Declarations, known: Declarations, site_file: Path | None) -> Site:
    manifest = path if path.is_file() else manifest_in(path)
    if manifest is not None and manifest.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(
            f"{path}: expected a folder, or a manifest that ends in .csv or .tsv; save workbooks as CSV UTF-8"
        )
    root = manifest.parent if manifest else path
    declared = given.over(_written(root, site_file).over(known))
    found = read_manifest(manifest, declared.classes) if manifest else _below(root, declared)
    if manifest is not None:
        _require_layout(manifest, declared, found)
    if found.named_patients and declared.template is None and declared.one_file_per_patient:
        found.cases = [
            replace(case, patient="") for case in found.cases
        ]  # what the owner states wins over a convention
    join_table(found, root, declared)
    site_name = name or root.resolve().name
    listed = manifest is not None or declared.patient_column is not None
    cases, source, odd = assign_patients(found.cases, declared, listed)
    if source == "dicom" and found.named_patients:
        source = "regex"
    for case in cases:
        if not case.patient:
            found.leave_out("no_patient", case.images[0])
    cases = [case for case in cases if case.patient]
    if not cases:
        raise all_left_out(root, found) if found.excluded else nothing_found(root, ())
    if declared.classes is None and declared.template is None and source == "dicom" and _of_one_patient(cases):
        cases = [replace(case, label=None) for case in cases]
        found.note("each folder holds one DICOM patient: folders are taken for patients, and for no classes")
    if declared.classes == () or _are_patients(cases):
        cases = [replace(case, label=None) for case in cases]
    cases, written = as_one_class(cases, declared.classes or ())
    classes = tuple(sorted({case.label for case in cases if case.label is not None}))
    _require_names(root, site_name, classes)
    of_patients = _of_patients(cases, source, (site_name, root.resolve().name))
    return Site(
        name=site_name,
        root=root,
        layout=found.layout,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
        patient_source=source,
        classes=classes,
        excluded={reason: tuple(sorted(paths)) for reason, paths in sorted(found.excluded.items())},
        declared=declared,
        notes=(*of_patients, *odd, *written, *found.notes, *unread_tables(root, manifest, declared.labels)),
        template=found.template,
        mask_template=found.mask_template,
    )


def _below(root: Path, declared: Declarations) -> FoundCases:
    """What lies in a folder, by the owner's templates, or by what is recognised; and what is lost there."""
    files, lost = list(walk(root)), list(missing_in(root))
    found = _found(root, declared, files, lost)
    note_what_is_left(found, root, files)
    found.note_choices()
    note_masks_among_images(found)
    choose_channel(found, declared.channel)
    leave_out_missing(found, lost)
    return found


def _found(root: Path, declared: Declarations, files: Sequence[str], lost: Sequence[MissingFile]) -> FoundCases:
    template = declared.template
    if template is None and declared.mask is not None:
        probable = find_cases(root, declared.classes or ())
        example = probable.template if probable else None
        near = f", such as --layout '{example}', which is what is recognised" if example else ""
        raise InputError(f"{root}: a template of masks (--mask) goes with one of images; give --layout too{near}")
    if template is not None:
        return _by_template(root, template, declared.mask, files)
    found = find_cases(root, declared.classes or ())
    if found is None:
        raise nothing_found(root, lost)
    _require_layout(root, declared, found)
    checked_templates(found, root, files)
    return found


def _require_layout(path: Path, declared: Declarations, found: FoundCases) -> None:
    """See that what was found is what the owner declared."""
    if found.layout == "manifest" and (declared.template or declared.mask):
        raise InputError(
            f"{path}: the table lists the cases, and a template ({declared.template or declared.mask}) says how they"
            " lie; give one of them: leave --layout and --mask (in site.toml, layout and mask) out, or move the table"
            " away"
        )
    if declared.layout not in (None, found.layout):
        raise Unsettled(
            f"{path}: its layout is declared as {declared.layout}, and what lies there now has the layout"
            f" {found.layout}; move away what does not belong, or correct `layout`"
            f"{nearest(path) if path.is_dir() else ''}",
            f"its layout is declared as {declared.layout} and is {found.layout}",
        )


def _by_template(root: Path, text: str, mask_text: str | None, files: Sequence[str]) -> FoundCases:
    image, mask = Template.of(text), None if mask_text is None else Template.of(mask_text)
    if mask is not None:
        try:
            shared_fields(image, mask)
        except ValueError as problem:
            raise InputError(f"{root}: {problem}") from None
    found = cases_of(root, image, mask, files)
    if not found.cases and not found.excluded:
        first = on_one_line(below(files[0], opening_of(root))) if files else ""
        said = f", and the first file, {first}, does not fit" if first else ""
        raise Unsettled(
            f"{root}: no image fits the template {text}{said}{nearest(root, text)}",
            "no image fits the template of its layout",
        )
    return found


def _of_patients(cases: Sequence[Case], source: str, called: Sequence[str]) -> list[str]:
    """What is odd about who is a patient, where nobody vouches for it."""
    if source not in ("dicom", "manifest"):
        return []
    why = suspicion(cases, called) if len({case.patient for case in cases}) == len(cases) > 1 else None
    return odd_identifiers(cases, patterns_that_part(cases), why)


def _written(root: Path, site_file: Path | None) -> Declarations:
    if site_file is None and not (root / SITE_FILE).is_file():
        return NOTHING_SAID
    return read_declarations(site_file or root / SITE_FILE)


def _are_patients(cases: Sequence[Case]) -> bool:
    """Whether what was taken for classes are the patients themselves: a folder, or a cell, for each of them."""
    return all(case.label == case.patient for case in cases)


def _of_one_patient(cases: Sequence[Case]) -> bool:
    """Whether what was taken for classes parts the patients one by one."""
    pairs = {(case.label, case.patient) for case in cases}
    labels = {label for label, _ in pairs} - {None}
    return len(pairs) == len(labels) == len({patient for _, patient in pairs}) > 1


def _require_names(root: Path, site: str, classes: Sequence[str]) -> None:
    """What leaves the site as a name can be one in a profile."""
    for what, text, remedy in (
        ("the site's name", site, "give another one with --site"),
        *(("the class", label, "rename it") for label in classes),
    ):
        try:
            check_name(text)
        except ValueError as problem:
            raise InputError(f"{root}: {what} is {shown(text)}: {problem}; {remedy}") from None
