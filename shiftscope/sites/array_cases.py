"""Arrays that are in memory already, as a site: for data that lie in no folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.errors import InputError
from shiftscope.images import Image, LabelMap
from shiftscope.option_values import as_flag, as_list, as_number
from shiftscope.records import check_name
from shiftscope.sites.declarations import Declarations
from shiftscope.sites.site import ONE_FILE, Case, Site

__all__ = ["site_of_arrays"]

_COLOURS = 3
_FULL = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
"""What is full white in pixels of integers."""


def site_of_arrays(
    images: Iterable[np.ndarray],
    *,
    name: str,
    masks: Iterable[np.ndarray | None] | None = None,
    classes: Iterable[str | None] | None = None,
    patients: Iterable[object] | None = None,
    class_names: Iterable[str] | None = None,
    one_image_per_patient: bool = False,
    spacing_mm: Iterable[float] | None = None,
) -> Site:
    """A site of arrays. It can be profiled and checked; training reads files.

    Args:
        images: pictures (y, x) or (y, x, 3), volumes (z, y, x) or (z, y, x, 3); whatever has three as its last side is
            colour, and one as its last side is grey. Floating point from 0, black, to 1, white, as a model sees them;
            or uint8 or uint16. This and the following lists go by position, whatever index they have.
        name: what the federation calls the site.
        masks: for each image labels on its grid, (y, x) or (z, y, x), 0 for background; None where it has none.
        classes: for each image the name of its class, None where it has none. The names leave the site, so those that
            may be anybody's are refused unless they are among `class_names`.
        class_names: names of classes that may leave the site.
        patients: for each image an identifier of its patient. It stays here.
        one_image_per_patient: each image is another patient's; said instead of `patients`.
        spacing_mm: of the voxels of all images, (z, y, x); of a picture z does not count.

    Raises:
        InputError: no image, lists of different length, arrays of another shape or range, or a name that is none.
    """
    arrays = as_list("images", images)
    if not arrays:
        raise InputError("images: expected one array or more, got none")
    drawings = _one_each("masks", masks, len(arrays))
    labels = [_class(label) for label in _one_each("classes", classes, len(arrays))]
    people = [_patient(given) for given in _one_each("patients", patients, len(arrays))]
    if patients is not None and as_flag("one_image_per_patient", one_image_per_patient):
        raise InputError("patients and one_image_per_patient: expected one of them")
    if patients is not None and None in people:
        raise InputError(f"patients: none for image {people.index(None)}; expected an identifier for each image")
    names = tuple(sorted({label for label in labels if label is not None}))
    _require_name(name)
    spacing = _spacing(spacing_mm)
    digits = len(str(len(arrays) - 1))
    cases = []
    for index, (array, drawing, label, person) in enumerate(zip(arrays, drawings, labels, people, strict=True)):
        called = f"image {index:0{digits}d}"
        image = _image(_plain(array, called), called, spacing)
        drawn = None if drawing is None else _labels(_plain(drawing, called), image, called)
        path = Path(called)
        cases.append(
            Case(
                name=called,
                images=(path,),
                masks=() if drawn is None else (path,),
                label=label,
                patient=called if person is None else person,
                held=(image, drawn),
            )
        )
    source = "manifest" if patients is not None else ONE_FILE if one_image_per_patient else "file"
    return Site(
        name=name,
        root=Path(name),
        layout="images+masks" if any(case.masks for case in cases) else "classes" if names else "images",
        cases=tuple(cases),
        patient_source=source,
        classes=names,
        excluded={},
        declared=Declarations(
            classes=None if class_names is None else tuple(map(_require_name, as_list("class_names", class_names))),
            one_file_per_patient=True if source == ONE_FILE else None,
        ),
    )


def _one_each(what: str, given: Iterable[Any] | None, count: int) -> list[Any]:
    """The items of a list that has one for each image; None for each where there is no list."""
    items = [None] * count if given is None else as_list(what, given)
    if len(items) != count:
        raise InputError(f"{what}: {len(items)} for {count} images; expected one for each")
    return items


def _require_name(text: object) -> str:
    if not isinstance(text, str):
        raise InputError(f"{text!r}: expected a name, as text")
    try:
        return check_name(text)
    except ValueError as problem:
        raise InputError(f"{text!r}: {problem}") from None


def _class(label: object) -> str | None:
    return None if label is None or label != label else _require_name(label)  # not a number is no class


def _patient(given: object) -> str | None:
    """An identifier as text: 1 and 1.0 are one person; nothing, not a number and blanks are none."""
    if given is None or given != given:
        return None
    whole = isinstance(given, float | np.floating) and float(given).is_integer()
    return str(int(given) if whole else given).strip() or None  # type: ignore[call-overload]


def _spacing(given: Iterable[float] | None) -> tuple[float, float, float] | None:
    if given is None:
        return None
    steps = [as_number("spacing_mm", step, 1e-6, 1e6) for step in as_list("spacing_mm", given)]
    if len(steps) != 3:
        raise InputError(f"spacing_mm: {len(steps)} numbers; expected three, along z, y and x")
    return steps[0], steps[1], steps[2]


def _plain(array: object, called: str) -> np.ndarray:
    """As numpy has it, in this machine's byte order."""
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(f"{called}: is a masked array; say with array.filled(value) what lies under its mask")
    try:
        found = np.asarray(array)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise InputError(f"{called}: is no array: {problem}") from None
    return found.astype(found.dtype.newbyteorder("="), copy=False)


