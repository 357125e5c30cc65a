"""The cases that a template finds in a folder."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from shiftscope.errors import Unsettled
from shiftscope.printable_text import on_one_line
from shiftscope.sites.dicom_tree import dicom_cases, is_dicom
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import SPLITS
from shiftscope.sites.listings.file_paths import FilePaths, below, folder_of, in_order, name_of, opening_of, texts_of
from shiftscope.sites.listings.folder_listings import walk
from shiftscope.sites.site import Case
from shiftscope.sites.templates.folder_matching import Match, TemplateInFolder
from shiftscope.sites.templates.mask_pairing import TemplateImage, pair_masks
from shiftscope.sites.templates.template import Template
from shiftscope.sites.templates.template_names import month_of

__all__ = ["cases_of", "layout_of"]


def layout_of(image: Template, mask: Template | None) -> str:
    """The name of the layout that these templates describe."""
    if "class" in image.fields:
        return "split-classes" if "split" in image.fields else "classes"
    return "images" if mask is None else "images+masks"


def cases_of(
    root: Path, image: Template, mask: Template | None = None, files: Sequence[str] | None = None
) -> FoundCases:
    """Read a folder by templates.

    A file that fits the template of masks is a mask, whatever else it fits. Files of one image that differ in nothing
    but `*` are a DICOM series. Files that fit neither template are counted in a note.

    Args:
        root: what templates are relative to.
        image: of images.
        mask: of masks; several masks of an image are all its masks.
        files: those to look at; default: every file below the root that ought to be an image.

    Raises:
        InputError: the templates have no field in common.
        Unsettled: several files are one image and are no DICOM series, a mask fits several images, or a name fits in
            too many ways.
    """
    found = FoundCases(layout_of(image, mask), template=image.text, mask_template=mask.text if mask else None)
    found.named_patients = "patient" in image.fields
    paths = list(walk(root)) if files is None else files
    images: dict[tuple[str, ...], TemplateImage] = {}
    ambiguous: list[tuple[str, str, str]] = []
    for here, folders in _folder_by_folder(root, paths):
        as_image = TemplateInFolder(image, folders)
        as_mask = None if mask is None else TemplateInFolder(mask, folders)
        if as_mask is not None and as_mask.fits_none:
            as_mask = None
        for path in () if as_image.fits_none else here:
            name = name_of(path)
            if as_mask is not None and next(as_mask.matches(name), None):
                continue
            matches = as_image.matches(name)
            match = next(matches, None)
            if match is None:
                continue
            if other := _another(match, matches):
                ambiguous.append((path, *other))
            _file_under(images, match, path)
    if mask is not None:
        pair_masks(images, image, mask, _folder_by_folder(root, paths), found)
    _add(images.values(), root, found, image)
    _note_ambiguous(ambiguous, found)
    return found


def _folder_by_folder(root: Path, paths: Iterable[str]) -> Iterator[tuple[list[str], list[str]]]:
    """The paths of each folder, and the folder's own below the root, name by name."""
    opening = opening_of(root)
    for _, inside in groupby(paths, folder_of):
        here = list(inside)
        yield here, below(here[0], opening).split("/")[:-1]


def _file_under(images: dict[tuple[str, ...], TemplateImage], match: Match, path: str) -> None:
    """Give a file to the image that it is of."""
    key = _key(match)
    one = images.get(key)
    if one is None:
        one = images[key] = TemplateImage(match.name, match.values, match.deep, [path])
    else:
        one.files.append(path)
    if "channel" in match.order:
        one.channels = one.channels or {}
        one.channels.setdefault(match.fields["channel"], []).append(path)


def _key(match: Match) -> tuple[str, ...]:
    """What one image is known by."""
    if "case" not in match.order:
        return (match.name,)
    if "channel" not in match.order:
        return match.values + match.deep
    kept = (text for name, text in zip(match.order, match.values, strict=True) if name != "channel")
    return (*kept, *match.deep)


def _another(match: Match, others: Iterable[Match]) -> tuple[str, str] | None:
    """The field whose text another way of fitting changes, with both texts; None where all agree."""
    for other in others:
        for name, text, its in zip(match.order, match.values, other.values, strict=True):
            if its != text:
                return (f"{{{name}}}", f"{text} or {its}")
    return None


def _add(images: Collection[TemplateImage], root: Path, found: FoundCases, template: Template) -> None:
    """The cases of all images; DICOM files are grouped by their headers, all at once, and then by what they fit."""
    owners: dict[str, TemplateImage] = {}
    for each in images:
        name = each.name
        if each.channels is not None:
            by_channel = each.channels.items()
            found.channels[name] = {channel: _series(files, template, root) for channel, files in by_channel}
            found.cases.append(_case(name, next(iter(found.channels[name].values())), each, template))
            continue
        files = sorted(each.files, key=in_order) if len(each.files) > 1 else each.files
        if is_dicom(files[0]):
            owners.update(dict.fromkeys(files, each))
        else:
            found.cases.append(_case(name, _series(files, template, root), each, template))
    parts: dict[str, list[tuple[Case, list[str]]]] = defaultdict(list)
    for case in dicom_cases(root, owners, found.leave_out, found.note):
        by_name: dict[str, list[str]] = defaultdict(list)
        for path in texts_of(case.images):
            by_name[owners[path].name].append(path)
        for name, files in by_name.items():
            parts[name].append((case, files))
    for name, cases in parts.items():
        one = owners[cases[0][1][0]]
        if len(cases) > 1:
            found.note(f"the files of {name} are {len(cases)} series or pictures, and as many cases")
            for path in one.masks or ():  # of which of them it is, nobody knows
                found.leave_out("unsupported", path)
            one.masks = None
        for number, (case, files) in enumerate(cases, start=1):
            called = name if len(cases) == 1 else f"{name}-{number}"
            found.cases.append(_case(called, FilePaths(files), owners[files[0]], template, case))


def _case(name: str, images: FilePaths, image: TemplateImage, template: Template, header: Case | None = None) -> Case:
    """A case with what its names say, and, where they say nothing, what its header does."""
    fields = dict(zip(template.order, image.values, strict=True))
    return Case(
        name,
        images,
        masks=_in_order(image.masks) if image.masks else (),
        label=fields.get("class"),
        patient=fields.get("patient") or (header.patient if header else ""),
        split=SPLITS[fields["split"].lower()] if "split" in fields else None,
        date=month_of(fields["date"]) if "date" in fields else header.date if header else None,
        study=header.study if header else None,
    )


def _series(files: Sequence[str], template: Template, root: Path) -> FilePaths:
    """The files of one image; several only if they are one DICOM series."""
    if len(files) > 1 and not all(map(is_dicom, files)):
        opening = opening_of(root)
        one, other = (on_one_line(below(path, opening)) for path in sorted(files, key=in_order)[:2])
        raise Unsettled(
            f"{root}: by {template.text}, {one} and {other} are one image: they differ in nothing but *, folders'"
            " spelling or suffix, and are no DICOM series; put a field where they differ ({case}, {channel}), or move"
            " one of them away",
            "several files are one image by the template of its layout",
        )
    return _in_order(files)


def _in_order(files: Sequence[str]) -> FilePaths:
    return FilePaths(sorted(files, key=in_order) if len(files) > 1 else files)


def _note_ambiguous(ambiguous: Sequence[tuple[str, str, str]], found: FoundCases) -> None:
    if ambiguous:
        path, name, texts = ambiguous[0]
        found.note(
            f"{len(ambiguous)} names fit {found.template} in several ways, for example {name_of(path)}: {name} could be"
            f" {texts}; the first is taken"
        )
