"""`read_site`: a folder or a manifest as a site."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.errors import REASONS, InputError, Unsettled
from shiftscope.parsing import on_one_line, shown
from shiftscope.records import check_name
from shiftscope.sites.channels import choose_channel
from shiftscope.sites.declarations import NOTHING_SAID, SITE_FILE, Declarations, read_declarations
from shiftscope.sites.found import Found
from shiftscope.sites.layouts import LAYOUTS, find_cases
from shiftscope.sites.manifests import read_manifest
from shiftscope.sites.nearest import (
    checked_templates,
    nearest_templates,
    tell_of_masks_among_images,
    tell_what_is_left,
)
from shiftscope.sites.patients import assign_patients
from shiftscope.sites.site import ONE_FILE, Case, Site
from shiftscope.sites.spellings import folders_of, walk
from shiftscope.sites.template_cases import cases_of, shared_fields
from shiftscope.sites.templates import Template

__all__ = ["read_site"]

_MANIFESTS = ("manifest.csv", "manifest.tsv")


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
    manifest = path if path.is_file() else next((path / each for each in _MANIFESTS if (path / each).is_file()), None)
    if manifest is not None and manifest.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(f"{path}: expected a folder, or a manifest that ends in .csv or .tsv")
    root = manifest.parent if manifest else path
    declared = given.over(_written(root, site_file).over(known))
    files = [] if manifest else list(walk(root))
    found = _found(root, manifest, declared, files)
    if manifest is None:
        tell_what_is_left(found, root, files)
        found.tell_choices()
        tell_of_masks_among_images(found)
    choose_channel(found, declared.channel)
    if found.named_patients and declared.template is None and declared.one_file_per_patient:
        found.cases = [replace(case, patient="") for case in found.cases]  # the owner's word wins over a convention
    site_name = name or root.resolve().name
    cases, source = assign_patients(found.cases, declared)
    for case in cases:
        if not case.patient:
            found.leave_out("no_patient", case.images[0])
    cases = [case for case in cases if case.patient]
    if not cases:
        raise _all_left_out(root, found) if found.excluded else _nothing(root)
    if source not in ("regex", ONE_FILE) and any(case.patient for case in found.cases):
        source = "manifest" if manifest is not None else "regex" if found.named_patients else source
    if declared.classes == () or _are_patients(cases):
        cases = [replace(case, label=None) for case in cases]
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
        told=tuple(found.told),
        template=found.template,
        mask_template=found.mask_template,
    )


def _found(root: Path, manifest: Path | None, declared: Declarations, files: Sequence[Path]) -> Found:
    """What lies there, by the table, by the owner's templates, or by what is recognised.

    Args:
        files: all below the root that ought to be images; () for a table.
    """
    template = declared.template
    if template is None and declared.mask is not None:
        seen = None if manifest else find_cases(root, declared.classes or ())
        near = f", such as --layout '{seen.template}', which is what is seen" if seen and seen.template else ""
        raise InputError(f"{root}: a template of masks (--mask) goes with one of images; give --layout too{near}")
    if template is not None:
        if manifest is not None:
            raise InputError(
                f"{manifest}: the table lists the cases, and a template ({template}) says how they lie; give one of"
                " them: leave --layout (in site.toml, layout) out, or move the table away"
            )
        return _by_template(root, template, declared.mask, files)
    found = read_manifest(manifest) if manifest else find_cases(root, declared.classes or ())
    if found is None:
        raise _nothing(root)
    if declared.layout not in (None, found.layout):
        raise Unsettled(
            f"{root}: its layout is declared as {declared.layout}, and what lies there now has the layout"
            f" {found.layout}; move away what does not belong, or correct `layout`{'' if manifest else _nearest(root)}",
            f"its layout is declared as {declared.layout} and is {found.layout}",
        )
    if manifest is None:
        checked_templates(found, root, files)
    return found


def _by_template(root: Path, text: str, mask_text: str | None, files: Sequence[Path]) -> Found:
    image, mask = Template.of(text), None if mask_text is None else Template.of(mask_text)
    if mask is not None:
        try:
            shared_fields(image, mask)
        except ValueError as problem:
            raise InputError(f"{root}: {problem}") from None
    found = cases_of(root, image, mask, files)
    if not found.cases and not found.excluded:
        first = on_one_line(files[0].relative_to(root).as_posix()) if files else ""
        said = f", and the first file, {first}, does not fit" if first else ""
        raise Unsettled(
            f"{root}: no image fits the template {text}{said}{_nearest(root, text)}",
            "no image fits the template of its layout",
        )
    return found


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


def _all_left_out(root: Path, found: Found) -> Unsettled:
    """What was there although nothing can be used."""
    counts = ", ".join(f"{len(paths)} x {reason} ({REASONS[reason]})" for reason, paths in found.excluded.items())
    first = on_one_line(str(next(iter(found.excluded.values()))[0]))
    return Unsettled(
        f"{root}: nothing to read: {counts}; the first is {first}{_nearest(root, found.template)}",
        f"nothing to read: {counts}",
    )


def _nearest(root: Path, but: str | None = None) -> str:
    near = nearest_templates(root, but)
    return f"\n{near}" if near else ""


def _nothing(root: Path) -> Unsettled:
    """Why nothing was found: several sites in one folder, or no known layout."""
    inner = [folder for folder in folders_of(root) if find_cases(folder) is not None]
    if inner:
        names = [on_one_line(folder.name) for folder in inner[:5]]
        listed = ", ".join(names) + (", ..." if len(inner) > 5 else "")
        return Unsettled(
            f"{root}: holds {len(inner)} folders that each look like a site ({listed}). Where they are hospitals, give"
            " one of them; where they are patients, list all their images in a manifest.csv, columns image and patient,"
            f" or say with --layout which folder is what{_nearest(root)}",
            f"it holds {len(inner)} folders that each look like a site",
        )
    looked = "; ".join((*LAYOUTS, "manifest.csv or manifest.tsv"))
    return Unsettled(
        f"{root}: no images found in any known layout (looked for: {looked}); any other becomes one with a"
        " manifest.csv, columns image and, as far as known, mask, label, patient, split, date, or with a template"
        f" (--layout){_nearest(root)}",
        "no images found in any known layout",
    )
