"""`read_site`: a folder or a manifest as a site."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.errors import REASONS, InputError, TableError
from shiftscope.parsing import shown
from shiftscope.records import check_name
from shiftscope.sites.class_spellings import as_one_class
from shiftscope.sites.declarations import NOTHING_SAID, SITE_FILE, Declarations, read_declarations
from shiftscope.sites.identifiers import odd_identifiers
from shiftscope.sites.layouts import LAYOUTS, Found, find_cases
from shiftscope.sites.lost import Lost, lost_in, sentences
from shiftscope.sites.manifests import read_manifest
from shiftscope.sites.patients import assign_patients
from shiftscope.sites.rows import Table, read_rows
from shiftscope.sites.shared_patients import patterns_that_part, suspicion
from shiftscope.sites.site import Case, Site
from shiftscope.sites.spellings import folders_of
from shiftscope.sites.tables import join_table

__all__ = ["read_site"]

_MANIFESTS = ("manifest.csv", "manifest.tsv")
_TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".ods")


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
        return _listed(path, name, given, known, site_file)
    except OSError as problem:
        raise InputError(f"{problem.filename or path}: cannot be listed: {problem.strerror}") from None


def _listed(path: Path, name: str | None, given: Declarations, known: Declarations, site_file: Path | None) -> Site:
    manifest = path if path.is_file() else _manifest_in(path)
    if manifest is not None and manifest.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(
            f"{path}: expected a folder, or a manifest that ends in .csv or .tsv; save workbooks as CSV UTF-8"
        )
    root = manifest.parent if manifest else path
    declared = given.over(_written(root, site_file).over(known))
    lost = [] if manifest else list(lost_in(root))
    found = read_manifest(manifest, declared.classes) if manifest else find_cases(root)
    if found is None:
        raise InputError(_nothing(root, lost))
    if declared.layout not in (None, found.layout):
        raise InputError(
            f"{root}: its layout is declared as {declared.layout}, and what lies there now has the layout"
            f" {found.layout}; move away what does not belong, or correct `layout`"
        )
    _leave_out_lost(found, lost)
    join_table(found, root, declared)
    site_name = name or root.resolve().name
    listed = manifest is not None or declared.patient_column is not None
    cases, source, odd = assign_patients(found.cases, declared, listed)
    for case in cases:
        if not case.patient:
            found.leave_out("no_patient", case.images[0])
    cases = [case for case in cases if case.patient]
    if not cases:
        raise InputError(_all_left_out(root, found) if found.excluded else _nothing(root, lost))
    if declared.classes == () or _are_patients(cases):
        cases = [replace(case, label=None) for case in cases]
    cases, written = as_one_class(cases, declared.classes or ())
    classes = tuple(sorted({case.label for case in cases if case.label is not None}))
    _require_names(root, site_name, classes)
    return Site(
        name=site_name,
        root=root,
        layout=found.layout,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
        patient_source=source,
        classes=classes,
        excluded={reason: tuple(sorted(paths)) for reason, paths in sorted(found.excluded.items())},
        declared=declared,
        told=(
            *_of_patients(cases, source, (site_name, root.resolve().name)),
            *odd,
            *written,
            *found.told,
            *_unused(root, manifest, declared.labels),
        ),
    )


def _manifest_in(folder: Path) -> Path | None:
    """The manifest of a folder, however its name is written."""
    exact = next((folder / name for name in _MANIFESTS if (folder / name).is_file()), None)
    if exact is not None:
        return exact
    others = (path for path in sorted(folder.iterdir()) if path.name.lower() in _MANIFESTS and path.is_file())
    return next(filter(_lists_images, others), None)


def _lists_images(path: Path) -> bool:
    """Whether a table has a column of images; lists of checksums are called MANIFEST.csv, too."""
    try:
        return "image" in map(Table.key, read_rows(path).columns)
    except TableError:
        return False


def _unused(root: Path, manifest: Path | None, labels: str | None) -> list[str]:
    """Tables that lie beside the images and are not read: somebody may believe that they are."""
    used = {manifest, None if labels is None else Path(labels).absolute()}
    tables = [path for path in sorted(root.iterdir()) if path.suffix.lower() in _TABLES and path.is_file()]
    unused = [path.name for path in tables if used.isdisjoint((path, path.absolute()))]
    if not unused or (manifest is not None and manifest.parent != root):
        return []
    way = (
        "a table of the cases is joined with --labels, or is named manifest.csv; a workbook is saved as CSV UTF-8 first"
    )
    return [f"{', '.join(unused[:3])}{', ...' * (len(unused) > 3)} beside the images: not read; {way}"]


def _leave_out_lost(found: Found, lost: list[Lost]) -> None:
    """Count what is listed and not there, and leave out series that lack such a file, as those with a broken one."""
    folders = {path.parent for path, _ in lost}
    whole = [case for case in found.cases if len(case.images) == 1 or folders.isdisjoint(p.parent for p in case.images)]
    for case in found.cases:
        if len(case.images) > 1 and not folders.isdisjoint(path.parent for path in case.images):
            found.leave_out("missing", case.images[0])
            found.told.append(f"the series {case.name} is left out, for a file of its folder is not there")
    found.cases = whole
    for path, _ in lost:
        found.leave_out("missing", path)
    found.told += sentences(lost)


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


def _require_names(root: Path, site: str, classes: Sequence[str]) -> None:
    """What leaves the site as a name can be one in a profile."""
    for what, text, mend in (
        ("the site's name", site, "give another one with --site"),
        *(("the class", label, "rename it") for label in classes),
    ):
        try:
            check_name(text)
        except ValueError as problem:
            raise InputError(f"{root}: {what} is {shown(text)}: {problem}; {mend}") from None


def _all_left_out(root: Path, found: Found) -> str:
    """What was there although nothing can be used."""
    counts = ", ".join(f"{len(paths)} x {reason} ({REASONS[reason]})" for reason, paths in found.excluded.items())
    first = next(iter(found.excluded.values()))[0]
    return f"{root}: nothing to read: {counts}; the first is {first}"


def _nothing(root: Path, lost: list[Lost]) -> str:
    """Why nothing was found: files that are not there, several sites in one folder, or no known layout."""
    if lost:
        return f"{root}: nothing to read: {'; '.join(sentences(lost))}"
    inner = [folder for folder in folders_of(root) if find_cases(folder) is not None]
    if inner:
        listed = ", ".join(folder.name for folder in inner[:5]) + (", ..." if len(inner) > 5 else "")
        return (
            f"{root}: holds {len(inner)} folders that each look like a site ({listed}). Where they are hospitals, give"
            " one of them; where they are patients, list all their images in a manifest.csv, columns image and patient"
        )
    looked = "; ".join((*LAYOUTS, "manifest.csv or manifest.tsv"))
    return (
        f"{root}: no images found in any known layout (looked for: {looked}); any other becomes one with a"
        " manifest.csv, columns image and, as far as known, mask, label, patient, split, date"
    )
