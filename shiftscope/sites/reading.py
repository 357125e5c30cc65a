"""`read_site`: a folder or a manifest as a site."""

from collections.abc import Sequence
from pathlib import Path

from shiftscope.errors import REASONS, InputError
from shiftscope.parsing import shown
from shiftscope.records import check_name
from shiftscope.sites.layouts import LAYOUTS, Found, find_cases
from shiftscope.sites.manifests import read_manifest
from shiftscope.sites.patients import assign_patients
from shiftscope.sites.site import Site
from shiftscope.sites.spellings import folders_of

__all__ = ["read_site"]

_MANIFESTS = ("manifest.csv", "manifest.tsv")


def read_site(path: Path, *, name: str | None = None, patient_regex: str | None = None) -> Site:
    """List the cases of a site without decoding a pixel.

    Args:
        path: a folder in one of the known layouts, a folder that holds manifest.csv or manifest.tsv, or a manifest.
        name: what the federation calls the site; default: the folder's name (the manifest's folder's name).
        patient_regex: pattern searched in each case's name; its first group, or the whole match, is the patient.

    Raises:
        InputError: no case is found, the manifest cannot be used, or the pattern misses a case.
        UsageError: the pattern is not a regular expression.
    """
    if not path.exists():
        raise InputError(f"{path}: no such folder or manifest")
    try:
        return _listed(path, name, patient_regex)
    except OSError as problem:
        raise InputError(f"{problem.filename or path}: cannot be listed: {problem.strerror}") from None


def _listed(path: Path, name: str | None, patient_regex: str | None) -> Site:
    manifest = path if path.is_file() else next((path / each for each in _MANIFESTS if (path / each).is_file()), None)
    if manifest is not None and manifest.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(f"{path}: expected a folder, or a manifest that ends in .csv or .tsv")
    root = manifest.parent if manifest else path
    found = read_manifest(manifest) if manifest else find_cases(root)
    if found is None:
        raise InputError(_nothing(root))
    site_name = name or root.resolve().name
    classes = tuple(sorted({case.label for case in found.cases if case.label is not None}))
    _require_names(root, site_name, classes)
    told = manifest is not None and any(case.patient for case in found.cases) and patient_regex is None
    cases, source = assign_patients(found.cases, patient_regex)
    if not cases:
        raise InputError(_all_left_out(root, found) if found.excluded else _nothing(root))
    return Site(
        name=site_name,
        root=root,
        layout=found.layout,
        cases=tuple(sorted(cases, key=lambda case: case.name)),
        patient_source="manifest" if told else source,
        classes=classes,
        excluded={reason: tuple(sorted(paths)) for reason, paths in sorted(found.excluded.items())},
    )


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


def _nothing(root: Path) -> str:
    """Why nothing was found: several sites in one folder, or no known layout."""
    inner = [folder for folder in folders_of(root) if find_cases(folder) is not None]
    if inner:
        listed = ", ".join(folder.name for folder in inner[:5]) + (", ..." if len(inner) > 5 else "")
        return f"{root}: holds {len(inner)} folders that each look like a site ({listed}); give one of them"
    looked = "; ".join((*LAYOUTS, "manifest.csv or manifest.tsv"))
    return f"{root}: no images found in any known layout (looked for: {looked})"