def _shaped(array: np.ndarray, called: str) -> tuple[np.ndarray, bool]:
    """(y, x), (z, y, x) or the same with three colours, and whether there are colours."""
    expected = "expected (y, x) or (z, y, x), with 3 colours last where there is colour"
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise InputError(f"{called}: shape {array.shape}; {expected}")
    last = array.shape[-1]
    if array.ndim > 2 and last == 1:
        return array[..., 0], False
    if array.ndim > 2 and last in (2, 4):
        raise InputError(f"{called}: shape {array.shape}: {last} channels; {expected}: leave transparency out")
    if array.ndim == 3 and array.shape[0] == _COLOURS and last != _COLOURS:
        raise InputError(
            f"{called}: shape {array.shape} can be three colours or three slices; give colours last, as"
            " np.moveaxis(array, 0, -1) does, or a volume of three slices as array[..., None]"
        )
    if array.ndim == 4 and last != _COLOURS:
        raise InputError(f"{called}: shape {array.shape}; {expected}")
    return array, array.ndim > 2 and last == _COLOURS


def _image(array: np.ndarray, called: str, spacing_mm: tuple[float, float, float] | None) -> Image:
    array, colour = _shaped(array, called)
    if array.dtype in _FULL:
        pixels = array.astype(np.float32) / np.float32(_FULL[array.dtype])
    elif array.dtype.kind == "f":
        pixels = array.astype(np.float32)
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise InputError(
                f"{called}: values from {pixels.min():g} to {pixels.max():g}; expected 0, black, to 1, white: scale"
                " them to what a model sees, all images of a site alike"
            )
    else:
        raise InputError(f"{called}: dtype {array.dtype}; expected floating point from 0 to 1, uint8 or uint16")
    if pixels.ndim - colour == 2:
        pixels = pixels[None]
    if colour and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all():
        pixels = pixels[..., 0]
    return Image(pixels, (0.0, 1.0), spacing_mm, span=(float(pixels.min()), float(pixels.max())))


def _labels(array: np.ndarray, image: Image, called: str) -> LabelMap:
    labels = array[None] if array.ndim == 2 else array
    if labels.shape != image.pixels.shape[:3]:
        raise InputError(
            f"{called}: its mask has the shape {array.shape}, the image {image.pixels.shape[:3]} (z, y, x)"
        )
    if labels.dtype.kind not in "biu" or labels.min() < 0 or labels.max() > np.iinfo(np.uint16).max:
        raise InputError(
            f"{called}: its mask holds {labels.dtype}; expected labels, whole numbers from 0 to 65535: mask > 0 is one"
        )
    return LabelMap(labels.astype(np.uint8 if labels.max() <= np.iinfo(np.uint8).max else np.uint16))
