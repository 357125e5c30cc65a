"""Images by a template, and the masks that find them by the fields that both templates have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shiftscope.errors import InputError, Unsettled
from shiftscope.printable_text import on_one_line, shown
from shiftscope.sites.layouts.found_cases import FoundCases
from shiftscope.sites.listings.file_paths import name_of
from shiftscope.sites.templates.folder_matching import Match, TemplateInFolder
from shiftscope.sites.templates.template import Template

__all__ = ["TemplateImage", "pair_masks", "shared_fields"]


@dataclass(slots=True)
class TemplateImage:
    """One image: what its names say, and the paths of its files and its masks. There are as many as cases.

    Attributes:
        name, values, deep: of the first file's match.
        files: those of a DICOM series, and of all channels, together.
        channels: channel -> its files; None where there are no channels.
        masks: in any order; None where there are none.
    """

    name: str
    values: tuple[str, ...]
    deep: tuple[str, ...]
    files: list[str]
    channels: dict[str, list[str]] | None = None
    masks: list[str] | None = None

    def add_mask(self, path: str) -> None:
        if self.masks is None:
            self.masks = [path]
        else:
            self.masks.append(path)


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


def pair_masks(
    images: dict[tuple[str, ...], TemplateImage],
    image: Template,
    mask: Template,
    paths: Iterable[tuple[list[str], list[str]]],
    found: FoundCases,
) -> None:
    """Give each mask to the image that its fields name; of several ways to read its name the first that names one.

    Args:
        images: by what each is known by: the texts of its fields, and of `**`; masks are added to them.
        image, mask: the templates.
        paths: of each folder, and the folder's own below the root, name by name.
        found: where masks without an image are left out.
    """
    try:
        shared = shared_fields(image, mask)
    except ValueError as problem:
        raise InputError(str(problem)) from None
    depth = min(sum(not name for name in image.names), sum(not name for name in mask.names))
    named = tuple(name for name in image.order if name in shared)
    of_image, of_mask = ([template.order.index(name) for name in named] for template in (image, mask))
    several: dict[tuple[str, ...], list[TemplateImage]] = {}
    if "case" in named and named == image.order and () not in image.names:
        index = images  # what an image is known by is what its masks find it by
    else:
        index, several = _addressed(images.values(), of_image, depth)
    first: tuple[str, Match] | None = None
    paired = False
    for here, folders in paths:
        as_mask = TemplateInFolder(mask, folders)
        for path in () if as_mask.fits_none else here:
            owner = match = None
            place: tuple[str, ...] = ()
            for match in as_mask.matches(name_of(path)):
                first = first or (path, match)
                if owner is None:
                    place = _address(match.values, of_mask, match.deep, depth)
                    owner = index.get(place)
            if match is None:
                continue
            if owner is not None and place in several:
                one, other = (name_of(each.files[0]) for each in several[place][:2])
                raise Unsettled(
                    f"{on_one_line(path)} fits {mask.text} and is a mask of {len(several[place])} images,"
                    f" {on_one_line(one)} and {on_one_line(other)} among"
                    f" them; give the template of masks another field of {image.text}",
                    "a mask fits several images by the templates of its layout",
                )
            if owner is None:
                found.leave_out("mask_without_image", path)
            else:
                owner.add_mask(path)
                paired = True
    if images and first is not None and not paired:
        path, match = first
        its = dict(zip(image.order, next(iter(images.values())).values, strict=True))
        said = " and ".join(f"{{{name}}} is {shown(match.fields[name])}" for name in shared)
        raise Unsettled(
            f"no mask that fits {mask.text} finds an image by {image.text}: of {on_one_line(path)} {said}, and of"
            f" the first image {', '.join(shown(its[name]) for name in shared)};"
            " fields, and the last folders that **/ stands for, must be alike in both",
            "no mask finds an image by the templates of its layout",
        )


def _addressed(
    images: Iterable[TemplateImage], places: Sequence[int], depth: int
) -> tuple[dict[tuple[str, ...], TemplateImage], dict[tuple[str, ...], list[TemplateImage]]]:
    """The first image of each address, and all images of those that several have."""
    index: dict[tuple[str, ...], TemplateImage] = {}
    several: dict[tuple[str, ...], list[TemplateImage]] = {}
    for each in images:
        place = _address(each.values, places, each.deep, depth)
        if (known := index.setdefault(place, each)) is not each:
            several.setdefault(place, [known]).append(each)
    return index, several


def _address(values: Sequence[str], places: Sequence[int], deep: tuple[str, ...], depth: int) -> tuple[str, ...]:
    """By what an image and its masks find one another: the fields at these places, and the last folders of `**`."""
    return (*[values[place] for place in places], *deep[len(deep) - depth :])
