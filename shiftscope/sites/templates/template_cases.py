"""The cases that a template finds in a folder."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shiftscope.errors import InputError, Unsettled
from shiftscope.printable_text import on_one_line, shown
from shiftscope.sites.dicom_tree import dicom_cases, is_dicom
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.layouts.spellings import SPLITS, walk
from shiftscope.sites.site import Case
from shiftscope.sites.templates.template import Match, Template
from shiftscope.sites.templates.template_names import month_of

__all__ = ["cases_of", "layout_of", "shared_fields"]

_Key = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Image:
    """Files of one image: by channel, "" where there are no channels."""

    match: Match
    files: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    masks: list[Path] = field(default_factory=list)


def layout_of(image: Template, mask: Template | None) -> str:
    """The name of the layout that these templates describe."""
    if "class" in image.fields:
        return "split-classes" if "split" in image.fields else "classes"
    return "images" if mask is None else "images+masks"


def shared_fields(image: Template, mask: Template) -> list[str]:
    """The fields by which a mask finds its image.

    Raises:
        ValueError: there are none, or the mask has one of its own.
    """
    own = sorted(mask.fields - image.fields) or sorted(mask.fields & {"channel"})
    if own:
        raise ValueError(
            f"the template of masks has {{{own[0]}}}, by which no image can be found; put * there, and fields of"
            f" {image.text} elsewhere"
        )
    shared = sorted(mask.fields & image.fields)
    if not shared:
        raise ValueError(f"the template of masks has no field of {image.text}, so no mask finds its image")
    return shared


def cases_of(
    root: Path, image: Template, mask: Template | None = None, files: Iterable[Path] | None = None
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
    images: dict[_Key, _Image] = {}
    masks: list[tuple[Path, list[Match]]] = []
    ambiguous: list[tuple[Path, str, str]] = []
    for path in walk(root) if files is None else files:
        parts = path.relative_to(root).parts
        if mask is not None and (mask_matches := list(mask.matches(parts))):
            masks.append((path, mask_matches))
            continue
        matches = image.matches(parts)
        match = next(matches, None)
        if match is None:
            continue
        if other := _another(match, matches):
            ambiguous.append((path, *other))
        one = images.setdefault(_key(match, image), _Image(match))
        one.files[match.fields.get("channel", "")].append(path)
    if mask is not None:
        _pair(images, masks, image, mask, found)
    _add(images.values(), root, found, image)
    _note_ambiguous(ambiguous, found)
    return found


def _key(match: Match, image: Template) -> _Key:
    """What one image is known by."""
    if "case" not in image.fields:
        return (("", match.name),)
    kept = {name: text for name, text in match.fields.items() if name != "channel"}
    return (*sorted(kept.items()), *(("**", folders) for folders in match.deep))


def _another(match: Match, others: Iterable[Match]) -> tuple[str, str] | None:
    """The field whose text another way of fitting changes, with both texts; None where all agree."""
    for other in others:
        for name, text in match.fields.items():
            if other.fields[name] != text:
                return (f"{{{name}}}", f"{text} or {other.fields[name]}")
    return None


def _pair(
    images: Mapping[_Key, _Image],
    masks: Sequence[tuple[Path, list[Match]]],
    image: Template,
    mask: Template,
    found: FoundCases,
) -> None:
    """Give each mask to the image that its fields name; of several ways to read its name the first that names one."""
    try:
        shared = shared_fields(image, mask)
    except ValueError as problem:
        raise InputError(str(problem)) from None
    depth = min(sum(not name for name in image.names), sum(not name for name in mask.names))
    index: dict[tuple[str, ...], list[_Image]] = defaultdict(list)

    def address(match: Match) -> tuple[str, ...]:
        return (*(match.fields[name] for name in shared), *match.deep[len(match.deep) - depth :])

    for each in images.values():
        index[address(each.match)].append(each)
    if images and masks and not any(address(match) in index for _, mask_matches in masks for match in mask_matches):
        path, mask_matches = masks[0]
        said = " and ".join(f"{{{name}}} is {shown(mask_matches[0].fields[name])}" for name in shared)
        raise Unsettled(
            f"no mask that fits {mask.text} finds an image by {image.text}: of {on_one_line(str(path))} {said}, and of"
            f" the first image {', '.join(shown(next(iter(images.values())).match.fields[name]) for name in shared)};"
            " fields, and the last folders that **/ stands for, must be alike in both",
            "no mask finds an image by the templates of its layout",
        )
    for path, mask_matches in masks:
        owners = next((index[place] for match in mask_matches if (place := address(match)) in index), [])
        if len(owners) > 1:
            one, other = (next(iter(each.files.values()))[0] for each in owners[:2])
            raise Unsettled(
                f"{on_one_line(str(path))} fits {mask.text} and is a mask of {len(owners)} images,"
                f" {on_one_line(one.name)} and {on_one_line(other.name)} among"
                f" them; give the template of masks another field of {image.text}",
                "a mask fits several images by the templates of its layout",
            )
        if owners:
            owners[0].masks.append(path)
        else:
            found.leave_out("mask_without_image", path)


def _add(images: Collection[_Image], root: Path, found: FoundCases, template: Template) -> None:
    """The cases of all images; DICOM files are grouped by their headers, all at once, and then by what they fit."""
    owners: dict[Path, _Image] = {}
    for each in images:
        name = each.match.name
        if "channel" in template.fields:
            found.channels[name] = {channel: _series(files, template, root) for channel, files in each.files.items()}
            found.cases.append(_case(name, next(iter(found.channels[name].values())), each))
            continue
        files = sorted(each.files[""])
        if is_dicom(files[0]):
            owners.update(dict.fromkeys(files, each))
        else:
            found.cases.append(_case(name, _series(files, template, root), each))
    parts: dict[str, list[tuple[Case, list[Path]]]] = defaultdict(list)
    for case in dicom_cases(root, owners, found.leave_out, found.note):
        by_name: dict[str, list[Path]] = defaultdict(list)
        for path in case.images:
            by_name[owners[path].match.name].append(path)
        for name, files in by_name.items():
            parts[name].append((case, files))
    for name, cases in parts.items():
        one = owners[cases[0][1][0]]
        if len(cases) > 1:
            found.note(f"the files of {name} are {len(cases)} series or pictures, and as many cases")
            for path in one.masks:  # of which of them it is, nobody knows
                found.leave_out("unsupported", path)
            one.masks = []
        for number, (case, files) in enumerate(cases, start=1):
            called = name if len(cases) == 1 else f"{name}-{number}"
            found.cases.append(_case(called, tuple(files), owners[files[0]], case))


def _case(name: str, images: tuple[Path, ...], image: _Image, header: Case | None = None) -> Case:
    """A case with what its names say, and, where they say nothing, what its header does."""
    fields = image.match.fields
    return Case(
        name,
        images,
        masks=tuple(sorted(image.masks)),
        label=fields.get("class"),
        patient=fields.get("patient") or (header.patient if header else ""),
        split=SPLITS[fields["split"].lower()] if "split" in fields else None,
        date=month_of(fields["date"]) if "date" in fields else header.date if header else None,
        study=header.study if header else None,
    )


def _series(files: Sequence[Path], template: Template, root: Path) -> tuple[Path, ...]:
    """The files of one image; several only if they are one DICOM series."""
    if len(files) > 1 and not all(map(is_dicom, files)):
        one, other = (on_one_line(path.relative_to(root).as_posix()) for path in sorted(files)[:2])
        raise Unsettled(
            f"{root}: by {template.text}, {one} and {other} are one image: they differ in nothing but *, folders'"
            " spelling or suffix, and are no DICOM series; put a field where they differ ({case}, {channel}), or move"
            " one of them away",
            "several files are one image by the template of its layout",
        )
    return tuple(sorted(files))


def _note_ambiguous(ambiguous: Sequence[tuple[Path, str, str]], found: FoundCases) -> None:
    if ambiguous:
        path, name, texts = ambiguous[0]
        found.note(
            f"{len(ambiguous)} names fit {found.template} in several ways, for example {path.name}: {name} could be"
            f" {texts}; the first is taken"
        )
